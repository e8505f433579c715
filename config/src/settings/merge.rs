//! Merging settings, from weak to strong. What a repository's files may say is decided here: they can narrow and name
//! agents' models; widen only where the user trusts their folder, and say where keys are sent nowhere.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::claude_file::ClaudeFile;
use super::file::{LocalFile, McpFile, ProviderFile, RuleEntry, SettingsFile, WebFile};
use super::hooks::HookCollector;
use super::journal::JournalOf;
use super::limits::LimitsOf;
use super::loader::LoadedSettings;
use super::loopback::is_loopback;
use super::mcp::McpTrustWish;
use super::narrowing::Narrowing;
use super::provider::ProviderSettings;
use super::trust::{self, FolderTrust, TrustStore, TrustedFolders, Withheld};
use super::value::{Settings, SettingsOverrides};
use super::variables::is_refused_to_repositories;
use crate::workspace::repository_root;
use crate::{
    Environment, ModelChoice, ModelId, PermissionMode, PermissionRule, Position, Problem, ProviderName,
    RuleBehavior, RuleExample, RuleOrigin, RulePlace, RuleScope, json::find_string, yaml,
};

/// Settings in the making.
pub(super) struct Merge {
    settings: Settings,
    environment: Environment,
    variables: BTreeMap<String, String>,
    hooks: HookCollector,
    /// Those of them that the user's own files set; a repository's are for our own tools and reach no command.
    names_for_commands: BTreeSet<String>,
    /// The user's own providers, which no file of a repository replaces.
    own_providers: BTreeSet<ProviderName>,
    trusted: TrustedFolders,
    problems: Vec<Problem>,
    pub(super) files: Vec<PathBuf>,
}

impl Merge {
    pub(super) fn new(environment: &Environment) -> Self {
        Self {
            settings: Settings::default(),
            environment: environment.clone(),
            variables: BTreeMap::new(),
            hooks: HookCollector::default(),
            names_for_commands: BTreeSet::new(),
            own_providers: BTreeSet::new(),
            trusted: TrustedFolders::default(),
            problems: Vec::new(),
            files: Vec::new(),
        }
    }

    /// A file that cannot be read: whatever it would have denied must not run.
    pub(super) fn broken(&mut self, problem: Problem, path: &Path) {
        let place = problem.position.map(|at| format!(":{}:{}", at.line, at.column)).unwrap_or_default();
        let reason = format!("{}{place}: {}", path.display(), problem.message);
        self.settings.permissions.broken.get_or_insert(reason);
        self.problems.push(problem.in_file(path));
    }

    /// Adds what the user has said outside of their settings about the session's own folders.
    pub(super) fn trust(&mut self, folders: &[PathBuf], session: FolderTrust) {
        let store = TrustStore::of_user(&self.environment);
        // Without a home there is no list either.
        if let Some(Err(error)) = store.ok().map(|store| store.extend(&mut self.trusted)) {
            let why = std::error::Error::source(&error).map(|why| format!(": {why}")).unwrap_or_default();
            self.problems.push(Problem::warning(format!("{error}{why}")).with_help(error.help()));
        }
        trust::of_this_session(session, &self.environment, folders, &mut self.trusted);
        let unknown: Vec<PathBuf> = folders
            .iter()
            .filter(|folder| self.trusted.of_folder(folder) == FolderTrust::Untrusted && has_settings(folder))
            .cloned()
            .collect();
        if !unknown.is_empty() {
            trust::of_claude_code(&self.environment, &unknown, &mut self.trusted);
        }
    }

    /// Whether a file may widen what others say: one of the user's own, or one in a folder that the user trusts.
    fn may_widen(&self, path: &Path, scope: RuleScope) -> bool {
        !scope.is_repository() || self.trusted.of_file(path) == FolderTrust::Trusted
    }

    /// Adds a file of Claude Code's.
    pub(super) fn claude(&mut self, mut file: ClaudeFile, text: &str, path: &Path, scope: RuleScope) {
        if let Err(problem) = self.hooks.add(&file, text, path, scope) {
            self.broken(*problem, path);
        }
        if !self.may_widen(path, scope) {
            let withheld = Withheld::from_claude(&mut file, self.settings.permissions.mode);
            self.problems.extend(withheld.problem(path));
        }
        let place = |rule: &str| find_string(text, rule);
        let permissions = file.permissions;
        self.rules(&permissions.allow, RuleBehavior::Allow, scope, Some(path), place);
        self.rules(&permissions.ask, RuleBehavior::Ask, scope, Some(path), place);
        self.rules(&permissions.deny, RuleBehavior::Deny, scope, Some(path), place);
        if let Some(mode) = permissions.default_mode {
            self.mode(&mode, scope, path, find_string(text, &mode));
        }
        self.directories(&permissions.additional_directories);
        if let Some(model) = file.model {
            self.settings.model = Some(ModelChoice::parse(&model));
        }
        self.mcp_trust(
            McpTrustWish {
                all: file.enable_all_project_mcp_servers,
                enabled: file.enabled_mcp_servers,
                folders: Vec::new(),
                disabled: file.disabled_mcp_servers,
            },
            scope,
        );
        self.variables(file.env, scope, path);
    }

