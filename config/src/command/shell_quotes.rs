//! Where in a shell command line an argument stands: outside of quotes or inside, so that it is written as a word that the
//! shell reads back letter by letter.
//!
//! This is no parser of the shell: where it does not know (here-documents, arithmetic, `$'...'`, patterns of `${...}`),
//! it says so, and nothing but plain letters is put there.

/// How the shell reads what comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Context {
    /// Outside of quotes.
    Bare,
    /// Inside `'...'`.
    Single,
    /// Inside `"..."`.
    Double,
    /// Behind `#`, up to the end of the line.
    Comment,
}

/// Reads a command line piece by piece.
#[derive(Clone, Debug, Default)]
pub(super) struct ShellQuotes {
    /// What is open, the innermost last; outside of everything when empty.
    open: Vec<Context>,
    /// The character that was read last.
    last: Option<char>,
    /// Whether what comes next has a backslash before it.
    is_escaped: bool,
    /// Whether something was met that is not understood here.
    is_lost: bool,
}

impl ShellQuotes {
    /// Reads on.
    pub(super) fn read(&mut self, text: &str) {
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let after = rest.get(c.len_utf8()..).unwrap_or_default();
            rest = if std::mem::take(&mut self.is_escaped) { after } else { self.step(c, after) };
            self.last = Some(c);
        }
    }

    /// A word as the shell reads it back at this place; `None` where nobody knows how.
    pub(super) fn word(&self, word: &str) -> Option<String> {
        // Behind these a letter becomes another one, or a variable's name.
        let is_joined = self.is_escaped || (self.last == Some('$') && self.context() != Context::Single);
        if is_joined {
            return None;
        }
        if !word.is_empty() && word.chars().all(is_plain) {
            return Some(word.to_owned());
        }
        if self.is_lost || word.contains('\0') {
            return None;
        }
        match self.context() {
            Context::Bare => Some(bare(word)),
            Context::Single => Some(word.replace('\'', r"'\''")),
            Context::Double => Some(escaped(word, |c| matches!(c, '"' | '\\' | '$' | '`'))),
            Context::Comment => None,
        }
    }

    /// Goes on behind a word that was put here.
    pub(super) fn pass_word(&mut self) {
        self.last = Some('_');
    }

    /// Whether the place is inside quotes, where several words are one.
    pub(super) fn is_quoted(&self) -> bool {
        matches!(self.context(), Context::Single | Context::Double)
    }

    fn context(&self) -> Context {
        self.open.last().copied().unwrap_or(Context::Bare)
    }

    /// Reads one character; gives what is left behind it.
    fn step<'a>(&mut self, c: char, after: &'a str) -> &'a str {
        match (self.context(), c) {
            (Context::Single, '\'') | (Context::Double, '"') | (Context::Comment, '\n') => {
                self.open.pop();
            }
            (Context::Bare | Context::Double, '\\') => self.is_escaped = true,
            (Context::Bare | Context::Double, '$') => return self.dollar(after),
            (Context::Bare | Context::Double, '`') => self.is_lost = true,
            (Context::Bare, '\'') => self.open.push(Context::Single),
            (Context::Bare, '"') => self.open.push(Context::Double),
            (Context::Bare, '(') => self.parenthesis(after),
            (Context::Bare, ')') => self.is_lost |= self.open.pop().is_none(),
            (Context::Bare, '#') if self.begins_word() => self.open.push(Context::Comment),
            (Context::Bare, '<') if after.starts_with('<') => return self.document(after),
            (Context::Bare, 'c') if after.starts_with("ase") && self.begins_word() => self.is_lost = true,
            (Context::Bare | Context::Single | Context::Double | Context::Comment, _) => {}
        }
        after
    }

    /// `((` reckons.
    fn parenthesis(&mut self, after: &str) {
        self.is_lost |= after.starts_with('(');
        self.open.push(Context::Bare);
    }

    /// What stands behind a `$`.
    fn dollar<'a>(&mut self, after: &'a str) -> &'a str {
        if let Some(inside) = after.strip_prefix('(') {
            self.parenthesis(inside);
            return inside;
        }
        if let Some((name, behind)) = after.strip_prefix('{').and_then(|inside| inside.split_once('}')) {
            self.is_lost |= !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            return behind;
        }
        self.is_lost |= after.starts_with('{');
        self.is_lost |= self.context() == Context::Bare && after.starts_with('\'');
        after
    }

    /// `<<<` is a word like any other, `<<` a document.
    fn document<'a>(&mut self, after: &'a str) -> &'a str {
        after.strip_prefix("<<").unwrap_or_else(|| {
            self.is_lost = true;
            after
        })
    }

    fn begins_word(&self) -> bool {
        self.last.is_none_or(|last| last.is_whitespace() || matches!(last, ';' | '|' | '&' | '('))
    }
}

