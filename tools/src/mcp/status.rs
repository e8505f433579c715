//! What is known about a hub's servers, for people.

use codex_task_config::{McpServerName, Problem};

/// One server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct McpStatus {
    /// Its name.
    pub name: McpServerName,
    /// How it is reached: `stdio`, `http` or `sse`.
    pub kind: &'static str,
    /// The program or the address.
    pub subject: String,
    /// What it is doing.
    pub state: McpState,
    /// Tools that are left out or switched off, each with the reason.
    pub problems: Vec<String>,
}

/// What a server is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum McpState {
    /// The settings do not let it run; what would change that.
    Refused(Problem),
    /// Nobody has needed it yet.
    Idle,
    /// It is being started.
    Starting,
    /// It runs.
    Running {
        /// Tools that it offers.
        tools: usize,
    },
    /// It ended or could not be started; it is tried again when it is next needed, a few times.
    Failed {
        /// Why.
        reason: String,
    },
}
