//! The command part of a Bash rule: `git status:*`, `npm run test *`, `rm build/*`, exact commands.

use crate::shell::{self, Word};

/// A compiled Bash specifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CommandPattern {
    /// The specifier as written: it also allows the command line that is the same letter by letter.
    verbatim: String,
    words: Vec<WordPattern>,
    rest: Rest,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum WordPattern {
    Literal(String),
    /// The pieces between the `*` of one word.
    Glob(Vec<String>),
    /// A `*` on its own in the middle: one or more words.
    Run,
}

/// What may follow the words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rest {
    Nothing,
    Anything,
    /// Only words like the last one: `rm build/*`.
    LikeLast,
    /// The specifier is no single command: only the verbatim text counts.
    Verbatim,
}

/// Which words of a command a pattern names letter by letter; the others are free and are looked at again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Covered {
    /// The first word that a wildcard matched.
    pub(crate) free_from: usize,
    /// Whether the wildcard stands in a path, so that the free words are meant as files.
    pub(crate) names_files: bool,
}

impl CommandPattern {
    /// Compiles what stands in the parentheses of `Bash(...)`.
    pub(crate) fn parse(specifier: &str) -> Self {
        let specifier = specifier.trim();
        let (body, mut rest) = match specifier.strip_suffix(":*").or_else(|| specifier.strip_suffix(" *")) {
            Some(body) => (body.trim_end(), Rest::Anything),
            None => (specifier, Rest::Nothing),
        };
        let command = match shell::parse(body).map(|parsed| parsed.commands) {
            Ok(commands) => <[_; 1]>::try_from(commands).ok(),
            Err(_) => None,
        };
        let simple = command.map(|[command]| command).filter(|command| {
            command.assignments.is_empty()
                && command.redirections.is_empty()
                && !command.words.iter().any(Word::has_variable)
        });
        let words: Vec<WordPattern> =
            simple.iter().flat_map(|command| &command.words).map(WordPattern::from).collect();
        match words.last() {
            None => rest = Rest::Verbatim,
            Some(WordPattern::Glob(pieces))
                if rest == Rest::Nothing && pieces.last().is_some_and(String::is_empty) =>
            {
                rest = if pieces.iter().any(|piece| piece.contains('/')) {
                    Rest::LikeLast
                } else {
                    Rest::Anything
                };
            }
            Some(_) => {}
        }
        Self { verbatim: specifier.to_owned(), words, rest }
    }

    /// Whether this is the command letter by letter: what the user wrote down is what the user meant. A wildcard that
    /// the shell would fill with any file name, such as one that looks like an option, is a pattern and no letter.
    pub(crate) fn is_verbatim(&self, command: &str) -> bool {
        let takes_any_name = |word: &WordPattern| match word {
            WordPattern::Literal(_) => false,
            WordPattern::Glob(pieces) => pieces.first().is_some_and(String::is_empty),
            WordPattern::Run => true,
        };
        let is_pattern = self.rest == Rest::Anything || self.words.iter().any(takes_any_name);
        !is_pattern && self.verbatim == command.trim_matches([' ', '\t', '\n'])
    }

    /// Whether only one command is meant, without any wildcard.
    pub(crate) fn is_literal(&self) -> bool {
        let is_literal = |word: &WordPattern| matches!(word, WordPattern::Literal(_));
        matches!(self.rest, Rest::Nothing | Rest::Verbatim) && self.words.iter().all(is_literal)
    }

    /// The literal words at the beginning.
    pub(crate) fn literals(&self) -> impl Iterator<Item = &str> {
        self.words.iter().map_while(|word| match word {
            WordPattern::Literal(text) => Some(text.as_str()),
            WordPattern::Glob(_) | WordPattern::Run => None,
        })
    }

    /// Whether any arguments may follow the literal words.
    pub(crate) fn is_open(&self) -> bool {
        self.rest == Rest::Anything
    }

