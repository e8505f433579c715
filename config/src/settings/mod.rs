//! Settings: what the user, the project and the session want, merged into one value.

mod claude_file;
mod file;
mod loader;
mod mcp;
mod merge;
mod narrowing;
mod provider;
mod value;

pub use loader::{LoadedSettings, MANAGED_SETTINGS};
pub use mcp::{McpSettings, McpTrust, McpVerdict};
pub use provider::{CallTimeouts, ProviderSettings, RateSettings};
pub use value::{Limits, LocalServers, Settings, SettingsOverrides, WebSettings};
