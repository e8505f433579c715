//! Judges reading and writing of one path, for file tools and for what a command redirects.

use std::path::Path;

use codex_task_config::{PermissionMode, RuleBehavior, ToolName};

use super::rule::PathUse;
use super::verdict::{Cause, Ruling};
use super::{Decision, GateCall};
use crate::path::{PathGuard, Protection, ResolvedPath};
use crate::{Containment, PathError, Rights};

/// Why nothing is written in the narrowest sandbox mode.
pub(super) const READ_ONLY: &str = "the sandbox mode is read-only, which changes nothing";

/// Judges what a file tool would touch.
pub(super) fn judge(call: &GateCall<'_>, rights: &Rights, purpose: PathUse, path: &Path) -> Ruling {
    let guard = &call.session.guard;
    let ruling = match guard.resolve(path) {
        // Nothing there is opened, so the tool's own words serve the model better than a refusal.
        Err(PathError::NotADirectory(_) | PathError::NotFound(_) | PathError::Io { .. }) => {
            let judged = judge_path(call.tool, rights, purpose, guard, path);
            if judged.rule.is_some() {
                judged
            } else {
                Ruling::new(Decision::Allow, "nothing can be opened there")
            }
        }
        Ok(_) | Err(_) => judge_path(call.tool, rights, purpose, guard, path),
    };
    let limited = rights.limits(call.tool).any(|limits| {
        let meets = |resolved: &ResolvedPath| {
            let names = [resolved.shown.as_path(), resolved.real.as_path()];
            limits.iter().any(|limit| limit.names_path(call.tool, purpose, &names))
        };
        !guard.resolve(path).as_ref().is_ok_and(meets)
    });
    let limit = if limited { Decision::Deny } else { Decision::Allow };
    ruling.stricter(Ruling::new(limit, "the agent's tool list does not name this path"))
}

/// Judges one path, whoever touches it.
pub(super) fn judge_path(
    tool: &ToolName,
    rights: &Rights,
    purpose: PathUse,
    guard: &PathGuard,
    path: &Path,
) -> Ruling {
    let by = |behavior, paths: &[&Path]| {
        let mut rules = rights.of(behavior);
        rules.find(|rule| rule.names_path(tool, purpose, paths)).map(|rule| Ruling::by_rule(&rule.rule))
    };
    let resolved = match guard.resolve(path) {
        Ok(resolved) => resolved,
        Err(error) => {
            // A path outside may still be one that a rule denies: that is the reason worth telling.
            let shown = guard.absolute(path).ok();
            let denied = shown.and_then(|shown| by(RuleBehavior::Deny, &[&shown]));
            return denied.unwrap_or_else(|| outside(&error));
        }
    };
    let names = [resolved.shown.as_path(), resolved.real.as_path()];
    if let Some(denied) = by(RuleBehavior::Deny, &names) {
        return denied;
    }
    if purpose == PathUse::Write {
        match guard.protection(&resolved) {
            Protection::Never => {
                return Ruling::new(Decision::Deny, "the path is protected: tools never write to it")
                    .caused_by(Cause::Protected);
            }
            Protection::Ask if changes_nothing(rights).is_some() => {}
            Protection::Ask => {
                return Ruling::new(Decision::Ask, "agent files are written with the user's yes only")
                    .caused_by(Cause::Protected);
            }
            Protection::None => {}
        }
        if let Some(refused) = changes_nothing(rights) {
            return refused;
        }
    }
    by(RuleBehavior::Ask, &names)
        .or_else(|| by(RuleBehavior::Allow, &names))
        .unwrap_or_else(|| by_mode(rights, purpose))
}

/// The refusal where no file may change, whatever the rules allow.
fn changes_nothing(rights: &Rights) -> Option<Ruling> {
    if rights.mode() == PermissionMode::Plan {
        return Some(Ruling::new(Decision::Deny, "the permission mode is plan, which changes nothing"));
    }
    let is_read_only = rights.containment().is_some_and(Containment::is_read_only);
    is_read_only.then(|| Ruling::new(Decision::Deny, READ_ONLY).caused_by(Cause::ReadOnly))
}

fn by_mode(rights: &Rights, purpose: PathUse) -> Ruling {
    match (purpose, rights.mode()) {
        (PathUse::Read, _) => Ruling::new(Decision::Allow, "reading inside the workspace"),
        (PathUse::Write, PermissionMode::AcceptEdits | PermissionMode::BypassPermissions) => {
            Ruling::new(Decision::Allow, format!("the permission mode is {}", rights.mode().as_str()))
        }
        (PathUse::Write, PermissionMode::Default | PermissionMode::Plan) => match rights.containment() {
            Some(containment) => {
                Ruling::new(Decision::Allow, format!("the sandbox mode is {}", containment.mode))
            }
            None => Ruling::new(Decision::Ask, "no rule allows writing here"),
        },
    }
}

fn outside(error: &PathError) -> Ruling {
    Ruling::new(Decision::Deny, error.to_string())
}
