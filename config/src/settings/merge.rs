//! Merging settings, from weak to strong. What a repository's files may say is decided here: they can narrow, name
//! agents' models and add rules, but not say where keys are sent.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::claude_file::ClaudeFile;
use super::file::{LimitsFile, LocalFile, McpFile, ProviderFile, RuleEntry, SettingsFile, WebFile};
use super::loader::LoadedSettings;
use super::mcp::McpTrustWish;
use super::narrowing::Narrowing;
use super::provider::ProviderSettings;
use super::value::{Settings, SettingsOverrides};
use crate::{
    Environment, Limits, ModelChoice, ModelId, PermissionMode, PermissionRule, Position, Problem,
    ProviderName, RuleBehavior, RuleExample, RuleOrigin, RuleScope, json::find_string, yaml,
};

/// Beginnings of variables that a repository's settings must not set: they decide where keys go and what runs.
const VARIABLES_REFUSED: &[&str] = &[
    "ANTHROPIC_",
    "OPENAI_",
    "GEMINI_",
    "GOOGLE_",
    "CLAUDE_",
    "CODEX_",
    "XDG_",
    "LD_",
    "DYLD_",
    "GIT_",
    "SSH_",
    "PYTHON",
    "NODE_",
    "PERL",
    "RUBY",
    "RUST",
    "CARGO_",
    "BASH_",
    "HTTP",
    "NO_PROXY",
    "ALL_PROXY",
    "SSL_",
];
/// Variables of that kind that are matched whole.
const NAMES_REFUSED: &[&str] = &[
    "PATH",
    "HOME",
    "SHELL",
    "ENV",
    "IFS",
    "PS4",
    "PAGER",
    "EDITOR",
    "VISUAL",
    "USERPROFILE",
    "LESSOPEN",
    "MAKEFLAGS",
];

/// Settings in the making.
pub(super) struct Merge {
    settings: Settings,
    environment: Environment,
    variables: BTreeMap<String, String>,
    problems: Vec<Problem>,
    pub(super) files: Vec<PathBuf>,
}

