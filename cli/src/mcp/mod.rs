//! `codex-task mcp`: the Task tool as an MCP server on stdin and stdout, for Codex and other clients, where stdout carries
//! the protocol and nothing else; or over HTTP on this machine, for several clients at once.

mod caller;
mod client;
mod elicit;
mod http;
mod input;
mod lazy;
mod lease;
mod progress;
mod serve;
mod server;
mod sessions;
mod token;

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use codex_task::{PermissionMode, RuntimeBuilder};
use codex_task_config::parse_duration;

use crate::exit::Exit;
use crate::fault::Fault;
use crate::host::Host;
use crate::interrupt::Interrupts;
use crate::render::Style;
use crate::run::RunOptions;
#[cfg(feature = "metrics")]
use crate::telemetry;
use crate::telemetry::TelemetryArgs;
use crate::{run, session};
pub(crate) use caller::of_codex as caller_of_codex;
use elicit::ClientApprover;
use http::HttpServer;
use lazy::{LazyRuntime, RecordKeeper};
use token::{Token, TokenSource, VARIABLE};

/// Serves the Task tool over MCP, on stdin and stdout or over HTTP; `codex-task install` writes what a client needs for
/// the former.
#[derive(Args, Clone, Debug)]
pub(crate) struct McpArgs {
    /// What happens to tool calls that no rule names: plan, default, acceptEdits or bypassPermissions
    #[arg(long, value_name = "MODE", value_parser = run::permission_mode)]
    permission_mode: Option<PermissionMode>,
    /// Serves over streamable HTTP on 127.0.0.1 instead, for several clients; they show the token of
    /// `CODEX_TASK_MCP_TOKEN`, or of the file that is named at the start
    #[arg(long)]
    http: bool,
    /// The port for --http; 0 is any that is free
    #[arg(long, value_name = "N", default_value_t = 8137, requires = "http")]
    port: u16,
    /// Time for a client of --http to come back whose connection was cut, for example 30s; then its calls and its background
    /// tasks are cancelled
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "30s", requires = "http")]
    grace: Duration,
    /// Keeps no record of what runs; the settings have `record: false` for the same
    #[arg(long)]
    no_record: bool,
    /// Trusts the project: its own settings may allow what they ask for; see `codex-task trust`
    #[arg(long)]
    trust: bool,
    #[command(flatten)]
    telemetry: TelemetryArgs,
}

/// Serves until the client closes stdin or ends us.
pub(crate) fn run(args: &McpArgs, host: &mut Host) -> Result<Exit, Fault> {
    let options = RunOptions::of_server(args.permission_mode, args.trust);
    let approver = ClientApprover::default();
    let builder = options.builder(&host.environment);
    #[cfg(feature = "metrics")]
    let builder = telemetry::as_asked(args.telemetry, builder);
    let builder = builder.approver(Arc::new(approver.clone()));
    let prepared = host.backends.drain(..).fold(builder, RuntimeBuilder::backend).prepare()?;
    // What is not to be recorded is the words; a trail of what was done is another thing, and the user's alone to give up.
    let prepared = if args.no_record { prepared } else { prepared.audited() };
    let is_recorded = !args.no_record && !prepared.settings().unrecorded;
    let records = is_recorded.then(|| RecordKeeper { options, environment: host.environment.clone() });
    session::warn_of(prepared.problems(), &host.environment, &mut host.terminal);
    let runtime = LazyRuntime::new(prepared, records);
    #[cfg(feature = "metrics")]
    if args.telemetry.metrics_listen.is_some() {
        telemetry::announce(runtime.start_now()?, &mut host.terminal);
    }
    let parts = (runtime, approver);
    if args.http {
        return serve_http(args, parts, host);
    }
    if std::io::stdin().is_terminal() {
        let text =
            "This is a server for programs that speak MCP; `codex-task install codex` puts it into Codex.";
        host.terminal.err.wrapped(Style::Dim, text);
    }
    session::block_on(async {
        let interrupts = Interrupts::of(host)?;
        serve::serve(parts, tokio::io::stdin(), tokio::io::stdout(), interrupts).await
    })
}

/// The address goes to stdout, for programs that start us; where the token is goes to stderr.
fn serve_http(args: &McpArgs, parts: (LazyRuntime, ClientApprover), host: &mut Host) -> Result<Exit, Fault> {
    let (token, source) = Token::of(&host.environment)?;
    session::block_on(async {
        let interrupts = Interrupts::of(host)?;
        let server = HttpServer::listen(args.port, args.grace, token).await?;
        let shown = match source {
            TokenSource::Variable => format!("clients show the token of {VARIABLE}"),
            TokenSource::File(path) => format!("clients show the token of {}", path.display()),
        };
        host.terminal.out.line(server.url());
        host.terminal.err.wrapped(Style::Dim, &format!("listening on {}: {shown}", server.url()));
        Ok(server.serve(parts, interrupts).await)
    })
}