    /// Strict matching, for rules that allow: a word whose text only the shell knows matches nothing but the rest.
    pub(crate) fn allows(&self, words: &[Word]) -> Option<Covered> {
        // Without a literal program the rule would allow every program there is.
        self.literals().next()?;
        let matched = match_words(&self.words, words, WordPattern::is_exactly)?;
        let rest = words.get(matched..).unwrap_or_default();
        let fits = match self.rest {
            Rest::Nothing => rest.is_empty(),
            Rest::Anything => true,
            Rest::LikeLast => {
                self.words.last().is_some_and(|last| rest.iter().all(|word| last.is_exactly(word)))
            }
            Rest::Verbatim => false,
        };
        let free_from = self.literals().count().min(words.len());
        fits.then_some(Covered { free_from, names_files: self.rest == Rest::LikeLast })
    }

    /// Loose matching, for rules that refuse: a word whose text only the shell knows may be what the rule names, and
    /// the program counts by its file name too.
    pub(crate) fn may_mean(&self, words: &[Word]) -> bool {
        let Some(matched) = match_words(&self.words, words, WordPattern::may_be) else { return false };
        match self.rest {
            Rest::Nothing => matched == words.len(),
            Rest::Anything | Rest::LikeLast => true,
            Rest::Verbatim => false,
        }
    }
}

impl From<&Word> for WordPattern {
    fn from(word: &Word) -> Self {
        match (word.text.as_str(), word.has_glob) {
            ("*", true) => Self::Run,
            (text, true) if text.contains('*') => Self::Glob(text.split('*').map(str::to_owned).collect()),
            (text, _) => Self::Literal(text.to_owned()),
        }
    }
}

impl WordPattern {
    /// A wildcard never stands for `..`: `rm build/*` does not mean `build/../src`.
    fn is_exactly(&self, word: &Word) -> bool {
        word.is_literal()
            && match self {
                Self::Literal(text) => *text == word.text,
                Self::Glob(pieces) => {
                    !word.text.split('/').any(|name| name == "..")
                        && glob_matches(pieces, &word.text)
                        && keeps_host(pieces, &word.text)
                }
                Self::Run => true,
            }
    }

    fn may_be(&self, word: &Word) -> bool {
        match self {
            _ if !word.is_literal() => true,
            Self::Literal(text) => *text == word.text || word.text.rsplit('/').next() == Some(text.as_str()),
            Self::Glob(pieces) => glob_matches(pieces, &word.text),
            Self::Run => true,
        }
    }
}

/// How many words the patterns use up, when they all match from the start. A run takes as few words as it can.
fn match_words(
    patterns: &[WordPattern],
    words: &[Word],
    fits: fn(&WordPattern, &Word) -> bool,
) -> Option<usize> {
    let Some((pattern, patterns)) = patterns.split_first() else { return Some(0) };
    let (word, rest) = words.split_first()?;
    if !fits(pattern, word) {
        return None;
    }
    if *pattern != WordPattern::Run {
        return match_words(patterns, rest, fits).map(|used| used + 1);
    }
    (0..=rest.len()).find_map(|skipped| {
        match_words(patterns, rest.get(skipped..).unwrap_or_default(), fits).map(|used| used + skipped + 1)
    })
}

/// Whether a wildcard at the end of an address leaves its host alone: `https://example.com*` does not mean
/// `https://example.com.evil.org`, and no wildcard in front of the host means what is no part of it.
fn keeps_host(pieces: &[String], text: &str) -> bool {
    let Some(first) = pieces.first().filter(|first| first.contains("://")) else { return true };
    let host_of = |address: &str| {
        let (_, rest) = address.split_once("://")?;
        Some(rest.split(['/', '?', '#', '\\']).next().unwrap_or(rest).to_owned())
    };
    let (Some(given), Some(meant)) = (host_of(text), host_of(&pieces.join("*"))) else { return true };
    let open_end =
        meant.strip_suffix('*').filter(|host| !host.is_empty() && host_of(first).as_deref() == Some(*host));
    match open_end {
        Some(host) => given == host,
        None => glob_matches(&meant.split('*').map(str::to_owned).collect::<Vec<_>>(), &given),
    }
}

