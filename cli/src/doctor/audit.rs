//! What the doctor says of the audit trail: where it is, how much, whether it can be written, and whether its newest part is
//! as it was written.

use codex_task::audit::{AuditHoldings, AuditPlace, AuditReadError, NewestAudit};
use codex_task_config::LoadedSettings;

use super::check::{Check, Status};
use crate::audit::{counted_lines, short};
use crate::render::figures::{counted, megabytes};
use crate::render::shown_path;

const NAME: &str = "audit";
/// Bytes of the newest trail that are verified: a fraction of a second's work.
const VERIFIED_MAX: u64 = 4_000_000;

/// Looks at the trails; makes nothing.
pub(super) fn look(loaded: &LoadedSettings) -> Check {
    if !loaded.settings.audit.enabled {
        return Check::new(NAME, Status::Note, "no trail is kept: `audit: {enabled: false}`");
    }
    let Some(place) = AuditPlace::of_user(&loaded.environment) else {
        return Check::new(
            NAME,
            Status::Warning,
            "no trail can be kept: neither XDG_STATE_HOME nor HOME is set",
        )
        .remedy("set XDG_STATE_HOME to the directory that it is to be in");
    };
    let folder = shown_path(place.trails(), &loaded.environment);
    if let Err(error) = place.probe() {
        return Check::new(NAME, Status::Error, format!("no trail can be written to {folder}, and without it no tool runs: {error}"))
            .remedy("check the permissions and the space of the state directory; `--no-record`, or `audit: {enabled: false}` in your config.yaml, does without it");
    }
    let found = place.holdings().and_then(|held| Ok((held, place.newest(VERIFIED_MAX)?)));
    found.map_or_else(|error| unreadable(&error), |(held, newest)| judged(&folder, held, newest))
}

fn unreadable(error: &AuditReadError) -> Check {
    Check::new(NAME, Status::Warning, format!("the trail cannot be read: {error}")).remedy(error.help())
}

/// `3 trails in ~/.local/state/codex-task/audit, 1.2 MB; the newest (1a2b3c4d) is as it was written`
fn judged(folder: &str, held: AuditHoldings, newest: Option<NewestAudit>) -> Check {
    let Some(NewestAudit { session, is_end_only }) = newest else {
        return Check::new(NAME, Status::Note, format!("no trail is kept in {folder} yet"));
    };
    let trails = format!("{} in {folder}, {}", counted(held.sessions, "trail"), megabytes(held.bytes));
    let name = short(&session.session);
    match session.fault {
        Some(place) => {
            let message = format!("{trails}; the newest ({name}) is not what was written: {}", place.fault);
            Check::new(NAME, Status::Warning, message).remedy("`codex-task audit verify` says where")
        }
        None if is_end_only => {
            let lines = counted_lines(session.lines);
            Check::ok(NAME, format!("{trails}; the newest ({name}) is as it was written in its last {lines}"))
        }
        None => Check::ok(NAME, format!("{trails}; the newest ({name}) is as it was written")),
    }
}
