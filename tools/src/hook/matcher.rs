//! Which tools or agents a hook is about.

use grep_matcher::Matcher as _;
use grep_regex::RegexMatcher;

/// A compiled matcher.
#[derive(Clone, Debug)]
pub(super) enum Matcher {
    /// All of them; also one that cannot be read, since nobody knows what it leaves out.
    Everything,
    /// These names, letter by letter.
    Names(Vec<String>),
    /// Names in which this is found.
    Pattern(RegexMatcher),
}

impl Matcher {
    /// Compiles what a file says, as Claude Code reads it: a list of names where it can be one, else a pattern.
    ///
    /// # Errors
    /// Why it cannot be read; [`Matcher::Everything`] stands for it then.
    pub(super) fn parse(text: Option<&str>) -> Result<Self, String> {
        let Some(text) = text.map(str::trim).filter(|text| !matches!(*text, "" | "*")) else {
            return Ok(Self::Everything);
        };
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | ' ' | ',' | '|');
        if text.chars().all(is_name) {
            let names = text.split(['|', ',']).map(|name| name.trim().to_owned());
            return Ok(Self::Names(names.filter(|name| !name.is_empty()).collect()));
        }
        RegexMatcher::new(text).map(Self::Pattern).map_err(|error| error.to_string())
    }

    /// Whether the hook is about a tool or an agent. `Agent` and `Task` are one tool.
    pub(super) fn means(&self, name: &str) -> bool {
        let other = match name {
            "Task" => Some("Agent"),
            "Agent" => Some("Task"),
            _ => None,
        };
        [Some(name), other].into_iter().flatten().any(|name| match self {
            Self::Everything => true,
            Self::Names(names) => names.iter().any(|known| known == name),
            // An error of the matching itself means that nobody knows.
            Self::Pattern(pattern) => pattern.is_match(name.as_bytes()).unwrap_or(true),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_whole_and_patterns_anywhere() {
        for (matcher, name, expected) in [
            ("Bash", "Bash", true),
            ("Bash", "BashOutput", false),
            ("bash", "Bash", false),
            ("Edit|Write", "Write", true),
            ("Edit, Write", "Write", true),
            ("Edit|Write", "MultiEdit", false),
            ("Notebook.*", "NotebookEdit", true),
            ("Edit.*|x", "MultiEdit", true),
            ("^Edit$", "MultiEdit", false),
            ("mcp__memory__.*", "mcp__memory__read", true),
            ("mcp__memory", "mcp__memory__read", false),
            ("code-reviewer", "code-reviewer", true),
            ("Task", "Agent", true),
            ("^Agent$", "Task", true),
            ("*", "Anything", true),
            ("", "Anything", true),
            ("|", "Anything", false),
        ] {
            let compiled = Matcher::parse(Some(matcher)).expect(matcher);
            assert_eq!(compiled.means(name), expected, "{matcher} on {name}");
        }
        assert!(Matcher::parse(None).expect("all").means("Bash"));
    }

    #[test]
    fn a_pattern_that_cannot_be_read_is_an_error() {
        for matcher in ["Bash(", "(?!Read).*", "[z-a]"] {
            assert!(Matcher::parse(Some(matcher)).is_err(), "{matcher}");
        }
    }
}