impl Merge {
    pub(super) fn new(environment: &Environment) -> Self {
        Self {
            settings: Settings::default(),
            environment: environment.clone(),
            variables: BTreeMap::new(),
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

    /// Adds a file of Claude Code's.
    pub(super) fn claude(&mut self, file: ClaudeFile, text: &str, path: &Path, scope: RuleScope) {
        let place = |rule: &str| find_string(text, rule);
        let permissions = file.permissions;
        self.rules(&permissions.allow, RuleBehavior::Allow, scope, Some(path), place);
        self.rules(&permissions.ask, RuleBehavior::Ask, scope, Some(path), place);
        self.rules(&permissions.deny, RuleBehavior::Deny, scope, Some(path), place);
        if let Some(mode) = permissions.default_mode {
            self.mode(&mode, scope, path, find_string(text, &mode));
        }
        self.directories(&permissions.additional_directories, scope, path);
        if let Some(model) = file.model {
            self.settings.model = Some(ModelChoice::parse(&model));
        }
        let wish = McpTrustWish {
            keys: ["enableAllProjectMcpServers", "enabledMcpjsonServers", ""],
            all: file.enable_all_project_mcp_servers,
            enabled: file.enabled_mcp_servers,
            folders: Vec::new(),
            disabled: file.disabled_mcp_servers,
        };
        self.mcp_trust(wish, scope, path, |key| find_string(text, key));
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
        let yaml::Parsed { value: file, outline } = parsed;
        self.problems.extend(problems.into_iter().map(|problem| problem.in_file(path)));
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
        self.limits(&file.limits, path, &outline);
        self.local(file.local);
        self.mcp_timeouts(&file.mcp);
        let wish = McpTrustWish {
            keys: ["enable_all_project_servers", "enabled_servers", "trusted_folders"],
            all: file.mcp.enable_all_project_servers,
            enabled: file.mcp.enabled_servers,
            folders: file.mcp.trusted_folders,
            disabled: file.mcp.disabled_servers,
        };
        self.mcp_trust(wish, scope, path, |key| outline.position(&["mcp", key]));
        self.web(file.web, scope, path, outline.position(&["web", "allow_loopback"]));
        if let Some(strict) = file.strict_agents {
            // A project may be stricter than its user, not laxer.
            self.settings.strict_agents =
                strict || (scope == RuleScope::Project && self.settings.strict_agents);
        }
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
        self.directories(&rules.additional_directories, scope, path);
        let narrowing = Narrowing { scope, path, outline: &outline, problems: &mut self.problems };
        narrowing.take_sandbox((file.sandbox, file.sandbox_unavailable), &mut self.settings.permissions);
    }

    /// Adds the session's own settings.
    pub(super) fn session(&mut self, overrides: &SettingsOverrides) {
        let settings = &mut self.settings;
        settings.model = overrides.model.as_deref().map(ModelChoice::parse).or(settings.model.take());
        settings.provider = overrides.provider.as_deref().map(ProviderName::new).or(settings.provider.take());
        settings.providers.extend(overrides.providers.clone());
        settings.limits.max_concurrent =
            overrides.max_concurrent.unwrap_or(settings.limits.max_concurrent).max(1);
        settings.limits.timeout = overrides.timeout.unwrap_or(settings.limits.timeout);
        settings.permissions.sandbox = overrides.sandbox.unwrap_or(settings.permissions.sandbox);
        let scope = RuleScope::Session;
        if let Some(mode) = overrides.permission_mode {
            settings.permissions.mode = mode;
            settings.permissions.mode_origin = Some(RuleOrigin { scope, path: None, position: None });
        }
        self.rules(&overrides.allow, RuleBehavior::Allow, scope, None, |_| None);
        self.rules(&overrides.ask, RuleBehavior::Ask, scope, None, |_| None);
        self.rules(&overrides.deny, RuleBehavior::Deny, scope, None, |_| None);
    }

    pub(super) fn finish(self) -> LoadedSettings {
        let own = self.environment.variables().map(|(name, value)| (name.to_owned(), value.to_owned()));
        // What the process was started with beats what a file says.
        let variables: BTreeMap<String, String> = self.variables.into_iter().chain(own).collect();
        let environment = Environment::new(self.environment.cwd(), variables);
        LoadedSettings { settings: self.settings, environment, problems: self.problems, files: self.files }
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
                    let problem = placed(*problem, position);
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

    /// A repository's files can narrow the mode, never widen it.
    fn mode(&mut self, text: &str, scope: RuleScope, path: &Path, at: Option<Position>) {
        let Some(mode) = PermissionMode::parse(text) else {
            let names: Vec<&str> = PermissionMode::ALL.iter().map(|(_, name)| *name).collect();
            let problem = Problem::warning(format!("unknown permission mode '{text}'"));
            let problem = problem.with_help(format!("known modes: {}", names.join(", ")));
            return self.problems.push(placed(problem, at).in_file(path));
        };
        let current = self.settings.permissions.mode;
        let is_repository = matches!(scope, RuleScope::Project | RuleScope::Local);
        if is_repository && mode > current {
            let problem = Problem::warning(format!(
                "'{text}' is wider than '{}' and is ignored here",
                current.as_str()
            ));
            let help = "set it in your own settings, or use --permission-mode";
            return self.problems.push(placed(problem, at).with_help(help).in_file(path));
        }
        self.settings.permissions.mode = mode;
        let origin = RuleOrigin { scope, path: Some(Arc::from(path)), position: at };
        self.settings.permissions.mode_origin = Some(origin);
    }

    fn directories(&mut self, directories: &[String], scope: RuleScope, path: &Path) {
        for text in directories {
            let directory = self.directory(text);
            if matches!(scope, RuleScope::Project) {
                let problem =
                    Problem::warning(format!("additional directory '{text}' is ignored in a project's file"));
                self.problems.push(problem.with_help("name it in your own settings").in_file(path));
            } else {
                self.settings.permissions.additional_directories.push(directory);
            }
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
        if scope == RuleScope::Project && decides_on_keys {
            let problem = Problem::warning(format!(
                "provider '{name}': a project's file can set neither base_url, api_key_env nor headers, except for a \
                 server on this machine"
            ));
            let problem = problem.with_help("set them in your own config.yaml").in_file(path);
            return self.problems.push(placed(problem, at));
        }
        self.settings.providers.insert(ProviderName::new(name), ProviderSettings::of_file(file));
    }

    fn limits(&mut self, file: &LimitsFile, path: &Path, outline: &yaml::Outline) {
        let limits = &mut self.settings.limits;
        limits.timeout = file.timeout.map_or(limits.timeout, |length| length.0);
        limits.call_timeout = file.call_timeout.map_or(limits.call_timeout, |length| length.0);
        limits.max_turns = file.max_turns.unwrap_or(limits.max_turns);
        match file.max_depth {
            Some(depth) if (1..=Limits::DEPTH_MAX).contains(&depth) => limits.max_depth = depth,
            Some(_) => {
                let text = format!("limits.max_depth must be from 1 to {}", Limits::DEPTH_MAX);
                let at = outline.value_position(&["limits", "max_depth"]);
                self.problems.push(placed(Problem::warning(text).in_file(path), at));
            }
            None => {}
        }
        match file.max_concurrent {
            Some(0) => {
                let problem = Problem::warning("limits.max_concurrent must be at least 1").in_file(path);
                let at = outline.value_position(&["limits", "max_concurrent"]);
                self.problems.push(placed(problem, at));
            }
            Some(count) => limits.max_concurrent = count,
            None => {}
        }
    }

    fn local(&mut self, file: LocalFile) {
        let local = &mut self.settings.local;
        local.probe = file.probe.unwrap_or(local.probe);
        local.ports = file.ports.unwrap_or_else(|| std::mem::take(&mut local.ports));
        local.model = file.model.map(ModelId::new).or(local.model.take());
    }

    /// Adds what a file says about a repository's MCP servers. Every file may switch some off; a repository's own cannot
    /// allow any.
    fn mcp_trust(
        &mut self,
        wish: McpTrustWish,
        scope: RuleScope,
        path: &Path,
        place: impl Fn(&str) -> Option<Position>,
    ) {
        let (allowed, ignored) = match scope {
            RuleScope::Project => wish.narrowing(),
            RuleScope::Local | RuleScope::User | RuleScope::Session | RuleScope::Managed => {
                (wish, Vec::new())
            }
        };
        for key in ignored {
            let problem = Problem::warning(format!("'{key}' is ignored in a project's file"));
            let problem = problem.with_help("allow MCP servers in your own settings").in_file(path);
            self.problems.push(placed(problem, place(key)));
        }
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

    /// A repository can keep agents away from this machine's servers, not send them there.
    fn web(&mut self, file: WebFile, scope: RuleScope, path: &Path, at: Option<Position>) {
        match file.allow_loopback {
            Some(true) if scope == RuleScope::Project => {
                let problem = Problem::warning("'web.allow_loopback' is ignored in a project's file");
                let problem = problem.with_help("set it in your own config.yaml").in_file(path);
                self.problems.push(placed(problem, at));
            }
            Some(allow) => self.settings.web.allow_loopback = allow,
            None => {}
        }
    }

    fn variables(&mut self, variables: BTreeMap<String, String>, scope: RuleScope, path: &Path) {
        for (name, value) in variables {
            let upper = name.to_uppercase();
            let is_refused = NAMES_REFUSED.contains(&upper.as_str())
                || VARIABLES_REFUSED.iter().any(|beginning| upper.starts_with(beginning))
                || ["KEY", "TOKEN", "SECRET", "BASE_URL", "PROXY"].iter().any(|part| upper.contains(part));
            if is_refused && matches!(scope, RuleScope::Project | RuleScope::Local) {
                let problem = Problem::warning(format!("env.{name} is ignored in a repository's settings"));
                self.problems.push(problem.with_help("set it in your own environment").in_file(path));
            } else {
                self.variables.insert(name, value);
            }
        }
    }
}

fn placed(problem: Problem, at: Option<Position>) -> Problem {
    match at {
        Some(at) => problem.at(at.line, at.column, at.length),
        None => problem,
    }
}

/// Whether a base URL points to this machine.
fn is_loopback(url: &str) -> bool {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://")).unwrap_or(url);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return false;
    }
    if authority.starts_with("[::1]") {
        return true;
    }
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    host == "localhost" || host.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
#[path = "merge_tests.rs"]
mod tests;
