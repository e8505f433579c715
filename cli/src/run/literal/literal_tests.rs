use proptest::prelude::*;
use serde_json::json;

use super::*;

fn arguments(text: &str) -> Vec<Vec<(String, Value)>> {
    let calls = parse(text).unwrap_or_else(|error| panic!("{error} at byte {} of {text}", error.offset));
    let pairs = |call: Call| call.arguments.into_iter().map(|a| (a.name, a.value)).collect();
    calls.into_iter().map(pairs).collect()
}

fn refused(text: &str) -> (usize, String) {
    let error = parse(text).expect_err("this must be refused");
    (error.offset, error.message)
}

#[test]
fn the_specifications_examples_are_read() {
    let single = r#"result = await Task(
        subagent_type="code-review",
        prompt="Review this Python function for security issues",
        description="Security code review for auth module"
    )"#;
    assert_eq!(
        arguments(single),
        [[
            ("subagent_type".to_owned(), json!("code-review")),
            ("prompt".to_owned(), json!("Review this Python function for security issues")),
            ("description".to_owned(), json!("Security code review for auth module")),
        ]]
    );
    let parallel = r#"results = await asyncio.gather(
        Task(subagent_type="code-review", prompt="Review security"),
        Task(subagent_type="test-runner", prompt="Run test suite"), # the slow one
        Task(subagent_type="documentation-writer", prompt="Update docs"),
        return_exceptions=True,
    )"#;
    let agents: Vec<Value> = arguments(parallel).into_iter().map(|call| call[0].1.clone()).collect();
    assert_eq!(agents, ["code-review", "test-runner", "documentation-writer"]);
}

#[test]
fn quotes_and_escapes_are_pythons() {
    for (literal, expected) in [
        (r#""plain""#, "plain"),
        (r"'it''s'", "its"),
        (r#"'say "hi"'"#, "say \"hi\""),
        (r#""a\n\t\\\"\'""#, "a\n\t\\\"'"),
        (r#""\x41\u00e9\U0001F600\101\0""#, "Aé😀A\0"),
        (r#"r"\d+\"""#, "\\d+\\\""),
        ("\"\"\"two\nlines with \"quotes\" \"\"\"", "two\nlines with \"quotes\" "),
        ("'''it's'''", "it's"),
        ("'one '\n   'two'", "one two"),
        (r#""unknown \d stays""#, "unknown \\d stays"),
        ("'a\\\nb'", "ab"),
        (r"u'x'", "x"),
    ] {
        assert_eq!(arguments(&format!("Task(prompt={literal})"))[0][0].1, json!(expected), "{literal}");
    }
}

#[test]
fn arguments_without_keywords_stand_for_agent_prompt_and_description() {
    let call = &arguments("Agent('a', 'p', 'd', model='opus', max_turns=3, x=None, y=True, z=-1.5)")[0];
    let names: Vec<&str> = call.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["subagent_type", "prompt", "description", "model", "max_turns", "x", "y", "z"]);
    assert_eq!(
        call[4..].iter().map(|(_, value)| value.clone()).collect::<Vec<_>>(),
        [json!(3), json!(null), json!(true), json!(-1.5)]
    );
}

#[test]
fn several_statements_are_several_tasks() {
    assert_eq!(arguments("a = Task(prompt='1'); Task(prompt='2')\nawait Task(prompt='3')").len(), 3);
    assert_eq!(arguments("asyncio.run(asyncio.gather(Task('a','b')))").len(), 1);
}

#[test]
fn what_is_wrong_is_named_where_it_stands() {
    for (text, offset, part) in [
        ("Task(subagent_type='a' prompt='b')", 23, "',' or ')' should stand here, not 'prompt'"),
        ("Task(subagent_type='a', prompt='b'", 34, "not the end of the text"),
        ("Task(subagent_type=code-reviewer)", 19, "quotes are missing"),
        ("Task(prompt='a', prompt='b')", 17, "'prompt' stands twice"),
        ("Task(prompt='a', 'b')", 17, "a keyword such as prompt="),
        ("Task('a', 'b', 'c', 'd')", 20, "model="),
        ("Task(prompt=f'{x}')", 12, "f-string"),
        ("Task(prompt=\u{201c}x\u{201d})", 12, "typographic"),
        ("Task(prompt='x\n')", 14, "three quotes"),
        ("Task(prompt='x)", 12, "closing '"),
        ("Task(prompt='\\u12')", 13, "4 hexadecimal digits"),
        ("print(1)", 0, "'print' is not known here"),
        ("asyncio.gather(*tasks)", 15, "'*'"),
        ("asyncio.gather()", 0, "no Task(...)"),
        ("", 0, "no Task(...)"),
        ("Task(prompt=1.2.3)", 12, "no number"),
    ] {
        let (found, message) = refused(text);
        assert!(message.contains(part) && found == offset, "{text:?}: {found} {message}");
    }
}

#[test]
fn calls_are_told_from_names_of_agents() {
    for text in ["Task(", " Task (x", "await Agent(", "r = await asyncio.gather(", "gather(Task())"] {
        assert!(looks_like_call(text), "{text}");
    }
    for text in ["code-reviewer", "Task", "Tasks(", "task(x)", "my Task(x)", ""] {
        assert!(!looks_like_call(text), "{text}");
    }
}

/// A text as Python would write it, in one of four ways.
fn written(text: &str, way: u8) -> String {
    let quote = ["\"", "'", "\"\"\"", "'''"][usize::from(way % 4)];
    let mut body = String::new();
    for c in text.chars() {
        match c {
            '\\' => body.push_str("\\\\"),
            '"' | '\'' => body.extend(['\\', c]),
            '\n' if quote.len() == 1 => body.push_str("\\n"),
            c => body.push(c),
        }
    }
    format!("{quote}{body}{quote}")
}

proptest! {
    #[test]
    fn every_text_survives_being_written_and_read(
        texts in proptest::collection::vec(("(?s).{0,30}", any::<u8>()), 1..4),
        is_gathered in any::<bool>(),
        has_comma in any::<bool>(),
    ) {
        let comma = if has_comma { "," } else { "" };
        let call = |(text, way): &(String, u8)| {
            format!("Task(subagent_type='a',\n prompt = {}{comma} )", written(text, *way))
        };
        let calls: Vec<String> = texts.iter().map(call).collect();
        let source = if is_gathered {
            format!("r = await asyncio.gather({}{comma})", calls.join(", "))
        } else {
            calls.join("\n")
        };
        let read: Vec<Value> = arguments(&source).into_iter().map(|call| call[1].1.clone()).collect();
        let expected: Vec<Value> = texts.iter().map(|(text, _)| json!(text)).collect();
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn no_text_makes_it_panic_and_errors_point_into_it(text in "(?s)(Task\\(|[a-z]+=|['\"]|\\\\|,|\\)|.){0,12}") {
        if let Err(error) = parse(&text) {
            prop_assert!(error.offset <= text.len() && text.is_char_boundary(error.offset), "{error:?}");
        }
    }
}