    /// Adds a file of our own.
    pub(super) fn own(
        &mut self,
        parsed: yaml::Parsed<SettingsFile>,
        problems: Vec<Problem>,
        path: &Path,
        scope: RuleScope,
    ) {
        let yaml::Parsed { value: mut file, outline } = parsed;
        self.problems.extend(problems.into_iter().map(|problem| problem.in_file(path)));
        if !self.may_widen(path, scope) {
            let withheld = Withheld::from_own(&mut file, self.settings.permissions.mode);
            self.problems.extend(withheld.problem(path));
        }
        self.trusted_folders(&file, scope, path, &outline);
        if let Some(model) = file.model {
            self.settings.model = Some(ModelChoice::parse(&model));
        }
        if let Some(provider) = file.provider {
            self.settings.provider = Some(ProviderName::new(provider));
        }
        if !file.fallback.is_empty() {
            self.settings.fallback = file.fallback;
        }
        for (name, provider) in file.providers {
            let at = outline.position(&["providers", &name]);
            self.provider(&name, provider, scope, path, at);
        }
        let limits = LimitsOf { file: &file.limits, scope, path, outline: &outline };
        self.problems.extend(limits.merge_into(&mut self.settings.limits));
        let journal = JournalOf { file: file.journal, scope, path, outline: &outline };
        self.problems.extend(journal.merge_into(&mut self.settings.retention));
        self.local(file.local);
        self.mcp_timeouts(&file.mcp);
        self.mcp_trust(
            McpTrustWish {
                all: file.mcp.enable_all_project_servers,
                enabled: file.mcp.enabled_servers,
                folders: file.mcp.trusted_folders,
                disabled: file.mcp.disabled_servers,
            },
            scope,
        );
        self.web(file.web, scope, path, &outline);
        self.problems.extend(self.settings.telemetry.take(file.telemetry, scope, path, &outline));
        let narrowing = Narrowing { scope, path, outline: &outline, problems: &mut self.problems };
        narrowing.take_resume(file.resume, &mut self.settings.resume);
        let narrowing = Narrowing { scope, path, outline: &outline, problems: &mut self.problems };
        narrowing.take_audit(file.audit, &mut self.settings.audit);
        // A project may be stricter than its user, not laxer; and have less recorded, not more.
        let stays = |now: bool| scope == RuleScope::Project && now;
        let narrowed = |wish: Option<bool>, now| wish.map_or(now, |wish| wish || stays(now));
        self.settings.strict_agents = narrowed(file.strict_agents, self.settings.strict_agents);
        self.settings.unrecorded = narrowed(file.record.map(|record| !record), self.settings.unrecorded);
        let rules = &file.permissions;
        for (list, entries, behavior) in [
            ("allow", &rules.allow, RuleBehavior::Allow),
            ("ask", &rules.ask, RuleBehavior::Ask),
            ("deny", &rules.deny, RuleBehavior::Deny),
        ] {
            for (index, entry) in entries.iter().enumerate() {
                let index = index.to_string();
                let place = |below: &[&str]| {
                    let keys: Vec<&str> =
                        ["permissions", list, &index].into_iter().chain(below.iter().copied()).collect();
                    outline.value_position(&keys)
                };
                self.entry(entry, behavior, scope, path, place);
            }
        }
        if let Some(mode) = &rules.mode {
            self.mode(mode, scope, path, outline.value_position(&["permissions", "mode"]));
        }
        self.directories(&rules.additional_directories);
        let narrowing = Narrowing { scope, path, outline: &outline, problems: &mut self.problems };
        narrowing.take_sandbox((file.sandbox, file.sandbox_unavailable), &mut self.settings.permissions);
    }

    /// Adds the session's own settings.
    pub(super) fn session(&mut self, overrides: &SettingsOverrides) {
        overrides.apply(&mut self.settings);
        let scope = RuleScope::Session;
        self.rules(&overrides.allow, RuleBehavior::Allow, scope, None, |_| None);
        self.rules(&overrides.allow_of_repository, RuleBehavior::Allow, RuleScope::Project, None, |_| None);
        self.rules(&overrides.ask, RuleBehavior::Ask, scope, None, |_| None);
        self.rules(&overrides.deny, RuleBehavior::Deny, scope, None, |_| None);
    }

