//! Payloads hung on allowed commands, with real Bash as the witness.

use codex_task_config::{PermissionMode, RuleBehavior, SandboxMode, ToolSelection};
use proptest::prelude::*;

use super::Decision;
use super::testing::Bench;
use crate::{Containment, SandboxStatus, Toolbox, builtin_tools};

const ALLOW: RuleBehavior = RuleBehavior::Allow;

/// Commands that the rules of the property allow, each harmless.
const ALLOWED: &[&str] = &[
    "echo a",
    "git status",
    "printf x",
    "true",
    "ls",
    "cat f",
    "sort f",
    "timeout 5 echo a",
    "sed -n 1p f",
    "find . -name f",
    "nice -n 5 ls",
    "env A=b echo",
    "tar cf /dev/null f",
];

/// What may stand around the payload: balanced quotes make it a harmless word, the others only look so.
const QUOTES: &[(&str, &str)] = &[
    ("", ""),
    ("'", "'"),
    ("\"", "\""),
    ("\\'", "'"),
    ("'\\''", "'"),
    ("\"'", "'\""),
    ("#", ""),
    ("\\", ""),
    ("'", "\""),
    ("\\\"", "\\\""),
    ("'\"'", "'\"'"),
    ("\"\\\"", "\""),
    ("$'", "'"),
    ("$\"", "\""),
    ("''", "''"),
    ("\\\\'", "'"),
    ("\"#", "\""),
    ("\t", "\\"),
];

/// Ways to hang a payload on a command; the last is the one of any greater number.
const WAYS: usize = 52;

/// The way that quotes the payload: a control.
const QUOTED: usize = 33;

/// Ways to hang a payload on a command.
fn smuggled(command: &str, payload: &str, way: usize) -> String {
    match way {
        0 => format!("{command}; {payload}"),
        1 => format!("{command} && {payload}"),
        2 => format!("{command} || {payload}"),
        3 => format!("{command} | {payload}"),
        4 => format!("{command} & {payload}"),
        5 => format!("{command}\n{payload}"),
        6 => format!("{command} $({payload})"),
        7 => format!("{command} `{payload}`"),
        8 => format!("{command} \"$({payload})\""),
        9 => format!("{command} <({payload})"),
        10 => format!("{command} \"${{x:=$({payload})}}\""),
        11 => format!("f() {{ {payload}; }}; {command}; f"),
        12 => format!("{command} <<E\n$({payload})\nE"),
        13 => format!("{command} # x\n{payload}"),
        14 => format!("{command}\r\n{payload}"),
        15 => format!("({payload}); {command}"),
        16 => format!("if {command}; then {payload}; fi"),
        17 => format!("{command} $((a[$({payload})]))"),
        18 => format!("! {command}; {payload}"),
        19 => format!("{command} \\\n; {payload}"),
        20 => format!("eval '{payload}' ; {command}"),
        21 => format!("{command} |& {payload}"),
        22 => format!("env {payload}; {command}"),
        23 => format!("xargs {payload}; {command}"),
        24 => format!("timeout 5 {payload} && {command}"),
        25 => format!("{command} {{a,$({payload})}}"),
        26 => format!("{command} $'a\\';{payload};'"),
        27 => format!("{command} <<<\"$({payload})\""),
        28 => format!("trap '{payload}' EXIT; {command}"),
        29 => format!("X='{payload}' {command} $X"),
        30 => format!("{command} >/dev/null;{payload}"),
        31 => format!("{command} 2>&1 |{payload}"),
        32 => format!("{command} \\\\\n{payload}"),
        QUOTED => format!("{command} '\n{payload}\n'"),
        34 => format!("command -p {payload}; {command}"),
        35 => format!("nice -n 5 timeout 5 {payload}"),
        36 => format!("env A=b {payload}"),
        37 => format!("echo x | xargs -I{{}} {payload}"),
        38 => format!("{command} | while read x; do {payload}; done"),
        39 => format!("cd . && {payload}"),
        40 => format!("find . -maxdepth 0 -exec {payload} \\;"),
        41 => format!("find . -maxdepth 0 -ok{{dir,}} {payload} \\;"),
        42 => format!("sed '1e {payload}' f"),
        43 => format!("sed 's/.*/{payload}/e' f"),
        44 => format!("sort --compress-program='{payload}' -S1 f"),
        45 => format!("tar cf /dev/null f --checkpoint=1 --checkpoint-action='exec={payload}'"),
        46 => format!("git -c alias.x='!{payload}' x"),
        47 => format!("git ls-remote --upload-pa='{payload};' ."),
        48 => format!("printf -v 'a[$({payload})]' x"),
        49 => format!("{command} [$({payload})]"),
        50 => format!("coproc {payload}; {command}"),
        _ => format!("{{ {payload}; {command}; }}"),
    }
}

