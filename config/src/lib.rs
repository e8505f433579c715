//! Everything that is read from disk or the environment and turned into data: agent files, settings, permission
//! rules, model names and prices. It decides nothing at run time, starts nothing, and knows no sibling crate.
//!
//! Invariant: this is the only crate that names `serde_yaml`, behind one module.

mod agent;
mod attachment;
mod command;
mod digest;
mod duration;
mod environment;
mod hook;
mod ids;
mod instructions;
mod isolation;
mod json;
mod mask_keys;
mod mcp_servers;
mod model;
mod nearest;
mod permission;
mod problem;
mod settings;
mod shell_word;
mod tool_names;
mod wall_clock;
mod workspace;
pub mod yaml;

pub use agent::{
    AgentDefinition, AgentEntry, AgentRegistry, AgentReport, AgentSource, AgentSources, AgentStatus,
    AgentTemplate, FieldState, JUDGE_AGENT, MAIN_AGENT, RegistryHandle, RegistryWatcher, RequiredFields,
    Syntax, ToolPattern, ToolSelection, USUAL_AGENT, UnknownTool, session_agent, templates,
};
pub use attachment::{Attachment, AttachmentSupport, MediaType};
pub use command::{
    CommandArguments, CommandCall, CommandDefinition, CommandEntry, CommandRegistry, CommandSource,
    CommandStatus, Expansion, ExpansionPart, Mention, Orchestration, Template, UnclearCommand, mentions,
};
pub use digest::sha256_hex;
pub use duration::parse_duration;
pub use environment::Environment;
pub use hook::{Hook, HookAction, HookEvent, HookFailure, HookWait};
pub use ids::{AgentName, ModelId, NameError, ProviderName};
pub use instructions::{InstructionFile, InstructionScope, instructions};
pub use isolation::Isolation;
pub use mask_keys::{MASK, mask_keys};
pub use mcp_servers::{
    LoadedMcpServers, McpNameError, McpScope, McpServer, McpServerEntry, McpServerName, McpTransport,
    McpVariableError, mcp_servers_of_frontmatter,
};
pub use model::{
    AutoChoice, AutoRequest, BudgetLimits, Capabilities, Cliff, Effort, MicroUsd, ModelChoice, ModelInfo,
    ModelRequest, ModelTier, Price, PriceTable, ProviderKind, SavedUsd, ScheduledPrice, TokenUsage,
    ToolReach, model_of_tier, model_variables, rate_class, resolve_model, vendor_of_model,
};
pub use nearest::nearest;
pub use permission::{
    PermissionMode, PermissionPolicy, PermissionRule, RuleBehavior, RuleExample, RuleOrigin, RulePlace,
    RuleScope, SandboxMode, SandboxUnavailable,
};
pub use problem::{Position, Problem, Severity};
pub use settings::{
    AgentHooks, AuditSettings, AuditTexts, CallTimeouts, FolderTrust, HookSettings, Limits, LoadedSettings,
    LocalServers, MANAGED_SETTINGS, McpSettings, McpTrust, McpVerdict, ProviderSettings, RateSettings,
    ResumePolicy, Retention, Settings, SettingsOverrides, TRUST_VARIABLE, TelemetrySettings, TrustOrigin,
    TrustStore, TrustStoreError, TrustedFolders, WebSettings,
};
pub use shell_word::shell_word;
pub use tool_names::{
    KNOWN_ELSEWHERE, PROVIDED_TOOLS, READING_TOOLS, ToolName, ToolStatus, WRITING_TOOLS, tool_status,
};
pub use wall_clock::WallClock;
pub use workspace::{project_directories, repository_root, workspace_root};
