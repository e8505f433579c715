//! The built-in tools: Claude Code's names, argument names, limits and texts.

use std::sync::Arc;

use crate::Tool;

/// All built-in tools.
pub fn builtin_tools() -> Vec<Arc<dyn Tool>> {
    Vec::new()
}
