//! What a verdict costs: everyday and hostile commands judged by eighteen rules, beside a rule that allows the whole
//! tool, in the same run.
#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a benchmark prints, and stops at the first fault"
)]

use std::time::Duration;

use codex_task_benches::{Percentiles, head, is_smoke_run, row};
use codex_task_config::{
    Environment, PermissionMode, PermissionPolicy, PermissionRule, RuleBehavior, RuleOrigin, RuleScope,
    ToolName,
};
use codex_task_tools::{Access, GateCall, Rights, Session, judge};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Times that each command is judged.
const ROUNDS: usize = 500;
/// The goals for one verdict.
const MEDIAN_MAX: Duration = Duration::from_micros(50);
const P99_MAX: Duration = Duration::from_millis(1);

/// Rules as they stand in a settings file of someone who has worked with agents for a while.
const ALLOW: &[&str] = &[
    "git:*",
    "npm run test:*",
    "npm test",
    "cargo test:*",
    "cargo build:*",
    "cargo clippy:*",
    "rg:*",
    "find:*",
    "sed:*",
    "sort:*",
    "make:*",
    "tar:*",
    "curl https://example.com/*",
    "python -m pytest:*",
    "rm build/*",
];
const DENY: &[&str] = &["git push:*", "curl:*", "sudo:*"];

/// Commands as agents write them, and as attackers do.
const COMMANDS: &[&str] = &[
    "git status",
    "git status && git diff --stat",
    "git log --oneline -20 -- src",
    "cargo test -p x 2>&1 | tail -5",
    "npm run test -- --watch=false",
    "rg -n 'foo|bar' src",
    "find . -name '*.rs' -type f",
    "sed -n '1,20p' f",
    "ls -la && cat f | head -20",
    "NODE_ENV=test timeout 30 npm test",
    "git commit -m \"a; b && c\"",
    "cd src && ls",
    "git -c core.pager=./x log",
    "echo $(touch x)",
    "find . -exec touch x \\;",
    "git push --force",
    "for f in *; do rm $f; done",
    "tar cf /dev/null f --checkpoint=1 --checkpoint-action=exec='touch x'",
];

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let workspace = folder.path().canonicalize().expect("a path");
    for directory in ["src", "build", ".git"] {
        std::fs::create_dir(workspace.join(directory)).expect("a folder");
    }
    std::fs::write(workspace.join("f"), "x\n").expect("a file");
    let own = Environment::from_process().expect("a working directory");
    let path = own.get("PATH").unwrap_or_default();
    let environment = Environment::new(&workspace, [("HOME", "/nowhere"), ("PATH", path)]);
    let session =
        Session::open(&workspace, &[], environment, CancellationToken::new()).expect("a session opens");
    let rounds = if is_smoke_run() { 20 } else { ROUNDS };
    head("one verdict on a Bash command", &["", "median us", "p99 us", "max us"]);
    let floor = measure(&session, &rights(&["*"], &[], &session), rounds);
    show("the whole tool allowed", &floor);
    let ours = measure(&session, &rights(ALLOW, DENY, &session), rounds);
    show("18 rules", &ours);
    let is_met = ours.at(50) < MEDIAN_MAX && ours.at(99) < P99_MAX;
    let verdict = if is_met { "met" } else { "MISSED" };
    println!(
        "\ngoal: median below {} us, p99 below {} us: {verdict}",
        MEDIAN_MAX.as_micros(),
        P99_MAX.as_micros()
    );
}

fn rights(allow: &[&str], deny: &[&str], session: &Session) -> Rights {
    let origin = RuleOrigin { scope: RuleScope::User, path: None, position: None };
    let rule = |text: &&str, behavior| {
        PermissionRule::parse(&format!("Bash({text})"), behavior, origin.clone()).expect("a rule")
    };
    let allow = allow.iter().map(|text| rule(text, RuleBehavior::Allow));
    let deny = deny.iter().map(|text| rule(text, RuleBehavior::Deny));
    let policy = PermissionPolicy { rules: allow.chain(deny).collect(), ..PermissionPolicy::default() };
    Rights::session(&policy, PermissionMode::Default, &session.workspace, None)
}

/// The first round warms up and does not count.
fn measure(session: &Session, rights: &Rights, rounds: usize) -> Percentiles {
    let tool = ToolName::new("Bash");
    let calls: Vec<Access> =
        COMMANDS.iter().map(|command| Access::Execute { command: (*command).to_owned() }).collect();
    let mut samples = Vec::with_capacity(rounds * calls.len());
    for round in 0..=rounds {
        for access in &calls {
            let began = Instant::now();
            let verdict = judge(&GateCall { tool: &tool, access, session }, rights);
            let elapsed = began.elapsed();
            std::hint::black_box(verdict);
            if round > 0 {
                samples.push(elapsed);
            }
        }
    }
    Percentiles::of(samples)
}

fn show(what: &str, samples: &Percentiles) {
    let us = |percent| format!("{:.1}", samples.at(percent).as_secs_f64() * 1e6);
    row(&[what.to_owned(), us(50), us(99), us(100)]);
}
