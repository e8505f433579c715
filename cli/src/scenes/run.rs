//! `run` in all its forms.

use serde_json::Value;

use super::Stage;
use super::stage::compare;

const THREE: &str = r"
name: three
rules:
  - when: {system: You review}
    text: |
      # 3 security issues found

      - a.rs:1 one
      - b.rs:2 two
      - c.rs:3 three
    usage: {input_tokens: 1200, output_tokens: 345}
  - when: {system: You test}
    text: 24/24 tests passing
    usage: {input_tokens: 900, output_tokens: 5}
  - when: {system: You write}
    text: README.md updated
    usage: {input_tokens: 9000, output_tokens: 5}
";
const THREE_TASKS: [&str; 4] = [
    "run",
    "Task(subagent_type='code-reviewer', prompt='Review security', description='Security analysis in progress')",
    "Task(subagent_type='test-runner', prompt='Run test suite')",
    "Task(subagent_type='documentation-writer', prompt='Update docs')",
];

/// Three agents with a model for them; one after the other, so that lines come in one order.
fn three() -> Stage {
    three_with(THREE)
}

#[test]
fn one_task_gives_its_report_on_stdout() {
    compare("run_one", &three().scene(&["run", "code-reviewer", "Review src/auth.rs"]));
}

#[test]
fn several_tasks_end_in_the_tree_of_the_specification() {
    compare("run_three", &three().scene(&THREE_TASKS));
}

#[test]
fn quiet_leaves_the_data_only() {
    let played = three().play(&[&THREE_TASKS[..], &["--quiet"]].concat());
    assert_eq!(
        played.out,
        "Results:\n\
         ├── code-reviewer: 3 security issues found\n\
         ├── test-runner: 24/24 tests passing\n\
         └── documentation-writer: README.md updated\n"
    );
    let note = "Note: the model is scripted: a scenario is played, no AI is asked\n";
    assert_eq!((played.exit, played.err.as_str()), (0, note));
}

#[test]
fn plain_output_has_no_box_characters() {
    let played = three().play(&[&THREE_TASKS[..], &["--plain", "--quiet"]].concat());
    assert!(
        played.out.is_ascii() && played.out.contains("\n- test-runner: 24/24 tests passing\n"),
        "{}",
        played.out
    );
}

#[test]
fn narrow_terminals_get_lines_that_fit() {
    let scene = three().terminal(40).scene(&THREE_TASKS);
    compare("run_narrow", &scene);
    let widest = scene.lines().skip(2).map(|line| line.chars().count()).max();
    assert!(widest <= Some(40), "{scene}");
}

#[test]
fn the_prompt_and_the_list_of_tasks_come_from_stdin_too() {
    let prompt = three().stdin("Review this\n").play(&["run", "code-reviewer", "-", "--quiet"]);
    assert_eq!((prompt.exit, prompt.out.lines().next()), (0, Some("# 3 security issues found")));
    let list = "- agent: test-runner\n  prompt: p\n- {agent: documentation-writer, prompt: p}\n";
    let played = three().stdin(list).play(&["run", "--file", "-", "--quiet"]);
    assert_eq!(played.out.lines().count(), 3, "{}", played.out);
}

#[test]
fn tasks_from_a_file_are_warned_about_unknown_keys() {
    let stage = three().file("tasks.yaml", "- agent: test-runner\n  prompt: p\n  modle: opus\n");
    compare("run_file", &stage.scene(&["run", "--file", "tasks.yaml"]));
}

#[test]
fn json_is_one_object_of_the_shape_that_programs_rely_on() {
    compare("run_json", &three().scene(&["run", "test-runner", "Run", "--json", "--quiet"]));
}

#[test]
fn jsonl_is_one_object_for_each_event_and_the_report_in_the_last() {
    let played = three().play(&["run", "test-runner", "Run", "--jsonl"]);
    let events: Vec<Value> =
        played.out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let names: Vec<&str> = events.iter().filter_map(|event| event["event"].as_str()).collect();
    assert_eq!(names.last(), Some(&"finished"), "{names:?}");
    assert!(names.contains(&"turn_started") && names.contains(&"started"), "{names:?}");
    assert_eq!(events.last().expect("an event")["task"]["result"], "24/24 tests passing");
}

#[test]
fn what_a_model_writes_cannot_move_the_cursor_of_a_terminal() {
    let stage = |text: &str| {
        let scenario = format!("rules:\n  - text: \"{text}\"\n");
        Stage::new().agent("a", "description: d\n", "p").model(&scenario)
    };
    let hostile = "\\e]0;owned\\a\\e[2J done";
    let shown = stage(hostile).terminal(80).play(&["run", "a", "x"]);
    assert!(!shown.out.contains('\x1b') && !shown.err.contains('\x1b'), "{:?}{:?}", shown.out, shown.err);
    let piped = stage(hostile).play(&["run", "a", "x"]);
    assert!(piped.out.contains("\x1b[2J"), "programs get what the model wrote");
    assert!(!piped.err.contains('\x1b'), "{:?}", piped.err);
}

#[test]
fn a_failing_task_leaves_the_results_of_the_others() {
    let passing = "    text: 24/24 tests passing\n    usage: {input_tokens: 900, output_tokens: 5}\n";
    let scenario = THREE.replace(passing, "    fault: {kind: unauthorized}\n");
    compare("run_partial_failure", &three_with(&scenario).scene(&THREE_TASKS));
}

