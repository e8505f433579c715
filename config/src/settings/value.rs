//! The merged settings.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use super::hooks::HookSettings;
use super::journal::Retention;
use super::mcp::McpSettings;
use super::provider::ProviderSettings;
use super::telemetry::TelemetrySettings;
use super::trust::{FolderTrust, TrustedFolders};
use crate::{
    BudgetLimits, ModelChoice, ModelId, PermissionMode, PermissionPolicy, ProviderName, RuleOrigin,
    RuleScope, SandboxMode,
};

/// The settings in force for a session.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// The session's model: for agents that name none.
    pub model: Option<ModelChoice>,
    /// The provider for models that belong to no vendor, and for aliases.
    pub provider: Option<ProviderName>,
    /// Providers by name, beside those that the environment configures.
    pub providers: BTreeMap<ProviderName, ProviderSettings>,
    /// Where tasks go when their own route fails for good: `provider/model`, an alias or a full id each.
    pub fallback: Vec<String>,
    /// How much, how many, how long.
    pub limits: Limits,
    /// Rules and mode.
    pub permissions: PermissionPolicy,
    /// Refuses agents whose list names a tool that does not exist.
    pub strict_agents: bool,
    /// Local servers that are looked for when nothing else is configured.
    pub local: LocalServers,
    /// The folders whose own settings may widen what runs there.
    pub trusted: TrustedFolders,
    /// MCP servers.
    pub mcp: McpSettings,
    /// What may be fetched of the web, and who searches it.
    pub web: WebSettings,
    /// The user's programs that are told of calls and agents.
    pub hooks: HookSettings,
    /// Whether servers keep no record of what runs (`record: false`).
    pub unrecorded: bool,
    /// How long runs stay on record.
    pub retention: Retention,
    /// When runs go on that a process has left unfinished.
    pub resume: ResumePolicy,
    /// What is told of the session to programs that watch it.
    pub telemetry: TelemetrySettings,
    /// Whether what tasks do is written down in a trail that shows each change of it, and with how much text.
    pub audit: AuditSettings,
}

/// The audit trail. A repository's file cannot say anything about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditSettings {
    /// Whether there is one.
    pub enabled: bool,
    /// What of prompts, arguments and outputs is in it.
    pub texts: AuditTexts,
}

impl Default for AuditSettings {
    /// There is one, with hashes of texts.
    fn default() -> Self {
        Self { enabled: true, texts: AuditTexts::Hashed }
    }
}

/// What of prompts, arguments and outputs is in the audit trail. Keys never are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditTexts {
    /// Their length and their hash, beside what identifies a call, e.g. a path or a command.
    #[default]
    Hashed,
    /// The whole of prompts and arguments too.
    Full,
}

/// When runs go on that a process has left unfinished. A repository's file cannot say so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResumePolicy {
    /// When somebody asks for it.
    #[default]
    Asked,
    /// Before the next run in the same directory.
    Auto,
}

/// What may be fetched of the web, beside the public internet, and who searches it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebSettings {
    /// Servers on this machine. A repository's file cannot say so.
    pub allow_loopback: bool,
    /// The provider whose own search `WebSearch` uses, instead of that of the agent's provider. A repository's file cannot
    /// say so.
    pub search_provider: Option<ProviderName>,
}

/// How much, how many, how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Tasks that run at once; more wait.
    pub max_concurrent: usize,
    /// Tasks that run at once however short the machine is of memory, processors or file descriptors.
    pub min_concurrent: usize,
    /// For each task, from its start to its end.
    pub timeout: Duration,
    /// For each model call.
    pub call_timeout: Duration,
    /// Model calls of one task.
    pub max_turns: u32,
    /// How deep tasks may start tasks: 1 is the main agent's only.
    pub max_depth: u32,
    /// What a run may take, all of its tasks together.
    pub budget: BudgetLimits,
    /// Time that running tasks get to end by themselves when the process is asked to end.
    pub drain_timeout: Duration,
}

impl Limits {
    /// The deepest that tasks may ever start tasks.
    pub const DEPTH_MAX: u32 = 3;
}

impl Default for Limits {
    /// Ten tasks at once, half an hour each, ten minutes and a hundred calls; no tasks of tasks.
    fn default() -> Self {
        Self {
            max_concurrent: 10,
            min_concurrent: 1,
            timeout: Duration::from_mins(30),
            call_timeout: Duration::from_mins(10),
            max_turns: 100,
            max_depth: 1,
            budget: BudgetLimits::NONE,
            drain_timeout: Duration::from_secs(10),
        }
    }
}

/// Local servers that are looked for when nothing else is configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalServers {
    /// Whether they are looked for at all.
    pub probe: bool,
    /// Their ports on loopback, in order of preference.
    pub ports: Vec<u16>,
    /// The model to use, where a server offers several.
    pub model: Option<ModelId>,
}

impl Default for LocalServers {
    /// llama-server, Ollama, LM Studio, vLLM.
    fn default() -> Self {
        Self { probe: true, ports: vec![8080, 11_434, 1234, 8000], model: None }
    }
}

/// Settings of the session itself: the command line's or the host's. They beat every file but the managed one.
#[derive(Clone, Debug, Default)]
pub struct SettingsOverrides {
    /// See [`Settings::model`].
    pub model: Option<String>,
    /// See [`Settings::provider`].
    pub provider: Option<String>,
    /// Providers beside those of the files, e.g. the host's own.
    pub providers: BTreeMap<ProviderName, ProviderSettings>,
    /// See [`Limits::max_concurrent`].
    pub max_concurrent: Option<usize>,
    /// See [`Limits::timeout`].
    pub timeout: Option<Duration>,
    /// See [`Limits::budget`]; what is absent stays as the files have it.
    pub budget: BudgetLimits,
    /// What happens to calls that no rule names.
    pub permission_mode: Option<PermissionMode>,
    /// How far shell commands and file tools reach.
    pub sandbox: Option<SandboxMode>,
    /// Rules that allow.
    pub allow: Vec<String>,
    /// Rules that allow and that a file of the repository brings along, which the user trusts.
    pub allow_of_repository: Vec<String>,
    /// Rules that ask.
    pub ask: Vec<String>,
    /// Rules that deny.
    pub deny: Vec<String>,
    /// The user's or the host's word for the working directory and those above it up to the repository's root: their
    /// settings may widen what runs.
    pub trust: FolderTrust,
}

impl SettingsOverrides {
    /// Puts everything but the rules in the place of what the files say.
    pub(super) fn apply(&self, settings: &mut Settings) {
        settings.model = self.model.as_deref().map(ModelChoice::parse).or(settings.model.take());
        settings.provider = self.provider.as_deref().map(ProviderName::new).or(settings.provider.take());
        settings.providers.extend(self.providers.clone());
        settings.limits.max_concurrent = self.max_concurrent.unwrap_or(settings.limits.max_concurrent).max(1);
        settings.limits.timeout = self.timeout.unwrap_or(settings.limits.timeout);
        settings.limits.budget = settings.limits.budget.replaced_by(self.budget);
        settings.permissions.sandbox = self.sandbox.unwrap_or(settings.permissions.sandbox);
        if let Some(mode) = self.permission_mode {
            let origin = RuleOrigin { scope: RuleScope::Session, path: None, position: None };
            settings.permissions.mode = mode;
            settings.permissions.mode_origin = Some(origin);
        }
    }
}
