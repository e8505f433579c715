//! `exec`, slash commands and `/consensus`.

use serde_json::Value;

use super::Stage;
use super::stage::compare;

const LOCK: &str = r#"
name: lock
first_token_ms: 80
rules:
  - when: {system: You compare independent answers}
    text: >-
      {"agreement": [{"claim": "The lock is held while the file is written.", "agents": ["general-purpose-1", "general-purpose-2"]}],
      "disagreement": [{"point": "Which lock is right", "positions": [
      {"claim": "A mutex, because writers are as frequent as readers.", "agents": ["general-purpose-1"]},
      {"claim": "A read-write lock.", "agents": ["general-purpose-2"]}]}],
      "alone": [{"claim": "The name of the field misleads.", "agents": ["general-purpose-2"]}],
      "verdict": "Keep the lock, and make it a mutex: nobody has shown that readers wait.", "confidence": "medium"}
  - text: "Yes, because the lock is held."
"#;

#[test]
fn a_consensus_reads_well_on_a_narrow_terminal() {
    let stage = Stage::new().model(LOCK).terminal(48);
    let scene = stage.scene(&["exec", "/consensus --count 2 Is the lock right?"]);
    let widest = scene.lines().skip(2).map(|line| line.chars().count()).max();
    assert!(widest <= Some(48), "{scene}");
    compare("exec_consensus_narrow", &scene);
}

#[test]
fn a_consensus_without_enough_answers_says_so() {
    let failing = "rules:\n  - fault: {kind: unauthorized}\n";
    compare(
        "exec_consensus_none",
        &Stage::new().model(failing).scene(&["exec", "/consensus --count 2 Why?"]),
    );
}

#[test]
fn a_consensus_is_one_json_object() {
    let played = Stage::new().model(LOCK).play(&["exec", "--json", "--quiet", "/consensus --count 2 Why?"]);
    let json: Value = serde_json::from_str(&played.out).expect("JSON");
    assert_eq!(
        (played.exit, &json["status"], &json["verdict"]["confidence"]),
        (0, &"completed".into(), &"medium".into())
    );
    assert_eq!(json["verdict"]["agreement"][0]["agents"][1], "general-purpose-2");
    assert_eq!(
        (json["answers"].as_array().map(Vec::len), &json["missing"]),
        (Some(2), &Value::Array(Vec::new()))
    );
}

const LEAD: &str = r##"
rules:
  - when: {system: you lead a team, turn: 1}
    calls:
      - {tool: Task, id: a, arguments: {description: Security review, prompt: Review security, subagent_type: code-reviewer}}
  - when: {system: you lead a team, turn: 2}
    text: "# One issue\n\nThe reviewer found it."
  - when: {system: You review}
    text: One issue found
"##;

#[test]
fn the_main_agents_answer_is_the_data_and_its_subagents_are_the_progress() {
    let stage = Stage::new().agent("code-reviewer", "description: Reviews\n", "You review code.").model(LEAD);
    compare("exec_prompt", &stage.scene(&["exec", "Review this"]));
    let json: Value = serde_json::from_str(&stage.play(&["exec", "--json", "go"]).out).expect("JSON");
    assert_eq!(json["tasks"][0]["agent"], "main");
    assert_eq!(
        (&json["nested"][0]["agent"], &json["nested"][0]["result"]),
        (&"code-reviewer".into(), &"One issue found".into())
    );
}

#[test]
fn prompts_and_commands_come_from_words_or_from_stdin() {
    let echo = "rules:\n  - text: 'prompt: {{ prompt }}'\n";
    let stage = || Stage::new().file(".claude/commands/x.md", "Do $1 then $0.").model(echo);
    let out = |played: super::stage::Played| (played.exit, played.out);
    let says = |text: &str| (0, format!("prompt: {}\n", text.trim_end()));
    assert_eq!(out(stage().play(&["exec", "-q", "what", "now"])), says("what now"));
    assert_eq!(out(stage().stdin("from stdin\n").play(&["exec", "-q"])), says("from stdin\n"));
    assert_eq!(out(stage().play(&["exec", "-q", "/x", "a", "b c"])), says("Do b c then a."));
    assert_eq!(out(stage().stdin("/x a b").play(&["exec", "-q", "-"])), says("Do b then a."));
}

#[test]
fn what_cannot_be_run_is_said_with_what_can() {
    let stage = Stage::new()
        .file(".claude/commands/dir/fix.md", "Fix")
        .file(".claude/commands/bad.md", "---\nopen: [\n");
    let scenes = [
        stage.scene(&["exec", "/fix it"]),
        stage.scene(&["exec", "/bad"]),
        stage.scene(&["exec", "/consensus"]),
        stage.scene(&["exec", "/consensus --agents a Why?"]),
        stage.scene(&["exec", " "]),
    ];
    compare("exec_mistakes", &scenes.join("\n"));
}

#[test]
fn a_projects_command_allows_what_it_says_only_where_the_project_is_trusted() {
    let stage = || {
        let text = "---\nallowed-tools: Bash(git:*)\n---\nDo it";
        Stage::new().trusted(&[]).file(".claude/commands/x.md", text).model("rules:\n  - text: done\n")
    };
    let warned = |played: super::stage::Played| played.err.contains("allowed-tools of /x allows nothing");
    assert!(warned(stage().play(&["exec", "/x"])) && !warned(stage().play(&["exec", "--trust", "/x"])));
}

#[test]
fn commands_are_listed_with_their_problems() {
    let stage = Stage::new()
        .file(
            ".claude/commands/review.md",
            "---\ndescription: Reviews a change\nargument-hint: [pr] [how]\n---\n$0",
        )
        .file(".claude/commands/dir/fix.md", "---\ndescripton: Fixes\n---\nFix it")
        .file(".claude/commands/bad.md", "---\nopen: [\n");
    compare(
        "commands_list",
        &[stage.scene(&["commands", "list"]), stage.scene(&["exec", "--list", "--json"])].join("\n"),
    );
    let narrow = Stage::new().terminal(40).scene(&["commands", "list"]);
    compare("commands_list_narrow", &narrow);
}
