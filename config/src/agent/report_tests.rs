use std::path::Path;
use std::time::Duration;

use super::*;
use crate::{
    AgentName, Effort, McpScope, McpServerEntry, ModelChoice, PermissionMode, Position, ProviderName,
    ToolPattern, ToolSelection,
};

fn report(text: &str) -> AgentReport {
    AgentReport::of_text(text, Some(Path::new("some-agent.md")))
}

fn agent(frontmatter: &str) -> AgentDefinition {
    let report = report(&format!("---\n{frontmatter}\n---\nBody.\n"));
    report.definition.clone().unwrap_or_else(|| panic!("{frontmatter}\n{:#?}", report.problems))
}

fn tools(selection: &ToolSelection) -> Option<Vec<String>> {
    match selection {
        ToolSelection::Inherit => None,
        ToolSelection::Listed(patterns) => Some(patterns.iter().map(ToolPattern::to_string).collect()),
    }
}

/// Severities and messages, without places.
fn messages(report: &AgentReport) -> Vec<(Severity, &str)> {
    report.problems.iter().map(|problem| (problem.severity, problem.message.as_str())).collect()
}

#[test]
fn all_files_below_a_directory_are_judged() {
    let dir = tempfile::tempdir().expect("a folder");
    for (name, text) in [("b.md", "---\nname: b\ndescription: d\n---\n"), ("a.md", "nothing"), ("c.txt", "")]
    {
        std::fs::write(dir.path().join(name), text).expect("a file");
    }
    let judged = |path: &Path| -> Vec<(String, bool)> {
        AgentReport::read_all(path)
            .into_iter()
            .map(|report| (report.name.clone(), report.has_errors()))
            .collect()
    };
    assert_eq!(judged(dir.path()), [("a".to_owned(), true), ("b".to_owned(), false)]);
    assert_eq!(judged(&dir.path().join("b.md")), [("b".to_owned(), false)]);
    assert_eq!(judged(&dir.path().join("nothing.md")), [("nothing".to_owned(), true)]);
}

#[test]
fn tools_are_read_as_claude_code_reads_them() {
    for (line, expected) in [
        ("color: red", None),
        ("tools: '*'", None),
        ("tools: *", None),
        ("tools: Read, *", None),
        ("tools: [Read, '*']", None),
        ("tools:", Some("")),
        ("tools: \"\"", Some("")),
        ("tools: []", Some("")),
        ("tools: ~", Some("")),
        ("tools: Read, Grep", Some("Read Grep")),
        ("tools: Read Grep", Some("Read Grep")),
        ("tools: Read,Grep,", Some("Read Grep")),
        ("tools: [Read, Grep]", Some("Read Grep")),
        ("tools: [Read, Grep", Some("Read Grep")),
        ("tools:\n  - Read\n  - Grep", Some("Read Grep")),
        ("tools:\n- Read\n- Grep", Some("Read Grep")),
        ("tools:\n\t- Read\n\t- Grep # why", Some("Read Grep")),
        ("tools:\n  - Read, Grep", Some("Read Grep")),
        ("tools:\n  - Read\n  - *", None),
        ("tools: Read,\n  Grep", Some("Read Grep")),
        ("tools: Read, Bash(git:*), mcp__srv, mcp__srv__*", Some("Read Bash(git:*) mcp__srv mcp__srv__*")),
        ("tools: Read, Read, Agent(x)", Some("Read Agent(x)")),
        ("tools: 5", Some("")),
        ("tools: false", Some("")),
        ("tools: [Read, 5]", Some("Read")),
        ("\ttools: Read", Some("Read")),
    ] {
        let agent = agent(&format!("name: a\ndescription: b\n{line}"));
        let expected = expected.map(|names| names.split_whitespace().map(str::to_owned).collect());
        assert_eq!(tools(&agent.tools), expected, "{line}");
    }
}

