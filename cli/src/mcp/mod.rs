//! `codex-task mcp`: the Task tool as an MCP server on stdin and stdout, for Codex and other clients. stdout carries
//! the protocol and nothing else.

mod caller;
mod elicit;
mod input;
mod lazy;
mod progress;
mod serve;
mod server;

use std::io::IsTerminal as _;
use std::sync::Arc;

use clap::Args;
use codex_task::{PermissionMode, Runtime, RuntimeBuilder};
use codex_task_config::SettingsOverrides;

use crate::exit::Exit;
use crate::fault::Fault;
use crate::host::Host;
use crate::interrupt::Interrupts;
use crate::render::Style;
use crate::run::RunOptions;
use crate::{run, session};
use elicit::ClientApprover;
use lazy::{LazyTool, RecordKeeper};

/// Serves the Task tool over MCP on stdin and stdout; `codex-task install` writes what a client needs for that.
#[derive(Args, Clone, Debug)]
pub(crate) struct McpArgs {
    /// What happens to tool calls that no rule names: plan, default, acceptEdits or bypassPermissions
    #[arg(long, value_name = "MODE", value_parser = run::permission_mode)]
    permission_mode: Option<PermissionMode>,
    /// Trusts the project: its own settings may allow what they ask for; see `codex-task trust`
    #[arg(long)]
    trust: bool,
    /// Keeps no record of what runs; the settings have `record: false` for the same
    #[arg(long)]
    no_record: bool,
}

/// Serves until the client closes stdin or ends us.
pub(crate) fn run(args: &McpArgs, host: &mut Host) -> Result<Exit, Fault> {
    let approver = ClientApprover::default();
    let prepared = builder(args, host).approver(Arc::new(approver.clone())).prepare()?;
    let is_recorded = !args.no_record && !prepared.settings().unrecorded;
    let options = RunOptions::in_mode(args.permission_mode);
    let records = is_recorded.then(|| RecordKeeper { options, environment: host.environment.clone() });
    session::warn_of(prepared.problems(), &host.environment, &mut host.terminal);
    if std::io::stdin().is_terminal() {
        let text =
            "This is a server for programs that speak MCP; `codex-task install codex` puts it into Codex.";
        host.terminal.err.wrapped(Style::Dim, text);
    }
    session::block_on(async {
        let interrupts = Interrupts::of(host)?;
        let tool = LazyTool::new(prepared, records);
        serve::serve((tool, approver), tokio::io::stdin(), tokio::io::stdout(), interrupts).await
    })
}

fn builder(args: &McpArgs, host: &mut Host) -> RuntimeBuilder {
    let overrides = SettingsOverrides {
        permission_mode: args.permission_mode,
        trust: run::trust(args.trust),
        ..SettingsOverrides::default()
    };
    let builder = Runtime::builder().environment(host.environment.clone()).overrides(overrides);
    host.backends.drain(..).fold(builder, RuntimeBuilder::backend)
}
