//! What a task has used so far: kept through restarts, because it is paid for.

use std::collections::BTreeSet;
use std::time::Duration;

use codex_task_config::{MicroUsd, ModelId, ProviderName, SavedUsd, TokenUsage};
use serde::{Deserialize, Serialize};

use super::settlement::Paid;
use crate::task::{Attempt, KeptWorktree};

/// Running totals of one task.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Tally {
    /// Model calls in order, failed ones included.
    pub(crate) attempts: Vec<Attempt>,
    /// The provider of the last successful call.
    pub(crate) provider: Option<ProviderName>,
    /// The model that answered last.
    pub(crate) model: Option<ModelId>,
    /// Tokens of all calls.
    pub(crate) usage: TokenUsage,
    /// Cost of the calls whose price is known.
    pub(crate) cost: MicroUsd,
    /// What the providers' caches saved of it.
    pub(crate) cache_saved: SavedUsd,
    /// Whether a call had a price that nobody knows: the sum is then not the cost.
    pub(crate) cost_unknown: bool,
    /// Model calls that succeeded.
    pub(crate) turns: u32,
    /// Tool calls that were made.
    pub(crate) tool_calls: u32,
    /// Time in model calls.
    pub(crate) model_time: Duration,
    /// Time in tool calls.
    pub(crate) tool_time: Duration,
    /// From the start of the task to its first token.
    pub(crate) first_token: Option<Duration>,
    /// What the agent wrote last, for endings without a result.
    pub(crate) partial: Option<String>,
    /// Text of answers that hit the output limit: the next answer continues it.
    pub(crate) unfinished: String,
    /// Whether the one corrective turn for a wrong answer is used up.
    pub(crate) corrected: bool,
    /// What the user should know, each once.
    pub(crate) notes: BTreeSet<String>,
    /// What the user has allowed for more than one call.
    pub(crate) allowed: BTreeSet<String>,
    /// Where untrusted texts came from that the agent has read.
    pub(crate) tainted_by: BTreeSet<String>,
    /// Whether hooks were told that the agent begins.
    pub(crate) is_announced: bool,
    /// How often hooks have kept the agent from ending.
    pub(crate) stops_held: u32,
    /// What the agent has left apart from the session's own files.
    pub(crate) worktree: Option<KeptWorktree>,
}

impl Tally {
    /// The cost of everything so far, if every price is known.
    pub(crate) fn total_cost(&self) -> Option<MicroUsd> {
        (!self.cost_unknown && self.turns > 0).then_some(self.cost)
    }

    /// Totals that begin anew for an agent that has read what it has read.
    pub(crate) fn anew(&self) -> Self {
        Self { tainted_by: self.tainted_by.clone(), ..Self::default() }
    }

    /// Keeps a text of the agent, in case that it is the last.
    pub(crate) fn note_text(&mut self, text: &str) {
        self.partial = Some(format!("{}{text}", self.unfinished));
    }

    /// Adds what one call used.
    pub(crate) fn pay(&mut self, paid: Paid) {
        self.usage += paid.usage;
        self.cache_saved += paid.cache_saved;
        match paid.cost {
            Some(cost) => self.cost += cost,
            None => self.cost_unknown = true,
        }
    }
}
