//! What the sandbox changes about a command: what no rule names runs in it, and what may not write never leaves it.

use codex_task_config::{PermissionMode, SandboxMode, SandboxUnavailable};

use super::files::READ_ONLY;
use super::verdict::{Cause, Ruling};
use super::{Confinement, Decision, Part};
use crate::{Containment, Rights, SandboxPresence};

/// Why a command that should run in the sandbox does not.
const NO_SANDBOX: &str = "there is no sandbox to hold the command";

/// A command as it was judged, and where it runs if it does.
pub(super) struct Judged {
    pub(super) ruling: Ruling,
    pub(super) parts: Vec<Part>,
    pub(super) confinement: Confinement,
}

/// What a command is trusted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// What the user's rules and mode allow.
    Rules,
    /// That they are known to read only, whatever allows them otherwise.
    Reading,
    /// Everything that no rule refuses, since a sandbox in this mode holds it.
    Sandbox(SandboxMode),
}

/// Judges a command by the rules, and where they do not allow it once more as a command that the sandbox holds.
///
/// A deny or ask rule counts in both; so what is not understood, and may be what such a rule is about, is asked for.
pub(super) fn judge(rights: &Rights, judge_as: impl Fn(Trust) -> (Ruling, Vec<Part>)) -> Judged {
    let (ruling, parts) = judge_as(Trust::Rules);
    let free = |ruling, parts| Judged { ruling, parts, confinement: Confinement::Free };
    let Some(containment) = rights.containment() else { return free(ruling, parts) };
    let Containment { mode, sandbox } = containment;
    if mode == SandboxMode::DangerFullAccess {
        return free(ruling, parts);
    }
    let is_given = is_given(rights, &ruling, &parts);
    match sandbox {
        SandboxPresence::Working if ruling.decision == Decision::Allow => {
            // What the user has allowed runs as the user said, unless nothing may change.
            let is_free = is_given && !containment.is_read_only();
            let confinement = if is_free { Confinement::Free } else { Confinement::Sandbox(mode) };
            Judged { ruling, parts, confinement }
        }
        SandboxPresence::Working => {
            let (ruling, parts) = judge_as(Trust::Sandbox(mode));
            let is_free = ruling.decision != Decision::Allow && !containment.is_read_only();
            let confinement = if is_free { Confinement::Free } else { Confinement::Sandbox(mode) };
            Judged { ruling, parts, confinement }
        }
        SandboxPresence::Missing(choice) => {
            let needs_sandbox = match ruling.decision {
                Decision::Allow => {
                    let reads = || judge_as(Trust::Reading).0.decision == Decision::Allow;
                    is_given && containment.is_read_only() && !reads()
                }
                Decision::Ask => ruling.rule.is_none(),
                Decision::Deny => false,
            };
            free(if needs_sandbox { without(choice, &ruling) } else { ruling }, parts)
        }
    }
}

/// Whether the user's own word lets the command run, and not only that it is known to read.
fn is_given(rights: &Rights, ruling: &Ruling, parts: &[Part]) -> bool {
    rights.mode() == PermissionMode::BypassPermissions
        || ruling.rule.is_some()
        || parts.iter().any(|part| part.ruling.rule.is_some())
}

/// What becomes of a command that should run in a sandbox where none works.
fn without(choice: SandboxUnavailable, ruling: &Ruling) -> Ruling {
    let decision = match choice {
        SandboxUnavailable::Ask => Decision::Ask,
        SandboxUnavailable::Refuse => Decision::Deny,
    };
    let (why, cause) = if ruling.decision == Decision::Allow {
        (READ_ONLY, Cause::ReadOnly)
    } else {
        (ruling.reason.as_str(), Cause::NoSandbox)
    };
    Ruling::new(decision, format!("{why}, and {NO_SANDBOX}")).caused_by(cause)
}

#[cfg(test)]
#[path = "confined_tests.rs"]
mod tests;