#[test]
fn what_was_meant_to_narrow_an_agent_never_widens_it() {
    for frontmatter in [
        "name: a\ndescription: b\ntools Read, Grep",
        "name: a\ndescription: b\ntools= Read",
        "name: a\ndescription: b\ndisallowedTools: 5",
        "name: a\ndescription: b\ndisallowedTools:\n- Bash\nWrite\n",
        "name: a\ndescription: b\ndisallowedTools: [Bash, 5]",
        "name: a\ndescription: b\ndisallowedTools: {Bash: true}",
    ] {
        let report = report(&format!("---\n{frontmatter}\n---\n"));
        assert_eq!(report.definition, None, "{frontmatter}");
        assert!(report.worst() == Some(Severity::Error), "{frontmatter}");
    }
    let denied = agent("name: a\ndescription: b\ndisallowedTools:\n  - Bash\n  - mcp__srv__*");
    assert_eq!(denied.disallowed_tools, ["Bash", "mcp__srv__*"].map(ToolPattern::parse));
    for list in ["Bash, Write", "\n- Bash\n-Write", "\n\t- Bash\n\t- Write"] {
        let denied = agent(&format!("name: a\ndescription: b\ndisallowedTools: {list}"));
        assert_eq!(denied.disallowed_tools, ["Bash", "Write"].map(ToolPattern::parse), "{list}");
    }
    let denied = agent("name: a\ndescription: b\nTools: x\ndisallowedTools: Bash, Write");
    assert_eq!(denied.disallowed_tools, ["Bash", "Write"].map(ToolPattern::parse));
    assert_eq!(
        agent("name: a\ndescription: b: c\n  tools: Read").tools,
        agent("name: a\ndescription: b\ntools: Read").tools
    );
}

#[test]
fn unknown_tools_are_errors_with_their_place_and_the_nearest_name() {
    let report = report(
        "---\nname: a\ndescription: b\ntools: Read, Gerp, NonExistentTool, SlashCommand\n---\nBody.\n",
    );
    assert!(report.definition.is_some() && report.has_errors() && report.has_required_fields());
    assert_eq!(
        report.unknown_tools,
        [
            UnknownTool { name: "Gerp".into(), did_you_mean: Some("Grep") },
            UnknownTool { name: "NonExistentTool".into(), did_you_mean: None },
        ]
    );
    let errors: Vec<_> = report
        .problems
        .iter()
        .filter(|problem| problem.severity == Severity::Error)
        .map(|problem| (problem.message.as_str(), problem.position, problem.help.as_deref()))
        .collect();
    let at = |column, length| Some(Position { line: 4, column, length });
    assert_eq!(
        errors,
        [
            ("invalid tool specified: 'Gerp'", at(14, 4), Some("did you mean 'Grep'?")),
            ("invalid tool specified: 'NonExistentTool'", at(20, 15), None),
        ]
    );
    assert!(messages(&report).contains(&(Severity::Note, "not provided here and left out: SlashCommand")));
}

#[test]
fn a_list_that_comes_to_nothing_is_said() {
    let of = |tools: &str| {
        let report = report(&format!("---\nname: a\ndescription: b\ntools: {tools}\n---\nBody.\n"));
        messages(&report).pop().map(|(severity, message)| (severity, message.to_owned()))
    };
    let message = "the tools list resolves to nothing: unrecognized [read, bash]".to_owned();
    assert!(
        report("---\nname: a\ndescription: b\ntools: read, bash\n---\nBody.\n")
            .problems
            .iter()
            .any(|problem| problem.severity == Severity::Error && problem.message == message)
    );
    let message = "none of its tools is provided here: SlashCommand, ExitPlanMode".to_owned();
    assert_eq!(of("SlashCommand, ExitPlanMode"), Some((Severity::Warning, message)));
    assert_eq!(of("''"), None);
    assert_eq!(of("mcp__srv__x"), None);
}