    pub(super) fn finish(mut self) -> LoadedSettings {
        let (hooks, problems) = self.hooks.finish(&self.trusted);
        self.settings.hooks = hooks;
        self.problems.extend(problems);
        let own = self.environment.variables().map(|(name, value)| (name.to_owned(), value.to_owned()));
        // What the process was started with beats what a file says.
        let variables: BTreeMap<String, String> = self.variables.into_iter().chain(own).collect();
        let environment = Environment::new(self.environment.cwd(), variables)
            .with_names_for_commands(self.names_for_commands);
        let mut settings = self.settings;
        let root = repository_root(environment.cwd());
        if self.trusted.of_folder(root.as_deref().unwrap_or(environment.cwd())) == FolderTrust::Untrusted {
            settings.permissions.place = RulePlace::User;
        }
        settings.mcp.trust.projects = self.trusted.clone();
        settings.trusted = self.trusted;
        LoadedSettings { settings, environment, problems: self.problems, files: self.files }
    }

    fn rules(
        &mut self,
        texts: &[String],
        behavior: RuleBehavior,
        scope: RuleScope,
        path: Option<&Path>,
        place: impl Fn(&str) -> Option<Position>,
    ) {
        for text in texts {
            let origin = RuleOrigin { scope, path: path.map(Arc::from), position: place(text) };
            let position = origin.position;
            match PermissionRule::parse(text, behavior, origin) {
                Ok(rule) => {
                    self.problems.extend(rule.lint());
                    self.settings.permissions.rules.push(rule);
                }
                Err(problem) => {
                    let problem = problem.placed(position);
                    self.broken(problem, path.unwrap_or_else(|| Path::new("the session's rules")));
                }
            }
        }
    }

    /// A rule of our own files, with the calls that it brings along.
    fn entry(
        &mut self,
        entry: &RuleEntry,
        behavior: RuleBehavior,
        scope: RuleScope,
        path: &Path,
        place: impl Fn(&[&str]) -> Option<Position>,
    ) {
        let (text, at, matching, not_match) = match entry {
            RuleEntry::Plain(text) => (text, place(&[]), [].as_slice(), [].as_slice()),
            RuleEntry::Tested(tested) => {
                (&tested.rule, place(&["rule"]), tested.matching.as_slice(), tested.not_match.as_slice())
            }
        };
        let before = self.settings.permissions.rules.len();
        self.rules(std::slice::from_ref(text), behavior, scope, Some(path), |_| at);
        let permissions = &mut self.settings.permissions;
        // A rule that could not be read is told already, and has no examples.
        let Some(rule) = permissions.rules.get(before).cloned() else { return };
        for (key, calls, is_match) in [("match", matching, true), ("not_match", not_match, false)] {
            for (index, call) in calls.iter().enumerate() {
                let position = place(&[key, &index.to_string()]);
                let example = RuleExample { rule: rule.clone(), call: call.clone(), is_match, position };
                permissions.examples.push(example);
            }
        }
    }

    /// What would widen the mode in an untrusted folder is not here any longer.
    fn mode(&mut self, text: &str, scope: RuleScope, path: &Path, at: Option<Position>) {
        let Some(mode) = PermissionMode::parse(text) else {
            let names: Vec<&str> = PermissionMode::ALL.iter().map(|(_, name)| *name).collect();
            let problem = Problem::warning(format!("unknown permission mode '{text}'"));
            let problem = problem.with_help(format!("known modes: {}", names.join(", ")));
            return self.problems.push(problem.placed(at).in_file(path));
        };
        self.settings.permissions.mode = mode;
        let origin = RuleOrigin { scope, path: Some(Arc::from(path)), position: at };
        self.settings.permissions.mode_origin = Some(origin);
    }

    fn directories(&mut self, directories: &[String]) {
        let directories = directories.iter().map(|text| self.directory(text)).collect::<Vec<_>>();
        self.settings.permissions.additional_directories.extend(directories);
    }

    /// Folders are trusted by the user's own file; a project's cannot even name them.
    fn trusted_folders(
        &mut self,
        file: &SettingsFile,
        scope: RuleScope,
        path: &Path,
        outline: &yaml::Outline,
    ) {
        if !scope.is_repository() {
            let found = trust::of_settings(&file.trusted_folders, &self.environment, &mut self.trusted);
            return self.problems.extend(found.into_iter().map(|problem| problem.in_file(path)));
        }
        let keys: [(&[&str], &[String]); 2] = [
            (&["trusted_folders"], &file.trusted_folders),
            (&["mcp", "trusted_folders"], &file.mcp.trusted_folders),
        ];
        for (key, _) in keys.into_iter().filter(|(_, folders)| !folders.is_empty()) {
            let problem = Problem::warning(format!("'{}' is ignored in a project's file", key.join(".")));
            let problem = problem.with_help("use `codex-task trust`, or your own config.yaml").in_file(path);
            self.problems.push(problem.placed(outline.position(key)));
        }
    }

