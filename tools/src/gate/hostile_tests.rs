//! The hostile cases: what real bypasses of real gates looked like. Run when the list is there.

use std::path::PathBuf;

use codex_task_config::{PermissionMode, RuleBehavior};
use serde::Deserialize;

use super::Decision;
use super::testing::Bench;

/// Cases of our own: what was found, or tried in vain, when looking for holes beside the known ones.
const OWN: &str = include_str!("../../tests/data/own_hostile_cases.jsonl");

#[derive(Deserialize)]
pub(super) struct Case {
    pub(super) id: String,
    pub(super) layer: String,
    allow: Vec<String>,
    pub(super) call: String,
    pub(super) expect: String,
}

fn parsed(text: &str) -> Vec<Case> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The list, where it is there.
pub(super) fn known() -> Option<Vec<Case>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/hostile_cases.jsonl");
    Some(parsed(&std::fs::read_to_string(path).ok()?))
}

impl Case {
    fn bench(&self) -> Bench {
        let rules: Vec<(RuleBehavior, &str)> =
            self.allow.iter().map(|rule| (RuleBehavior::Allow, rule.as_str())).collect();
        Bench::new(PermissionMode::Default, &rules)
    }
}

/// Judges all cases of the layer; those that are allowed although their rule is no rule for everything and that have a
/// payload also run, and no marker may appear.
fn check(cases: &[Case]) {
    let mut wrong = Vec::new();
    let mut count = 0;
    for case in cases.iter().filter(|case| case.layer == "matcher") {
        count += 1;
        let bench = case.bench();
        let verdict = bench.bash(&case.call);
        let reported =
            bench.rights.problems().iter().any(|problem| problem.message.contains("equals unrestricted"));
        let got = verdict.decision().as_str();
        if !(got == case.expect || (case.expect == "lint" && reported)) {
            let reason = &verdict.ruling.reason;
            wrong.push(format!("{}: {got}, not {}: {} ({reason})", case.id, case.expect, case.call));
        }
        let has_payload = ["$M", "MARK", "evil"].iter().any(|payload| case.call.contains(payload));
        let runs = verdict.decision() == Decision::Allow && !reported && has_payload;
        if runs && leaves_a_mark(&bench, &case.call) {
            wrong.push(format!("{}: ran its payload: {}", case.id, case.call));
        }
    }
    assert!(count > 0, "the list has no matcher cases");
    assert!(wrong.is_empty(), "{} of {count} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// Runs a command in the bench's workspace, with nothing of our environment but the path.
fn leaves_a_mark(bench: &Bench, command: &str) -> bool {
    let mark = bench.root().with_file_name("MARK");
    let status = std::process::Command::new("timeout")
        .args(["20", "bash", "-c", command])
        .current_dir(bench.root())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", bench.root())
        .env("M", &mark)
        .stdin(std::process::Stdio::null())
        .output();
    assert!(status.is_ok(), "Bash cannot be run");
    mark.exists()
}

#[test]
fn hostile_commands_get_the_written_verdict_and_none_is_wrongly_allowed() {
    if let Some(cases) = known() {
        check(&cases);
    }
}

#[test]
fn what_an_attacker_finds_beside_them_is_not_allowed_either() {
    check(&parsed(OWN));
}

#[test]
fn a_planted_bare_repository_keeps_git_from_running_without_a_question() {
    let bench = Bench::new(PermissionMode::Default, &[(RuleBehavior::Allow, "Bash(git:*)")]);
    assert_eq!(bench.bash("git status").decision(), Decision::Allow);
    for (file, content) in [
        ("HEAD", "ref: refs/heads/main"),
        ("objects/x", ""),
        ("refs/x", ""),
        ("config", "[core]\nfsmonitor = touch MARK"),
    ] {
        bench.file(file, content);
    }
    assert_eq!(bench.bash("git status").decision(), Decision::Ask);
    assert_eq!(bench.bash("git log -p").decision(), Decision::Ask);
    bench.file(".git/HEAD", "");
    assert_eq!(bench.bash("git status").decision(), Decision::Ask, "the bare one comes first");
}
