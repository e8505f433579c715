//! The `codex-task` command: arguments in, rendered results out. Everything that it does is in the runtime.

mod agents;
mod app_server;
mod approve;
mod audit;
mod command;
mod commands;
mod demo;
mod doctor;
mod exec;
mod exit;
mod fault;
mod gate;
mod host;
mod install;
mod interrupt;
mod json_splice;
mod logging;
mod mcp;
mod render;
mod replace;
mod run;
mod runs;
#[cfg(test)]
mod scenes;
mod session;
mod telemetry;
mod trust;

use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;

use codex_task::Environment;

use crate::exit::Exit;
use crate::fault::Fault;
use crate::host::Host;
use crate::render::Terminal;

fn main() -> ExitCode {
    let (environment, is_lost) = match Environment::from_process() {
        Ok(environment) => (environment, None),
        // Whatever is asked for needs a directory to work in, but the failure needs a terminal to be told on.
        Err(error) => (Environment::new("/", std::iter::empty::<(String, String)>()), Some(error)),
    };
    let mut terminal = Terminal::of_process(&environment);
    let exit = match is_lost {
        None => execute(Host::of_process(environment, terminal)),
        Some(error) => Fault::new("the working directory cannot be read")
            .because(error.to_string())
            .suggest("change into a directory that exists and that you may read")
            .report(&mut terminal),
    };
    exit.into()
}

/// Does what the arguments say. A panic is a fault of ours, and told like one.
fn execute(mut host: Host) -> Exit {
    let work = AssertUnwindSafe(|| command::execute(std::env::args_os(), &mut host));
    panic::catch_unwind(work).unwrap_or_else(|_| {
        // The panic hook has told the rest; half of a line may still be on its way to stdout.
        let fault = Fault::internal("the command panicked").because("see the message above");
        fault.report(&mut host.terminal)
    })
}
