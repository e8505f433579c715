//! `codex-task codex`: a turn of the real Codex with the Task tool as its own, as in Claude Code. Codex runs as
//! `codex app-server`; we are its front end, answer its model's calls of `Task`, and show what both do in one view.

mod args;
mod connection;
mod drive;
mod ending;
mod message;
mod opening;
mod process;
mod program;
mod question;
mod requests;
mod view;

use std::sync::Arc;

use codex_task::{Approver, RuntimeBuilder, RuntimeHandle};

use crate::exit::Exit;
use crate::fault::Fault;
use crate::host::Host;
use crate::interrupt::Interrupts;
use crate::render::Terminal;
use crate::run::{OutputArgs, RunOptions};
use crate::{approve, exec, install, run, session};
use connection::Connection;
use drive::{Drive, Ended};
use opening::Wish;

pub(crate) use args::CodexArgs;

/// What to write when there was no prompt.
const USAGE: &str = "write codex-task codex \"PROMPT\"";
/// Keeps the MCP server, which would offer the same tool for a second time, out of this session.
const WITHOUT_SERVER: &str = "mcp_servers.task.enabled=false";

/// Runs one turn of Codex.
pub(crate) fn run(args: &CodexArgs, host: &mut Host) -> Result<Exit, Fault> {
    if args.output.plain {
        host.terminal.make_plain();
    }
    if let Some(directory) = &args.directory {
        let path = host.environment.cwd().join(directory);
        let path = path.canonicalize().map_err(|error| Fault::file("cannot work in", directory, &error))?;
        host.environment = host.environment.with_cwd(path);
    }
    let prompt = exec::read_prompt(&args.words, USAGE, host)?;
    let program = program::find(args.codex.as_deref(), &host.environment)?;
    let approver = approve::set_up(args.session.ask, args.output, host)?;
    let options = RunOptions::of(&args.session);
    let builder = run::builder_asking(approver.clone(), &args.session, &options, host);
    let mut overrides = args.config.clone();
    if install::is_in_codex(&host.environment) {
        overrides.push(WITHOUT_SERVER.to_owned());
    }
    session::block_on(async {
        let mut interrupts = Interrupts::of(host)?;
        let (server, reader, writer) = process::start(&program, &overrides, &host.environment)?;
        let connection = Connection::new(reader, writer);
        let turn = Turn { args, prompt, approver, builder };
        let done = turn.run(connection, host, &mut interrupts).await;
        // The connection is closed by now, at which Codex ends by itself.
        let last_words = process::end(server).await;
        match done {
            Ok(exit) => Ok(exit),
            Err(Failed::ToOpen(fault)) => {
                let fault = said(fault, last_words);
                Err(program::explain(fault, &program, &host.environment).await)
            }
            Err(Failed::Later(fault)) => Err(said(fault, last_words)),
        }
    })
}

/// When a turn has failed.
enum Failed {
    /// Before it had begun: Codex may be another one than is needed.
    ToOpen(Fault),
    /// Afterwards.
    Later(Fault),
}

/// With what Codex has said last.
fn said(fault: Fault, last_words: Option<String>) -> Fault {
    fault.saying(&last_words.unwrap_or_default())
}

/// What one turn needs.
struct Turn<'a> {
    args: &'a CodexArgs,
    prompt: String,
    approver: Option<Arc<dyn Approver>>,
    builder: RuntimeBuilder,
}

impl Turn<'_> {
    async fn run(
        self,
        connection: Connection,
        host: &mut Host,
        interrupts: &mut Interrupts,
    ) -> Result<Exit, Failed> {
        let Self { args, prompt, approver, builder } = self;
        let handle = builder.start().map_err(|error| Failed::Later(error.into()))?;
        if !args.output.quiet {
            session::announce(&handle, &[], &host.environment, &mut host.terminal);
        }
        let wish = Wish {
            directory: host.environment.cwd(),
            model: args.model.as_deref(),
            sandbox: args.session.sandbox,
            tools: handle.tool_catalog().tools(),
            prompt: &prompt,
        };
        let parts = (connection, wish, approver);
        let done = drive(parts, &handle, args.output, &mut host.terminal, interrupts).await;
        // Whatever became of Codex, its tasks end here.
        session::end(handle, &mut host.terminal, interrupts).await;
        done
    }
}

async fn drive(
    (mut connection, wish, approver): (Connection, Wish<'_>, Option<Arc<dyn Approver>>),
    handle: &RuntimeHandle,
    output: OutputArgs,
    terminal: &mut Terminal,
    interrupts: &mut Interrupts,
) -> Result<Exit, Failed> {
    let opened = tokio::select! {
        biased;
        came = interrupts.next() => return Ok(came.into()),
        opened = opening::open(&mut connection, wish) => opened.map_err(Failed::ToOpen)?,
    };
    let mut drive = Drive::new(connection, opened, handle, approver, output, terminal);
    let ended = drive.run(terminal, interrupts).await;
    drive.leave(terminal);
    match ended.map_err(Failed::Later)? {
        Ended::Turn(ending) => ending.print(handle, output, terminal).map_err(Failed::Later),
        Ended::ReaderGone => Ok(Exit::Success),
        Ended::AtOnce(came) => Ok(came.into()),
    }
}
