//! `agents list`, `show`, `validate`, `new`.

use serde_json::Value;

use super::Stage;
use super::stage::compare;

const REVIEWER: &str = "description: Reviews code for bugs and security problems\ntools: Read, Grep\nmodel: sonnet\ntemperature: 0.3\nmax_tokens: 4000\ntimeout: 10m\n";

/// A project with an agent of each kind.
fn project() -> Stage {
    Stage::new()
        .agent("code-reviewer", REVIEWER, "You review code.")
        .agent("custom-reviewer", "description: Reviews\ntools: Read, NonExistentTool, Gerp\n", "You review.")
        .agent("lenient", "description: Use it when: things go wrong\nmodle: opus\n", "You help.")
        .file(".claude/agents/broken.md", "---\nname: broken\ntools: &all Read\n---\nx\n")
        .file("../home/.claude/agents/code-reviewer.md", "---\nname: code-reviewer\ndescription: d\n---\nx\n")
}

#[test]
fn the_list_shows_broken_and_shadowed_agents_with_the_reason() {
    compare("agents_list", &project().terminal(120).scene(&["agents", "list"]));
}

#[test]
fn narrow_terminals_and_screen_readers_get_paragraphs() {
    let scene = project().terminal(60).scene(&["agents", "list"]);
    assert!(scene.lines().all(|line| line.chars().count() <= 60), "{scene}");
    compare("agents_list_narrow", &scene);
}

#[test]
fn the_json_list_has_the_keys_that_programs_rely_on() {
    let played = project().play(&["agents", "list", "--json"]);
    let list: Vec<Value> = serde_json::from_str(&played.out).expect("a JSON list");
    let of = |name: &str, status: &str| {
        let fits = |agent: &&Value| agent["name"] == name && agent["status"] == status;
        list.iter().find(fits).unwrap_or_else(|| panic!("{name} {status} in {}", played.out)).clone()
    };
    let reviewer = of("code-reviewer", "ok");
    assert_eq!(reviewer["tools"], serde_json::json!(["Read", "Grep"]));
    assert_eq!((&reviewer["model"], &reviewer["source"]), (&"sonnet".into(), &"project".into()));
    assert_eq!(of("general-purpose", "ok")["tools"], Value::Null);
    assert_eq!(of("code-reviewer", "shadowed")["source"], "user");
    let broken = of("broken", "broken");
    let problem = &broken["problems"][0];
    assert_eq!(problem["severity"], "error");
    assert_eq!((&problem["line"], &problem["column"]), (&3.into(), &8.into()));
}

#[test]
fn one_agent_is_shown_as_it_would_run_here() {
    compare("agents_show", &project().scene(&["agents", "show", "code-reviewer"]));
    let unknown = project().scene(&["agents", "show", "code-revewer"]);
    compare("agents_show_unknown", &unknown);
}

#[test]
fn validation_is_displayed_as_the_specification_says() {
    let scene = project().play(&["agents", "validate", ".claude/agents/custom-reviewer.md"]);
    assert_eq!(
        scene.out,
        "Validating agent configuration: .claude/agents/custom-reviewer.md\n\
         ✓ YAML frontmatter valid\n\
         ✓ Required fields present (name, description)\n\
         ✗ Invalid tool specified: 'NonExistentTool'\n  \
           Available tools: Read, Write, Edit, MultiEdit, NotebookEdit, Glob, Grep, LS, Bash, BashOutput, KillShell, WebFetch, WebSearch, TodoWrite\n\
         ✗ Invalid tool specified: 'Gerp'\n  \
           Did you mean 'Grep'?\n  \
           Available tools: Read, Write, Edit, MultiEdit, NotebookEdit, Glob, Grep, LS, Bash, BashOutput, KillShell, WebFetch, WebSearch, TodoWrite\n\
         \n\
         Configuration errors must be fixed before agent can be used.\n"
    );
    assert_eq!(scene.exit, 1);
}

#[test]
fn many_files_end_in_a_summary() {
    compare("agents_validate", &project().terminal(72).scene(&["agents", "validate"]));
    compare("agents_validate_plain", &project().scene(&["agents", "validate", "--plain", ".claude"]));
}

#[test]
fn a_new_agent_is_valid_and_nothing_is_overwritten() {
    let stage = project();
    assert_eq!(stage.play(&["agents", "new", "security-audit"]).out, ".claude/agents/security-audit.md\n");
    let again = project().agent("mine", "description: d\n", "x").scene(&["agents", "new", "mine"]);
    compare("agents_new_exists", &again);
    let file = std::fs::read_to_string(stage.project().join(".claude/agents/security-audit.md"));
    assert!(file.expect("it was written").starts_with("---\nname: security-audit\n"));
}

#[test]
fn a_new_agent_of_ones_own_says_when_the_projects_comes_first() {
    let stage = project();
    let arguments = ["agents", "new", "lenient", "--user", "--template", "debugger"];
    compare("agents_new_user", &stage.scene(&arguments));
}

#[test]
fn rights_are_a_table_with_the_rule_and_the_file_behind_each_line() {
    let settings = "{\n  \"permissions\": {\n    \"allow\": [\"Bash(git:*)\", \"Edit(./src/**)\"],\n    \"deny\": [\"Read(./secrets/**)\"],\n    \"defaultMode\": \"plan\"\n  }\n}\n";
    let stage = Stage::new().file(".claude/settings.json", settings).agent(
        "careful",
        "description: d\ntools: Read, Edit, Bash(git log:*)\npermissionMode: acceptEdits\n",
        "x",
    );
    compare("agents_rights", &stage.scene(&["agents", "show", "careful", "--rights"]));
    let json: Value =
        serde_json::from_str(&stage.play(&["agents", "show", "careful", "--rights", "--json"]).out)
            .expect("JSON");
    assert_eq!(json["permission_mode"], "plan");
    let bash =
        json["tools"].as_array().expect("tools").iter().find(|tool| tool["tool"] == "Bash").expect("Bash");
    assert_eq!((&bash["offered"], &bash["without_a_rule"]), (&true.into(), &"deny".into()));
    assert_eq!(bash["rules"][0]["effect"], "deny");
    assert_eq!(bash["rules"][0]["line"], 4);
}

#[test]
fn files_that_cannot_be_read_as_such_are_not_blamed_for_their_yaml() {
    let stage = project().file(".claude/agents/long.md", &"x".repeat(2_000_000));
    let played = stage.play(&["agents", "validate", ".claude/agents/long.md"]);
    assert_eq!(played.exit, 1);
    assert!(played.out.contains("Is larger than") && played.out.contains("Shorten it"), "{}", played.out);
    assert!(!played.out.contains("YAML"), "{}", played.out);
}

#[test]
fn a_new_agent_with_a_blank_in_its_name_is_run_as_it_is_told() {
    let told = project().play(&["agents", "new", "my agent"]).err;
    assert!(told.contains("codex-task run 'my agent' \"PROMPT\""), "{told}");
}
