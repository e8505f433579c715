//! Slash commands as skills of Codex, which has no slash commands of its own: `$CODEX_HOME/skills/<name>/SKILL.md`.
//!
//! A folder with our marker in it is ours; nothing else is ever written or removed.

mod folder;
mod skill;

pub(super) use folder::{Skills, Written};
