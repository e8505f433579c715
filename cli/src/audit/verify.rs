//! `audit verify`: whether every line is as it was written.

use std::path::PathBuf;

use clap::Args;
use codex_task::Environment;
use codex_task::audit::{AuditFault, AuditHead, AuditNote, AuditPlace, AuditReport, SessionAudit, verify};
use serde::Serialize;

use super::{counted_lines, place, short, unreadable};
use crate::exit::Exit;
use crate::fault::Fault;
use crate::host::Host;
use crate::render::figures::{counted, thousands};
use crate::render::{Mark, Terminal, shown_path};
use crate::session::print_json;

/// Verifies that no line of the audit trail was changed, removed, added or moved, and that its end is there. The exit
/// code is 1 when one was.
#[derive(Args, Clone, Debug)]
pub(crate) struct VerifyArgs {
    /// A copy of files of the folder `audit-heads` that you have kept elsewhere: shows changes even by somebody who
    /// can write to the whole state directory
    #[arg(long, value_name = "FILE")]
    anchor: Option<PathBuf>,
    /// Prints a JSON object
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Verdict<'a> {
    whole: bool,
    lines: u64,
    #[serde(flatten)]
    report: &'a AuditReport,
}

pub(super) fn run(args: &VerifyArgs, host: &mut Host) -> Result<Exit, Fault> {
    let place = place(&host.environment)?;
    let file = args.anchor.as_ref().map(|file| host.environment.cwd().join(file));
    let anchors = file.as_deref().map(AuditHead::read_all).transpose().map_err(|error| unreadable(&error))?;
    let report = verify(&place, &anchors.unwrap_or_default()).map_err(|error| unreadable(&error))?;
    let (terminal, environment) = (&mut host.terminal, &host.environment);
    let whole = report.is_whole();
    if args.json {
        print_json(&Verdict { whole, lines: report.lines(), report: &report }, terminal);
    } else {
        print(&report, &place, environment, terminal);
    }
    Ok(if whole { Exit::Success } else { Exit::Failure })
}

fn print(report: &AuditReport, place: &AuditPlace, environment: &Environment, terminal: &mut Terminal) {
    if report.sessions.is_empty() {
        let text = format!("no audit trail is kept in {} yet", shown_path(place.trails(), environment));
        return terminal.err.line(text);
    }
    let broken = report.sessions.iter().filter(|session| session.fault.is_some()).count();
    let (sessions, lines) = (counted(report.sessions.len(), "session"), report.lines());
    let lines = format!("{} line{}", thousands(lines), if lines == 1 { "" } else { "s" });
    if broken == 0 {
        terminal.mark(Mark::Good, &format!("{sessions}, {lines}: all as they were written"));
    } else {
        let text = format!("{broken} of {sessions} not as written, {lines} are");
        terminal.mark(Mark::Bad, &text);
    }
    for session in &report.sessions {
        for note in session.notes.iter().filter(|note| is_worth_a_word(note)) {
            terminal.mark(Mark::Doubtful, &format!("session {}: {note}", short(&session.session)));
        }
    }
    for session in &report.sessions {
        if let Some(fault) = fault(session, environment) {
            fault.report(terminal);
        }
    }
}

/// Most sessions of a machine that crashes, or of servers, have no end; and trails are meant to go.
fn is_worth_a_word(note: &AuditNote) -> bool {
    !matches!(note, AuditNote::Open | AuditNote::Removed)
}

/// The four lines about a session that was changed.
fn fault(session: &SessionAudit, environment: &Environment) -> Option<Fault> {
    let place = session.fault.as_ref()?;
    let line = place.line.map(|line| format!(", line {line}")).unwrap_or_default();
    let path = shown_path(&place.path, environment);
    let fault =
        Fault::new(format!("the audit trail of session {} is not what was written", short(&session.session)))
            .because(format!("{path}{line}: {}", place.fault))
            .suggest(suggestion(&place.fault));
    Some(match session.lines {
        0 => fault.fall_back("no line of this session can be trusted"),
        lines => fault.fall_back(format!("its first {} can be trusted", counted_lines(lines))),
    })
}

fn suggestion(fault: &AuditFault) -> &'static str {
    match fault {
        AuditFault::HeadMissing | AuditFault::HeadUnreadable => {
            "find out who has changed the folder audit-heads; with a copy of it of your own, `audit verify --anchor FILE` tells more"
        }
        AuditFault::SegmentMissing { .. } | AuditFault::TrailMissing { .. } | AuditFault::CutOff { .. } => {
            "bring the missing part back from a backup, and find out who has removed it"
        }
        _ => "compare the file with a backup, and find out who has changed it",
    }
}
