//! What a journal is told.

use std::sync::Arc;

use codex_task_config::{MicroUsd, ModelId, ProviderName, TokenUsage};
use codex_task_providers::{Message, ToolResult};
use serde::{Deserialize, Serialize};

use super::Admission;
use crate::subagent::{CheckpointStep, Tally};
use crate::task::{TaskId, TaskReport};

/// One entry of the journal.
#[derive(Clone, Debug)]
pub enum JournalEntry {
    /// Tasks were taken: on record together, or not at all.
    Admitted(Vec<Admission>),
    /// An agent came one step further.
    Stepped {
        /// The task.
        task: TaskId,
        /// The step.
        step: JournalStep,
    },
    /// A task ended.
    Ended {
        /// How.
        report: Arc<TaskReport>,
    },
}

/// One step of an agent. Cheap to clone: its texts are shared.
#[derive(Clone, Debug)]
pub struct JournalStep(pub(crate) CheckpointStep);

/// The running totals of a task.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tallied {
    /// Model calls that succeeded.
    pub turns: u32,
    /// Tokens of all calls.
    pub usage: TokenUsage,
    /// Cost of the calls whose price is known.
    pub cost: MicroUsd,
    /// The provider of the last successful call.
    pub provider: Option<ProviderName>,
    /// The model that answered last.
    pub model: Option<ModelId>,
}

/// A step as it is stored. Tagged from outside, as [`Message`] needs it. The totals are stored beside it: each step has
/// all of them, and the last one counts.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum StoredStep {
    Answered(Arc<Message>),
    CallBegun(Arc<str>),
    CallEnded(ToolResult),
    Told(Arc<Message>),
    Compacted(Vec<Arc<Message>>),
}

impl JournalEntry {
    /// The tasks that the entry is about.
    pub fn tasks(&self) -> impl Iterator<Item = TaskId> {
        let (admitted, other) = match self {
            Self::Admitted(admissions) => (admissions.as_slice(), None),
            Self::Stepped { task, .. } => (&[][..], Some(*task)),
            Self::Ended { report } => (&[][..], Some(report.task)),
        };
        admitted.iter().map(|admission| admission.request.id).chain(other)
    }
}

impl JournalStep {
    /// A short stable name.
    pub fn kind(&self) -> &'static str {
        match &self.0 {
            CheckpointStep::Answered { .. } => "answered",
            CheckpointStep::CallBegun { .. } => "call_begun",
            CheckpointStep::CallEnded { .. } => "call_ended",
            CheckpointStep::Told { .. } => "told",
            CheckpointStep::Compacted { .. } => "compacted",
        }
    }

    /// The step as JSON, without the totals.
    ///
    /// # Errors
    /// When a provider's own state is no JSON; it always is.
    pub fn to_json(&self) -> serde_json::Result<String> {
        let stored = match &self.0 {
            CheckpointStep::Answered { turn, .. } => StoredStep::Answered(Arc::clone(turn)),
            CheckpointStep::CallBegun { call_id } => StoredStep::CallBegun(Arc::clone(call_id)),
            CheckpointStep::CallEnded { result } => StoredStep::CallEnded(result.clone()),
            CheckpointStep::Told { turn, .. } => StoredStep::Told(Arc::clone(turn)),
            CheckpointStep::Compacted { turns, .. } => StoredStep::Compacted(turns.clone()),
        };
        serde_json::to_string(&stored)
    }

    /// The totals as JSON, for [`crate::TaskImage::set_totals`]; steps within a turn have none.
    pub fn totals_json(&self) -> Option<serde_json::Result<String>> {
        self.tally().map(serde_json::to_string)
    }

    /// The totals with this step; steps within a turn have none.
    pub fn tallied(&self) -> Option<Tallied> {
        self.tally().map(|tally| Tallied {
            turns: tally.turns,
            usage: tally.usage,
            cost: tally.cost,
            provider: tally.provider.clone(),
            model: tally.model.clone(),
        })
    }

    fn tally(&self) -> Option<&Tally> {
        match &self.0 {
            CheckpointStep::Answered { tally, .. }
            | CheckpointStep::Told { tally, .. }
            | CheckpointStep::Compacted { tally, .. } => Some(tally),
            CheckpointStep::CallBegun { .. } | CheckpointStep::CallEnded { .. } => None,
        }
    }
}

impl From<StoredStep> for CheckpointStep {
    fn from(stored: StoredStep) -> Self {
        match stored {
            StoredStep::Answered(turn) => Self::Answered { turn, tally: Box::default() },
            StoredStep::CallBegun(call_id) => Self::CallBegun { call_id },
            StoredStep::CallEnded(result) => Self::CallEnded { result },
            StoredStep::Told(turn) => Self::Told { turn, tally: Box::default() },
            StoredStep::Compacted(turns) => Self::Compacted { turns, tally: Box::default() },
        }
    }
}