#[test]
fn failover_is_told_while_it_happens() {
    let stage = Stage::new()
        .agent("code-reviewer", "description: d\nfallback: second/model\n", "You review code.")
        .provider("first", "rules:\n  - fault: {kind: quota_exhausted}\n")
        .provider("second", "rules:\n  - text: No issues found\n");
    compare("run_failover", &stage.scene(&["run", "code-reviewer", "Review this", "--provider", "first"]));
}

#[test]
fn a_task_that_takes_too_long_leaves_what_it_had_written() {
    let stage = Stage::new().agent("a", "description: d\n", "p").model(
        "rules:\n  - text: The first part is done and the rest is on its way\n    fault: {kind: hang, after_bytes: 30}\n",
    );
    compare("run_timeout", &stage.scene(&["run", "a", "x", "--timeout", "300ms"]));
}

const NEVER_ENDING: &str = "rules:\n  - text: The first part is done and the rest is on its way\n    fault: {kind: hang, after_bytes: 30}\n";

#[test]
fn ctrl_c_prints_what_exists() {
    let stage = Stage::new().agent("a", "description: d\n", "p").impatient(NEVER_ENDING, 1);
    compare("run_interrupted", &stage.scene(&["run", "a", "x"]));
}

#[test]
fn a_second_ctrl_c_ends_at_once() {
    let stage = Stage::new().agent("a", "description: d\n", "p").impatient(NEVER_ENDING, 2);
    let played = stage.play(&["run", "a", "x"]);
    assert_eq!((played.exit, played.out.as_str()), (130, ""));
}

#[test]
fn new_users_mistakes_are_told_in_four_lines() {
    let stage = || {
        three()
            .file("broken.yaml", "- prompt: x\n  timeout: soon\n")
            .file("list.json", "{}")
            .file("none.yaml", "[]")
            .file("schema.json", "{\"type\": 5}")
    };
    let scenes: Vec<String> = [
        &["run"][..],
        &["run", "code-reviewer"],
        &["run", "code-reviewer", "two", "words"],
        &["run", "code-reviewer", ""],
        &["run", "code-reviewer", "x", "--provider", "claude"],
        &["run", "Task(subagent_type=\"code-reviewer\" prompt=\"x\")"],
        &["run", "Task(subagent_type=\"code-reviewer\")"],
        &["run", "--file", "missing.yaml"],
        &["run", "--file", "broken.yaml"],
        &["run", "--file", "list.json"],
        &["run", "--file", "none.yaml"],
        &["run", "code-reviewer", "x", "--schema", "schema.json"],
        &["run", "a", "b", "--schema", "list.json", "--timeout", "never"],
        &["run", "a", "b", "--schema", "codex-task.yaml"],
        &["run", "a", "b", "--deny", "Read(x"],
        &["run", "a", "b", "--agents", "{\"mine\": "],
        &["run", "a", "b", "--log", "loud"],
        &["rum"],
        &["run", "a", "b", "--permision-mode", "plan"],
    ]
    .iter()
    .map(|arguments| stage().scene(arguments))
    .collect();
    compare("run_mistakes", &scenes.join("\n"));
}

#[test]
fn a_schema_makes_the_report_json() {
    let schema =
        r#"{"type": "object", "properties": {"issues": {"type": "integer"}}, "required": ["issues"]}"#;
    let stage = |answer: &str| {
        let scenario = format!("rules:\n  - text: '{answer}'\n");
        Stage::new().file("schema.json", schema).agent("a", "description: d\n", "p").model(&scenario)
    };
    let arguments = ["run", "a", "x", "--schema", "schema.json", "--quiet"];
    let played = stage(r#"{"issues": 3}"#).play(&arguments);
    assert_eq!((played.exit, played.out.as_str()), (0, "{\"issues\": 3}\n"), "{}", played.err);
    let played = stage("three issues").play(&arguments);
    assert_eq!(played.exit, 1);
    assert!(played.err.contains("Cause: The answer does not follow the schema"), "{}", played.err);
}

#[test]
fn options_of_the_command_line_are_for_tasks_that_leave_them_open() {
    let stage = three()
        .file("tasks.yaml", "- {agent: mine, prompt: p, model: first}\n- {agent: mine, prompt: p}\n")
        .stdin("unused");
    let agents = r#"{"mine": {"description": "d", "prompt": "You test."}}"#;
    let arguments = [
        "run",
        "--file",
        "tasks.yaml",
        "--model",
        "second",
        "--provider",
        "scripted",
        "--agents",
        agents,
        "--json",
    ];
    let report: Value = serde_json::from_str(&stage.play(&arguments).out).expect("JSON");
    let models: Vec<&Value> =
        report["tasks"].as_array().expect("tasks").iter().map(|task| &task["model"]).collect();
    assert_eq!(models, ["first", "second"]);
}

#[test]
fn agents_that_cannot_run_are_told_with_the_nearest_name() {
    let stage = three()
        .agent("misspelt", "description: d\ntools: Gerp, raed\n", "You search.")
        .agent("half", "description: d\ntools: Gerp, Read\n", "You review.")
        .file(".claude/agents/broken.md", "---\nname: broken\ntools: &all Read\n---\nx\n");
    let scenes =
        ["code-revewer", "misspelt", "half", "broken"].map(|agent| stage.scene(&["run", agent, "x"]));
    compare("run_wrong_agents", &scenes.join("\n"));
}

fn three_with(scenario: &str) -> Stage {
    Stage::new()
        .file("codex-task.yaml", "local: {probe: false}\nlimits: {max_concurrent: 1}\n")
        .agent("code-reviewer", "description: Reviews\n", "You review code.")
        .agent("test-runner", "description: Tests\n", "You test code.")
        .agent("documentation-writer", "description: Writes\n", "You write documents.")
        .model(scenario)
}
