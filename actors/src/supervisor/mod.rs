//! The supervisor: takes tasks, decides who runs where and when, restarts what dies.

mod actor;
mod handlers;
mod history;
mod outside_call;
mod page_reader;
mod planner;
mod prompt;
mod pulse;
mod queue;
mod record;
mod restart;
mod server_tools;
mod services;
mod table;
mod watch;
mod web_searcher;
mod workers;

pub use actor::{SupervisorActor, SupervisorCounters};
pub(crate) use outside_call::Ledger;
pub use record::ContinueTask;
pub use restart::RestartPolicy;
pub(crate) use server_tools::ServerTools;
pub use services::{Services, SessionFacts};
pub use table::{BoardEntry, BoardState, TaskBoard};
pub use workers::{RetireWorker, WorkerFactory};
