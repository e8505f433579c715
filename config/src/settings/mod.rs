//! Settings: what the user, the project and the session want, merged into one value.

mod claude_file;
mod file;
mod loader;
mod merge;
mod value;

pub use loader::{LoadedSettings, MANAGED_SETTINGS};
pub use value::{Limits, LocalServers, ProviderSettings, Settings, SettingsOverrides};
