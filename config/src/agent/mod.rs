//! Agent files: `.claude/agents/**/*.md`, their frontmatter, and the agents that they make.
//!
//! A file is cut (`document`), its frontmatter read as YAML or else line by line (`frontmatter`, `lenient`), its keys
//! given their meaning (`build`), and everything worth saying about it collected (`report`). A registry holds what was
//! found everywhere; nothing that was found is ever left out of it.

mod build;
mod built_in;
mod command_line;
mod definition;
mod discovery;
mod document;
mod entry;
mod field;
pub(crate) mod file;
mod fix;
mod frontmatter;
mod handle;
mod keyed;
mod keys;
mod lenient;
mod places;
mod registry;
mod render;
mod report;
mod selection;
mod session_agents;
mod template;
mod tool_check;
mod value;
mod watcher;
#[cfg(test)]
mod wild_tests;
mod write;

pub(crate) use discovery::Discovery;
pub(crate) use document::{Document, normalized};
pub(crate) use field::Field;
pub(crate) use frontmatter::Frontmatter;
pub(crate) use keyed::{Keyed, texts};
pub(crate) use places::AgentPlace;

pub use build::{FieldState, RequiredFields};
pub use definition::{AgentDefinition, AgentSource};
pub use entry::{AgentEntry, AgentStatus};
pub use frontmatter::Syntax;
pub use handle::RegistryHandle;
pub use registry::{AgentRegistry, AgentSources};
pub use report::AgentReport;
pub use selection::{ToolPattern, ToolSelection};
pub use session_agents::{JUDGE_AGENT, MAIN_AGENT, USUAL_AGENT, session_agent};
pub use template::{AgentTemplate, templates};
pub use tool_check::UnknownTool;
pub use watcher::RegistryWatcher;
