//! A call of a slash command in a prompt: `/name arguments`.

use super::CommandArguments;

/// A command that somebody calls, which need not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandCall {
    /// Its name, without the slash, e.g. `consensus` or `dir:name`.
    pub name: String,
    /// What stands behind it.
    pub arguments: CommandArguments,
}

impl CommandCall {
    /// Reads a prompt; `None` when it is none: a path such as `/etc/hosts` is no command.
    pub fn parse(prompt: &str) -> Option<Self> {
        let rest = prompt.trim().strip_prefix('/')?;
        let (name, arguments) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let is_name = !name.is_empty() && name.chars().all(is_in_names);
        is_name.then(|| Self { name: name.to_owned(), arguments: CommandArguments::parse(arguments) })
    }
}

/// What names of commands are made of.
pub(super) fn is_in_names(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '-' | '_' | ':' | '.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_begins_with_a_slash_and_has_none_in_its_name() {
        let call = |text| CommandCall::parse(text).map(|call| (call.name, call.arguments.text().to_owned()));
        let some = |name: &str, arguments: &str| Some((name.to_owned(), arguments.to_owned()));
        assert_eq!(call("/consensus  Which? "), some("consensus", "Which?"));
        assert_eq!(call("/dir:name\nbelow"), some("dir:name", "below"));
        assert_eq!(call("/x"), some("x", ""));
        for prompt in ["review", "/", "/ x", "/etc/hosts is what?", "//", "what is /x"] {
            assert_eq!(call(prompt), None, "{prompt}");
        }
    }
}
