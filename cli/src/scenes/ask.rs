//! Questions at the terminal, and what becomes of the answers.

use super::Stage;
use super::stage::compare;

/// An agent that makes these calls of Bash one after the other, and then says what came of the last.
fn calling(commands: &[&str]) -> Stage {
    let turn = |(index, command): (usize, &&str)| {
        // JSON is YAML.
        let (turn, command) = (index + 1, serde_json::json!(command));
        format!(
            "  - when: {{turn: {turn}}}\n    calls:\n      - {{tool: Bash, arguments: {{command: {command}, description: d}}}}\n"
        )
    };
    let turns: String = commands.iter().enumerate().map(turn).collect();
    let scenario = format!("name: calls\nrules:\n{turns}  - text: \"{{{{ result }}}}\"\n");
    Stage::new().agent("worker", "description: Works\n", "You work.").model(&scenario)
}

const RUN: [&str; 5] = ["run", "worker", "go", "--sandbox", "danger-full-access"];

fn exists(stage: &Stage, path: &str) -> bool {
    stage.project().join(path).exists()
}

#[test]
fn each_answer_does_what_it_says_and_no_more() {
    let stage = calling(&["touch a", "touch b", "touch b", "touch c", "touch d && touch e"]);
    let stage = stage.terminal(100).typing(&["y", "maybe", "a", "p", "n use one file only"]);
    compare("ask_answers", &stage.scene(&RUN));
    assert_eq!(["a", "b", "c", "d", "e"].map(|file| exists(&stage, file)), [true, true, true, false, false]);
    let kept = std::fs::read_to_string(stage.project().join(".claude/settings.local.json")).expect("a file");
    let kept: serde_json::Value = serde_json::from_str(&kept).expect("JSON");
    assert_eq!(kept, serde_json::json!({"permissions": {"allow": ["Bash(touch c)"]}}));
    let explained = stage.play(&["gate", "explain", "--json", "--", "touch c"]);
    assert!(explained.out.contains("\"verdict\":\"allow\""), "{}", explained.out);
}

#[test]
fn an_option_that_runs_something_is_asked_for_each_time_and_shown_as_it_is() {
    let call = "sort -o out \u{202e}x; printf 'a\u{200b}\u{7}'";
    let stage = calling(&[call, call]).terminal(100).typing(&["a", "n", "n"]);
    let played = stage.play(&RUN);
    assert_eq!(played.err.matches("Question: worker wants to use Bash").count(), 2, "{}", played.err);
    assert!(played.err.contains("sort -o out <U+202E>x; printf 'a<U+200B>␇'"), "{}", played.err);
    assert!(!played.err.contains("  a  yes"), "{}", played.err);
    assert_eq!(played.err.matches("  y  yes, this once").count(), 3, "what is not offered is no answer");
}

#[test]
fn rules_are_written_for_trusted_projects_only() {
    let stage = calling(&["touch a"]).trusted(&[]).terminal(100).typing(&["p", "y"]);
    let played = stage.play(&RUN);
    assert!(!played.err.contains("  p  yes"), "{}", played.err);
    assert!(exists(&stage, "a") && !exists(&stage, ".claude/settings.local.json"));
}

#[test]
fn several_agents_ask_one_after_the_other() {
    let stage = calling(&["touch a"]).terminal(100).typing(&["y", "n"]);
    let both = ["run", "Task('worker', 'one')", "Task('worker', 'two')", "--sandbox", "danger-full-access"];
    let played = stage.play(&both);
    let err = &played.err;
    let (first, second) =
        (err.find("Question:").expect("a question"), err.rfind("Question:").expect("another"));
    let allowed = err.find("Allowed once.").expect("an answer");
    assert!(first < allowed && allowed < second && err[second..].contains("Refused."), "{err}");
}

#[test]
fn a_question_is_withdrawn_when_its_task_ends() {
    let stage = calling(&["touch a"]).terminal(100).thinking();
    let words: Vec<&str> = RUN.iter().copied().chain(["--timeout", "1s"]).collect();
    let played = stage.play(&words);
    assert_eq!(played.exit, 1);
    assert!(played.err.contains("Withdrawn: the task has ended before your answer"), "{}", played.err);
}

#[test]
fn without_anybody_to_ask_the_call_is_refused_and_nothing_is_asked() {
    for (stage, more) in [
        (calling(&["touch a"]).terminal(100).typing(&["y"]), &["--ask", "never"][..]),
        (calling(&["touch a"]).terminal(100).typing(&["y"]), &["--quiet"]),
        (calling(&["touch a"]).terminal(100).typing(&["y"]), &["--json"]),
        (calling(&["touch a"]), &[]),
        // Somebody who hangs up.
        (calling(&["touch a"]).terminal(100).typing(&[]), &[]),
    ] {
        let words: Vec<&str> = RUN.iter().chain(more).copied().collect();
        let played = stage.play(&words);
        assert!(played.out.contains("but you haven't granted it yet"), "{more:?}: {}", played.out);
        assert!(!exists(&stage, "a"));
    }
    let words: Vec<&str> = RUN.iter().copied().chain(["--ask", "terminal"]).collect();
    compare("ask_no_terminal", &calling(&["touch a"]).scene(&words));
}
