//! Agent files: `.claude/agents/**/*.md` and their frontmatter.

mod definition;
mod registry;
mod selection;
mod watcher;

pub use definition::{AgentDefinition, AgentSource};
pub use registry::{AgentEntry, AgentRegistry, AgentSources, AgentStatus, RegistryHandle};
pub use selection::{ToolPattern, ToolSelection};
pub use watcher::RegistryWatcher;
