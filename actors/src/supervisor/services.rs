//! What the supervisor plans tasks with: everything that a runtime is configured to.

use std::path::PathBuf;
use std::sync::Arc;

use codex_task_config::{RegistryHandle, Settings};
use codex_task_providers::ProviderRegistry;
use codex_task_tools::{McpHub, Rights, Session, Toolbox};
use jiff::civil::Date;

use super::delegation::Delegation;
use super::pressure::PressureSampler;
use super::restart::RestartPolicy;
use crate::audit::Audit;
use crate::io_runtime::IoRuntime;

/// Everything that a runtime is configured to; made once by the runtime.
pub struct Services {
    /// The agents, as they are now.
    pub agents: RegistryHandle,
    /// The session's settings.
    pub settings: Arc<Settings>,
    /// The environment that model names and keys come from.
    pub environment: codex_task_config::Environment,
    /// The providers.
    pub providers: Arc<ProviderRegistry>,
    /// All tools but those of MCP servers.
    pub toolbox: Toolbox,
    /// The session's MCP servers.
    pub mcp: McpHub,
    /// What the session may do: no task may do more.
    pub rights: Rights,
    /// The session that each task's tool session is derived from.
    pub session: Session,
    /// What every agent is told about where it works.
    pub facts: SessionFacts,
    /// Who makes the tools with which agents start agents; without it none can.
    pub delegation: Option<Arc<dyn Delegation>>,
    /// Where connections and tools live.
    pub io: IoRuntime,
    /// How often dead agents are started again.
    pub restart_policy: RestartPolicy,
    /// What tells how short the machine is of memory, processors and file descriptors.
    pub pressure: Arc<dyn PressureSampler>,
    /// Where what tasks do is written down so that nobody can change it unseen, if anywhere.
    pub audit: Option<Arc<dyn Audit>>,
}

/// What every agent is told about where it works.
#[derive(Clone, Debug)]
pub struct SessionFacts {
    /// Working directory.
    pub cwd: PathBuf,
    /// Whether that is inside a git repository.
    pub is_git: bool,
    /// The project's and the user's instruction files (`CLAUDE.md`, `AGENTS.md`), with a line before each that names
    /// it; empty without any.
    pub instructions: Arc<str>,
}

impl SessionFacts {
    /// Directory, platform and date, as lines.
    pub(crate) fn environment(&self, today: Date) -> String {
        format!(
            "Working directory: {}\nInside a git repository: {}\nPlatform: {}\nToday's date: {today}",
            self.cwd.display(),
            if self.is_git { "yes" } else { "no" },
            std::env::consts::OS,
        )
    }
}
