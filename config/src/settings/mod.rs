//! Settings: what the user, the project and the session want, merged into one value.

mod claude_file;
mod file;
mod hooks;
mod journal;
mod limits;
mod loader;
mod loopback;
mod mcp;
mod merge;
mod narrowing;
mod provider;
mod telemetry;
mod trust;
mod value;
mod variables;

pub use hooks::{AgentHooks, HookSettings};
pub use journal::Retention;
pub use loader::{LoadedSettings, MANAGED_SETTINGS};
pub use mcp::{McpSettings, McpTrust, McpVerdict};
pub use provider::{CallTimeouts, ProviderSettings, RateSettings};
pub use telemetry::TelemetrySettings;
pub use trust::{FolderTrust, TRUST_VARIABLE, TrustOrigin, TrustStore, TrustStoreError, TrustedFolders};
pub use value::{
    AuditSettings, AuditTexts, Limits, LocalServers, ResumePolicy, Settings, SettingsOverrides, WebSettings,
};
