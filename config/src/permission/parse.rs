//! Reading a rule: `Tool` or `Tool(specifier)`.

use super::{PermissionRule, RuleBehavior, RuleOrigin};
use crate::{Problem, ToolName, ToolStatus, tool_status};

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

    /// What the author may not know about a rule: that its tool does not exist. What a rule lets run is the gate's
    /// business, and so is saying that it lets everything run.
    pub fn lint(&self) -> Option<Problem> {
        let problem = match tool_status(self.tool.as_str()) {
            ToolStatus::Unknown { .. } if self.tool.as_str() == "*" => None,
            ToolStatus::Unknown { did_you_mean } => {
                let problem =
                    Problem::warning(format!("the rule '{}' names a tool that does not exist", self.text));
                Some(problem.did_you_mean(did_you_mean))
            }
            ToolStatus::Provided | ToolStatus::KnownElsewhere | ToolStatus::Mcp => None,
        };
        Some(problem?.from_origin(&self.origin))
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
    fn rules_about_tools_that_do_not_exist_are_pointed_out() {
        let lint = |text: &str| parse(text).expect("a rule").lint().map(|problem| problem.message);
        assert!(lint("Raed(./x)").expect("a warning").contains("does not exist"));
        assert_eq!(lint("Bash(git status:*)"), None);
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
