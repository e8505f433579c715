//! `codex-task exec`: what a user would type into a session, without one. A prompt goes to a main agent that has the
//! session's tools and the Task tool; a slash command is expanded before.

mod args;
mod consensus;
mod document;
mod options;
mod prompt;

use codex_task::{ConsensusRequest, ExpandedPrompt, MAIN_AGENT, RunTask, RuntimeHandle, TaskRequest};
use codex_task_config::{ModelChoice, Orchestration};

use crate::commands;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::host::Host;
use crate::interrupt::Interrupts;
use crate::run;
use crate::session;
use options::ConsensusOptions;
use prompt::Asked;

pub(crate) use args::ExecArgs;
pub(crate) use consensus::{exit as exit_of_consensus, print as print_consensus};
pub(crate) use prompt::read as read_prompt;

/// What to write when there was no prompt.
const USAGE: &str = "write codex-task exec \"PROMPT\", or codex-task exec \"/command arguments\"";

/// What is done with an expanded prompt.
enum Doing {
    /// The main agent carries it out.
    Main(Box<TaskRequest>),
    /// Several agents answer it.
    Consensus(Box<ConsensusRequest>),
}

/// Does what the arguments ask for.
pub(crate) fn run(args: &ExecArgs, host: &mut Host) -> Result<Exit, Fault> {
    if args.output.plain {
        host.terminal.make_plain();
    }
    if args.list {
        return Ok(commands::list(commands::ListForm::of(args.output.json), host));
    }
    let text = prompt::read(&args.words, USAGE, host)?;
    let asked = Asked::of(&text, &host.environment)?;
    if let Some(exit) = run::resume_first(&args.session, host) {
        return Ok(exit);
    }
    let options = prompt::options(args, &asked, host);
    let builder = run::builder(&args.session, args.output, &options, host)?;
    session::block_on(async {
        let mut interrupts = Interrupts::of(host)?;
        let handle = builder.start()?;
        if !args.output.quiet {
            session::announce(&handle, &[], &host.environment, &mut host.terminal);
        }
        let exit = tokio::select! {
            biased;
            came = interrupts.next() => Err(Exit::from(came)),
            expanded = session::attend(&handle, &mut host.terminal, expand(&asked, &handle)) => Ok(expanded),
        };
        let exit = match exit {
            Err(exit) => exit,
            Ok(expanded) => carry_out(args, &asked, expanded, &handle, host, &mut interrupts).await?,
        };
        session::end(handle, &mut host.terminal, &mut interrupts).await;
        Ok(exit)
    })
}

async fn expand(asked: &Asked, handle: &RuntimeHandle) -> ExpandedPrompt {
    match asked {
        Asked::Prompt(text) => handle.expand_prompt(text).await,
        Asked::Command { command, arguments, .. } => handle.expand_command(command, arguments).await,
    }
}

async fn carry_out(
    args: &ExecArgs,
    asked: &Asked,
    expanded: ExpandedPrompt,
    handle: &RuntimeHandle,
    host: &mut Host,
    interrupts: &mut Interrupts,
) -> Result<Exit, Fault> {
    for note in expanded.notes.iter().filter(|_| !args.output.quiet) {
        session::warn(note, &mut host.terminal);
    }
    let terminal = &mut host.terminal;
    match doing(args, asked, expanded, handle) {
        Doing::Main(task) => session::run(handle, vec![*task], args.output, terminal, interrupts).await,
        Doing::Consensus(request) => {
            consensus::run(*request, handle, args.output, terminal, interrupts).await
        }
    }
}

fn doing(args: &ExecArgs, asked: &Asked, expanded: ExpandedPrompt, handle: &RuntimeHandle) -> Doing {
    let of_command = match asked {
        Asked::Prompt(_) => None,
        Asked::Command { command, .. } => {
            Some(command.model.clone()).filter(|model| *model != ModelChoice::Inherit)
        }
    };
    let model = args.model.as_deref().map(ModelChoice::parse).or(of_command);
    match asked {
        Asked::Command { command, consensus: Some(ConsensusOptions { agents, count }), .. } => {
            let named = match &command.orchestration {
                Orchestration::Consensus { agents: named } if agents.is_empty() => named,
                Orchestration::Consensus { .. } | Orchestration::MainAgent => agents,
            };
            let mut request = ConsensusRequest::new(handle, expanded, named, *count, model);
            (request.timeout, request.turns_max) = (args.timeout, args.max_turns);
            Doing::Consensus(Box::new(request))
        }
        Asked::Command { .. } | Asked::Prompt(_) => {
            let mut task = RunTask::<String>::new(MAIN_AGENT, expanded.text).of_session().request;
            task.preface = expanded.preface;
            task.model = model;
            (task.timeout, task.turns_max) = (args.timeout, args.max_turns);
            Doing::Main(Box::new(task))
        }
    }
}
