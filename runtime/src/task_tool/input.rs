//! The calls of the three tools, read from their arguments.

use std::time::Duration;

use codex_task_config::{Effort, Isolation, ModelChoice, USUAL_AGENT};
use serde_json::Value;

use super::fields::Fields;
use super::spec::{AGENT, TASK, TASK_OUTPUT, TASK_STOP};

/// Wait of `TaskOutput` for a task, unless the call says otherwise.
pub(super) const OUTPUT_TIMEOUT_DEFAULT_MS: u64 = 30_000;
/// Longest wait of `TaskOutput`.
pub(super) const OUTPUT_TIMEOUT_MAX_MS: u64 = 600_000;

/// A call of one of the tools.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum ToolInput {
    /// Runs a subagent.
    Task(TaskInput),
    /// Asks for a background task's report.
    Output(OutputInput),
    /// Ends a background task.
    Stop {
        /// The task, as the model calls it.
        task: String,
    },
}

/// A call of `Task`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct TaskInput {
    pub(super) description: String,
    pub(super) prompt: String,
    pub(super) agent: String,
    pub(super) model: Option<ModelChoice>,
    pub(super) effort: Option<Effort>,
    pub(super) isolation: Option<Isolation>,
    /// The agent to go on with, as the model calls it.
    pub(super) resume: Option<String>,
    /// What the model wants to call the agent.
    pub(super) name: Option<String>,
    pub(super) reply: ReplyTime,
}

/// When a call of `Task` is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReplyTime {
    /// When the agent has ended.
    AtEnd,
    /// When it has begun.
    AtStart,
}

/// A call of `TaskOutput`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct OutputInput {
    /// The task, as the model calls it.
    pub(super) task: String,
    /// How long to wait for its end.
    pub(super) wait: Duration,
}

impl ToolInput {
    /// Reads a call.
    ///
    /// # Errors
    /// The text that the model reads instead of a result.
    pub(super) fn parse(tool: &str, arguments: &Value) -> Result<Self, String> {
        let fields = Fields::new(tool, arguments);
        match tool {
            TASK | AGENT => TaskInput::parse(fields).map(Self::Task),
            TASK_OUTPUT => OutputInput::parse(fields).map(Self::Output),
            TASK_STOP => {
                let mut fields = fields;
                let task = fields.required_text("task_id");
                fields.check().map(|()| Self::Stop { task })
            }
            other => Err(format!("<tool_use_error>Error: No such tool available: {other}</tool_use_error>")),
        }
    }
}

impl TaskInput {
    fn parse(mut fields: Fields<'_>) -> Result<Self, String> {
        let description = fields.required_text("description");
        let prompt = fields.required_text("prompt");
        let agent = fields.text("subagent_type").map(str::trim).filter(|agent| !agent.is_empty());
        let model = fields.text("model").map(ModelChoice::parse);
        let effort = fields.word("effort", &Effort::WORDS, Effort::parse);
        let is_background = fields.flag("run_in_background").unwrap_or(false);
        let isolation = fields.word("isolation", &Isolation::WORDS, Isolation::parse);
        let resume = fields.text("resume").map(str::to_owned);
        let name = fields.text("name").map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned);
        fields.check()?;
        Ok(Self {
            description,
            prompt,
            agent: agent.unwrap_or(USUAL_AGENT).to_owned(),
            model,
            effort,
            isolation,
            resume,
            name,
            reply: if is_background { ReplyTime::AtStart } else { ReplyTime::AtEnd },
        })
    }
}

impl OutputInput {
    fn parse(mut fields: Fields<'_>) -> Result<Self, String> {
        let task = fields.required_text("task_id");
        let is_waiting = fields.flag("block").unwrap_or(true);
        let timeout = fields.number("timeout");
        fields.check()?;
        let longest = Duration::from_millis(OUTPUT_TIMEOUT_MAX_MS);
        let wanted = match timeout {
            // Whatever is no length of time is as long as can be, or none at all.
            Some(ms) => Duration::try_from_secs_f64(ms.max(0.0) / 1e3).unwrap_or(longest),
            None => Duration::from_millis(OUTPUT_TIMEOUT_DEFAULT_MS),
        };
        Ok(Self { task, wait: if is_waiting { wanted.min(longest) } else { Duration::ZERO } })
    }
}

#[cfg(test)]
#[path = "input_tests.rs"]
mod tests;
