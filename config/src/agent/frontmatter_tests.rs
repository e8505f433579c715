use std::path::Path;

use proptest::prelude::*;

use super::Syntax;
use crate::{AgentReport, Position, Severity, ToolPattern, ToolSelection};

fn report(text: &str) -> AgentReport {
    AgentReport::of_text(text, Some(Path::new("some-agent.md")))
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
fn a_description_that_yaml_cuts_off_at_a_number_sign_is_pointed_out() {
    let cut = report("---\nname: a\ndescription: Fixes issue #12 of ours\n---\nBody.\n");
    assert_eq!(cut.definition.as_ref().map(|agent| agent.description.as_str()), Some("Fixes issue"));
    assert_eq!(messages(&cut), [(Severity::Warning, "'description' ends here: ` #` begins a comment")]);
    assert_eq!(cut.problems[0].position, Some(Position { line: 3, column: 26, length: 11 }));
    for fine in ["description: Fixes # a comment", "description: 'issue #12'", "description: C# and F#"] {
        let report = report(&format!("---\nname: a\n{fine}\n---\nBody.\n"));
        assert!(report.problems.iter().all(|problem| problem.severity != Severity::Warning), "{fine}");
    }
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
