//! Writing frontmatter: one line per key, quoted where YAML needs it and nowhere else.

use std::fmt::Write;

use super::value::Value;

/// Words that YAML takes for something else than text, in one or another of its versions.
const RESERVED: &[&str] = &["true", "false", "null", "yes", "no", "on", "off", "y", "n"];

/// `key: value` as one line of YAML.
pub(super) fn line(key: &str, value: &Value) -> String {
    let mut out = String::new();
    scalar(key, Within::Line, &mut out);
    out.push(':');
    match value {
        Value::Null => {}
        value => {
            out.push(' ');
            flow(value, Within::Line, &mut out);
        }
    }
    out
}

/// What a text stands in: between brackets, commas and brackets need quotes too.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Line,
    Brackets,
}

fn flow(value: &Value, within: Within, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(value) if value.is_nan() => out.push_str(".nan"),
        Value::Number(value) if value.is_infinite() => {
            out.push_str(if value.is_sign_positive() { ".inf" } else { "-.inf" });
        }
        Value::Number(value) => out.push_str(&value.to_string()),
        Value::Text(text) => scalar(text, within, out),
        Value::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                flow(item, Within::Brackets, out);
            }
            out.push(']');
        }
        Value::Map(pairs) => {
            out.push('{');
            for (index, (key, value)) in pairs.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                scalar(key, Within::Brackets, out);
                out.push_str(": ");
                flow(value, Within::Brackets, out);
            }
            out.push('}');
        }
    }
}

fn scalar(text: &str, within: Within, out: &mut String) {
    if is_plain(text, within) { out.push_str(text) } else { quoted(text, out) }
}

/// Whether a text means itself without quotes, for any YAML parser.
fn is_plain(text: &str, within: Within) -> bool {
    let is_harmless = |c: char| {
        c.is_alphanumeric()
            || matches!(c, ' ' | '_' | '-' | '.' | '/' | '(' | ')' | '*' | ':' | '\'' | ';' | '+' | '=')
            || (within == Within::Line && matches!(c, ',' | '!' | '?' | '"'))
    };
    begins_plainly(text)
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && text.chars().all(is_harmless)
        && !RESERVED.contains(&text.to_lowercase().as_str())
}

/// With a letter, or with digits that no version of YAML takes for a number: `1500ms`.
fn begins_plainly(text: &str) -> bool {
    let is_of_numbers =
        |c: char| c.is_ascii_hexdigit() || matches!(c, 'x' | 'X' | 'o' | 'O' | '_' | '.' | '-' | ':');
    match text.chars().next() {
        Some(first) if first.is_ascii_digit() => {
            text.chars().all(char::is_alphanumeric) && !text.chars().all(is_of_numbers)
        }
        first => first.is_some_and(char::is_alphabetic),
    }
}

fn quoted(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if is_printable(c) => out.push(c),
            c => {
                // Writing to a text cannot fail.
                let _ = write!(out, "\\U{:08X}", u32::from(c));
            }
        }
    }
    out.push('"');
}

/// What may stand in double quotes as itself: no controls, no line separators, nothing invisible.
fn is_printable(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        && !matches!(c, '\u{feff}' | '\u{fffe}' | '\u{ffff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::yaml;

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    #[test]
    fn quotes_stand_where_yaml_needs_them() {
        for (value, expected) in [
            (text("Reviews code, carefully"), "key: Reviews code, carefully"),
            (text("Use when: always"), r#"key: "Use when: always""#),
            (text("one\n\ntwo"), r#"key: "one\n\ntwo""#),
            (text("*"), r#"key: "*""#),
            (text("yes"), r#"key: "yes""#),
            (text("4"), r#"key: "4""#),
            (text("1e5"), r#"key: "1e5""#),
            (text("1h30m"), "key: 1h30m"),
            (text(""), r#"key: """#),
            (text("right\u{202e}left"), r#"key: "right\U0000202Eleft""#),
            (Value::Null, "key:"),
            (Value::Number(0.3), "key: 0.3"),
            (
                Value::List(vec![text("Read"), text("Bash(git:*)"), text("a, b")]),
                r#"key: [Read, Bash(git:*), "a, b"]"#,
            ),
            (Value::Map(vec![("a b".into(), Value::Bool(true))]), "key: {a b: true}"),
        ] {
            assert_eq!(line("key", &value), expected);
        }
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            (-1.0e9..1.0e9_f64).prop_map(Value::Number),
            "\\PC{0,20}".prop_map(Value::Text),
            any::<String>().prop_map(Value::Text),
            "[-a-z:#,\\[\\]{}*&!|>'\"%@` \n\t]{0,12}".prop_map(Value::Text),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::List),
                prop::collection::btree_map("\\PC{1,8}", inner, 0..4)
                    .prop_map(|map| Value::Map(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_reads_as_the_same_value(key in "[a-z][a-zA-Z_-]{0,10}", value in any_value()) {
            let line = line(&key, &value);
            prop_assert_eq!(line.lines().count(), 1);
            let parsed = yaml::parse::<Value>(&line, yaml::Limits::FRONTMATTER);
            let parsed = parsed.map_err(|problem| TestCaseError::fail(format!("{line}: {problem:?}")))?;
            prop_assert_eq!(parsed.value, Value::Map(vec![(key, value)]));
        }
    }
}
