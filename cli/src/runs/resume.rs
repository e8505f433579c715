//! `runs resume`: goes on with what a process that is gone has left.

use std::path::Path;
use std::sync::Arc;

use clap::Args;
use codex_task::store::{Claim, RecordState, Records, RunRecord};
use codex_task::{
    Approver, ResumeError, Resumed, RunId, RunReport, RuntimeBuilder, RuntimeHandle, TaskId, TaskReport,
    TaskRequest, TaskStatus,
};

use super::{find, records, unusable};
use crate::exit::Exit;
use crate::fault::Fault;
use crate::host::Host;
use crate::interrupt::{Interruption, Interrupts};
use crate::render::figures::counted;
use crate::run::{OutputArgs, RunOptions, recorder};
use crate::session::{self, Collected, Ending};
use crate::{approve, exec};

/// Goes on with the unfinished tasks of a run whose process is gone, each from its last step. Nothing that is on record
/// is paid or done again; a call that was cut off is not repeated, and its agent is told.
#[derive(Args, Clone, Debug)]
pub(crate) struct ResumeArgs {
    /// The run, or the last digits of its id
    #[arg(value_name = "ID", required_unless_present = "all")]
    id: Option<String>,
    /// All unfinished runs, one after the other, the oldest first
    #[arg(long, conflicts_with_all = ["id", "json"])]
    all: bool,
    #[command(flatten)]
    output: OutputArgs,
}

pub(super) fn run(args: &ResumeArgs, host: &mut Host) -> Result<Exit, Fault> {
    if args.output.plain {
        host.terminal.make_plain();
    }
    let records = records(&host.environment)?;
    match &args.id {
        Some(id) => resume(&records, &find(&records, id)?, args.output, host),
        None => all(&records, args.output, host),
    }
}

/// Each unfinished run in its own directory with its own options. One that cannot go on holds no other up.
fn all(records: &Records, output: OutputArgs, host: &mut Host) -> Result<Exit, Fault> {
    let runs = records.unfinished().map_err(|error| unusable(&error))?;
    if runs.is_empty() {
        host.terminal.err.line("no run is unfinished");
    }
    let home = host.environment.clone();
    let mut exit = Exit::Success;
    for run in &runs {
        let ended =
            resume(records, run, output, host).unwrap_or_else(|fault| fault.report(&mut host.terminal));
        host.environment = home.clone();
        match ended {
            Exit::Success => {}
            Exit::Failure | Exit::Internal => exit = ended,
            Exit::Interrupted | Exit::Terminated => return Ok(ended),
        }
    }
    Ok(exit)
}

/// Goes on with what is unfinished in this directory before something else begins. Progress and problems are told; the
/// reports are on record. Gives how the command ends when the user ends it meanwhile.
pub(crate) fn resume_here(host: &mut Host) -> Option<Exit> {
    let records = Records::of_user(&host.environment).ok()?;
    let here = host.environment.cwd().display().to_string();
    let unfinished = records.unfinished().unwrap_or_default();
    for run in unfinished.iter().filter(|run| run.cwd == here) {
        let tasks = run.tasks.iter().filter(|task| task.state == RecordState::Unfinished).count();
        let text = format!("run {} goes on first: {}", run.run.short(), counted(tasks, "unfinished task"));
        host.terminal.err.line(text);
        let ended = session::block_on(quietly(run.run, &RunOptions::read(&run.context), host));
        match ended {
            Ok((status, came)) => {
                let text = format!("run {}: {status}; see `codex-task runs show`", run.run.short());
                host.terminal.err.line(text);
                if let Some(came) = came {
                    return Some(came.into());
                }
            }
            Err(fault) => {
                fault.report(&mut host.terminal);
            }
        }
    }
    None
}

/// Goes on with a run without showing its tasks; Ctrl-C or SIGTERM cancels it, and is told.
async fn quietly(
    run: RunId,
    options: &RunOptions,
    host: &mut Host,
) -> Result<(String, Option<Interruption>), Fault> {
    let mut interrupts = Interrupts::of(host)?;
    let handle = start(options, /*approver*/ None, host)?;
    let resumed = handle.resume(run);
    let mut resumed = std::pin::pin!(resumed);
    let (ended, came) = tokio::select! {
        ended = &mut resumed => (ended, None),
        came = interrupts.next() => {
            handle.cancel_all().await;
            (resumed.await, Some(came))
        }
    };
    session::end(handle.clone(), &mut host.terminal, &mut interrupts).await;
    let resumed = ended.map_err(|error| cannot(run, &error))?;
    let done = |task: &&Arc<TaskReport>| task.status() == TaskStatus::Completed;
    let (done, all) = (resumed.report.tasks.iter().filter(done).count(), resumed.report.tasks.len());
    Ok((format!("{done} of {} completed", counted(all, "task")), came))
}

