use super::super::testing::{called, request, results, user};
use super::*;
use crate::ChatRequest;

const GREP: &str = "src/a.rs:3:let x = y.unwrap();\nsrc/b.rs:9:z.unwrap()\ndocs/n.md:1:unwrap is bad\n";

/// A conversation with two rounds of results.
fn conversation() -> ChatRequest {
    request([
        user("Review src/."),
        called([("g1", "Glob"), ("find", "Grep")]),
        results([("g1", "Glob", "src/b.rs\nsrc/a.rs\nsrc/b.rs"), ("find", "Grep", GREP)]),
        called([("g2", "Glob")]),
        results([("g2", "Glob", "docs/n.md")]),
    ])
}

fn filled(text: &str) -> Result<String, String> {
    let request = conversation();
    Template::parse(text).map_err(|error| error.to_string())?.render(Conversation::new(&request))
}

#[test]
fn each_source_gives_its_part_of_the_conversation() {
    let cases = [
        ("{{ result }}", "docs/n.md"),
        ("{{result 1}}", "src/b.rs\nsrc/a.rs\nsrc/b.rs"),
        ("{{ result find | first 1 }}", "src/a.rs:3:let x = y.unwrap();"),
        ("{{ results Glob }}", "src/b.rs\nsrc/a.rs\nsrc/b.rs\ndocs/n.md"),
        ("{{ results | count }}", "7"),
        ("{{ results Bash }}", ""),
        ("task: {{ prompt }} on {{model}}", "task: Review src/. on scripted"),
        ("{{ user }}", "Review src/."),
        ("{{ '{{' }} and \"}}\" stay", "{{ and \"}}\" stay"),
        ("no expression } }", "no expression } }"),
    ];
    for (template, expected) in cases {
        assert_eq!(filled(template).as_deref(), Ok(expected), "{template}");
    }
}

#[test]
fn each_filter_leaves_what_its_name_says() {
    let cases = [
        ("{{ result find | grep '^src/' | count }}", "2"),
        ("{{ result find | omit \"^src/\" }}", "docs/n.md:1:unwrap is bad"),
        (
            r"{{ result find | map '^(src/[^:]+):(\d{1,2}):' '- $1 line $2' }}",
            "- src/a.rs line 3\n- src/b.rs line 9",
        ),
        ("{{ result 1 | sort | join ', ' }}", "src/a.rs, src/b.rs, src/b.rs"),
        ("{{ result 1 | unique | join ' ' }}", "src/b.rs src/a.rs"),
        ("{{ result 1 | last 1 }}", "src/b.rs"),
        ("{{ result 1 | last 9 | count }}", "3"),
        ("{{ result find | grep nothing | default 'all clean' }}", "all clean"),
        ("{{ result | default 'all clean' }}", "docs/n.md"),
        ("{{ ' \n\nx\n' | count }}", "1"),
    ];
    for (template, expected) in cases {
        assert_eq!(filled(template).as_deref(), Ok(expected), "{template}");
    }
}

#[test]
fn what_is_not_in_the_conversation_cannot_be_quoted() {
    let missing = |template| filled(template).unwrap_err();
    assert_eq!(
        missing("{{ result nine }}"),
        "quotes the result of the call 'nine', and the conversation has 3 tool results without it"
    );
    assert!(missing("{{ result 4 }}").starts_with("quotes tool result 4,"));
    assert!(missing("{{ result 0 }}").starts_with("quotes tool result 0,"));
}

#[test]
fn a_text_that_is_no_template_is_refused_with_the_reason() {
    let refused = |text| Template::parse(text).unwrap_err().to_string();
    assert_eq!(refused("a {{ result"), "'{{' without '}}'");
    assert_eq!(refused("{{ result | grep 'a }}"), "a ' without its end");
    assert_eq!(refused("{{ result | count 3 }}"), "wrong number of arguments for the filter 'count'");
    assert_eq!(refused("{{ result | }}"), "'|' without a filter behind it");
    assert_eq!(refused("{{ result | first many }}"), "'many' is not a number");
    assert_eq!(refused("{{ result | grep '(' }}"), "not a regular expression: unclosed group");
    assert!(refused("{{ last }}").starts_with("unknown source 'last';"));
    assert!(refused("{{ }}").starts_with("unknown source '';"));
    assert!(refused("{{ result | upper }}").starts_with("unknown filter 'upper';"));
}
