//! Why a task could not start or could not finish.

use codex_task_providers::{ProviderError, RouteError};

use super::{Attempt, TaskId};
use crate::audit::AuditError;
use crate::journal::JournalError;

/// Why a task could not start or could not finish. `Display` is for people; [`TaskError::for_model`] is the text that
/// the model which called the Task tool reads.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TaskError {
    /// No agent has this name.
    #[error("agent '{name}' not found")]
    UnknownAgent {
        /// The name asked for.
        name: String,
        /// All names, sorted.
        known: Vec<String>,
        /// The nearest of them.
        nearest: Option<String>,
    },
    /// The agent's file exists but does not load.
    #[error("agent '{name}' is broken: {reason}")]
    BrokenAgent {
        /// The name asked for.
        name: String,
        /// What is wrong with the file.
        reason: String,
    },
    /// The settings say what may be done, and cannot be read: until they can, nothing may.
    #[error("the permission settings cannot be read, so nothing runs: {reason}")]
    BrokenSettings {
        /// What is wrong with them, and where.
        reason: String,
    },
    /// The agent's tool list resolves to nothing.
    #[error("{0}")]
    NoTools(String),
    /// A rule of the settings forbids starting the agent.
    #[error("agent '{name}' is denied by the rule {rule}")]
    AgentDenied {
        /// The agent.
        name: String,
        /// The rule as written, e.g. `Agent(reviewer)`.
        rule: String,
    },
    /// A task with the same id has not ended yet.
    #[error("a task with this id is running already")]
    DuplicateTask,
    /// The task to go on with has not ended yet.
    #[error("the agent {task} is still running")]
    StillRunning {
        /// The task.
        task: TaskId,
    },
    /// There is no conversation to go on with.
    #[error("no transcript found for the agent {task}")]
    NoTranscript {
        /// The task, as the caller names it.
        task: String,
    },
    /// The agent could not be given a place of its own to work in.
    #[error("{reason}")]
    NoWorktree {
        /// Why not.
        reason: String,
        /// What to do about it.
        help: String,
    },
    /// The schema that the answer should follow is none.
    #[error("the schema for the answer is none: {reason}")]
    InvalidSchema {
        /// What is wrong with it.
        reason: String,
    },
    /// The prompt has no text.
    #[error("the prompt is empty")]
    EmptyPrompt,
    /// No provider can serve the agent's model.
    #[error(transparent)]
    NoRoute(#[from] RouteError),
    /// Every attempt on every route failed. The last error decides what to do.
    #[error("{}", last_error(attempts))]
    AllRoutesFailed {
        /// The attempts of the failing call, in order.
        attempts: Vec<Attempt>,
    },
    /// The model or a filter refused.
    #[error("the model refused{}", category.as_deref().map(|c| format!(": {c}")).unwrap_or_default())]
    Refused {
        /// The provider's category.
        category: Option<String>,
    },
    /// The model answered twice with nothing.
    #[error("the model gave an empty answer")]
    EmptyAnswer,
    /// The answer does not follow the schema, also after a corrective turn.
    #[error("the answer does not follow the schema: {detail}")]
    InvalidOutput {
        /// What does not follow.
        detail: String,
    },
    /// The next model call could cost more than is left.
    #[error("the cost limit of {limit} leaves no room for another model call")]
    CostLimit {
        /// The limit.
        limit: codex_task_config::MicroUsd,
    },
    /// The next model call could take more tokens than are left.
    #[error("the limit of {limit} tokens leaves no room for another model call")]
    TokenLimit {
        /// The limit.
        limit: u64,
    },
    /// All model calls were made.
    #[error("all {limit} model calls that were allowed are made")]
    CallLimit {
        /// The limit.
        limit: u64,
    },
    /// Money is limited, and nobody knows what the model costs.
    #[error("max_cost cannot be kept: the price of {model} is not known")]
    PriceUnknown {
        /// The model.
        model: codex_task_config::ModelId,
    },
    /// The model cannot go on: the answer hit the output limit again and again, or the window cannot be compacted.
    #[error("the model could not finish: {detail}")]
    Stuck {
        /// What happened.
        detail: String,
    },
    /// A hook of the user's ended the agent.
    #[error("a hook ended the agent: {reason}")]
    EndedByHook {
        /// What the hook said.
        reason: String,
    },
    /// It had failed before its run was gone on with: all that is left of it is on record.
    #[error("{cause}")]
    Earlier {
        /// Why, as the record has it.
        cause: String,
    },
    /// What the task did could not be written down, so it did no more.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// What a tool was to do could not be written into the audit trail, so it was not done.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// The runtime is shutting down and takes no new tasks.
    #[error("the runtime is shutting down")]
    ShuttingDown,
    /// The runtime has stopped.
    #[error("the runtime has stopped")]
    RuntimeDown,
}

