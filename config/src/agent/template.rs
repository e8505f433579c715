//! Agents to begin with, for `agents new`.

use super::value::Value;
use super::write;
use crate::AgentName;

/// A ready-made agent file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AgentTemplate {
    /// Reviews a change.
    CodeReview,
    /// Runs tests and explains what fails.
    TestRunner,
    /// Writes documentation.
    DocumentationWriter,
    /// Looks for vulnerabilities.
    SecurityAudit,
    /// Finds the cause of a failure and mends it.
    Debugger,
}

impl AgentTemplate {
    /// All templates.
    pub const ALL: [Self; 5] =
        [Self::CodeReview, Self::TestRunner, Self::DocumentationWriter, Self::SecurityAudit, Self::Debugger];

    /// Reads one of the names, e.g. `code-review`.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|template| template.as_str().eq_ignore_ascii_case(text.trim()))
    }

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CodeReview => "code-review",
            Self::TestRunner => "test-runner",
            Self::DocumentationWriter => "documentation-writer",
            Self::SecurityAudit => "security-audit",
            Self::Debugger => "debugger",
        }
    }

    /// What it is for, in one line.
    pub fn summary(self) -> &'static str {
        match self {
            Self::CodeReview => "reviews a change for faults, risks and clarity; reads only",
            Self::TestRunner => "runs the tests, finds out why they fail, and reports or mends",
            Self::DocumentationWriter => "writes and updates documentation that agrees with the code",
            Self::SecurityAudit => "looks for vulnerabilities and says how each can be used; reads only",
            Self::Debugger => "reproduces a failure, finds its cause, and makes the smallest fix",
        }
    }

    /// The file's text for an agent of this name.
    pub fn render(self, name: &AgentName) -> String {
        let text = self.text();
        let line = write::line("name", &Value::Text(name.to_string()));
        text.replacen(&format!("name: {}", self.as_str()), &line, 1)
    }

    fn text(self) -> &'static str {
        match self {
            Self::CodeReview => include_str!("../../data/templates/code-review.md"),
            Self::TestRunner => include_str!("../../data/templates/test-runner.md"),
            Self::DocumentationWriter => include_str!("../../data/templates/documentation-writer.md"),
            Self::SecurityAudit => include_str!("../../data/templates/security-audit.md"),
            Self::Debugger => include_str!("../../data/templates/debugger.md"),
        }
    }
}

/// All templates with what each is for.
pub fn templates() -> impl Iterator<Item = (AgentTemplate, &'static str)> {
    AgentTemplate::ALL.into_iter().map(|template| (template, template.summary()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AgentReport, ToolSelection};

    #[test]
    fn every_template_is_faultless_also_under_another_name() {
        for (template, _) in templates() {
            for name in [template.as_str(), "my-own", "Mine: no"] {
                let Ok(name) = AgentName::parse(name) else { continue };
                let report = AgentReport::of_text(&template.render(&name), None);
                assert_eq!(report.problems, [], "{}", template.as_str());
                let agent = report.definition.expect("a template is an agent");
                assert_eq!(agent.name, name);
                assert_ne!(agent.tools, ToolSelection::Inherit, "a template limits its tools");
                assert!(agent.prompt.len() > 400, "a template has a real prompt");
            }
        }
    }

    #[test]
    fn templates_are_found_by_name() {
        assert_eq!(AgentTemplate::parse(" Debugger "), Some(AgentTemplate::Debugger));
        assert_eq!(AgentTemplate::parse("code"), None);
    }
}
