//! What a model reads when its call does not run: Claude Code's sentence, the reason, and what the user can change.

use codex_task_config::{RuleBehavior, RulePlace};

use super::verdict::{Cause, Ruling};
use super::{DecidingRule, Decision, GateCall, Part, programs};
use crate::Access;
use crate::shell;

/// Longest command that is repeated in a suggested rule, in characters.
const SUGGESTED_CHARS_MAX: usize = 120;

/// The whole text; empty when the call runs.
pub(super) fn text(call: &GateCall<'_>, ruling: &Ruling, parts: &[Part], place: RulePlace) -> String {
    let first = match ruling.decision {
        Decision::Allow => return String::new(),
        Decision::Deny => denied(call, ruling),
        Decision::Ask => asked(call, parts),
    };
    let reason = sentence(&ruling.reason);
    format!("{first}\n{reason}\nSuggestion: {}", suggestion(call, ruling, parts, place))
}

fn denied(call: &GateCall<'_>, ruling: &Ruling) -> String {
    match call.access {
        Access::Execute { command } => {
            format!("Permission to use {} with command {command} has been denied.", call.tool)
        }
        Access::Read(_) | Access::Write(_) if ruling.rule.is_some() => {
            "File is in a directory that is denied by your permission settings.".to_owned()
        }
        Access::Read(path) => format!("Permission to read {} has been denied.", path.display()),
        Access::Write(path) => format!("Permission to write to {} has been denied.", path.display()),
        Access::Fetch { host, .. } => format!("{} denied access to domain:{host}.", call.tool),
        Access::Search { .. } | Access::Remote { .. } | Access::Delegate { .. } | Access::Nothing => {
            format!("Permission to use {} has been denied.", call.tool)
        }
    }
}

fn asked(call: &GateCall<'_>, parts: &[Part]) -> String {
    let but = "but you haven't granted it yet.";
    match call.access {
        Access::Execute { .. } if parts.len() > 1 => {
            let open: Vec<&str> = parts
                .iter()
                .filter(|part| part.ruling.decision == Decision::Ask)
                .map(|part| part.text.as_str())
                .collect();
            let (noun, verb) = if open.len() == 1 { ("part", "requires") } else { ("parts", "require") };
            format!(
                "This Bash command contains multiple operations. The following {noun} {verb} approval: {}",
                open.join(", ")
            )
        }
        Access::Execute { .. }
        | Access::Fetch { .. }
        | Access::Search { .. }
        | Access::Remote { .. }
        | Access::Delegate { .. }
        | Access::Nothing => {
            format!("Claude requested permissions to use {}, {but}", call.tool)
        }
        Access::Read(path) => format!("Claude requested permissions to read from {}, {but}", path.display()),
        Access::Write(path) => format!("Claude requested permissions to write to {}, {but}", path.display()),
    }
}

fn suggestion(call: &GateCall<'_>, ruling: &Ruling, parts: &[Part], place: RulePlace) -> String {
    if let Some(rule) = &ruling.rule {
        return by_rule(rule);
    }
    let decision = match (ruling.cause, call.access) {
        (Cause::ReadOnly, _) => {
            return "continue without changes; the user can choose --sandbox workspace-write".to_owned();
        }
        (Cause::HookAsks, _) => {
            return "continue without this call; only the user's yes lets it run".to_owned();
        }
        (Cause::BrokenSettings, _) => {
            return "stop here; the user has to correct that file before any tool runs".to_owned();
        }
        (Cause::Protected, _) => {
            return "continue without it, and tell the user what should stand there".to_owned();
        }
        (Cause::Tainted, Access::Execute { command }) => {
            let rule = verbatim_rule(command);
            return format!(
                "add \"{rule}\" to permissions.allow, or let an agent do it that has read nothing untrusted"
            );
        }
        // A rule helps where a sandbox would, whether the call was to be asked for or refused without one.
        (Cause::NoSandbox, _) => Decision::Ask,
        (Cause::Tainted | Cause::Other, _) => ruling.decision,
    };
    let settings = format!("in {}", place.as_str());
    match (decision, call.access) {
        (Decision::Ask, Access::Execute { command }) => {
            let open = parts.iter().find(|part| part.ruling.decision == Decision::Ask);
            let rule = command_rule(open.map_or(command.as_str(), |part| part.text.as_str()));
            format!(
                "add \"{rule}\" to permissions.allow {settings}, or use --permission-mode bypassPermissions"
            )
        }
        (Decision::Ask, Access::Write(path)) => {
            let shown = path.strip_prefix(&call.session.workspace).map_or_else(
                |_| format!("/{}", path.display()),
                |relative| format!("./{}", relative.display()),
            );
            format!(
                "add \"Edit({shown})\" to permissions.allow {settings}, or use --permission-mode acceptEdits"
            )
        }
        (Decision::Ask, Access::Fetch { host, .. }) => {
            format!("add \"{}(domain:{host})\" to permissions.allow {settings}", call.tool)
        }
        (
            Decision::Ask,
            Access::Read(_)
            | Access::Search { .. }
            | Access::Remote { .. }
            | Access::Delegate { .. }
            | Access::Nothing,
        ) => {
            format!("add \"{}\" to permissions.allow {settings}", call.tool)
        }
        (Decision::Deny | Decision::Allow, Access::Read(_) | Access::Write(_)) => {
            format!(
                "stay inside the workspace, or name its directory in permissions.additionalDirectories {settings}"
            )
        }
        (
            Decision::Deny | Decision::Allow,
            Access::Execute { .. }
            | Access::Fetch { .. }
            | Access::Search { .. }
            | Access::Remote { .. }
            | Access::Delegate { .. }
            | Access::Nothing,
        ) => "continue without this call, or change the agent's tools or the permission mode".to_owned(),
    }
}

fn by_rule(rule: &DecidingRule) -> String {
    let list = match rule.behavior {
        RuleBehavior::Deny => "permissions.deny",
        RuleBehavior::Ask => "permissions.ask",
        RuleBehavior::Allow => "permissions.allow",
    };
    let place = rule.origin.path.as_deref().map_or_else(
        || " of the session or in the agent's file".to_owned(),
        |path| format!(" of {}", path.display()),
    );
    format!("continue without this call; the rule {} stands in {list}{place}", rule.text)
}

/// A rule that would allow a part, no wider than the program's arguments are harmless.
fn command_rule(part: &str) -> String {
    let commands = shell::parse(part).map(|parsed| parsed.commands).unwrap_or_default();
    let program = commands.first().and_then(|command| command.program());
    match program {
        Some(program) if commands.len() == 1 && programs::suits_a_prefix_rule(program) => {
            format!("Bash({program}:*)")
        }
        _ => verbatim_rule(part),
    }
}

/// A rule that would allow a command letter by letter.
fn verbatim_rule(command: &str) -> String {
    if command.chars().count() <= SUGGESTED_CHARS_MAX && !command.contains('\n') {
        format!("Bash({command})")
    } else {
        "Bash(...)".to_owned()
    }
}

/// A reason as a sentence.
fn sentence(reason: &str) -> String {
    let mut characters = reason.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    let stop = if reason.ends_with('.') { "" } else { "." };
    format!("{first}{}{stop}", characters.as_str())
}
