//! `runs watch`: follows a run until it ends, in whichever process it runs.

use std::collections::HashMap;
use std::time::Duration;

use clap::Args;
use codex_task::TaskId;
use codex_task::TaskStatus;
use codex_task::json::{RunRecordJson, WatchJson};
use codex_task::store::{RecordState, RunRecord, TaskRecord};

use super::{find, records, shown, title, took, took_by, unusable};
use crate::exit::Exit;
use crate::fault::Fault;
use crate::host::Host;
use crate::interrupt::Interrupts;
use crate::render::{Line, Terminal};
use crate::session::{self, print_json};

/// How often the record is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Follows a run until its last task has ended: a line whenever a task has come one step further.
#[derive(Args, Clone, Debug)]
pub(crate) struct WatchArgs {
    /// The run, or the last digits of its id
    #[arg(value_name = "ID")]
    id: String,
    /// Prints one JSON object per line, for each task that changes and for the run at its end
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &WatchArgs, host: &mut Host) -> Result<Exit, Fault> {
    session::block_on(follow(args, host))
}

async fn follow(args: &WatchArgs, host: &mut Host) -> Result<Exit, Fault> {
    let mut interrupts = Interrupts::of(host)?;
    let records = records(&host.environment)?;
    let run = find(&records, &args.id)?;
    let mut watch = records.watch(run.run).map_err(|error| unusable(&error))?;
    let mut seen: HashMap<TaskId, TaskRecord> = HashMap::new();
    loop {
        if let Some(run) = watch.changed().map_err(|error| unusable(&error))? {
            for task in &run.tasks {
                if seen.get(&task.task) != Some(task) {
                    tell(task, args, &mut host.terminal);
                    seen.insert(task.task, task.clone());
                }
            }
            if run.state != RecordState::Running {
                return Ok(end(&run, args, &mut host.terminal));
            }
        }
        if host.terminal.out.is_closed() {
            return Ok(Exit::Success);
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            signal = interrupts.next() => return Ok(signal.into()),
        }
    }
}

/// `worker (a change): running, 2 turns, 1,234 tokens, $0.0012`
fn tell(task: &TaskRecord, args: &WatchArgs, terminal: &mut Terminal) {
    if args.json {
        return print_json(&WatchJson::of_task(task), terminal);
    }
    let (state, style) = shown(task.state);
    let line =
        Line::new().bold(title(task)).text(": ").styled(style, state).text(format!(", {}", took_by(task)));
    let columns = terminal.out.columns.unwrap_or(usize::MAX);
    terminal.out.line(line.cut(columns));
}

fn end(run: &RunRecord, args: &WatchArgs, terminal: &mut Terminal) -> Exit {
    if args.json {
        print_json(&WatchJson::of_run(RunRecordJson::from(run)), terminal);
    } else {
        let (state, style) = shown(run.state);
        let took = format!(", {}", took(run.usage(), run.cost()));
        terminal
            .out
            .line(Line::new().text("Run ").bold(run.run.short()).text(": ").styled(style, state).text(took));
        let hint = match run.state {
            RecordState::Unfinished => {
                format!("its process is gone: `codex-task runs resume {}`", run.run.short())
            }
            RecordState::Running | RecordState::Ended(_) => {
                format!("the reports: `codex-task runs show {}`", run.run.short())
            }
        };
        terminal.err.line(hint);
    }
    match run.state {
        RecordState::Ended(TaskStatus::Completed) => Exit::Success,
        RecordState::Running | RecordState::Unfinished | RecordState::Ended(_) => Exit::Failure,
    }
}
