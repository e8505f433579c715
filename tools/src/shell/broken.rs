//! Whether a text that the grammar rejects is no command line at all, or one that only the grammar does not know.
//!
//! Nothing is allowed on its word: it tells "refused" from "asked for" and looks at quotes, brackets and operators only.

/// What came last, as far as the next operator cares.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    /// Nothing yet, or an opened bracket: an operator cannot follow, an end can.
    Start,
    Word,
    /// `;`, `&` or a line break.
    End,
    /// `&&`, `||` or `|`: something must follow.
    Joint,
    /// `<`, `>` and their relatives: a word must follow.
    Redirect,
}

/// Whether no shell would take the text as a whole command line.
pub(super) fn is_broken(command: &str) -> bool {
    // The text of a here-document follows other rules, the patterns of `case` have brackets of their own.
    let has_own_rules = command.contains("<<") || command.split_ascii_whitespace().any(|word| word == "case");
    !has_own_rules && Scan { rest: command, closers: Vec::new(), last: Last::Start }.finds_a_fault()
}

struct Scan<'a> {
    rest: &'a str,
    /// What must still be closed, the innermost last; `"` for a string that an expansion stands in.
    closers: Vec<char>,
    last: Last,
}

impl Scan<'_> {
    fn finds_a_fault(mut self) -> bool {
        let mut at_word_start = true;
        while let Some(character) = self.rest.chars().next() {
            let in_string = self.closers.last() == Some(&'"');
            if !in_string && at_word_start && character == '#' {
                self.rest = self.rest.find('\n').and_then(|at| self.rest.get(at..)).unwrap_or_default();
                continue;
            }
            let before = self.rest;
            let is_sound = if in_string { self.in_string() } else { self.outside() };
            if !is_sound {
                return true;
            }
            at_word_start = !in_string && matches!(character, ' ' | '\t' | '\n' | ';' | '&' | '|' | '(');
            debug_assert!(self.rest.len() < before.len(), "each step takes something");
        }
        !self.closers.is_empty() || matches!(self.last, Last::Joint | Last::Redirect)
    }

    fn takes(&mut self, text: &str) -> bool {
        self.rest.strip_prefix(text).map(|rest| self.rest = rest).is_some()
    }

    fn opens(&mut self, closer: char, last: Last) -> bool {
        self.closers.push(closer);
        self.last = last;
        true
    }

    /// An operator that needs something before it.
    fn joins(&mut self, last: Last) -> bool {
        std::mem::replace(&mut self.last, last) == Last::Word
    }

    fn in_string(&mut self) -> bool {
        if self.takes("$(") {
            return self.opens(')', Last::Start);
        }
        if self.takes("${") {
            return self.opens('}', Last::Word);
        }
        if self.takes("\"") {
            self.closers.pop();
            self.last = Last::Word;
            return true;
        }
        self.escaped_or_one()
    }

    fn outside(&mut self) -> bool {
        if self.takes("'") || self.takes("$'") {
            self.last = Last::Word;
            return self.skips_past('\'');
        }
        if self.takes("\"") {
            return self.opens('"', Last::Word);
        }
        if self.takes("`") {
            self.last = Last::Word;
            return self.skips_past('`');
        }
        if self.takes("$(") || self.takes("<(") || self.takes(">(") || self.takes("(") {
            return self.opens(')', Last::Start);
        }
        if self.takes("${") {
            return self.opens('}', Last::Word);
        }
        if self.takes(")") {
            let closes = self.closers.pop() == Some(')');
            return closes
                && !matches!(std::mem::replace(&mut self.last, Last::Word), Last::Joint | Last::Redirect);
        }
        if self.closers.last() == Some(&'}') && self.takes("}") {
            self.closers.pop();
            self.last = Last::Word;
            return true;
        }
        if self.takes("\n") {
            let is_cut = self.last == Last::Redirect;
            self.last = if self.last == Last::Word { Last::End } else { self.last };
            return !is_cut;
        }
        self.operator().unwrap_or_else(|| {
            if !self.rest.starts_with([' ', '\t']) {
                self.last = Last::Word;
            }
            self.escaped_or_one()
        })
    }

    /// `None` when there is none here.
    fn operator(&mut self) -> Option<bool> {
        if ["&>>", "&>", ">>", ">&", ">|", "<>", "<&", ">", "<"].iter().any(|operator| self.takes(operator)) {
            return Some(std::mem::replace(&mut self.last, Last::Redirect) != Last::Redirect);
        }
        if ["&&", "||", "|&", "|"].iter().any(|operator| self.takes(operator)) {
            return Some(self.joins(Last::Joint));
        }
        [";", "&"].iter().any(|operator| self.takes(operator)).then(|| self.joins(Last::End))
    }

    /// In `$'...'` and between backticks a backslash escapes; in `'...'` it does not, and a string that ends in one is
    /// rare enough to be called broken.
    fn skips_past(&mut self, closer: char) -> bool {
        while !self.rest.is_empty() {
            if self.rest.starts_with(closer) {
                self.rest = self.rest.get(closer.len_utf8()..).unwrap_or_default();
                return true;
            }
            self.escaped_or_one();
        }
        false
    }

    fn escaped_or_one(&mut self) -> bool {
        self.takes("\\");
        let mut characters = self.rest.chars();
        characters.next();
        self.rest = characters.as_str();
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_quotes_brackets_and_operators_without_a_word_are_broken() {
        for command in [
            "echo 'a",
            "echo \"a",
            "echo `a",
            "echo $(a",
            "echo ${a",
            "(ls",
            "ls)",
            "ls &&",
            "ls |",
            "| ls",
            "; ls",
            "&& ls",
            "ls ;; ls",
            "ls; & ls",
            "ls >",
            "ls < | x",
            "ls ||\n",
            "echo \"$(a\"",
            "",
            "&",
        ] {
            let is_nothing = command.is_empty();
            assert_eq!(is_broken(command), !is_nothing, "{command}");
        }
    }

    #[test]
    fn what_is_only_unusual_is_not() {
        for command in [
            "exec 3<> f; echo a",
            "echo $'\\'';touch x",
            "[g]it status",
            "{git,status}",
            "BASH_FUNC_ls%%='() { x; }' ls",
            "echo ${x:$(touch m)0:1}",
            "cat <<\\E; ls\nE",
            "case x in x) ls;; esac",
            "echo \"a $(b \"c\" | d) ${e}\" # it's\n",
            "f() { ls; }; f",
            "ls &&\n\nls; ls &",
            "x=$((1 << 2)) <(ls) >& f",
            "echo a\\",
        ] {
            assert!(!is_broken(command), "{command}");
        }
    }
}
