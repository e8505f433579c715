//! `runs cancel`: ends a run that another process works on.

use std::time::Duration;

use clap::Args;
use codex_task::store::{RecordState, Records, RunRecord};
use codex_task::{RunId, TaskStatus};
use tokio::time::Instant;

use super::{find, records, unusable};
use crate::exit::Exit;
use crate::fault::Fault;
use crate::host::Host;
use crate::render::figures::counted;
use crate::session;

/// Time that the process which works on the run gets to end it.
const PATIENCE: Duration = Duration::from_secs(15);
/// How often the record is looked at meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Ends the tasks of a run, in whichever process it runs; what they have by then is kept. A run whose process is gone
/// counts as cancelled and is not resumed.
#[derive(Args, Clone, Debug)]
pub(crate) struct CancelArgs {
    /// The run, or the last digits of its id
    #[arg(value_name = "ID")]
    id: String,
}

pub(super) fn run(args: &CancelArgs, host: &mut Host) -> Result<Exit, Fault> {
    let records = records(&host.environment)?;
    let run = find(&records, &args.id)?;
    if let RecordState::Ended(_) = run.state {
        let text = format!("every task of run {} has ended: there is nothing to cancel", run.run.short());
        host.terminal.err.line(text);
        return Ok(Exit::Success);
    }
    let awaited_judge = run.awaits_judge;
    let asked = records.cancel(run.run).map_err(|error| unusable(&error))?;
    let ended = session::block_on(ended(&records, run.run))?;
    let is_cancelled =
        |task: &&codex_task::store::TaskRecord| task.state == RecordState::Ended(TaskStatus::Cancelled);
    let cancelled = ended.tasks.iter().filter(is_cancelled).count();
    let what = if awaited_judge {
        "its answers stay as they are".to_owned()
    } else {
        format!("{} cancelled", counted(cancelled, "task"))
    };
    let mut text = format!("run {}: {what}", run.run.short());
    if asked.dropped > 0 && asked.asked == 0 {
        text += "; its process was gone, and it will not be resumed";
    }
    host.terminal.out.line(text);
    host.terminal.err.line(format!("see `codex-task runs show {}`", run.run.short()));
    Ok(Exit::Success)
}

/// Waits until no task runs any longer.
async fn ended(records: &Records, run: RunId) -> Result<RunRecord, Fault> {
    let began = Instant::now();
    let mut watch = records.watch(run).map_err(|error| unusable(&error))?;
    loop {
        let changed = watch.changed().map_err(|error| unusable(&error))?;
        if let Some(run) = changed.filter(|run| matches!(run.state, RecordState::Ended(_))) {
            return Ok(run);
        }
        if began.elapsed() > PATIENCE {
            return Err(Fault::new(format!("run {} has not ended yet", run.short()))
                .because("its process was asked and has not answered")
                .suggest("look with `codex-task runs watch`; end that process if it is stuck"));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
