//! One line of a frontmatter, and the key that it may begin with.

use super::super::keys;

/// A line and its number in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    pub(super) number: usize,
    pub(super) text: &'a str,
}

/// A line that reads as `key: value`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct KeyLine<'a> {
    /// White space before the key.
    pub(super) indent: &'a str,
    /// The key, without quotes.
    pub(super) key: &'a str,
    /// What stands behind the colon, untrimmed.
    pub(super) rest: &'a str,
    /// `key:value`, which is no YAML. Only accepted for keys that we know.
    pub(super) lacks_space: bool,
}

impl<'a> Line<'a> {
    /// The lines of a frontmatter, the first of which is line 2 of its file.
    pub(super) fn all(frontmatter: &'a str) -> Vec<Self> {
        frontmatter.lines().zip(2..).map(|(text, number)| Self { number, text }).collect()
    }

    pub(super) fn trimmed(&self) -> &'a str {
        self.text.trim()
    }

    pub(super) fn is_blank(&self) -> bool {
        self.trimmed().is_empty()
    }

    pub(super) fn is_comment(&self) -> bool {
        self.trimmed().starts_with('#')
    }

    /// Characters of white space that it begins with.
    pub(super) fn indent(&self) -> &'a str {
        indent_of(self.text)
    }

    /// What stands behind `- `, if it is an item of a list.
    pub(super) fn item(&self) -> Option<&'a str> {
        let rest = self.trimmed().strip_prefix('-')?;
        (rest.is_empty() || rest.starts_with([' ', '\t'])).then(|| rest.trim())
    }

    /// What stands behind `-`, also without a space between: in a list of names nothing else can be meant.
    pub(super) fn name_item(&self) -> Option<&'a str> {
        self.trimmed().strip_prefix('-').map(str::trim)
    }

    /// The key that it begins with, if it does.
    pub(super) fn key(&self) -> Option<KeyLine<'a>> {
        let indent = self.indent();
        let text = self.text.get(indent.len()..)?;
        let (key, rest) = match text.chars().next()? {
            quote @ ('"' | '\'') => text.get(1..)?.split_once(quote)?,
            _ => text.split_at(text.find(|c: char| !is_key_character(c)).unwrap_or(text.len())),
        };
        let begins_well = key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if !begins_well || !key.chars().all(is_key_character) {
            return None;
        }
        let rest = rest.trim_start_matches([' ', '\t']).strip_prefix(':')?;
        let lacks_space = !(rest.is_empty() || rest.starts_with([' ', '\t']));
        if lacks_space && (keys::key_use(key).is_none() || rest.starts_with("//")) {
            return None;
        }
        Some(KeyLine { indent, key, rest, lacks_space })
    }
}

fn indent_of(text: &str) -> &str {
    let end = text.find(|c: char| !matches!(c, ' ' | '\t')).unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

fn is_key_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Option<(&str, &str, &str, bool)> {
        Line { number: 2, text }.key().map(|key| (key.indent, key.key, key.rest, key.lacks_space))
    }

    #[test]
    fn a_key_is_one_word_before_a_colon() {
        assert_eq!(key("name: a: b"), Some(("", "name", " a: b", false)));
        assert_eq!(key("  tools :"), Some(("  ", "tools", "", false)));
        assert_eq!(key("\t\"my-key\": 1"), Some(("\t", "my-key", " 1", false)));
        assert_eq!(key("model:sonnet"), Some(("", "model", "sonnet", true)));
        for none in
            ["", "two words: x", "https://example.org", "note:this", "- name: a", "ä: b", "\"a: b", ":"]
        {
            assert_eq!(key(none), None, "{none}");
        }
    }
}