#[test]
fn what_cannot_be_an_agent_is_broken_for_a_reason() {
    for (text, reason) in [
        ("", "the file is empty"),
        ("Just text.\n", "no frontmatter: the first line is not `---`"),
        ("\n---\nname: a\ndescription: b\n---\n", "blank lines before the frontmatter"),
        ("---\nname: a\ndescription: b\n", "the frontmatter is not closed: there is no second `---`"),
        ("---\n---\nBody\n", "no name"),
        ("---\ndescription: b\n---\n", "no name"),
        ("---\nname: a\n---\n", "no description"),
        ("---\nname: a\ndescription:\n---\n", "the description is empty"),
        ("---\nname: a\ndescription: '  '\n---\n", "the description is empty"),
        ("---\nname: 123\ndescription: b\n---\n", "the name must be a text, not a number"),
        ("---\nname: true\ndescription: b\n---\n", "the name must be a text, not true or false"),
        ("---\nname: a\ndescription: 42\n---\n", "the description must be a text, not a number"),
        ("---\nname: a\ndescription: [a, b]\n---\n", "the description must be a text, not a list"),
        ("---\nname: a\ndescription:\n  x: 1\n---\n", "the description must be a text, not a mapping"),
        ("---\nname: -x\ndescription: b\n---\n", "the name may not begin with a hyphen"),
        ("---\nname: a:b\ndescription: b\n---\n", "the name may not contain ':'"),
        ("---\nname: a/b\ndescription: b\n---\n", "the name may not contain '/'"),
        ("---\nname: \"a\\u202eb\"\ndescription: b\n---\n", "the name has invisible characters"),
        ("---\nname: a\nname: b\ndescription: c\n---\n", "'name' stands twice"),
        ("---\nname: a\ndescription: b: c\nmodel: x\nmodel: y\n---\n", "'model' stands twice"),
        ("---\nname: &n a\ndescription: *n\n---\n", "anchors (`&name`) are not accepted"),
        ("---\nname: a\ndescription: !!str b\n---\n", "tags (`!name`) are not accepted"),
        ("---\nname: a\ndescription: b\ntools: [&x Read, *x]\n---\n", "anchors (`&name`) are not accepted"),
        ("---\nname: a\ndescription: b\nhooks:\n  x: &y 1\n---\n", "anchors (`&name`) are not accepted"),
        ("---\njust words\n---\n", "the frontmatter is a text, not `key: value` lines"),
        ("---\n- name: a\n---\n", "the frontmatter is a list, not `key: value` lines"),
    ] {
        let report = report(text);
        assert_eq!(report.definition, None, "{text}");
        let errors: Vec<_> =
            messages(&report).into_iter().filter(|(severity, _)| *severity == Severity::Error).collect();
        assert!(errors.contains(&(Severity::Error, reason)), "{text}\n{errors:?}");
        assert!(report.has_errors());
    }
}

#[test]
fn a_deep_or_large_frontmatter_is_refused() {
    let deep = format!("---\nname: a\ndescription: b\nhooks: {}{}\n---\n", "[".repeat(40), "]".repeat(40));
    assert_eq!(report(&deep).definition, None);
    let bomb = "---\nname: a\ndescription: b\na: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n---\n";
    assert!(report(bomb).problems[0].message.contains("not accepted"));
    let large = format!("---\nname: a\ndescription: {}\n---\n", "x ".repeat(40_000));
    assert_eq!(report(&large).problems[0].message, "the frontmatter is larger than 64 KiB");
}

#[test]
fn all_keys_that_mean_something_are_read() {
    let read = agent(concat!(
        "name: a\ndescription: b\nmodel: Opus\neffort: High\npermissionMode: plan\nmaxTurns: '7'\n",
        "initialPrompt: First.\nomitClaudeMd: true\ntemperature: 0.3\nmax_tokens: 4000\nprovider: local\n",
        "timeout: 5m\nfallback: haiku, openai/gpt-6-luna\ncolor: blue"
    ));
    let expected = AgentDefinition {
        model: ModelChoice::parse("opus"),
        effort: Some(Effort::High),
        permission_mode: Some(PermissionMode::Plan),
        max_turns: Some(7),
        initial_prompt: Some("First.".into()),
        omit_claude_md: true,
        temperature: Some(0.3),
        max_tokens: Some(4000),
        provider: Some(ProviderName::new("local")),
        timeout: Some(Duration::from_mins(5)),
        fallback: vec!["haiku".into(), "openai/gpt-6-luna".into()],
        source: AgentSource::Project,
        path: Some("some-agent.md".into()),
        ..AgentDefinition::new(AgentName::parse("a").unwrap(), "b", "Body.")
    };
    assert_eq!(read, expected);
    let lists = agent("name: a\ndescription: b\nfallback: [haiku, opus]\ntimeout: 90\nmaxTokens: 10");
    assert_eq!(
        (lists.fallback, lists.timeout),
        (vec!["haiku".into(), "opus".into()], Some(Duration::from_secs(90)))
    );
    assert_eq!(lists.max_tokens, Some(10));
}

