use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::{
    AgentName, Effort, ModelChoice, PermissionMode, Position, ProviderName, ToolPattern, ToolSelection,
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

/// What an odd description must become; its problems must be warnings that name the right line, and its fixed text
/// must be faultless YAML with the same meaning.
fn check_description(lines: &str, expected: &str, warning: Option<(&str, usize)>) {
    let text = format!("---\nname: a\n{lines}\ntools: Read\n---\nBody.\n");
    let report = report(&text);
    let agent = report.definition.as_ref().unwrap_or_else(|| panic!("{lines}\n{:#?}", report.problems));
    assert_eq!(agent.description, expected, "{lines}");
    assert_eq!(tools(&agent.tools), Some(vec!["Read".to_owned()]), "{lines}");
    assert_eq!(agent.prompt, "Body.");
    let found: Vec<_> = report
        .problems
        .iter()
        .map(|problem| (problem.message.as_str(), problem.position.map_or(0, |at| at.line)))
        .collect();
    assert_eq!(found, warning.into_iter().collect::<Vec<_>>(), "{lines}");
    check_fixes(&report);
}

/// The fixed text is YAML, has no fixes left, and means the same.
fn check_fixes(report: &AgentReport) {
    let Some(fixed) = report.fixed_text() else { return };
    let again = AgentReport::of_text(&fixed, Some(Path::new("some-agent.md")));
    assert_eq!(again.syntax, Some(Syntax::Yaml), "{}\nbecame\n{fixed}\n{:#?}", report.text, again.problems);
    assert_eq!(again.definition, report.definition, "{}\nbecame\n{fixed}", report.text);
    assert_eq!(again.fixed_text(), None, "{fixed}");
}

#[test]
fn descriptions_that_are_yaml_are_read_as_yaml() {
    for (lines, expected) in [
        ("description: Reviews code", "Reviews code"),
        ("description: 'It''s: quoted'", "It's: quoted"),
        ("description: \"Two\\n\\nlines\"", "Two\n\nlines"),
        ("description: |\n  one\n    two\n\n  three", "one\n  two\n\nthree"),
        ("description: >\n  one\n  two\n\n  three", "one two\nthree"),
        ("description: one\n  two\n\n  three", "one two\nthree"),
        ("description: url https://example.org#part", "url https://example.org#part"),
        ("description: Reviews # a comment", "Reviews"),
        ("# a comment\ndescription: x", "x"),
        ("description:\n  next line", "next line"),
        ("description: \"two\n  lines\"", "two lines"),
    ] {
        check_description(lines, expected, None);
    }
}

#[test]
fn descriptions_that_are_no_yaml_are_read_as_they_are_meant() {
    let colon = Some(("`: ` in a value without quotes", 3));
    let star = Some(("a value that begins with `*` and has no quotes", 3));
    let quotes = Some(("quotes that do not belong together", 3));
    let loose = Some(("lines of 'description' are neither indented nor quoted", 3));
    for (lines, expected, warning) in [
        ("description: Use when: always", "Use when: always", colon),
        ("description: Triggers on: 'a', 'b'. # c", "Triggers on: 'a', 'b'. # c", colon),
        ("description: Use: it\n  and: more\n\n  Last", "Use: it and: more\nLast", colon),
        ("description: *bold* text", "*bold* text", star),
        ("description: *", "*", star),
        ("description: [unclosed", "[unclosed", Some(("a value that begins with `[` and has no quotes", 3))),
        ("description: {x} and y", "{x} and y", Some(("a value that begins with `{` and has no quotes", 3))),
        (
            "description: @team help",
            "@team help",
            Some(("a value that begins with `@` and has no quotes", 3)),
        ),
        (
            "description: `code` first",
            "`code` first",
            Some(("a value that begins with ``` and has no quotes", 3)),
        ),
        ("description: % of it", "% of it", Some(("a value that begins with `%` and has no quotes", 3))),
        ("description: & more", "& more", Some(("a value that begins with `&` and has no quotes", 3))),
        ("description: \"a \"b\" c\"", "a \"b\" c", quotes),
        ("description: \"a\" b", "\"a\" b", quotes),
        ("description: 'it's me'", "it's me", quotes),
        ("description: \"never closed", "never closed", quotes),
        ("description: \"a \\d b\"", "a \\d b", quotes),
        ("description: \"two\n\nwith: colon\"", "two\nwith: colon", quotes),
        (
            "description: First.\n\nSecond: not indented.\n- item",
            "First.\n\nSecond: not indented.\n- item",
            loose,
        ),
        (
            "description: Use it.\n\n<example>\nContext: x\nuser: \"hi\"\nuser: \"ho\"\n</example>",
            "Use it.\n\n<example>\nContext: x\nuser: \"hi\"\nuser: \"ho\"\n</example>",
            loose,
        ),
        (
            "description: Use it.\nExamples:\n<example>\nuser: y\n</example>",
            "Use it.\nExamples:\n<example>\nuser: y\n</example>",
            loose,
        ),
        ("description: |\none\ntwo", "one\ntwo", loose),
        ("description:text", "text", Some(("a space is missing behind 'description:'", 3))),
        ("  description: b", "b", Some(("'description' is indented as if it belonged to the line above", 3))),
        (
            "description: Use this.\\n\\n<example>\\nuser: \"hi\"\\n</example>",
            "Use this.\n\n<example>\nuser: \"hi\"\n</example>",
            colon,
        ),
        (
            "description: one\\ntwo",
            "one\ntwo",
            Some(("`\\n` without double quotes is read as a line break", 3)),
        ),
        (
            "description: 'one\\ntwo'",
            "one\ntwo",
            Some(("`\\n` without double quotes is read as a line break", 3)),
        ),
    ] {
        check_description(lines, expected, warning);
    }
}

#[test]
fn a_block_that_yaml_refuses_is_read_by_its_indentation() {
    for (lines, expected) in [
        ("description: |\n\tone\n\ttwo: x", "one\ntwo: x"),
        ("description: |\n      one\n  two", "one\ntwo"),
        ("description: >-\n\tone\n\ttwo", "one two"),
    ] {
        let report = report(&format!("---\nname: a\n{lines}\n---\n"));
        let agent = report.definition.as_ref().unwrap_or_else(|| panic!("{lines}: {:#?}", report.problems));
        assert_eq!(agent.description.replace("    ", ""), expected, "{lines}");
        check_fixes(&report);
    }
}

#[test]
fn a_leniency_names_its_place_and_the_line_as_it_should_be() {
    let report = report("---\nname: a\ndescription: Use when: \"now\"\n---\nBody.\n");
    let [problem] = report.problems.as_slice() else { panic!("one problem: {:#?}", report.problems) };
    assert_eq!(problem.severity, Severity::Warning);
    assert_eq!(problem.position, Some(Position { line: 3, column: 22, length: 2 }));
    assert_eq!(problem.fixed_line.as_deref(), Some(r#"description: "Use when: \"now\"""#));
    assert_eq!(problem.path.as_deref(), Some(Path::new("some-agent.md")));
    assert_eq!(
        report.fixed_text().as_deref(),
        Some("---\nname: a\ndescription: \"Use when: \\\"now\\\"\"\n---\nBody.\n")
    );
    assert_eq!(report.syntax, Some(Syntax::Lenient));
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
        "name: a\ndescription: b\ndisallowedTools: [Bash, 5]",
        "name: a\ndescription: b\ndisallowedTools: {Bash: true}",
    ] {
        let report = report(&format!("---\n{frontmatter}\n---\n"));
        assert_eq!(report.definition, None, "{frontmatter}");
        assert!(report.worst() == Some(Severity::Error), "{frontmatter}");
    }
    let denied = agent("name: a\ndescription: b\ndisallowedTools:\n  - Bash\n  - mcp__srv__*");
    assert_eq!(denied.disallowed_tools, ["Bash", "mcp__srv__*"].map(ToolPattern::parse));
    let denied = agent("name: a\ndescription: b\ndisallowedTools: Bash, Write");
    assert_eq!(denied.disallowed_tools, ["Bash", "Write"].map(ToolPattern::parse));
    assert_eq!(
        agent("name: a\ndescription: b: c\n  tools: Read").tools,
        agent("name: a\ndescription: b\ntools: Read").tools
    );
}

#[test]
fn unknown_tools_are_errors_with_their_place_and_the_nearest_name() {
    let report =
        report("---\nname: a\ndescription: b\ntools: Read, Gerp, NonExistentTool, WebFetch\n---\nBody.\n");
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
    assert!(messages(&report).contains(&(Severity::Note, "not provided here and left out: WebFetch")));
}

#[test]
fn a_list_that_comes_to_nothing_is_said() {
    let of = |tools: &str| {
        let report = report(&format!("---\nname: a\ndescription: b\ntools: {tools}\n---\nBody.\n"));
        let last = messages(&report).into_iter().map(|(severity, message)| (severity, message.to_owned()));
        last.last()
    };
    let message = "the tools list resolves to nothing: unrecognized [read, bash]".to_owned();
    assert!(
        report("---\nname: a\ndescription: b\ntools: read, bash\n---\nBody.\n")
            .problems
            .iter()
            .any(|problem| problem.severity == Severity::Error && problem.message == message)
    );
    let message = "none of its tools is provided here: WebFetch, TodoWrite".to_owned();
    assert_eq!(of("WebFetch, TodoWrite"), Some((Severity::Warning, message)));
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
            (Severity::Warning, "unknown key 'allowed-tools' is ignored"),
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

#[test]
fn line_ends_and_marks_of_windows_change_nothing() {
    let unix = "---\nname: a\ndescription: |\n  one\n  two\ntools: Read\n---\nBody\n\nmore.\n";
    let windows = format!("\u{feff}{}", unix.replace('\n', "\r\n"));
    assert_eq!(report(&windows).definition, report(unix).definition);
    assert_eq!(report(&windows).problems, []);
}

/// Pieces that real files are made of, put together at random.
fn any_frontmatter() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        Just("name: a".to_owned()),
        Just("description: Use when: now".to_owned()),
        Just("tools: *".to_owned()),
        Just(String::new()),
        "(name|description|tools|model|hooks|user|Context)( )?:( )?[ -~]{0,20}",
        "[ \t]{0,3}(- )?[ -~]{0,20}",
        "description: [|>\"'\\[{*&!-]{1,2}[ -~]{0,20}",
        "(description|tools|initialPrompt|other): \\PC{0,15}",
        "\\PC{0,15}",
    ];
    prop::collection::vec(line, 0..9).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn any_text_is_judged(text in "\\PC{0,200}|(---|\n|name:|description:|[ -~]|\\PC){0,60}") {
        let report = report(&text);
        prop_assert!(report.definition.is_some() || report.worst() == Some(Severity::Error));
    }

    #[test]
    fn what_is_read_leniently_is_fixed_to_yaml_with_the_same_meaning(frontmatter in any_frontmatter()) {
        let report = report(&format!("---\nname: z\n{frontmatter}\n---\nBody.\n"));
        prop_assert!(report.definition.is_some() || report.worst() == Some(Severity::Error));
        if report.syntax == Some(Syntax::Lenient) {
            prop_assert!(!report.problems.is_empty());
        }
        check_fixes(&report);
    }
}
