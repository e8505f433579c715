//! Changes to a JSON text that leave everything else in it as it stands: order, spaces, line breaks.

use std::ops::Range;

use serde::Serialize;

/// Spaces of a level where a text does not show its own.
const INDENT: &str = "  ";

/// An object or a list within a text.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    /// The whole text.
    pub(crate) text: &'a str,
    /// The object or list, a part of it.
    pub(crate) object: &'a str,
}

impl Place<'_> {
    /// The text with one more member at the end of the object, written as its other members are.
    pub(crate) fn insert(&self, key: &str, value: &impl Serialize) -> String {
        self.grown(value, |value| format!("\"{key}\": {value}"))
    }

    /// The text with one more element at the end of a list of texts, written as its other elements are.
    pub(crate) fn append(&self, value: &impl Serialize) -> String {
        self.grown(value, |value| value)
    }

    fn grown(&self, value: &impl Serialize, written: impl FnOnce(String) -> String) -> String {
        let object = self.range(self.object);
        let inner = self.object.get(1..self.object.len().saturating_sub(1)).unwrap_or_default();
        let indent = self.indent_of_line(object.start);
        let (gap, end) = match inner.find('"') {
            // What stands before the first one stands before this one too.
            Some(first) => (inner.get(..first).unwrap_or_default().to_owned(), String::new()),
            None => (format!("\n{indent}{INDENT}"), format!("\n{indent}")),
        };
        // On one line a blank follows a comma.
        let gap = if gap.is_empty() && !inner.trim().is_empty() { " ".to_owned() } else { gap };
        let comma = if inner.trim().is_empty() { "" } else { "," };
        let value = match gap.rsplit_once('\n') {
            Some((_, indent)) => pretty(value, indent),
            None => compact(value),
        };
        let at = object.start + 1 + inner.trim_end().len();
        let until = if inner.trim().is_empty() { object.end.saturating_sub(1) } else { at };
        self.spliced(at..until, &format!("{comma}{gap}{}{end}", written(value)))
    }

    /// The text with another value in the place of one of the object's.
    pub(crate) fn replace(&self, present: &str, value: &impl Serialize) -> String {
        let range = self.range(present);
        let is_one_line = !present.contains('\n');
        let value =
            if is_one_line { compact(value) } else { pretty(value, self.indent_of_line(range.start)) };
        self.spliced(range, &value)
    }

    /// The text without a member of the object.
    pub(crate) fn remove(&self, key: &str, value: &str) -> String {
        let value = self.range(value);
        let before = self.text.get(..value.start).unwrap_or_default();
        let start = before.rfind(&format!("\"{key}\"")).unwrap_or(value.start);
        let before = before.get(..start).unwrap_or_default().trim_end();
        let after = self.text.get(value.end..).unwrap_or_default();
        if let Some(before) = before.strip_suffix(',') {
            return format!("{before}{after}");
        }
        let rest = after.trim_start();
        match rest.strip_prefix(',') {
            // The first of several: what follows takes its place.
            Some(rest) => format!("{}{}", self.text.get(..start).unwrap_or_default(), rest.trim_start()),
            // The only one.
            None => format!("{before}{rest}"),
        }
    }

    /// Where a part of the text stands in it.
    fn range(&self, part: &str) -> Range<usize> {
        let start = part.as_ptr().addr().saturating_sub(self.text.as_ptr().addr());
        start..start + part.len()
    }

    fn spliced(&self, range: Range<usize>, with: &str) -> String {
        let (before, after) = (self.text.get(..range.start), self.text.get(range.end..));
        format!("{}{with}{}", before.unwrap_or_default(), after.unwrap_or_default())
    }

    /// The spaces at the beginning of the line of a byte.
    fn indent_of_line(&self, at: usize) -> &str {
        let line = self.text.get(..at).unwrap_or_default().rsplit('\n').next().unwrap_or_default();
        line.get(..line.len() - line.trim_start().len()).unwrap_or_default()
    }
}

/// A value over several lines, of which all but the first are indented so far.
pub(crate) fn pretty(value: &impl Serialize, indent: &str) -> String {
    // Our own values, of texts and lists, can always be written.
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.replace('\n', &format!("\n{indent}"))
}

/// A value on one line.
fn compact(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;
    use serde_json::value::RawValue;

    use super::*;

    fn insert(text: &str) -> String {
        let text = text.to_owned();
        Place { text: &text, object: text.trim() }.insert("k", &json!({"a": 1}))
    }

    fn remove(text: &str) -> String {
        let members: BTreeMap<String, &RawValue> = serde_json::from_str(text).expect("JSON");
        Place { text, object: text.trim() }.remove("k", members["k"].get())
    }

    #[test]
    fn a_member_is_written_as_its_neighbours_are_and_taken_out_without_a_trace() {
        for (before, after) in [
            ("{\"x\":1}", "{\"x\":1, \"k\": {\"a\":1}}"),
            (
                "{\n    \"x\": {\"y\": 2}\n}\n",
                "{\n    \"x\": {\"y\": 2},\n    \"k\": {\n      \"a\": 1\n    }\n}\n",
            ),
            ("{\n\t\"x\" : [ 1 ]\n}", "{\n\t\"x\" : [ 1 ],\n\t\"k\": {\n\t  \"a\": 1\n\t}\n}"),
        ] {
            assert_eq!(insert(before), after);
            assert_eq!(remove(after), before);
        }
        assert_eq!(insert("{}\n"), "{\n  \"k\": {\n    \"a\": 1\n  }\n}\n");
        assert_eq!(remove("{\n  \"k\": {\n    \"a\": 1\n  }\n}\n"), "{}\n");
        assert_eq!(remove("{\n  \"k\": 1,\n  \"x\": \"k\"\n}"), "{\n  \"x\": \"k\"\n}");
        assert_eq!(remove("{\"a\": \"\\\"k\\\"\", \"k\": 1}"), "{\"a\": \"\\\"k\\\"\"}");
    }

    #[test]
    fn an_element_is_written_as_its_neighbours_are() {
        for (before, after) in [
            ("[]", "[\n  \"k\"\n]"),
            ("[\"x\"]", "[\"x\", \"k\"]"),
            ("[\n    \"x\"\n]", "[\n    \"x\",\n    \"k\"\n]"),
        ] {
            assert_eq!(Place { text: before, object: before }.append(&"k"), after);
        }
    }

    #[test]
    fn a_value_is_replaced_in_its_own_form() {
        let text = "{\n  \"k\": {\n    \"a\": 0\n  },\n  \"x\": 1\n}";
        let members: BTreeMap<String, &RawValue> = serde_json::from_str(text).expect("JSON");
        let place = Place { text, object: text };
        let replaced = place.replace(members["k"].get(), &json!({"a": 1, "b": [2]}));
        assert_eq!(
            replaced,
            "{\n  \"k\": {\n    \"a\": 1,\n    \"b\": [\n      2\n    ]\n  },\n  \"x\": 1\n}"
        );
    }
}
