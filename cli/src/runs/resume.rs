//! `runs resume`: goes on with what a process that is gone has left.

use std::path::Path;

use clap::Args;
use codex_task::store::{Claim, RecordState};
use codex_task::{ResumeError, RunId, RuntimeBuilder};

use super::{find, records};
use crate::approve;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::host::Host;
use crate::interrupt::Interrupts;
use crate::render::figures::counted;
use crate::run::{OutputArgs, RunOptions, recorder};
use crate::session::{self, Work};

/// Goes on with the unfinished tasks of a run whose process is gone, each from its last step. Nothing that is on record
/// is paid or done again; a call that was cut off is not repeated, and its agent is told.
#[derive(Args, Clone, Debug)]
pub(crate) struct ResumeArgs {
    /// The run, or the last digits of its id
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    output: OutputArgs,
}

pub(super) fn run(args: &ResumeArgs, host: &mut Host) -> Result<Exit, Fault> {
    if args.output.plain {
        host.terminal.make_plain();
    }
    let run = find(&records(&host.environment)?, &args.id)?;
    match run.state {
        RecordState::Unfinished => {}
        RecordState::Running => {
            return Err(Fault::new(format!("run {} is still running", run.run.short()))
                .because("a process works on it")
                .suggest("wait for it, or end that process first"));
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
            .suggest("bring the directory back"));
    }
    // Relative paths, settings and agents mean what they meant.
    host.environment = host.environment.with_cwd(&run.cwd);
    session::block_on(go_on(run.run, &RunOptions::read(&run.context), args.output, host))
}

async fn go_on(run: RunId, options: &RunOptions, output: OutputArgs, host: &mut Host) -> Result<Exit, Fault> {
    let mut interrupts = Interrupts::of(host)?;
    let recorder = recorder(options, &host.environment).map_err(|error| {
        Fault::new("the run cannot go on").because(error.to_string()).suggest(error.help())
    })?;
    let builder = host.backends.drain(..).fold(options.builder(&host.environment), RuntimeBuilder::backend);
    let builder = match approve::set_up(/*ask*/ None, output, host)? {
        Some(approver) => builder.approver(approver),
        None => builder,
    };
    let handle = builder.recorder(recorder).start()?;
    let Claim { images, ended, running } = handle.claim(run).await.map_err(|error| cannot(run, &error))?;
    if !output.quiet {
        let agents: Vec<&str> = images.iter().map(|image| &*image.request().subagent_type).collect();
        session::announce(&handle, &agents, &host.environment, &mut host.terminal);
        let rest = [(ended, "ended before"), (running, "run elsewhere")].map(|(count, what)| match count {
            0 => String::new(),
            count => format!(", {count} {what}"),
        });
        let text = format!("{} of run {} go on{}", counted(images.len(), "task"), run.short(), rest.concat());
        host.terminal.err.line(text);
    }
    let exit =
        session::run(&handle, Work::Resumed { run, images }, output, &mut host.terminal, &mut interrupts);
    let exit = exit.await?;
    session::end(handle, &mut interrupts).await;
    Ok(exit)
}

fn cannot(run: RunId, error: &ResumeError) -> Fault {
    Fault::new(format!("run {} cannot go on", run.short()))
        .because(error.to_string())
        .suggest("see `codex-task runs show`")
}
