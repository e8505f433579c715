//! What the doctor looks at on this machine: directory, settings, permissions, agents, tools.

use codex_task::Environment;
use codex_task::store::Records;
use codex_task_config::{
    AgentRegistry, AgentSources, AgentStatus, LoadedSettings, PermissionMode, Problem, RuleBehavior,
    SandboxMode, repository_root, workspace_root,
};
use codex_task_tools::{Containment, SandboxStatus, builtin_tools};

use super::check::{Check, Status};
use crate::gate::session_rights;
use crate::render::figures::counted;
use crate::render::shown_path;
use crate::runs::kept;

/// The working directory and the repository around it.
pub(super) fn directory(environment: &Environment) -> Check {
    let cwd = environment.cwd();
    if let Err(error) = std::fs::read_dir(cwd) {
        return Check::new("directory", Status::Error, format!("{} cannot be read: {error}", cwd.display()))
            .remedy("change into a directory that you may read");
    }
    match repository_root(cwd) {
        Some(root) if root == cwd => {
            Check::ok("directory", format!("{}, the root of a git repository", cwd.display()))
        }
        Some(root) => {
            Check::ok("directory", format!("{} in the git repository {}", cwd.display(), root.display()))
        }
        None => Check::new("directory", Status::Note, format!("{} is in no git repository", cwd.display()))
            .remedy("agents are looked for, and may work, in this directory only; `git init` makes it a repository"),
    }
}

/// The settings files, and what is wrong with them.
pub(super) fn settings(loaded: &LoadedSettings) -> Vec<Check> {
    let shown = |path: &std::path::PathBuf| shown_path(path, &loaded.environment);
    let files: Vec<String> = loaded.files.iter().map(shown).collect();
    let summary = match files.as_slice() {
        [] => Check::new("settings", Status::Note, "no settings files, the defaults are in force"),
        files => Check::ok("settings", files.join(", ")),
    };
    let problem =
        |problem: &Problem| Check::of_problem("settings", Status::Warning, problem, &loaded.environment);
    let rights = session_rights(loaded);
    let problems = loaded.problems.iter().chain(rights.problems()).map(problem);
    std::iter::once(summary).chain(problems).collect()
}

/// Whether the project's own settings may widen what runs.
pub(super) fn trust(loaded: &LoadedSettings) -> Check {
    let cwd = loaded.environment.cwd();
    let root = workspace_root(cwd);
    match loaded.settings.trusted.origin(&root) {
        Some(origin) => {
            Check::ok("trust", format!("the project's own settings count, by {}", origin.as_str()))
        }
        None => Check::new("trust", Status::Note, "the project's own settings only narrow")
            .remedy("if you trust what is in it: `codex-task trust`"),
    }
}

/// What tool calls may do.
pub(super) fn permissions(loaded: &LoadedSettings) -> Check {
    let policy = &loaded.settings.permissions;
    if let Some(broken) = session_rights(loaded).broken() {
        return Check::new("permissions", Status::Error, format!("no tool call may run: {broken}"))
            .remedy("correct the file");
    }
    let count = |behavior| policy.rules.iter().filter(|rule| rule.behavior == behavior).count();
    let rules = [(RuleBehavior::Allow, "allow"), (RuleBehavior::Ask, "ask"), (RuleBehavior::Deny, "deny")]
        .map(|(behavior, word)| format!("{} {word}", count(behavior)))
        .join(", ");
    let meaning = match policy.mode {
        PermissionMode::Plan => "agents read only",
        PermissionMode::Default | PermissionMode::AcceptEdits => match policy.sandbox {
            SandboxMode::ReadOnly => {
                "agents read the workspace; commands run in the sandbox and write nothing"
            }
            SandboxMode::WorkspaceWrite => {
                "agents read and write the workspace; commands that no rule names run in the sandbox"
            }
            SandboxMode::DangerFullAccess => "agents read and write the workspace; Bash needs an allow rule",
        },
        PermissionMode::BypassPermissions => match policy.sandbox {
            SandboxMode::ReadOnly => {
                "agents read; commands that no rule denies run in the sandbox and write nothing"
            }
            SandboxMode::WorkspaceWrite | SandboxMode::DangerFullAccess => {
                "agents do everything that no rule denies"
            }
        },
    };
    let (mode, sandbox) = (policy.mode.as_str(), policy.sandbox);
    let message = format!("mode {mode}, sandbox {sandbox} ({meaning}); rules: {rules}");
    match policy.mode {
        PermissionMode::BypassPermissions => Check::new("permissions", Status::Warning, message)
            .remedy("choose another mode unless this machine is a container"),
        PermissionMode::Plan | PermissionMode::Default | PermissionMode::AcceptEdits => {
            Check::ok("permissions", message)
        }
    }
}

/// What holds commands back on this system.
pub(super) fn sandbox(loaded: &LoadedSettings) -> Check {
    let (policy, status) = (&loaded.settings.permissions, SandboxStatus::of_this_system());
    if policy.sandbox == SandboxMode::DangerFullAccess {
        let message = format!("not used in the mode {}; this system has {status}", policy.sandbox);
        return Check::new("sandbox", Status::Warning, message)
            .remedy("choose workspace-write unless this machine is a container");
    }
    let check = match Containment::of_this_system(policy).problem() {
        Some(problem) => Check::new("sandbox", Status::Warning, problem.message),
        None if status.reason.is_some() => Check::new("sandbox", Status::Warning, status.to_string()),
        None => Check::ok("sandbox", status.to_string()),
    };
    match status.help() {
        Some(help) => check.remedy(help),
        None => check,
    }
}

/// How many agents there are.
pub(super) fn agents(loaded: &LoadedSettings) -> Check {
    let sources = AgentSources { command_line_json: None, strict: loaded.settings.strict_agents };
    let registry = AgentRegistry::load(&loaded.environment, &sources);
    let count = |status| registry.entries().iter().filter(|entry| entry.status == status).count();
    let usable = counted(registry.agents().count(), "agent");
    let (broken, doubtful) = (count(AgentStatus::Broken), count(AgentStatus::Warning));
    match (broken, doubtful) {
        (0, 0) => Check::ok("agents", usable),
        (0, doubtful) => {
            Check::new("agents", Status::Warning, format!("{usable}, {doubtful} of them with problems"))
                .remedy("`codex-task agents validate` names them")
        }
        (broken, _) => {
            Check::new("agents", Status::Warning, format!("{usable}, {broken} more cannot be read"))
                .remedy("`codex-task agents validate` says why")
        }
    }
}

/// What has run, and how long it is kept.
pub(super) fn record(loaded: &LoadedSettings) -> Check {
    let records = Records::of_user_if_any(&loaded.environment);
    let held = records.and_then(|records| records.map(|records| records.holdings()).transpose());
    match held {
        Ok(None) => Check::new("record", Status::Note, "no run is recorded yet"),
        Ok(Some(holdings)) => Check::ok("record", kept(holdings, loaded.settings.retention)),
        Err(error) => Check::new("record", Status::Warning, format!("runs cannot be recorded: {error}"))
            .remedy(error.help()),
    }
}

/// The tools that agents can have.
pub(super) fn tools() -> Check {
    let tools = builtin_tools();
    let names: Vec<&str> = tools.iter().map(|tool| tool.definition().name.as_str()).collect();
    Check::ok("tools", names.join(", "))
}
