//! Agent files: `.claude/agents/**/*.md` and their frontmatter.

mod selection;

pub use selection::{ToolPattern, ToolSelection};