fn resume(records: &Records, run: &RunRecord, output: OutputArgs, host: &mut Host) -> Result<Exit, Fault> {
    match run.state {
        RecordState::Unfinished => {}
        // All have answered, and nobody has compared the answers.
        RecordState::Ended(_) if records.awaits_judge(run.run).map_err(|error| unusable(&error))? => {}
        RecordState::Running => {
            return Err(Fault::new(format!("run {} is still running", run.run.short()))
                .because("a process works on it")
                .suggest(
                    "wait for it with `codex-task runs watch`, or end it with `codex-task runs cancel`",
                ));
        }
        RecordState::Ended(_) => {
            let text = format!("every task of run {} has ended: see `codex-task runs show`", run.run.short());
            host.terminal.err.line(text);
            return Ok(Exit::Success);
        }
    }
    if !Path::new(&run.cwd).is_dir() {
        return Err(Fault::new(format!("run {} cannot go on", run.run.short()))
            .because(format!("its directory '{}' is gone", run.cwd))
            .suggest("bring the directory back, or give the run up with `codex-task runs cancel`"));
    }
    // Relative paths, settings and agents mean what they meant.
    host.environment = host.environment.with_cwd(&run.cwd);
    session::block_on(go_on(run.run, &RunOptions::read(&run.context), output, host))
}

/// A runtime with the options that the run had.
fn start(
    options: &RunOptions,
    approver: Option<Arc<dyn Approver>>,
    host: &mut Host,
) -> Result<RuntimeHandle, Fault> {
    let builder =
        host.backends.iter().cloned().fold(options.builder(&host.environment), RuntimeBuilder::backend);
    let builder = match approver {
        Some(approver) => builder.approver(approver),
        None => builder,
    };
    let prepared = builder.prepare()?;
    let recorder = recorder(options, &host.environment, prepared.settings().retention);
    let recorder = recorder.map_err(|error| {
        Fault::new("the run cannot go on").because(error.to_string()).suggest(error.help())
    })?;
    Ok(prepared.recorder(recorder).start()?)
}

async fn go_on(run: RunId, options: &RunOptions, output: OutputArgs, host: &mut Host) -> Result<Exit, Fault> {
    let mut interrupts = Interrupts::of(host)?;
    let approver = approve::set_up(/*ask*/ None, output, host)?;
    let handle = start(options, approver, host)?;
    let claim = handle.claim(run).await.map_err(|error| cannot(run, &error))?;
    if !output.quiet {
        announce(run, &claim, &handle, host);
    }
    let exit = finish(run, claim, &handle, output, (host, &mut interrupts)).await?;
    session::end(handle, &mut host.terminal, &mut interrupts).await;
    Ok(exit)
}

/// `2 tasks of run 1a2b3c4d go on, 1 ended before`
fn announce(run: RunId, claim: &Claim, handle: &RuntimeHandle, host: &mut Host) {
    let agents: Vec<&str> = claim.images.iter().map(|image| &*image.request().subagent_type).collect();
    session::announce(handle, &agents, &host.environment, &mut host.terminal);
    let rest =
        [(claim.ended, "ended before"), (claim.running, "run elsewhere")].map(|(count, what)| match count {
            0 => String::new(),
            count => format!(", {count} {what}"),
        });
    let tasks = counted(claim.images.len(), "task");
    host.terminal.err.line(format!("{tasks} of run {} go on{}", run.short(), rest.concat()));
}

impl Collected for Resumed {
    fn report(&self) -> &RunReport {
        &self.report
    }
}

/// Goes on, and prints what the run comes to.
async fn finish(
    run: RunId,
    claim: Claim,
    handle: &RuntimeHandle,
    output: OutputArgs,
    (host, interrupts): (&mut Host, &mut Interrupts),
) -> Result<Exit, Fault> {
    let terminal = &mut host.terminal;
    let tasks: Vec<TaskRequest> =
        claim.images.iter().map(|image| TaskRequest::clone(image.request())).collect();
    let judges = tasks.iter().filter_map(|task| task.ballot.as_ref()).map(|ballot| ballot.judge);
    let ids: Vec<TaskId> = tasks.iter().map(|task| task.id).chain(judges).collect();
    let doing = async { handle.finish(run, claim).await.map_err(|error| cannot(run, &error)) };
    let (resumed, came) =
        match session::watch(handle, (&tasks, &ids), doing, output, terminal, interrupts).await? {
            Ending::Collected { report, interrupted_by } => (report, interrupted_by),
            Ending::ReaderGone => return Ok(Exit::Success),
            Ending::AtOnce(came) => return Ok(came.into()),
        };
    let exit = if let Some(consensus) = &resumed.consensus {
        exec::print_consensus(consensus, output, handle, terminal);
        exec::exit_of_consensus(consensus)
    } else {
        session::print(&resumed.report, output, handle, terminal);
        session::exit(&resumed.report)
    };
    Ok(came.map_or(exit, Exit::from))
}

fn cannot(run: RunId, error: &ResumeError) -> Fault {
    Fault::new(format!("run {} cannot go on", run.short()))
        .because(error.to_string())
        .suggest("see `codex-task runs show`")
}
