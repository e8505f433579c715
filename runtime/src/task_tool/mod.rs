//! The Task tool as text and JSON, for any host: what a model is offered, how its calls are read, what it reads back.
//! Claude Code 2.0's contract, with its exact texts where a model depends on them.
//!
//! A call is read (`input`), run (`tool`, `background`), and answered (`answer`), no longer than the host can show
//! (`report_store`).

mod agent_list;
mod answer;
mod background;
mod catalog;
mod fields;
mod input;
mod names;
mod nested;
mod orphans;
mod report_store;
mod spec;
mod tool;

pub use answer::ToolAnswer;
pub use catalog::ToolCatalog;
pub(crate) use nested::NestedTasks;
pub use spec::TaskToolSpec;
pub use tool::{TaskTool, ToolCaller};
