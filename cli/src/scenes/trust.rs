//! `trust`, and what is not in force without it.

use serde_json::Value;

use super::Stage;
use super::stage::compare;

const SETTINGS: &str = r#"{"permissions": {"allow": ["Bash(make)", "Bash(python:*)"], "deny": ["Read(./x)"], "defaultMode": "acceptEdits"},
 "env": {"STORY": "told"}}"#;

/// A project that its user does not trust yet.
fn project() -> Stage {
    Stage::new()
        .trusted(&[])
        .file(".claude/settings.json", SETTINGS)
        .file(".mcp.json", r#"{"mcpServers": {"git": {"command": "git-mcp"}}}"#)
        .agent("worker", "description: Works\n", "You work.")
}

#[test]
fn trust_is_given_shown_and_taken_away() {
    let stage = project();
    compare("trust_none", &stage.scene(&["trust", "--list"]));
    compare("trust_given", &stage.scene(&["trust"]));
    let listed = stage.play(&["trust", "--list"]);
    assert!(listed.out.ends_with("/project  by `codex-task trust`\n"), "{}", listed.out);
    assert_eq!(stage.play(&["trust", "--remove", "."]).exit, 0);
    assert_eq!(stage.play(&["trust", "--list"]).out, "");
    compare("trust_no_folder", &stage.scene(&["trust", "none"]));
}

#[test]
fn the_command_that_takes_trust_away_again_can_be_copied_whatever_the_folder_is_called() {
    let stage = Stage::new().trusted(&[]).file("it's mine/x", "");
    let given = stage.play(&["trust", "it's mine"]);
    let told = given.err.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.ends_with(r"trust --remove '[DIR]/project/it'\''s mine'`"), "{told}");
}

#[test]
fn what_is_not_in_force_is_told_wherever_rights_are_shown() {
    let stage = project();
    let told = ".claude/settings.json: not in force, since its folder is not trusted: 2 allow rules, 1 variable, the \
                permission mode acceptEdits (if you trust what is in it: `codex-task trust ";
    for words in [&["gate", "explain", "--", "make"][..], &["agents", "show", "worker", "--rights"]] {
        let played = stage.play(words);
        assert!(played.err.contains(told), "{words:?}: {}{}", played.out, played.err);
    }
    let doctor = stage.play(&["doctor", "--offline", "--plain"]);
    assert!(doctor.out.contains("its folder is not trusted: 2 allow rules"), "{}", doctor.out);
    assert!(doctor.out.contains("'git' belongs to the project and is not started"), "{}", doctor.out);
}

#[test]
fn the_word_for_one_run_is_a_switch_or_a_variable() {
    let run = |stage: &Stage, words: &[&str]| {
        let all: Vec<&str> = ["run", "worker", "hello"].iter().chain(words).copied().collect();
        stage.play(&all).err.contains("its folder is not trusted")
    };
    let model = "name: done\nrules:\n  - text: done\n";
    assert!(run(&project().model(model), &[]));
    assert!(!run(&project().model(model), &["--trust"]));
    assert!(!run(&project().model(model).variable("CODEX_TASK_TRUST", "1"), &[]));
}

#[test]
fn a_rule_that_equals_unrestricted_bash_allows_nothing_in_a_trusted_repository() {
    let stage = project();
    assert_eq!(stage.play(&["trust"]).exit, 0);
    let explained = |call: &str| {
        let played = stage.play(&["gate", "explain", "--json", "--", call]);
        let json: Value = serde_json::from_str(&played.out).expect("JSON");
        (json["verdict"].clone(), json["problems"][0]["message"].clone())
    };
    let (verdict, lint) = explained("python x.py");
    assert_eq!(verdict, "ask");
    let lint = lint.as_str().expect("a lint").to_owned();
    assert!(lint.contains("'Bash(python:*)' equals unrestricted Bash"), "{lint}");
    assert_eq!(explained("make").0, "allow");
}