impl TaskError {
    /// A short stable name, for `--json` and telemetry.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::UnknownAgent { .. } => "unknown_agent",
            Self::BrokenAgent { .. } => "broken_agent",
            Self::BrokenSettings { .. } => "broken_settings",
            Self::NoTools(_) => "no_tools",
            Self::AgentDenied { .. } => "agent_denied",
            Self::DuplicateTask => "duplicate_task",
            Self::StillRunning { .. } => "still_running",
            Self::NoTranscript { .. } => "no_transcript",
            Self::NoWorktree { .. } => "no_worktree",
            Self::InvalidSchema { .. } => "invalid_schema",
            Self::EmptyPrompt => "empty_prompt",
            Self::NoRoute(_) => "no_provider",
            Self::AllRoutesFailed { attempts } => last(attempts).map_or("provider", ProviderError::kind),
            Self::Refused { .. } => "refused",
            Self::EmptyAnswer => "empty_answer",
            Self::InvalidOutput { .. } => "invalid_output",
            Self::CostLimit { .. } => "cost_limit",
            Self::TokenLimit { .. } => "token_limit",
            Self::CallLimit { .. } => "call_limit",
            Self::PriceUnknown { .. } => "price_unknown",
            Self::Stuck { .. } => "stuck",
            Self::EndedByHook { .. } => "ended_by_hook",
            Self::Earlier { .. } => "earlier",
            Self::Journal(_) => "journal",
            Self::Audit(_) => "audit",
            Self::ShuttingDown => "shutting_down",
            Self::RuntimeDown => "runtime_down",
        }
    }

    /// What the user can do about it.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::UnknownAgent { known, nearest, .. } => Some(match nearest {
                Some(name) => format!("did you mean '{name}'? Available agents: {}", known.join(", ")),
                None => format!("available agents: {}", known.join(", ")),
            }),
            Self::BrokenAgent { .. } => Some("run `codex-task agents validate` and fix the file".into()),
            Self::BrokenSettings { .. } => Some("correct the file; `codex-task doctor` reads it again".into()),
            Self::NoTools(_) => Some("run `codex-task agents validate` to see the names that exist".into()),
            Self::AgentDenied { .. } => Some("use another agent, or change permissions.deny".into()),
            Self::DuplicateTask => Some("give each task an id of its own".into()),
            Self::StillRunning { .. } => Some("wait for its end, or stop it, and resume it then".into()),
            Self::NoTranscript { .. } => {
                Some("start a new agent with everything that it has to know in its prompt".into())
            }
            Self::NoWorktree { help, .. } => Some(help.clone()),
            Self::InvalidSchema { .. } => {
                Some("correct the schema; see https://json-schema.org for what can be written".into())
            }
            Self::EmptyPrompt => Some("say what the agent should do".into()),
            Self::NoRoute(error) => error.help(),
            Self::AllRoutesFailed { attempts } => last(attempts).and_then(ProviderError::help),
            Self::Refused { .. } => Some("rephrase the prompt, or use another model".into()),
            Self::EmptyAnswer => Some("try again, or use another model".into()),
            Self::InvalidOutput { .. } => Some("simplify the schema, or use a larger model".into()),
            Self::CostLimit { .. } => Some("raise max_cost, or use a cheaper model".into()),
            Self::TokenLimit { .. } => Some("raise max_tokens, or give the agent a smaller task".into()),
            Self::CallLimit { .. } => Some("raise max_calls, or give the agent a smaller task".into()),
            Self::PriceUnknown { .. } => {
                Some("set max_tokens too, which then is the limit, or use a model with a known price".into())
            }
            Self::Stuck { .. } => Some(
                "give the agent a smaller task or a larger model; raise max_tokens if answers are cut off"
                    .into(),
            ),
            Self::EndedByHook { .. } => Some("do what the hook wants, or change the hook".into()),
            Self::Earlier { .. } => Some("see `codex-task runs show`, and start a new task".into()),
            Self::Journal(_) => {
                Some("free space on the disk of the state directory, then resume the run".into())
            }
            Self::Audit(_) => Some(
                "free space on the disk of the state directory, then resume the run; `--no-record`, or `audit: {enabled: \
                 false}` in your config.yaml, does without the trail"
                    .into(),
            ),
            Self::ShuttingDown | Self::RuntimeDown => Some("start a new runtime".into()),
        }
    }

    /// Whether the same task may succeed later without any change.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::AllRoutesFailed { attempts } => {
                last(attempts).is_some_and(|e| e.remedy() == codex_task_providers::Remedy::Retry)
            }
            Self::EmptyAnswer | Self::StillRunning { .. } | Self::ShuttingDown | Self::RuntimeDown => true,
            Self::UnknownAgent { .. }
            | Self::BrokenAgent { .. }
            | Self::BrokenSettings { .. }
            | Self::NoTools(_)
            | Self::AgentDenied { .. }
            | Self::DuplicateTask
            | Self::NoTranscript { .. }
            | Self::NoWorktree { .. }
            | Self::InvalidSchema { .. }
            | Self::EmptyPrompt
            | Self::NoRoute(_)
            | Self::Refused { .. }
            | Self::InvalidOutput { .. }
            | Self::CostLimit { .. }
            | Self::TokenLimit { .. }
            | Self::CallLimit { .. }
            | Self::PriceUnknown { .. }
            | Self::Stuck { .. }
            | Self::EndedByHook { .. }
            | Self::Earlier { .. }
            | Self::Journal(_)
            | Self::Audit(_) => false,
        }
    }

    /// What the model that called the Task tool reads: Claude Code's text where it has one.
    pub fn for_model(&self) -> String {
        match self {
            Self::UnknownAgent { name, known, .. } => {
                format!("Agent type '{name}' not found. Available agents: {}", known.join(", "))
            }
            Self::NoTools(text) => text.clone(),
            Self::NoTranscript { task } => format!("No transcript found for agent ID: {task}"),
            Self::NoWorktree { reason, .. } => reason.clone(),
            Self::AllRoutesFailed { .. } => format!("Agent terminated early due to an API error: {self}"),
            Self::BrokenAgent { .. }
            | Self::BrokenSettings { .. }
            | Self::AgentDenied { .. }
            | Self::DuplicateTask
            | Self::StillRunning { .. }
            | Self::InvalidSchema { .. }
            | Self::EmptyPrompt
            | Self::NoRoute(_)
            | Self::Refused { .. }
            | Self::EmptyAnswer
            | Self::InvalidOutput { .. }
            | Self::CostLimit { .. }
            | Self::TokenLimit { .. }
            | Self::CallLimit { .. }
            | Self::PriceUnknown { .. }
            | Self::Stuck { .. }
            | Self::EndedByHook { .. }
            | Self::Earlier { .. }
            | Self::Journal(_)
            | Self::Audit(_)
            | Self::ShuttingDown
            | Self::RuntimeDown => format!("Agent failed: {self}"),
        }
    }
}

fn last(attempts: &[Attempt]) -> Option<&ProviderError> {
    attempts.iter().rev().find_map(|attempt| attempt.error.as_ref())
}

fn last_error(attempts: &[Attempt]) -> String {
    match attempts.iter().rev().find(|attempt| attempt.error.is_some()) {
        Some(Attempt { provider, model, error: Some(error), .. }) => {
            format!("{error} (provider: {provider}, model: {model})")
        }
        _ => "no attempt was made".to_owned(),
    }
}
