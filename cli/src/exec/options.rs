//! What stands before the question of a consensus: `--agents a,b,c` and `--count N`.

use codex_task_config::CommandArguments;

/// Agents that are asked when none are named.
const COUNT_USUAL: usize = 3;
/// Agents that may be asked.
const COUNT_MAX: usize = 20;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ConsensusOptions {
    /// The agents by name; none for those of the command, or the usual one.
    pub(super) agents: Vec<String>,
    /// How many of the usual one.
    pub(super) count: usize,
}

impl Default for ConsensusOptions {
    fn default() -> Self {
        Self { agents: Vec::new(), count: COUNT_USUAL }
    }
}

impl ConsensusOptions {
    /// Takes the options from the beginning of the arguments; the rest is the question.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub(super) fn take(arguments: &CommandArguments) -> Result<(Self, CommandArguments), String> {
        let mut options = Self::default();
        let mut rest = arguments.text();
        while let Some((name, value, after)) = option(rest) {
            match name {
                "--agents" => options.agents = names(value)?,
                "--count" => options.count = count(value)?,
                // The question may begin with two dashes.
                _ => break,
            }
            rest = after;
        }
        Ok((options, CommandArguments::parse(rest)))
    }
}

/// `--name value rest` or `--name=value rest`.
fn option(text: &str) -> Option<(&str, &str, &str)> {
    let text = text.trim_start();
    if !text.starts_with("--") {
        return None;
    }
    let (word, after) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    if let Some((name, value)) = word.split_once('=') {
        return Some((name, value, after));
    }
    let after = after.trim_start();
    let (value, after) = after.split_once(char::is_whitespace).unwrap_or((after, ""));
    Some((word, value, after))
}

fn names(text: &str) -> Result<Vec<String>, String> {
    let names: Vec<String> =
        text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    match names.len() {
        0 => Err("--agents has no names: write --agents a,b,c without blanks".to_owned()),
        1 => Err("a consensus needs at least two agents: write --agents a,b".to_owned()),
        2..=COUNT_MAX => Ok(names),
        _ => Err(format!("a consensus has at most {COUNT_MAX} agents")),
    }
}

fn count(text: &str) -> Result<usize, String> {
    let count = text.parse().ok().filter(|count| (2..=COUNT_MAX).contains(count));
    count.ok_or_else(|| format!("--count must be a number from 2 to {COUNT_MAX}, not '{text}'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_stand_before_the_question() {
        let take = |text: &str| {
            ConsensusOptions::take(&CommandArguments::parse(text))
                .map(|(options, rest)| (options.agents.join("+"), options.count, rest.text().to_owned()))
        };
        let is = |agents: &str, count, rest: &str| Ok((agents.to_owned(), count, rest.to_owned()));
        assert_eq!(take("Which one?"), is("", 3, "Which one?"));
        assert_eq!(take("--agents a,b  Which \"one\"?"), is("a+b", 3, "Which \"one\"?"));
        assert_eq!(take("--count=5 --agents=a,b,c x"), is("a+b+c", 5, "x"));
        assert_eq!(take("--what does this do?"), is("", 3, "--what does this do?"));
        assert_eq!(take("--count 2"), is("", 2, ""));
        for wrong in ["--agents a x", "--agents , x", "--count 1 x", "--count many x", "--agents"] {
            assert!(take(wrong).is_err(), "{wrong}");
        }
    }
}
