//! The hostile cases: what real bypasses of real gates looked like. Run when the list is there.

use std::path::{Path, PathBuf};

use codex_task_config::{PermissionMode, RuleBehavior};
use serde::Deserialize;

use super::testing::Bench;
use super::{Decision, Verdict};

#[derive(Deserialize)]
struct Case {
    id: String,
    layer: String,
    allow: Vec<String>,
    call: String,
    expect: String,
}

fn cases() -> Option<Vec<Case>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/hostile_cases.jsonl");
    let text = std::fs::read_to_string(path).ok()?;
    Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

#[test]
fn hostile_commands_get_the_written_verdict_and_none_is_wrongly_allowed() {
    let Some(cases) = cases() else { return };
    let mut wrong = Vec::new();
    let mut count = 0;
    for case in cases.iter().filter(|case| case.layer == "matcher") {
        count += 1;
        let rules: Vec<(RuleBehavior, &str)> =
            case.allow.iter().map(|rule| (RuleBehavior::Allow, rule.as_str())).collect();
        let bench = Bench::new(PermissionMode::Default, &rules);
        let verdict = bench.bash(&case.call);
        let reported =
            bench.rights.problems().iter().any(|problem| problem.message.contains("equals unrestricted"));
        let got = verdict.decision().as_str();
        if !(got == case.expect || (case.expect == "lint" && reported)) {
            wrong.push(format!(
                "{}: {got}, not {}: {} ({})",
                case.id,
                case.expect,
                case.call,
                reason(&verdict)
            ));
        }
    }
    assert!(count > 0, "the list has no matcher cases");
    assert!(wrong.is_empty(), "{} of {count} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

fn reason(verdict: &Verdict) -> String {
    verdict.ruling.reason.clone()
}

#[test]
fn hostile_paths_are_refused_when_they_are_opened() {
    let bench = Bench::new(PermissionMode::AcceptEdits, &[]);
    let guard = &bench.session.guard;
    let root = guard.cwd().to_owned();
    std::fs::create_dir_all(root.join("sub")).unwrap();
    let evil = root.with_file_name(format!("{}-evil", root.file_name().unwrap().to_str().unwrap()));
    let prefix = format!("sub/../../{}/a", evil.file_name().unwrap().to_str().unwrap());
    for path in [
        "/proc/self/root/etc/passwd",
        "/proc/self/environ",
        "/dev/fd/0",
        "~root/.ssh/id",
        "$HOME/.ssh/id",
        "\\\\server\\share",
    ] {
        assert!(guard.open_read(Path::new(path)).is_err(), "{path}");
    }
    for path in [
        prefix.as_str(),
        ".git/hooks/pre-commit",
        ".git/config",
        ".git",
        ".mcp.json",
        "~/.bashrc",
        "/tmp/known/response.md",
        ".claude/settings.json",
    ] {
        assert!(guard.create_for_write(Path::new(path)).is_err(), "{path}");
        assert_eq!(bench.write(path).decision(), Decision::Deny, "{path}");
    }
    assert_eq!(bench.write(".claude/agents/helper.md").decision(), Decision::Ask);
    assert_eq!(bench.write("build.rs").decision(), Decision::Allow);
}
