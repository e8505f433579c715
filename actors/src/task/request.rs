//! The message that starts a task: `RunTask<T>` for callers, its untyped core for everything behind the mailbox.

use std::any::TypeId;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use actix::Message;
use codex_task_config::{
    BudgetLimits, Effort, Isolation, MicroUsd, ModelChoice, PermissionMode, ProviderName, SandboxMode,
};
use codex_task_providers::OutputSchema;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Ballot, Lineage, RunId, TaskError, TaskId, TaskReport};

/// Which waiting task runs first; within one priority the oldest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// After everything else.
    Low,
    /// The usual.
    #[default]
    Normal,
    /// Before everything else.
    High,
}

/// Where the agent's conversation begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conversation {
    /// With the prompt.
    #[default]
    New,
    /// Where the task of this id, which has ended, left it: the prompt follows. The agent and the form of the result stay
    /// what they were; limits, tokens and cost count anew.
    Resumed,
}

/// What a caller asks for, without the type of the result.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TaskRequest {
    /// Id of the task; made by the caller, so that it can cancel before the reply.
    pub id: TaskId,
    /// The run that the task is collected with.
    pub run: RunId,
    /// Name of the agent, as in the Task tool.
    pub subagent_type: Arc<str>,
    /// The task, verbatim the last text of the agent's first user turn.
    pub prompt: Arc<str>,
    /// Texts before the task in the same turn, e.g. what the task speaks of.
    #[serde(default)]
    pub preface: Vec<Arc<str>>,
    /// Three to five words for people; never sent to the agent.
    pub description: Option<String>,
    /// Beats the agent file's model.
    #[serde(with = "choice")]
    pub model: Option<ModelChoice>,
    /// Beats the agent file's provider.
    #[serde(default)]
    pub provider: Option<ProviderName>,
    /// Beats the agent file's effort.
    pub effort: Option<Effort>,
    /// From the start of the task (not of its waiting) to its end; beats the agent file and the settings.
    pub timeout: Option<Duration>,
    /// Most model calls; the task then ends with what it has, and says so.
    pub turns_max: Option<u32>,
    /// Most money of the task and of those that it starts: no model call is made that could go beyond it.
    pub cost_max: Option<MicroUsd>,
    /// Most tokens of the task and of those that it starts, prompts and answers together.
    #[serde(default)]
    pub tokens_max: Option<u64>,
    /// What the run may take, all of its tasks together; narrows what the settings say, and counts from the first task of
    /// the run that is alive.
    #[serde(default)]
    pub run_limits: BudgetLimits,
    /// Narrows what happens to calls that no rule names, beyond the session and the agent file; never widens it.
    pub permission_mode: Option<PermissionMode>,
    /// Narrows how far commands and file tools reach, beyond the session; never widens it.
    #[serde(default)]
    pub sandbox: Option<SandboxMode>,
    /// Order in the queue.
    pub priority: Priority,
    /// Where untrusted texts came from that whoever asks has read: the prompt may be theirs, so the agent is trusted no
    /// more than if it had read them itself.
    #[serde(default)]
    pub tainted_by: Vec<String>,
    /// Where the conversation begins.
    #[serde(default)]
    pub conversation: Conversation,
    /// Where the agent works, if apart from the session's own files; beats the agent file.
    #[serde(default)]
    pub isolation: Option<Isolation>,
    /// Form of the result; `None` is plain text.
    pub output: Option<OutputSchema>,
    /// Who has asked, and what that leaves of the session's rights.
    #[serde(default)]
    pub lineage: Lineage,
    /// Its part in a question that several agents answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ballot: Option<Ballot>,
}

