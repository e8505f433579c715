//! Reading a rule: `Tool` or `Tool(specifier)`.

use super::{PermissionRule, RuleBehavior, RuleOrigin};
use crate::{Problem, ToolName, ToolStatus, tool_status};

/// Commands that run whatever they are given: a prefix rule for one of them allows everything.
const RUN_ANYTHING: &[&str] = &[
    "bash", "sh", "zsh", "dash", "fish", "env", "xargs", "sudo", "doas", "eval", "exec", "python", "python3",
    "node", "deno", "bun", "perl", "ruby", "php", "lua", "awk", "gawk", "ssh", "nohup", "setsid", "watch",
    "find", "npx",
];

impl PermissionRule {
    /// Reads a rule in Claude Code's syntax.
    ///
    /// # Errors
    /// A [`Problem`] when the text is no rule; a settings file with such a rule fails closed.
    pub fn parse(text: &str, behavior: RuleBehavior, origin: RuleOrigin) -> Result<Self, Box<Problem>> {
        let wrong = |message: &str| {
            let problem = Problem::error(format!("'{text}' is no rule: {message}"));
            Box::new(problem.with_help("write Tool or Tool(specifier), for example Bash(git status:*)"))
        };
        let trimmed = text.trim();
        let (tool, specifier) = match trimmed.split_once('(') {
            None if trimmed.contains(')') => return Err(wrong("a ')' without its '('")),
            None => (trimmed, None),
            Some((tool, rest)) => match rest.strip_suffix(')') {
                Some(specifier) => (tool.trim_end(), Some(specifier.trim())),
                None => return Err(wrong("a '(' without its ')'")),
            },
        };
        if tool.is_empty() {
            return Err(wrong("no tool is named"));
        }
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '*');
        if !tool.chars().all(is_name) {
            return Err(wrong("a tool's name has letters, digits, '_' and '-' only"));
        }
        let specifier = specifier.filter(|text| !text.is_empty() && *text != "*").map(str::to_owned);
        Ok(Self { behavior, tool: ToolName::new(tool), specifier, text: trimmed.to_owned(), origin })
    }

    /// What the author may not know about a rule: a tool that does not exist, or a rule that allows everything.
    pub fn lint(&self) -> Option<Problem> {
        let problem = match tool_status(self.tool.as_str()) {
            ToolStatus::Unknown { .. } if self.tool.as_str() == "*" => None,
            ToolStatus::Unknown { did_you_mean } => {
                let problem =
                    Problem::warning(format!("the rule '{}' names a tool that does not exist", self.text));
                Some(match did_you_mean {
                    Some(name) => problem.with_help(format!("did you mean '{name}'?")),
                    None => problem,
                })
            }
            ToolStatus::Provided | ToolStatus::KnownElsewhere | ToolStatus::Mcp => self.lint_command(),
        };
        let problem = problem?;
        Some(match (&self.origin.path, self.origin.position) {
            (Some(path), Some(at)) => problem.in_file(path.as_ref()).at(at.line, at.column, at.length),
            (Some(path), None) => problem.in_file(path.as_ref()),
            (None, _) => problem,
        })
    }

    fn lint_command(&self) -> Option<Problem> {
        if self.behavior != RuleBehavior::Allow || self.tool.as_str() != "Bash" {
            return None;
        }
        let command = self.specifier.as_deref()?;
        let prefix = command.strip_suffix(":*").or_else(|| command.strip_suffix(" *"))?;
        let program = prefix.split_whitespace().next()?;
        RUN_ANYTHING.contains(&program).then(|| {
            Problem::warning(format!(
                "the rule '{}' allows every command: {program} runs what it is given",
                self.text
            ))
            .with_help("name the whole command instead of a prefix")
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::RuleScope;

    fn origin() -> RuleOrigin {
        RuleOrigin { scope: RuleScope::User, path: None, position: None }
    }

    fn parse(text: &str) -> Result<PermissionRule, Box<Problem>> {
        PermissionRule::parse(text, RuleBehavior::Allow, origin())
    }

    #[test]
    fn rules_in_claude_codes_syntax_are_read() {
        for (text, tool, specifier) in [
            ("Bash", "Bash", None),
            ("Bash(*)", "Bash", None),
            ("Bash(npm run test:*)", "Bash", Some("npm run test:*")),
            ("Read(./secrets/**)", "Read", Some("./secrets/**")),
            ("Read(//etc/**)", "Read", Some("//etc/**")),
            ("WebFetch(domain:example.org)", "WebFetch", Some("domain:example.org")),
            ("mcp__server__*", "mcp__server__*", None),
            ("Bash(echo (a))", "Bash", Some("echo (a)")),
        ] {
            let rule = parse(text).expect(text);
            assert_eq!((rule.tool.as_str(), rule.specifier.as_deref()), (tool, specifier), "{text}");
        }
    }

    #[test]
    fn texts_that_are_no_rules_are_refused() {
        for text in ["", "Bash(git", "Bash)", "(x)", "Ba sh", "Bash;rm"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn rules_that_allow_everything_or_nothing_are_pointed_out() {
        let lint = |text: &str| parse(text).expect("a rule").lint().map(|problem| problem.message);
        assert!(lint("Bash(python3:*)").expect("a warning").contains("every command"));
        assert!(lint("Raed(./x)").expect("a warning").contains("does not exist"));
        assert_eq!(lint("Bash(git status:*)"), None);
        assert_eq!(lint("Bash(python3 -m pytest)"), None);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_and_a_rule_reads_as_itself(text in ".{0,60}") {
            if let Ok(rule) = parse(&text) {
                prop_assert_eq!(parse(&rule.text).expect("its own text"), rule);
            }
        }
    }
}
