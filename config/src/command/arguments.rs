//! The arguments of a slash command: the text as it was typed, and its words as a shell would cut them.

/// What stands behind the name of a command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommandArguments {
    text: String,
    words: Vec<String>,
}

impl CommandArguments {
    /// Reads what was typed. Quotes hold words together; one that is not closed ends with the text.
    pub fn parse(text: &str) -> Self {
        let text = text.trim();
        Self { text: text.to_owned(), words: words(text) }
    }

    /// From words that are cut already, each of them quoted where it needs quotes.
    pub fn from_words<T: AsRef<str>>(words: &[T]) -> Self {
        let quoted: Vec<String> = words.iter().map(|word| quoted(word.as_ref())).collect();
        Self::parse(&quoted.join(" "))
    }

    /// The text as it was typed, without white space around it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its words, without their quotes.
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// The word at a place, counted from 0 as Claude Code 2.1 does.
    pub fn word(&self, index: usize) -> Option<&str> {
        self.words.get(index).map(String::as_str)
    }

    /// Whether nothing was typed.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }
}

fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            ('\'' | '"', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            ('\\', None | Some('"')) if characters.peek().is_some_and(|next| is_escapable(*next, quote)) => {
                word.get_or_insert_default().extend(characters.next());
            }
            (c, None) if c.is_whitespace() => words.extend(word.take()),
            (c, _) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// Backslashes stay where they escape nothing: they are part of paths and patterns.
fn is_escapable(c: char, quote: Option<char>) -> bool {
    matches!(c, '"' | '\\') || (quote.is_none() && (c == '\'' || c.is_whitespace()))
}

fn quoted(word: &str) -> String {
    let needs_quotes = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '\\');
    if !word.is_empty() && !word.contains(needs_quotes) {
        return word.to_owned();
    }
    format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_are_cut_as_a_shell_cuts_them() {
        for (text, expected) in [
            (r#"alpha "beta gamma" delta"#, vec!["alpha", "beta gamma", "delta"]),
            ("'it''s' a\\ b \\\"q", vec!["its", "a b", "\"q"]),
            (r#""say \"hi\"" C:\dir \d+"#, vec![r#"say "hi""#, r"C:\dir", r"\d+"]),
            (r#"an "open quote"#, vec!["an", "open quote"]),
            (r#""" x"#, vec!["", "x"]),
            ("  \n ", vec![]),
        ] {
            assert_eq!(CommandArguments::parse(text).words(), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn words_come_back_from_the_text_that_they_make(words in prop::collection::vec(any::<String>(), 0..6)) {
            let arguments = CommandArguments::from_words(&words);
            prop_assert_eq!(arguments.words(), words);
        }

        #[test]
        fn any_text_has_words(text in any::<String>()) {
            let arguments = CommandArguments::parse(&text);
            prop_assert_eq!(arguments.text(), text.trim());
        }
    }
}