/// Runs one subagent to its end and replies exactly once, whatever happens to it: how the task ended, also when it
/// could not even begin, is in [`TaskReport::outcome`]; `Err` means that there is no runtime to take it.
///
/// `T` is the result: `String` for the agent's report as it is, or any `DeserializeOwned + JsonSchema` type; then its
/// schema goes to the provider, the answer is validated here, and a wrong answer gets one corrective turn.
///
/// # Cancel safety
/// Dropping the `send` future does not end the task (actix has no such signal): send [`crate::CancelTask`].
#[derive(Clone, Debug)]
pub struct RunTask<T> {
    /// What is asked for.
    pub request: TaskRequest,
    _result: PhantomData<fn() -> T>,
}

impl<T: Send + 'static> Message for RunTask<T> {
    type Result = Result<TaskReport<T>, TaskError>;
}

impl TaskRequest {
    /// What the task and those that it starts may take.
    pub(crate) fn limits(&self) -> BudgetLimits {
        BudgetLimits { cost_max: self.cost_max, tokens_max: self.tokens_max, ..BudgetLimits::NONE }
    }
}

impl<T: DeserializeOwned + JsonSchema + Send + 'static> RunTask<T> {
    /// A task for an agent; everything else as the agent file and the settings say.
    pub fn new(subagent_type: impl Into<Arc<str>>, prompt: impl Into<Arc<str>>) -> Self {
        Self {
            request: TaskRequest {
                id: TaskId::new(),
                run: RunId::new(),
                subagent_type: subagent_type.into(),
                prompt: prompt.into(),
                preface: Vec::new(),
                description: None,
                model: None,
                provider: None,
                effort: None,
                timeout: None,
                turns_max: None,
                cost_max: None,
                tokens_max: None,
                run_limits: BudgetLimits::NONE,
                permission_mode: None,
                sandbox: None,
                priority: Priority::Normal,
                tainted_by: Vec::new(),
                conversation: Conversation::New,
                isolation: None,
                output: schema_of::<T>(),
                lineage: Lineage::default(),
                ballot: None,
            },
            _result: PhantomData,
        }
    }
}

impl<T> RunTask<T> {
    /// The same task with another type of result; the schema stays as it is in the request.
    pub fn from_request(request: TaskRequest) -> Self {
        Self { request, _result: PhantomData }
    }

    /// Three to five words for people.
    #[must_use]
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.request.description = Some(text.into());
        self
    }

    /// Alias, `inherit` or full id; beats the agent file.
    #[must_use]
    pub fn model(mut self, model: &str) -> Self {
        self.request.model = Some(ModelChoice::parse(model));
        self
    }

    /// A task of the session itself, for one of its own agents, e.g. the main one.
    #[must_use]
    pub fn of_session(mut self) -> Self {
        self.request.lineage = Lineage::main();
        self
    }

    /// Where its model calls go.
    #[must_use]
    pub fn provider(mut self, provider: ProviderName) -> Self {
        self.request.provider = Some(provider);
        self
    }

    /// Time from the start of the task to its end.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.request.timeout = Some(timeout);
        self
    }

    /// Most model calls.
    #[must_use]
    pub fn turns_max(mut self, turns: u32) -> Self {
        self.request.turns_max = Some(turns);
        self
    }

    /// Most money of the task and of those that it starts.
    #[must_use]
    pub fn cost_max(mut self, cost: MicroUsd) -> Self {
        self.request.cost_max = Some(cost);
        self
    }

    /// Most tokens of the task and of those that it starts, prompts and answers together.
    #[must_use]
    pub fn tokens_max(mut self, tokens: u64) -> Self {
        self.request.tokens_max = Some(tokens);
        self
    }

    /// What the run may take, all of its tasks together.
    #[must_use]
    pub fn run_limits(mut self, limits: BudgetLimits) -> Self {
        self.request.run_limits = limits;
        self
    }

    /// Narrows what happens to calls that no rule names.
    #[must_use]
    pub fn permission_mode(mut self, mode: PermissionMode) -> Self {
        self.request.permission_mode = Some(mode);
        self
    }

    /// Says what untrusted texts whoever asks has read; see [`TaskRequest::tainted_by`].
    #[must_use]
    pub fn tainted_by(mut self, sources: impl IntoIterator<Item = String>) -> Self {
        self.request.tainted_by.extend(sources);
        self
    }

    /// Narrows how far commands and file tools reach.
    #[must_use]
    pub fn sandbox(mut self, mode: SandboxMode) -> Self {
        self.request.sandbox = Some(mode);
        self
    }

    /// Order in the queue.
    #[must_use]
    pub fn priority(mut self, priority: Priority) -> Self {
        self.request.priority = priority;
        self
    }

    /// Goes on with the conversation of a task that has ended, under its id: all that its agent has read and written, then
    /// this prompt. The agent stays the one that it was, whatever this task names. Without such a task the outcome is
    /// [`TaskError::NoTranscript`].
    #[must_use]
    pub fn resume(mut self, task: TaskId) -> Self {
        self.request.id = task;
        self.request.conversation = Conversation::Resumed;
        self
    }

    /// Lets the agent work apart from the session's own files.
    #[must_use]
    pub fn isolation(mut self, isolation: Isolation) -> Self {
        self.request.isolation = Some(isolation);
        self
    }

    /// Collects the task with others.
    #[must_use]
    pub fn in_run(mut self, run: RunId) -> Self {
        self.request.run = run;
        self
    }
}

