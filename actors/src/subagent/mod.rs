//! One subagent: its actor, its context window and its loop. Nothing outside this folder ever sees the window.

mod actor;
mod agent_context;
mod agent_run;
mod answering;
mod attachments;
mod checkpoint;
mod compaction;
mod context_window;
mod death_watch;
mod hooks;
mod model_call;
mod plan;
mod refused;
mod repetition;
mod reserving;
mod retry;
mod route_change;
mod screen;
mod settlement;
mod shared_prefix;
mod stop;
mod tally;
mod tool_turn;
mod typed_output;

pub(crate) use actor::{Ending, Seed, SubagentActor};
pub(crate) use agent_context::{AgentContext, time_allowed};
pub(crate) use attachments::held_bytes as attachment_bytes;
pub(crate) use checkpoint::{Checkpoint, CheckpointStep};
pub(crate) use context_window::{BYTES_PER_TOKEN, bytes as message_bytes};
pub(crate) use death_watch::DeathWatch;
pub(crate) use plan::{AgentPlan, BoundRoute};
pub(crate) use reserving::wish;
pub(crate) use settlement::{Held, Paid};
pub(crate) use stop::{StopCause, StopSignal};
pub(crate) use tally::Tally;
