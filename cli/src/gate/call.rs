//! A call in words: what the tool would be called with, without its JSON.

use std::path::PathBuf;

use codex_task_config::{READING_TOOLS, ToolName, ToolStatus, WRITING_TOOLS, shell_word, tool_status};
use codex_task_tools::{Access, Egress, GateCall, Rights, Session, Verdict, WebFetch, judge};

/// A call of a tool: a command for Bash, a path for file tools, an address for `WebFetch`, an agent's name for Task.
pub(crate) struct Call {
    tool: ToolName,
    /// What it touches, or why it cannot be made.
    access: Result<Access, String>,
    /// The agent that a Task call names.
    agent: Option<String>,
}

impl Call {
    pub(crate) fn new(tool: &str, text: &str, egress: Egress) -> Self {
        let path = || PathBuf::from(text);
        let access = match tool {
            "Bash" => Ok(Access::Execute { command: text.to_owned() }),
            _ if READING_TOOLS.contains(&tool) => Ok(Access::Read(path())),
            _ if WRITING_TOOLS.contains(&tool) => Ok(Access::Write(path())),
            "WebFetch" => WebFetch::access_of(text, egress).map_err(|error| error.to_string()),
            "WebSearch" => Ok(Access::Search { query: text.to_owned() }),
            _ => known(tool).map(|()| Access::Nothing),
        };
        let is_task = matches!(tool, "Task" | "Agent");
        let agent = (is_task && !text.is_empty()).then(|| text.to_owned());
        let tool = ToolName::new(if is_task { "Task" } else { tool });
        Self { tool, access, agent }
    }

    /// What the gate says, and before a Task call the rules about the agent.
    pub(crate) fn judge(&self, session: &Session, rights: &Rights) -> Verdict {
        let denied = self.agent.as_deref().and_then(|agent| rights.agent_denied_by(agent));
        match (denied, &self.access) {
            (Some(rule), _) => Verdict::by_rule(rule),
            (None, Ok(access)) => judge(&GateCall { tool: &self.tool, access, session }, rights),
            (None, Err(reason)) => Verdict::refused(reason.trim_start_matches("Error: ")),
        }
    }
}

/// Why nothing can be called by a name, if nothing can.
fn known(tool: &str) -> Result<(), String> {
    match tool_status(tool) {
        ToolStatus::Provided | ToolStatus::KnownElsewhere | ToolStatus::Mcp => Ok(()),
        ToolStatus::Unknown { did_you_mean } => {
            let guess = did_you_mean.map_or_else(String::new, |name| format!("; did you mean '{name}'?"));
            Err(format!("there is no tool '{tool}'{guess}"))
        }
    }
}

/// The command line that arguments stand for: one argument is a command line itself, several are its words.
pub(super) fn joined(words: &[String]) -> String {
    match words {
        [line] => line.clone(),
        words => words.iter().map(|word| shell_word(word)).collect::<Vec<_>>().join(" "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_words_stay_the_words_that_they_are() {
        let joined = |words: &[&str]| joined(&words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>());
        assert_eq!(joined(&["git status && x"]), "git status && x");
        assert_eq!(
            joined(&["git", "commit", "-m", "a; b", "", "it's"]),
            r"git commit -m 'a; b' '' 'it'\''s'"
        );
    }
}