#[test]
fn an_agent_has_the_tools_of_the_servers_that_it_names() {
    let read = agent(concat!(
        "name: a\ndescription: b\ntools: Read, mcp__git\nmcpServers:\n  - git\n  - my srv:\n      command: srv\n",
        "      args: [--port, '80']"
    ));
    let names: Vec<&str> = read.mcp_servers.iter().map(|entry| entry.name().as_str()).collect();
    assert_eq!(names, ["git", "my srv"]);
    let ToolSelection::Listed(tools) = read.tools else { panic!("a list") };
    let tools: Vec<&str> = tools.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(tools, ["Read", "mcp__git", "mcp__my_srv"]);
    let McpServerEntry::Defined(server) = &read.mcp_servers[1] else { panic!("a definition") };
    assert_eq!((server.scope, server.path.as_deref()), (McpScope::Project, Some("some-agent.md".as_ref())));
    assert_eq!(agent("name: a\ndescription: b\nmcpServers: [git]").tools, ToolSelection::Inherit);
    let wrong = report("---\nname: a\ndescription: b\nmcpServers: [1, ok]\n---\nBody.\n");
    assert_eq!(wrong.problems[0].position.map(|at| at.line), Some(4), "{:?}", wrong.problems);
}

#[test]
fn wrong_values_of_optional_keys_are_ignored_with_a_warning() {
    for line in [
        "temperature: .inf",
        "temperature: .nan",
        "temperature: 2.1",
        "temperature: -0.1",
        "temperature: warm",
        "temperature: [1]",
        "max_tokens: 0",
        "max_tokens: 1.5",
        "max_tokens: 99999999999",
        "maxTurns: -1",
        "maxTurns: many",
        "model: 4",
        "model: [opus]",
        "effort: extreme",
        "effort: 3",
        "permissionMode: yolo",
        "omitClaudeMd: perhaps",
        "initialPrompt: 5",
        "provider: [a]",
        "timeout: soon",
        "timeout: 0",
        "timeout: [1]",
        "fallback: {a: b}",
        "fallback: 5",
    ] {
        let report = report(&format!("---\nname: a\ndescription: b\n{line}\n---\nBody.\n"));
        let plain = agent("name: a\ndescription: b");
        assert_eq!(report.definition, Some(plain), "{line}");
        let [problem] = report.problems.as_slice() else { panic!("{line}: {:#?}", report.problems) };
        assert_eq!(problem.severity, Severity::Warning, "{line}");
        assert_eq!(problem.position.map(|at| at.line), Some(4), "{line}");
        assert!(problem.message.contains("ignored"), "{}", problem.message);
    }
}

#[test]
fn keys_that_are_not_used_or_not_known_are_named() {
    let report = report(concat!(
        "---\nname: a\ndescription: b\ncolor: red\nhooks:\n  PreToolUse: []\nversion: 1\n",
        "allowed-tools: Read\n---\nBody.\n"
    ));
    assert_eq!(
        messages(&report),
        [
            (Severity::Note, "'hooks' is not used yet"),
            (Severity::Note, "unknown key 'version' is ignored"),
            (Severity::Error, "unknown key 'allowed-tools' is ignored"),
        ]
    );
    assert_eq!(report.problems[2].help.as_deref(), Some("did you mean 'tools'?"));
}

#[test]
fn names_are_not_bound_to_file_names_and_comments_are_no_part_of_them() {
    assert_eq!(agent("name: with space # comment\ndescription: b").name.as_str(), "with space");
    assert_eq!(report("---\nname: other\ndescription: b\n---\n").name, "other");
    assert_eq!(report("nothing").name, "some-agent");
}
