use codex_task_config::{PermissionMode, RuleBehavior};

use super::super::testing::{Behavior, FakeTool};
use super::*;
use crate::gate::testing::Bench;

fn toolbox() -> Toolbox {
    let names =
        ["Write", "Read", "Grep", "Bash", "mcp__srv__echo", "mcp__srv__add", "mcp__srvx__other", "Task"];
    Toolbox::new(names.map(|name| FakeTool::named(name, Behavior::Echo)))
}

fn patterns(entries: &[&str]) -> Vec<ToolPattern> {
    entries.iter().map(|entry| ToolPattern::parse(entry)).collect()
}

/// Offered names and left-out names, or the refusal.
fn resolve(listed: Option<&[&str]>, disallowed: &[&str]) -> Result<(String, Vec<String>), String> {
    let bench = Bench::new(PermissionMode::Default, &[]);
    let selection = listed.map_or(ToolSelection::Inherit, |entries| ToolSelection::Listed(patterns(entries)));
    let resolved = toolbox()
        .resolve(&selection, &patterns(disallowed), &bench.rights, bench.session.clone())
        .map_err(|error| error.for_agent("t"))?;
    let names: Vec<&str> = resolved.tool_set.definitions().iter().map(|tool| tool.name.as_str()).collect();
    Ok((names.join(" "), resolved.left_out))
}

#[test]
fn lists_resolve_as_in_claude_code() {
    let all = "Bash Grep Read Task Write mcp__srv__add mcp__srv__echo mcp__srvx__other";
    let none: &[&str] = &[];
    for (listed, disallowed, expected) in [
        (None, none, all),
        (Some(none), none, ""),
        (Some(&["Read", "Grep"][..]), none, "Grep Read"),
        (Some(&["Read", "Bash(git:*)"]), none, "Bash Read"),
        (Some(&["mcp__srv__echo"]), none, "mcp__srv__echo"),
        (Some(&["mcp__srv"]), none, "mcp__srv__add mcp__srv__echo"),
        (Some(&["mcp__srv__*"]), none, "mcp__srv__add mcp__srv__echo"),
        (Some(&["Read", "Agent(t-list)"]), none, "Read Task"),
        (Some(&["Read", "SlashCommand"]), none, "Read"),
        (None, &["Bash", "Write", "mcp__srv__*"], "Grep Read Task mcp__srvx__other"),
        (Some(&["Read", "Grep"]), &["Read"], "Grep"),
    ] {
        assert_eq!(
            resolve(listed, disallowed),
            Ok((expected.to_owned(), Vec::new())),
            "{listed:?} {disallowed:?}"
        );
    }
}

#[test]
fn unknown_names_are_left_out_and_told() {
    let left_out = vec!["NonExistentTool".to_owned(), "grep".to_owned()];
    assert_eq!(resolve(Some(&["NonExistentTool", "Read", "grep"]), &[]), Ok(("Read".to_owned(), left_out)));
}

#[test]
fn a_list_that_resolves_to_nothing_is_refused_in_claude_codes_words() {
    assert_eq!(
        resolve(Some(&["read", "bash"]), &[]).unwrap_err(),
        "Agent 't' would be spawned with zero tools — refusing. Its tools list resolved to nothing: unrecognized [read, bash]. \
         Fix the agent's tools frontmatter or pass a different subagent_type."
    );
    let refusal = resolve(Some(&["SlashCommand", "mcp__gone__x", "nope", "Read"]), &["Read"]).unwrap_err();
    let reasons = "unrecognized [nope], not provided here [SlashCommand, mcp__gone__x], disallowed [Read].";
    assert!(refusal.contains(reasons), "{refusal}");
}

#[test]
fn what_the_parent_does_not_have_the_child_does_not_get() {
    let bench = Bench::new(PermissionMode::Default, &[(RuleBehavior::Allow, "Bash")]);
    let parent = bench.rights.narrowed_for(&ToolSelection::Listed(patterns(&["Read"])), &[], None);
    let resolved = toolbox().resolve(&ToolSelection::Inherit, &[], &parent, bench.session.clone()).unwrap();
    let names: Vec<&str> = resolved.tool_set.definitions().iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(names, ["Read"]);
}

#[test]
fn a_host_adds_tools_and_replaces_built_in_ones() {
    let extended = toolbox()
        .with(FakeTool::named("Deploy", Behavior::Echo))
        .with(FakeTool::named("Read", Behavior::Panic));
    let names: Vec<&str> = extended.names().map(ToolName::as_str).collect();
    assert_eq!(
        names,
        [
            "Bash",
            "Deploy",
            "Grep",
            "Read",
            "Task",
            "Write",
            "mcp__srv__add",
            "mcp__srv__echo",
            "mcp__srvx__other"
        ]
    );
    assert_eq!(toolbox().names().count(), 8);
}
