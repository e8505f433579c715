//! `runs show`: one run, with the reports of its tasks.

use clap::Args;
use codex_task::json::RunRecordJson;
use codex_task::store::{RecordState, TaskRecord};
use serde_json::Value;

use super::{find, records, shown, title, took_by};
use crate::exit::Exit;
use crate::fault::Fault;
use crate::host::Host;
use crate::render::clean::one_line;
use crate::render::figures::counted;
use crate::render::{Line, Terminal};
use crate::session::print_json;

/// Shows a recorded run: its tasks, what they took, and their reports.
#[derive(Args, Clone, Debug)]
pub(crate) struct ShowArgs {
    /// The run, or the last digits of its id
    #[arg(value_name = "ID")]
    id: String,
    /// Prints a JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &ShowArgs, host: &mut Host) -> Result<Exit, Fault> {
    let run = find(&records(&host.environment)?, &args.id)?;
    let terminal = &mut host.terminal;
    if args.json {
        print_json(&RunRecordJson::from(&run), terminal);
        return Ok(Exit::Success);
    }
    let (state, style) = shown(run.state);
    terminal.out.line(Line::new().text("Run ").bold(run.run.to_string()).text(": ").styled(style, state));
    terminal.out.line(format!("Directory: {}", one_line(&run.cwd)));
    for task in &run.tasks {
        terminal.out.line("");
        show_task(task, terminal);
    }
    if run.state == RecordState::Unfinished {
        terminal.err.line(format!("it goes on with `codex-task runs resume {}`", run.run.short()));
    }
    Ok(Exit::Success)
}

fn show_task(task: &TaskRecord, terminal: &mut Terminal) {
    let (state, style) = shown(task.state);
    terminal.out.line(Line::new().bold(format!("# {}", title(task))).text(": ").styled(style, state));
    terminal.out.line(format!("{}: {}", task.task, took_by(task)));
    let report = task.report.as_ref();
    let text = |pointer: &str| report.and_then(|report| report.pointer(pointer)).and_then(Value::as_str);
    let restarts = report.and_then(|report| report.pointer("/restarts")).and_then(Value::as_u64);
    if let Some(restarts) = restarts.and_then(|restarts| usize::try_from(restarts).ok()) {
        terminal.out.line(format!("Its agent died and was started again: {}", counted(restarts, "time")));
    }
    if let Some(cause) = text("/error/cause") {
        terminal.out.line(format!("Cause: {}", one_line(cause)));
    }
    for (label, pointer) in [("Note", "/notes"), ("Allowed", "/allowed")] {
        let texts = report.and_then(|report| report.pointer(pointer)).and_then(Value::as_array);
        for text in texts.into_iter().flatten().filter_map(Value::as_str) {
            terminal.out.line(format!("{label}: {}", one_line(text)));
        }
    }
    if let Some(result) = text("/result") {
        terminal.out.line("");
        terminal.out.block(result);
    }
}
