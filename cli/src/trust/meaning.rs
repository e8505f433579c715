//! What trust in a folder puts in force there today, so that the user sees what they have just said yes to.

use std::path::Path;

use codex_task::Environment;
use codex_task_config::{
    FolderTrust, LoadedMcpServers, LoadedSettings, Problem, RuleBehavior, Settings, SettingsOverrides,
    TrustOrigin, TrustedFolders,
};

use crate::gate::session_rights;
use crate::render::shown_path;

/// One line for each thing that trust is about, and what is wrong with the rules among them.
pub(super) fn of(folder: &Path, outer: &Environment) -> (Vec<String>, Vec<Problem>) {
    // Without a home the user's own settings are not among them.
    let environment = Environment::new(folder, std::iter::empty::<(String, String)>());
    let overrides = SettingsOverrides { trust: FolderTrust::Trusted, ..SettingsOverrides::default() };
    let loaded = Settings::load(&environment, &overrides);
    let mut trusted = TrustedFolders::default();
    trusted.insert(folder, TrustOrigin::Command);
    let lines = rules(&loaded, &trusted, outer)
        .chain(directories(&loaded))
        .chain(mode(&loaded, &trusted))
        // Names only: values may be keys.
        .chain(loaded.environment.variables().map(|(name, _)| format!("variable {name}")))
        .chain(servers(&environment, &trusted))
        .chain(hooks(&loaded, &trusted))
        .collect();
    (lines, session_rights(&loaded).problems().to_vec())
}

fn rules<'a>(
    loaded: &'a LoadedSettings,
    trusted: &'a TrustedFolders,
    environment: &'a Environment,
) -> impl Iterator<Item = String> + 'a {
    let rules = loaded.settings.permissions.rules.iter();
    rules.filter(|rule| rule.behavior == RuleBehavior::Allow && rule.origin.scope.is_repository()).filter_map(
        |rule| {
            let path = rule.origin.path.as_deref().filter(|path| is_of(path, trusted))?;
            Some(format!("allow rule {} ({})", rule.text, shown_path(path, environment)))
        },
    )
}

fn directories(loaded: &LoadedSettings) -> impl Iterator<Item = String> + '_ {
    let directories = loaded.settings.permissions.additional_directories.iter();
    directories.map(|directory| format!("additional directory {}", directory.display()))
}

fn mode(loaded: &LoadedSettings, trusted: &TrustedFolders) -> Option<String> {
    let permissions = &loaded.settings.permissions;
    let origin = permissions.mode_origin.as_ref().filter(|origin| origin.scope.is_repository())?;
    is_of(origin.path.as_deref()?, trusted)
        .then(|| format!("the permission mode {}", permissions.mode.as_str()))
}

fn servers<'a>(environment: &Environment, trusted: &'a TrustedFolders) -> impl Iterator<Item = String> + 'a {
    let servers = LoadedMcpServers::of_project(environment).servers.into_iter();
    servers
        .filter(|server| server.path.as_deref().is_some_and(|path| is_of(path, trusted)))
        .map(|server| format!("MCP server {} (starts {})", server.name, server.transport.subject()))
}

fn hooks<'a>(loaded: &'a LoadedSettings, trusted: &'a TrustedFolders) -> impl Iterator<Item = String> + 'a {
    let hooks = loaded.settings.hooks.hooks.iter();
    hooks
        .filter(|hook| hook.origin.path.as_deref().is_some_and(|path| is_of(path, trusted)))
        .map(|hook| format!("hook {hook}, which runs with your rights"))
}

fn is_of(path: &Path, trusted: &TrustedFolders) -> bool {
    trusted.of_file(path) == FolderTrust::Trusted
}