/// Rules under which every command of [`ALLOWED`] runs, with wildcards that a payload may try to hide behind.
const RULES: &[&str] = &[
    "echo:*",
    "git status:*",
    "printf:*",
    "true:*",
    "ls:*",
    "cat:*",
    "sort:*",
    "timeout:*",
    "env:*",
    "xargs:*",
    "find:*",
    "sed:*",
    "tar:*",
    "git:*",
    "nice:*",
    "cd:*",
];

/// A workspace with these rules and one file.
fn permissive() -> Bench {
    let rules: Vec<String> = RULES.iter().map(|rule| format!("Bash({rule})")).collect();
    let rules: Vec<(RuleBehavior, &str)> = rules.iter().map(|rule| (ALLOW, rule.as_str())).collect();
    let bench = Bench::new(PermissionMode::Default, &rules);
    bench.file("f", "x\n");
    bench
}

/// Runs a line in real Bash, held by nothing.
fn run_freely(bench: &Bench, line: &str) {
    let output = std::process::Command::new("bash")
        .args(["-c", line])
        .current_dir(bench.root())
        .stdin(std::process::Stdio::null())
        .output();
    assert!(output.is_ok(), "Bash cannot be run");
}

/// Runs a line by the tool that agents have, as the verdict says: free, in the sandbox or not at all.
fn run_as_judged(bench: &Bench, line: &str) {
    let rights = bench.rights.clone().contained(Containment::working(SandboxMode::WorkspaceWrite));
    let toolbox = Toolbox::new(builtin_tools());
    let resolved = toolbox.resolve(&ToolSelection::Inherit, &[], &rights, bench.session.clone());
    let tools = resolved.unwrap().tool_set;
    let arguments = serde_json::json!({ "command": line, "timeout": 20_000 }).to_string();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(tools.call("Bash", &arguments));
}

proptest! {
    /// Whatever a payload is hung on and however it is quoted: when the verdict is "allow", running the command in real
    /// Bash does not run the payload. `PROPTEST_CASES` says how many are tried.
    #[test]
    fn an_allowed_command_never_runs_a_payload(
        command in prop::sample::select(ALLOWED),
        way in 0_usize..WAYS,
        quotes in prop::sample::select(QUOTES),
        outer in prop::option::of((0_usize..WAYS, prop::sample::select(ALLOWED))),
    ) {
        let bench = permissive();
        let (before, after) = quotes;
        let mut line = smuggled(&format!("{command} {before}"), &format!("touch MARK{after}"), way);
        if let Some((way, command)) = outer {
            line = smuggled(command, &line, way);
        }
        if bench.bash(&line).decision() == Decision::Allow {
            run_freely(&bench, &line);
            prop_assert!(!bench.root().join("MARK").exists(), "ran: {line:?}");
        }
    }

    /// A command that ends in an unguarded payload is never allowed, with or without Bash at hand.
    #[test]
    fn a_bare_payload_is_never_allowed(command in prop::sample::select(ALLOWED), way in (0_usize..WAYS).prop_filter("quoted, so harmless", |way| *way != QUOTED)) {
        let bench = Bench::new(PermissionMode::Default, &[(ALLOW, "Bash(echo:*)"), (ALLOW, "Bash(git:*)")]);
        let line = smuggled(command, "touch MARK", way);
        prop_assert_ne!(bench.bash(&line).decision(), Decision::Allow, "{}", line);
    }
}

#[test]
fn the_witness_of_the_sandbox_sees_what_is_written_inside() {
    if SandboxStatus::of_this_system().is_working() {
        let bench = permissive();
        let mark = bench.root().with_file_name("MARK");
        run_as_judged(&bench, &format!("touch inside; for f in a; do touch {}; done", mark.display()));
        assert!(bench.root().join("inside").exists() && !mark.exists());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases / 4, ..ProptestConfig::default() })]

    /// Whatever a payload is hung on, and whether the parser understands it or not: with the sandbox that agents have, it
    /// leaves no mark outside of the workspace.
    #[test]
    fn in_the_sandbox_no_payload_leaves_a_mark_outside(
        command in prop::sample::select(ALLOWED),
        way in 0_usize..WAYS,
        quotes in prop::sample::select(QUOTES),
        outer in prop::option::of((0_usize..WAYS, prop::sample::select(ALLOWED))),
    ) {
        if !SandboxStatus::of_this_system().is_working() {
            return Ok(());
        }
        let bench = permissive();
        let (before, after) = quotes;
        let mark = bench.root().with_file_name("MARK");
        let mut line = smuggled(&format!("{command} {before}"), &format!("touch {}{after}", mark.display()), way);
        if let Some((way, command)) = outer {
            line = smuggled(command, &line, way);
        }
        run_as_judged(&bench, &line);
        prop_assert!(!mark.exists(), "left a mark: {line:?}");
    }
}