/// A character that means itself wherever it stands.
fn is_plain(c: char) -> bool {
    c.is_alphanumeric() || "_-./:=@%+,".contains(c)
}

fn bare(word: &str) -> String {
    // A backslash before the end of a line takes it away; and of an empty word nothing would be left.
    if word.is_empty() || word.contains('\n') {
        return format!("'{}'", word.replace('\'', r"'\''"));
    }
    escaped(word, |c| !is_plain(c))
}

fn escaped(word: &str, is_special: impl Fn(char) -> bool) -> String {
    let mut text = String::with_capacity(word.len());
    for c in word.chars() {
        if is_special(c) {
            text.push('\\');
        }
        text.push(c);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    fn word_behind(before: &str, word: &str) -> Option<String> {
        let mut quotes = ShellQuotes::default();
        quotes.read(before);
        quotes.word(word)
    }

    #[test]
    fn a_word_is_written_as_its_place_wants_it() {
        for (before, expected) in [
            ("echo ", r"it\'s\ \$\(x\)"),
            ("echo '", r"it'\''s $(x)"),
            ("echo \"", r"it's \$(x)"),
            ("echo \"a\" 'b' ", r"it\'s\ \$\(x\)"),
            (r#"echo "a\""#, r"it's \$(x)"),
            (r"echo \' ", r"it\'s\ \$\(x\)"),
            ("echo \"$(grep '", r"it'\''s $(x)"),
            ("echo \"$(grep ", r"it\'s\ \$\(x\)"),
            ("echo \"$(grep x) ", r"it's \$(x)"),
            ("echo \"${HOME}/", r"it's \$(x)"),
            ("cat <<< \"", r"it's \$(x)"),
            ("true # it's\necho ", r"it\'s\ \$\(x\)"),
            ("echo a#'", r"it'\''s $(x)"),
        ] {
            assert_eq!(word_behind(before, "it's $(x)").as_deref(), Some(expected), "{before}");
        }
        assert_eq!(word_behind("echo ", "").as_deref(), Some("''"));
        assert_eq!(word_behind("echo '", "").as_deref(), Some(""));
        assert_eq!(word_behind("echo ", "a\nb").as_deref(), Some("'a\nb'"));
    }

    #[test]
    fn where_nobody_knows_only_plain_words_stand() {
        for before in [
            "cat <<EOF\n",
            "echo $((1 + ",
            "(( ",
            "echo $'",
            "echo ${x:-",
            "echo ${x%a} ",
            "true # ",
            "case x in a) echo ",
            "echo ) ",
        ] {
            assert_eq!(word_behind(before, "a b"), None, "{before}");
            assert_eq!(word_behind(before, "plain-1.2").as_deref(), Some("plain-1.2"), "{before}");
        }
        for before in ["echo $", "echo \\", "echo \"$", "echo \"\\"] {
            assert_eq!(word_behind(before, "HOME"), None, "{before}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_shell_reads_back_the_very_word_at_every_place(word in "[^\0]{0,20}") {
            for (before, after) in [
                ("printf %s ", ""),
                ("printf %s '", "'"),
                ("printf %s \"", "\""),
                ("printf %s \"$(printf %s '", "'; printf .)\""),
                ("printf %s \"$(printf %s ", "; printf .)\""),
            ] {
                let written = word_behind(before, &word);
                let line = format!("{before}{}{after}", written.expect("a place that is understood"));
                let output = Command::new("bash").args(["--norc", "-c", &line]).output().expect("a shell");
                let nested = before.contains("$(");
                let expected = if nested { format!("{word}.") } else { word.clone() };
                prop_assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "{}", line);
            }
        }
    }
}
