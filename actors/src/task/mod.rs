//! What a task is: its request, its events, its ending. Values only; no actor knows more than these.

mod ballot;
mod call;
mod error;
mod event;
mod id;
mod lineage;
mod report;
mod request;

pub use ballot::Ballot;
pub use call::{CallEnd, CallId, CallReport};
pub use error::TaskError;
pub use event::{TaskEvent, TaskEventKind};
pub use id::{RunId, TaskId};
pub use lineage::{Lineage, Narrowing};
pub use report::{Attempt, KeptWorktree, Outcome, RunReport, TaskReport, TaskStatus, TaskTiming};
pub(crate) use request::decode;
pub use request::{Conversation, Priority, RunTask, TaskRequest};
