//! `codex-task run`: one or many tasks, written as words, as `Task(...)` or in a file.

mod args;
mod collect;
mod literal;
mod schema;
mod spec;
mod task_file;

use codex_task::{RunId, Runtime, RuntimeBuilder, TaskRequest};
use codex_task_config::SettingsOverrides;

use crate::exit::Exit;
use crate::fault::Fault;
use crate::host::Host;
use crate::interrupt::Interrupts;
use crate::session;

pub(crate) use args::{OutputArgs, RunArgs, permission_mode, rule};

/// Runs the tasks that the arguments ask for.
pub(crate) fn run(args: &RunArgs, host: &mut Host) -> Result<Exit, Fault> {
    let collected = collect::collect(args, host)?;
    let output = args.schema.as_deref().map(|file| schema::read(file, host)).transpose()?;
    for warning in &collected.warnings {
        session::warn(warning, &mut host.terminal);
    }
    let run = RunId::new();
    let into_request = |task: spec::TaskSpec| task.into_request(run, output.clone());
    let tasks: Vec<TaskRequest> = collected.tasks.into_iter().map(into_request).collect();
    session::block_on(run_tasks(builder(args, host), tasks, args.output, host))
}

/// Starts a runtime, runs the tasks in it and stops it again.
pub(crate) async fn run_tasks(
    builder: RuntimeBuilder,
    tasks: Vec<TaskRequest>,
    output: OutputArgs,
    host: &mut Host,
) -> Result<Exit, Fault> {
    let mut interrupts = match host.interrupts.take() {
        Some(interrupts) => interrupts,
        None => Interrupts::listen()
            .map_err(|error| Fault::internal("signals cannot be heard").because(error.to_string()))?,
    };
    let handle = builder.start()?;
    let terminal = &mut host.terminal;
    if !output.quiet {
        let agents: Vec<&str> = tasks.iter().map(|task| &*task.subagent_type).collect();
        session::announce(&handle, &agents, &host.environment, terminal);
    }
    let exit = session::run(&handle, tasks, output, terminal, &mut interrupts).await?;
    tokio::select! {
        _ = handle.shutdown() => {}
        () = interrupts.next() => {}
    }
    Ok(exit)
}

fn builder(args: &RunArgs, host: &mut Host) -> RuntimeBuilder {
    let overrides = SettingsOverrides {
        provider: args.provider.clone(),
        max_concurrent: args.concurrency,
        permission_mode: args.permission_mode,
        allow: args.allow.clone(),
        deny: args.deny.clone(),
        ..SettingsOverrides::default()
    };
    let builder = Runtime::builder().environment(host.environment.clone()).overrides(overrides);
    let builder = match &args.agents {
        Some(json) => builder.agents_json(json),
        None => builder,
    };
    host.backends.drain(..).fold(builder, RuntimeBuilder::backend)
}
