//! `audit tail`: the newest lines of the trail, and those that follow.

use std::time::Duration;

use clap::Args;
use codex_task::audit::{AuditFollow, AuditLine, AuditWish};

use super::detail::{detail, style};
use super::{place, short, unreadable};
use crate::exit::Exit;
use crate::fault::Fault;
use crate::host::Host;
use crate::interrupt::Interrupts;
use crate::render::clean::one_line;
use crate::render::{Line, Style, Terminal};
use crate::session::{self, print_json};

/// How often the trail is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Shows the newest lines of the audit trail, of all sessions together, in UTC. They are shown as they stand: see `audit
/// verify`.
#[derive(Args, Clone, Debug)]
pub(crate) struct TailArgs {
    /// Most lines that are shown
    #[arg(short = 'n', long = "lines", value_name = "N", default_value_t = 20)]
    lines: usize,
    /// Goes on with what follows
    #[arg(short, long)]
    follow: bool,
    /// Only what is about this task, or about the tasks of this run: its id, or the first or last digits
    #[arg(long, value_name = "ID")]
    task: Option<String>,
    /// Prints the lines as they stand, one JSON object each
    #[arg(long)]
    json: bool,
}

/// What was printed last: a day stands above its first line only.
#[derive(Default)]
struct Day(String);

pub(super) fn run(args: &TailArgs, host: &mut Host) -> Result<Exit, Fault> {
    let place = place(&host.environment)?;
    let wish = AuditWish { task: args.task.clone() };
    let (lines, follow) =
        AuditFollow::from_newest(place, wish, args.lines).map_err(|error| unreadable(&error))?;
    let mut day = Day::default();
    if lines.is_empty() && !args.follow {
        host.terminal.err.line(match &args.task {
            Some(task) => format!("the audit trail has no line about '{}'", one_line(task)),
            None if args.lines == 0 => return Ok(Exit::Success),
            None => "no audit trail is kept yet".to_owned(),
        });
    }
    day.print(&lines, args, &mut host.terminal);
    if args.follow { session::block_on(go_on(follow, day, args, host)) } else { Ok(Exit::Success) }
}

async fn go_on(
    mut follow: AuditFollow,
    mut day: Day,
    args: &TailArgs,
    host: &mut Host,
) -> Result<Exit, Fault> {
    let mut interrupts = Interrupts::of(host)?;
    loop {
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            signal = interrupts.next() => return Ok(signal.into()),
        }
        let lines = follow.more().map_err(|error| unreadable(&error))?;
        day.print(&lines, args, &mut host.terminal);
        if host.terminal.out.is_closed() {
            return Ok(Exit::Success);
        }
    }
}

impl Day {
    fn print(&mut self, lines: &[AuditLine], args: &TailArgs, terminal: &mut Terminal) {
        if args.json {
            return lines.iter().for_each(|line| print_json(&line.fields, terminal));
        }
        let columns = terminal.out.columns.unwrap_or(usize::MAX);
        for line in lines {
            let (day, time) = line.text_of("ts_utc").unwrap_or_default().split_once('T').unwrap_or_default();
            if day != self.0 {
                day.clone_into(&mut self.0);
                terminal.out.line(Line::new().styled(Style::Dim, format!("{} (UTC)", one_line(day))));
            }
            let time = time.get(..8).unwrap_or_default();
            terminal.out.line(row(time, line).cut(columns));
        }
    }
}

/// `12:03:04 code-reviewer 1a2b3c4d tool_start: Bash cargo test`
fn row(time: &str, line: &AuditLine) -> Line {
    let event = line.text_of("event").unwrap_or("?");
    let session = || format!("session {}", short(line.text_of("session").unwrap_or_default()));
    let who = line.text_of("agent").map_or_else(session, |agent| match line.text_of("task") {
        Some(task) => format!("{} {}", one_line(agent), short(task)),
        None => one_line(agent),
    });
    let row = Line::new()
        .styled(Style::Dim, format!("{} ", one_line(time)))
        .bold(who)
        .text(" ")
        .styled(style(line), one_line(event));
    match detail(line) {
        detail if detail.is_empty() => row,
        detail => row.text(format!(": {}", one_line(&detail))),
    }
}
