//! `codex-task run`: one or many tasks, written as words, as `Task(...)` or in a file.

mod args;
mod collect;
mod literal;
mod options;
mod resume;
mod schema;
mod spec;
mod task_file;

use std::sync::Arc;

use codex_task::store::{Recorder, StoreError};
use codex_task::{Approver, Environment, RunId, RuntimeBuilder, TaskRequest};

use codex_task_config::{ResumePolicy, Retention, Settings, SettingsOverrides};

use crate::approve;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::host::Host;
use crate::interrupt::Interrupts;
use crate::runs;
use crate::session;
#[cfg(feature = "metrics")]
use crate::telemetry;

pub(crate) use args::{OutputArgs, RunArgs, SessionArgs, permission_mode, rule, sandbox_mode};
pub(crate) use options::RunOptions;
pub(crate) use spec::turns;

/// Runs the tasks that the arguments ask for.
pub(crate) fn run(args: &RunArgs, host: &mut Host) -> Result<Exit, Fault> {
    let collected = collect::collect(args, host)?;
    let output = args.schema.as_deref().map(|file| schema::read(file, host)).transpose()?;
    for warning in &collected.warnings {
        session::warn(warning, &mut host.terminal);
    }
    if let Some(exit) = resume_first(&args.session, host) {
        return Ok(exit);
    }
    let run = RunId::new();
    let into_request = |task: spec::TaskSpec| task.into_request(run, output.clone());
    let tasks: Vec<TaskRequest> = collected.tasks.into_iter().map(into_request).collect();
    let builder = builder(&args.session, args.output, &RunOptions::of(&args.session), host)?;
    session::block_on(run_tasks(builder, tasks, args.output, host))
}

/// Goes on with what was cut off in this directory, where the user's settings say so and the session is recorded. Gives
/// how the command ends when the user ends it meanwhile.
pub(crate) fn resume_first(args: &SessionArgs, host: &mut Host) -> Option<Exit> {
    let is_wanted = !args.no_record && settings(&host.environment).resume == ResumePolicy::Auto;
    if is_wanted { runs::resume_here(host) } else { None }
}

fn settings(environment: &Environment) -> Settings {
    Settings::load(environment, &SettingsOverrides::default()).settings
}

/// Starts a runtime, runs the tasks in it and stops it again.
pub(crate) async fn run_tasks(
    builder: RuntimeBuilder,
    tasks: Vec<TaskRequest>,
    output: OutputArgs,
    host: &mut Host,
) -> Result<Exit, Fault> {
    let mut interrupts = Interrupts::of(host)?;
    let handle = builder.start()?;
    let terminal = &mut host.terminal;
    if !output.quiet {
        let agents: Vec<&str> = tasks.iter().map(|task| &*task.subagent_type).collect();
        session::announce(&handle, &agents, &host.environment, terminal);
    }
    let exit = session::run(&handle, tasks, output, terminal, &mut interrupts).await?;
    session::end(handle, terminal, &mut interrupts).await;
    Ok(exit)
}

/// A runtime for a session of its own, which is recorded unless the arguments say otherwise.
pub(crate) fn builder(
    args: &SessionArgs,
    output: OutputArgs,
    options: &RunOptions,
    host: &mut Host,
) -> Result<RuntimeBuilder, Fault> {
    let approver = approve::set_up(args.ask, output, host)?;
    Ok(builder_asking(approver, args, options, host))
}

/// The same, where who is asked is known already.
pub(crate) fn builder_asking(
    approver: Option<Arc<dyn Approver>>,
    args: &SessionArgs,
    options: &RunOptions,
    host: &mut Host,
) -> RuntimeBuilder {
    let builder = options.builder(&host.environment);
    #[cfg(feature = "metrics")]
    let builder = telemetry::as_asked(args.telemetry, builder);
    let builder = host.backends.drain(..).fold(builder, RuntimeBuilder::backend);
    let builder = match approver {
        Some(approver) => builder.approver(approver),
        None => builder,
    };
    if args.no_record { builder } else { recorded(builder.audited(), options, host) }
}

/// Records what runs. Where nothing can be recorded, tasks run all the same, and the user is told.
fn recorded(builder: RuntimeBuilder, options: &RunOptions, host: &mut Host) -> RuntimeBuilder {
    match recorder(options, &host.environment, settings(&host.environment).retention) {
        Ok(recorder) => builder.recorder(recorder),
        Err(error) => {
            let text = format!("the run is not recorded: {error} ({}, or use --no-record)", error.help());
            session::warn(&text, &mut host.terminal);
            builder
        }
    }
}

/// The user's own record, which keeps the options of the run; old runs stay as long as the settings say.
pub(crate) fn recorder(
    options: &RunOptions,
    environment: &Environment,
    retention: Retention,
) -> Result<Arc<Recorder>, StoreError> {
    Ok(Arc::new(Recorder::of_user(environment, &options.written(), retention)?))
}