/// A model as it is written in files.
mod choice {
    use codex_task_config::ModelChoice;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[expect(clippy::ref_option, reason = "the signature that serde asks for")]
    pub(super) fn serialize<S: Serializer>(choice: &Option<ModelChoice>, to: S) -> Result<S::Ok, S::Error> {
        choice.as_ref().map(ToString::to_string).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<ModelChoice>, D::Error> {
        Ok(Option::<String>::deserialize(from)?.as_deref().map(ModelChoice::parse))
    }
}

/// The schema of `T`, or none for `String`: a plain report needs no form.
fn schema_of<T: JsonSchema + 'static>() -> Option<OutputSchema> {
    if TypeId::of::<T>() == TypeId::of::<String>() {
        return None;
    }
    let allowed = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let name: String = T::schema_name().chars().map(allowed).take(64).collect();
    Some(OutputSchema { name: name.into(), schema: schemars::schema_for!(T).to_value().into() })
}

/// A report with the caller's type of result. `String` takes the text as it is; any other type reads it as JSON. A type of
/// a host's that panics while it is read costs its own task only: it is read where everything about all tasks is known.
pub(crate) fn decode<T: DeserializeOwned + 'static>(report: Arc<TaskReport>) -> TaskReport<T> {
    let report = Arc::unwrap_or_clone(report);
    report.map_outcome(|outcome| {
        outcome.try_map(|text| {
            let read = || {
                if TypeId::of::<T>() == TypeId::of::<String>() {
                    serde_json::from_value(serde_json::Value::String(text.clone()))
                } else {
                    serde_json::from_str(&text)
                }
            };
            let detail = match catch_unwind(AssertUnwindSafe(read)) {
                Ok(Ok(value)) => return Ok(value),
                Ok(Err(error)) => error.to_string(),
                Err(_) => "the type of the result panicked while it was read".to_owned(),
            };
            Err((TaskError::InvalidOutput { detail }, Some(text)))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_report_has_no_schema_and_a_typed_one_has_its_own() {
        #[derive(serde::Deserialize, JsonSchema)]
        struct Verdict {
            #[expect(dead_code, reason = "only its schema is used")]
            passed: bool,
        }
        assert!(RunTask::<String>::new("a", "p").request.output.is_none());
        let schema = RunTask::<Verdict>::new("a", "p").request.output.expect("typed results carry a schema");
        assert_eq!(&*schema.name, "Verdict");
        assert_eq!(schema.schema["properties"]["passed"]["type"], "boolean");
    }
}
