//! What `audit` shows: a trail that is whole, one that is not, and its newest lines.

use std::fs;
use std::path::PathBuf;

use super::Stage;
use super::stage::compare;

/// An agent that has made a call which a rule denies.
fn denied() -> Stage {
    let stage = Stage::new()
        .agent("test-runner", "description: Runs tests\nprovider: scripted\n", "You run tests.")
        .file("codex-task.yaml", "local: {probe: false}\npermissions: {deny: [\"Bash(rm:*)\"]}\n")
        .model(
            "rules:\n  - when: {after: Bash}\n    text: I could not\n    usage: {input_tokens: 1200, output_tokens: 45}\n  - calls: [{tool: Bash, arguments: {command: \"rm -rf target\\u202e\"}}]\n    usage: {input_tokens: 1000, output_tokens: 5}\n",
        );
    stage.play(&["run", "test-runner", "Clean up"]);
    stage
}

/// The file of its only session.
fn trail(stage: &Stage) -> PathBuf {
    let folder = stage.home().join(".local/state/codex-task/audit");
    fs::read_dir(folder).expect("a folder").next().expect("a file").expect("a file").path()
}

/// Names and times are others each time.
fn steady(scene: &str) -> String {
    let mut steady = String::new();
    for line in scene.split_inclusive('\n') {
        let is_time = line.get(2..3) == Some(":") && line.get(5..6) == Some(":");
        let line = if is_time { format!("[TIME]{}", &line[8..]) } else { line.to_owned() };
        let is_day = line.ends_with("(UTC)\n");
        steady += if is_day { "[DAY] (UTC)\n" } else { &line };
    }
    steady
}

#[test]
fn a_trail_is_verified_and_a_change_is_told_with_its_line() {
    let stage = denied();
    let whole = stage.scene(&["audit", "verify"]);
    let trail = trail(&stage);
    let text = fs::read_to_string(&trail).expect("a file");
    fs::write(&trail, text.replace("\"runs\":false", "\"runs\":true")).expect("a file");
    let scenes = [Stage::new().scene(&["audit", "verify"]), whole, stage.scene(&["audit", "verify"])];
    compare("audit_verify", &scenes.join("\n"));
}

#[test]
fn trails_go_with_their_runs_and_what_stays_is_whole() {
    let stage = Stage::new()
        .file("../home/.config/codex-task/config.yaml", "journal: {keep_runs: 1}\n")
        .model("rules:\n  - text: done\n");
    let trails = || {
        let folder = fs::read_dir(stage.home().join(".local/state/codex-task/audit")).expect("a folder");
        let mut names: Vec<PathBuf> = folder.map(|entry| entry.expect("a file").path()).collect();
        names.sort();
        names
    };
    let run = || assert_eq!(stage.play(&["run", "general-purpose", "go"]).exit, 0);
    run();
    let first = trails();
    run();
    assert_eq!(trails()[..1], first, "its run was on record until this session had ended");
    run();
    let left = trails();
    assert!(left.len() == 2 && !left.contains(&first[0]), "{left:?}");
    let told = stage.play(&["audit", "tail", "-n", "99"]).out;
    assert_eq!(told.matches("the trail of session").count(), 1, "{told}");
    let verified = stage.play(&["audit", "verify"]);
    assert!(verified.exit == 0 && verified.out.contains("2 sessions, "), "{}{}", verified.out, verified.err);
    let listed = stage.play(&["runs", "list"]).err;
    assert!(
        listed.contains("1 run on record, ") && listed.contains(" MB with the audit trails; kept for"),
        "{listed}"
    );
}

#[test]
fn the_doctor_looks_at_the_trail() {
    let looked = |stage: &Stage| {
        let out = stage.play(&["doctor", "--offline", "--plain"]).out;
        let (_, check) = out.split_once(": audit: ").expect("a line");
        let (check, _) = check.split_once("\nnote: anthropic").expect("what follows");
        check.to_owned()
    };
    assert_eq!(looked(&Stage::new()), "no trail is kept in ~/.local/state/codex-task/audit yet");
    let stage = denied();
    let whole = looked(&stage);
    assert!(whole.starts_with("1 trail in ~/.local/state/codex-task/audit, 0.1 MB; the newest ("), "{whole}");
    assert!(whole.ends_with(") is as it was written"), "{whole}");
    let trail = trail(&stage);
    let text = fs::read_to_string(&trail).expect("a file");
    fs::write(&trail, text.replace("\"runs\":false", "\"runs\":true")).expect("a file");
    let changed = looked(&stage);
    assert!(
        changed.contains(") is not what was written: the line was changed: its hash does not fit\n"),
        "{changed}"
    );
    assert!(changed.ends_with("\n  `codex-task audit verify` says where"), "{changed}");
    let folder = trail.parent().expect("a folder");
    fs::remove_dir_all(folder).expect("a folder");
    fs::write(folder, "no folder").expect("a file");
    let played = stage.play(&["doctor", "--offline", "--plain"]);
    let told = "error: audit: no trail can be written to ~/.local/state/codex-task/audit, and without it no tool runs: ";
    assert!(played.exit == 1 && played.out.contains(told), "{}", played.out);
    let without = Stage::new().file("../home/.config/codex-task/config.yaml", "audit: {enabled: false}\n");
    assert_eq!(looked(&without), "no trail is kept: `audit: {enabled: false}`");
}

#[test]
fn the_newest_lines_are_shown_on_a_narrow_terminal() {
    let stage = denied().terminal(64);
    let scenes =
        [stage.scene(&["audit", "tail", "-n", "6"]), stage.scene(&["audit", "tail", "--task", "nobody"])];
    compare("audit_tail_narrow", &steady(&scenes.join("\n")));
}
