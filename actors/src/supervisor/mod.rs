//! The supervisor: takes tasks, decides who runs where and when, restarts what dies.

mod actor;
mod budgets;
mod delegation;
mod handlers;
mod history;
mod isolated;
mod page_reader;
mod planner;
mod pressure;
mod prompt;
mod pulse;
mod queue;
mod record;
mod restart;
mod resume;
mod server_tools;
mod services;
mod slots;
mod table;
mod task_modes;
mod transcripts;
mod watch;
mod workers;

pub use actor::{SupervisorActor, SupervisorCounters};
pub use delegation::{Delegate, Delegation};
pub(crate) use isolated::Isolated;
pub(crate) use page_reader::Ledger;
pub use pressure::{NoPressure, Pressure, PressureSampler, Shortage};
pub use record::{ContinueTask, RunTasks};
pub use restart::RestartPolicy;
pub use resume::AwaitRecall;
pub(crate) use server_tools::ServerTools;
pub use services::{Services, SessionFacts};
pub use table::{BoardEntry, BoardState, TaskBoard};
pub use workers::{RetireWorker, WorkerFactory};