    fn provider(
        &mut self,
        name: &str,
        file: ProviderFile,
        scope: RuleScope,
        path: &Path,
        at: Option<Position>,
    ) {
        let is_loopback = file.base_url.as_deref().is_none_or(is_loopback);
        let decides_on_keys = !is_loopback || file.api_key_env.is_some() || !file.headers.is_empty();
        let (name, is_project) = (ProviderName::new(name), scope == RuleScope::Project);
        let refused = if is_project && decides_on_keys {
            Some("can set neither base_url, api_key_env nor headers, except for a server on this machine")
        } else if is_project && self.own_providers.contains(&name) {
            Some("cannot replace a provider of your own")
        } else {
            None
        };
        if let Some(words) = refused {
            let problem = Problem::warning(format!("provider '{name}': a project's file {words}"));
            let problem = problem.with_help("set them in your own config.yaml").in_file(path);
            return self.problems.push(problem.placed(at));
        }
        if !is_project {
            self.own_providers.insert(name.clone());
        }
        self.settings.providers.insert(name, ProviderSettings::of_file(file));
    }

    fn local(&mut self, file: LocalFile) {
        let local = &mut self.settings.local;
        local.probe = file.probe.unwrap_or(local.probe);
        local.ports = file.ports.unwrap_or_else(|| std::mem::take(&mut local.ports));
        local.model = file.model.map(ModelId::new).or(local.model.take());
    }

    /// Adds what a file says about a repository's MCP servers. Every file may switch some off; a repository's own cannot
    /// allow any by name, since the name may be another folder's: those of a trusted folder are allowed as they are.
    fn mcp_trust(&mut self, wish: McpTrustWish, scope: RuleScope) {
        let allowed = if scope.is_repository() { wish.narrowing() } else { wish };
        let folders: Vec<PathBuf> = allowed.folders.iter().map(|text| self.directory(text)).collect();
        let trust = &mut self.settings.mcp.trust;
        trust.all = allowed.all.unwrap_or(trust.all);
        trust.enabled.extend(allowed.enabled);
        trust.folders.extend(folders);
        trust.disabled.extend(allowed.disabled);
    }

    /// A directory of a settings file: `~/` is the user's home, relative ones begin at the working directory.
    fn directory(&self, text: &str) -> PathBuf {
        match (text.strip_prefix("~/"), self.environment.home()) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => self.environment.cwd().join(text),
        }
    }

    fn mcp_timeouts(&mut self, file: &McpFile) {
        let mcp = &mut self.settings.mcp;
        mcp.start_timeout = file.start_timeout.map(|length| length.0).or(mcp.start_timeout);
        mcp.call_timeout = file.call_timeout.map(|length| length.0).or(mcp.call_timeout);
    }

    /// A repository can keep agents away from this machine's servers, not send them there, nor their searches elsewhere.
    fn web(&mut self, file: WebFile, scope: RuleScope, path: &Path, outline: &yaml::Outline) {
        let WebFile { allow_loopback, search_provider } = file;
        let is_own = scope != RuleScope::Project;
        let widens = [
            ("allow_loopback", allow_loopback == Some(true)),
            ("search_provider", search_provider.is_some()),
        ];
        for (key, _) in widens.into_iter().filter(|(_, is_set)| *is_set && !is_own) {
            let problem = Problem::warning(format!("'web.{key}' is ignored in a project's file"));
            let problem = problem.with_help("set it in your own config.yaml").in_file(path);
            self.problems.push(problem.placed(outline.position(&["web", key])));
        }
        let web = &mut self.settings.web;
        web.allow_loopback = allow_loopback.filter(|allow| is_own || !allow).unwrap_or(web.allow_loopback);
        let provider = search_provider.filter(|_| is_own).map(ProviderName::new);
        web.search_provider = provider.or(web.search_provider.take());
    }

    fn variables(&mut self, variables: BTreeMap<String, String>, scope: RuleScope, path: &Path) {
        for (name, value) in variables {
            if scope.is_repository() && is_refused_to_repositories(&name) {
                let problem = Problem::warning(format!("env.{name} is ignored in a repository's settings"));
                self.problems.push(problem.with_help("set it in your own environment").in_file(path));
            } else {
                if scope.is_repository() {
                    self.names_for_commands.remove(&name);
                } else {
                    self.names_for_commands.insert(name.clone());
                }
                self.variables.insert(name, value);
            }
        }
    }
}

/// Whether there is anything in a folder that trust would be about.
fn has_settings(folder: &Path) -> bool {
    [".claude", "codex-task.yaml", ".mcp.json"].iter().any(|name| folder.join(name).exists())
}

#[cfg(test)]
#[path = "merge_tests.rs"]
mod tests;