fn glob_matches(pieces: &[String], text: &str) -> bool {
    let Some((first, pieces)) = pieces.split_first() else { return false };
    let Some((last, middle)) = pieces.split_last() else { return first == text };
    let Some(mut left) = text.strip_prefix(first.as_str()) else { return false };
    for piece in middle {
        let Some(at) = left.find(piece.as_str()) else { return false };
        left = left.get(at + piece.len()..).unwrap_or_default();
    }
    left.ends_with(last.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(command: &str) -> Vec<Word> {
        shell::parse(command).unwrap().commands.remove(0).words
    }

    #[test]
    fn allowing_patterns_match_whole_words_and_nothing_uncertain() {
        for (pattern, command, expected) in [
            ("git:*", "git", Some(1)),
            ("git:*", "git push origin", Some(1)),
            ("git:*", "gitk", None),
            ("git:*", "./git push", None),
            ("git *", "git push", Some(1)),
            ("git status", "git status", Some(2)),
            ("git status", "git status -s", None),
            ("git status", "git 'status'", Some(2)),
            ("npm run test:*", "npm run test", Some(3)),
            ("npm run test:*", "npm run test:evil", None),
            ("npm run test*", "npm run test:unit -- x", Some(2)),
            ("git * main", "git push origin main", Some(1)),
            ("git * main", "git main", None),
            ("rm build/*", "rm build/a build/b", Some(1)),
            ("rm build/*", "rm build/a src/b", None),
            ("rm build/*", "rm build/../src/a.rs", None),
            ("rm build/*", "rm build/$X", None),
            ("curl https://example.com/*", "curl https://example.com/x -o f", None),
            ("curl https://example.com*", "curl https://example.com/x", Some(1)),
            ("curl https://example.com*", "curl https://example.com", Some(1)),
            ("curl https://example.com*", "curl https://example.com.evil.org", None),
            ("curl https://example.com*", "curl https://example.com@evil.org", None),
            ("curl https://*.example.com/*", "curl https://a.example.com/x", Some(1)),
            ("curl https://*.example.com/*", "curl https://evil.org/a.example.com/x", None),
            ("curl https://*", "curl https://example.com/x", Some(1)),
            ("* --version", "sh --version", None),
            ("git:*", "$X status", None),
            ("A=1 npm test", "npm test", None),
            ("echo 'a b' c", "echo \"a b\" c", Some(3)),
        ] {
            let covered =
                CommandPattern::parse(pattern).allows(&words(command)).map(|covered| covered.free_from);
            assert_eq!(covered, expected, "{pattern} on {command}");
        }
    }

    #[test]
    fn refusing_patterns_match_whatever_may_be_meant() {
        for (pattern, command, expected) in [
            ("curl:*", "curl x", true),
            ("curl:*", "/usr/bin/curl x", true),
            ("curl:*", "$X x", true),
            ("curl:*", "curly x", false),
            ("git push:*", "git $X", true),
            ("git push:*", "git status", false),
            ("rm -rf *", "rm -rf /", true),
            ("rm -rf *", "rm -r x", false),
            ("rm build/*", "rm build/a src/b", true),
        ] {
            assert_eq!(
                CommandPattern::parse(pattern).may_mean(&words(command)),
                expected,
                "{pattern} on {command}"
            );
        }
    }

    #[test]
    fn what_is_no_single_command_counts_letter_by_letter_only() {
        let pattern = CommandPattern::parse("npm ci && npm test");
        assert!(pattern.is_verbatim("npm ci && npm test"));
        assert!(!pattern.is_verbatim("npm ci && npm test; ls"));
        assert!(!pattern.is_verbatim("\u{b}npm ci && npm test"));
        for (rule, expected) in [
            ("rm build/*", true),
            ("git *", false),
            ("cat *.rs", false),
            ("git * x", false),
            ("echo:*", false),
        ] {
            assert_eq!(CommandPattern::parse(rule).is_verbatim(rule), expected, "{rule}");
        }
        assert_eq!(pattern.allows(&words("npm ci")), None);
    }
}
