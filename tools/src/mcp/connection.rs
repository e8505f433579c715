//! A connection to one running server.

use std::path::Path;
use std::time::Duration;

use codex_task_config::{Environment, McpServer, McpServerName, McpTransport};
use rmcp::model::{CallToolRequestParams, CallToolResult, JsonObject, PaginatedRequestParams};
use rmcp::service::{ClientInitializeError, RoleClient, RunningService, ServiceError, serve_client_with_ct};
use rmcp::transport::async_rw::AsyncRwTransport;
use tokio::process::Command;
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::client::Client;
use super::environment::variables;
use super::error::McpError;
use super::offer::Offer;
use super::options::McpOptions;
use super::redact::Redactor;
use super::{http, sse};
use crate::piped::PipedProcess;
use crate::visible::visible_line;

/// Tools of one server that are looked at.
const TOOLS_MAX: usize = 256;
/// Pages of a list of tools that are asked for.
const PAGES_MAX: usize = 32;
/// How long a server may take to end by itself once its input is closed.
const GRACE: Duration = Duration::from_secs(1);
/// Characters of a cause that are shown.
const CAUSE_CHARS_MAX: usize = 300;

/// What servers are started with.
#[derive(Clone, Debug)]
pub(super) struct Scene {
    pub(super) options: McpOptions,
    pub(super) environment: Environment,
    /// Where connections live.
    pub(super) io: Handle,
    /// Ends everything.
    pub(super) cancel: CancellationToken,
}

/// A connection. Dropping it closes it and kills the server's process with its group.
pub(super) struct Connection {
    service: RunningService<RoleClient, Client>,
    client: Client,
    token: CancellationToken,
    /// `None` for servers that are reached by HTTP.
    process: Mutex<Option<PipedProcess>>,
    redactor: Redactor,
}

/// Why a call gave no result.
#[derive(Debug)]
pub(super) enum CallFailure {
    /// The server is there and says why, or could not be reached this time.
    Told(String),
    /// The server has ended; how, and its last words.
    Ended(String),
}

impl Connection {
    /// Starts or reaches a server and greets it. Must run on the scene's runtime.
    ///
    /// # Errors
    /// [`McpError`] says what went wrong, with the server's last words.
    pub(super) async fn open(server: &McpServer, scene: &Scene, deadline: Instant) -> Result<Self, McpError> {
        let transport = server
            .expanded(&scene.environment)
            .map_err(|error| McpError::Definition(format!("{error}; {}", error.help())))?;
        let redactor = Redactor::of(&transport);
        let (client, token) = (Client::default(), scene.cancel.child_token());
        let greet = Greeting { client: client.clone(), token: token.clone(), deadline };
        let mut process = None;
        let service = match transport {
            McpTransport::Stdio { command, args, env } => {
                let mut program = Command::new(&command);
                program.args(&args).env_clear().envs(variables(&scene.environment, env));
                program.current_dir(directory_of(server, &scene.environment));
                // What a server says may hold its secrets: only its last words are shown, without them.
                let started = PipedProcess::start(program, &scene.io, |_| {});
                let (started, stdout, stdin) = started.map_err(|error| {
                    McpError::Start(format!("{}: {error}", visible_line(&command, CAUSE_CHARS_MAX)))
                })?;
                process = Some(started);
                greet.with(AsyncRwTransport::new_client(stdout, stdin)).await
            }
            McpTransport::Http { url, headers } => match http::transport(&url, &headers).await {
                Ok(transport) => greet.with(transport).await,
                Err(cause) => return Err(McpError::Definition(redactor.clean(&cause))),
            },
            McpTransport::Sse { url, headers } => {
                match sse::SseTransport::open(&url, &headers, &scene.io, deadline).await {
                    Ok(transport) => greet.with(transport).await,
                    Err(cause) => return Err(McpError::Handshake(redactor.clean(&cause))),
                }
            }
        };
        match service {
            Ok(service) => Ok(Self { service, client, token, process: Mutex::new(process), redactor }),
            Err(refusal) => {
                let last_words = match &mut process {
                    Some(process) => last_words(process, &redactor).await,
                    None => String::new(),
                };
                Err(match refusal {
                    Some(cause) => McpError::Handshake(format!("{}{last_words}", redactor.clean(&cause))),
                    None => McpError::StartTimedOut { after: scene.options.start_timeout, last_words },
                })
            }
        }
    }

    /// Whether the server has ended or the connection was closed.
    pub(super) fn is_closed(&self) -> bool {
        self.token.is_cancelled() || self.service.is_transport_closed()
    }

    /// How often the server has said that its tools changed.
    pub(super) fn list_changes(&self) -> u64 {
        self.client.list_changes()
    }

    /// All tools that the server lists now, within bounds.
    pub(super) async fn list(
        &self,
        server: &McpServerName,
    ) -> Result<Vec<Result<Offer, String>>, ServiceError> {
        let mut listed = Vec::new();
        let mut cursor = None;
        for _ in 0..PAGES_MAX {
            let page = PaginatedRequestParams::default().with_cursor(cursor);
            let page = self.service.list_tools(Some(page)).await?;
            listed.extend(page.tools.iter().map(|tool| Offer::new(server, tool)));
            cursor = page.next_cursor;
            if cursor.is_none() || listed.len() >= TOOLS_MAX {
                break;
            }
        }
        if cursor.is_some() || listed.len() > TOOLS_MAX {
            listed.truncate(TOOLS_MAX);
            listed.push(Err(format!("only its first {TOOLS_MAX} tools are offered")));
        }
        Ok(listed)
    }

    /// Calls a tool.
    ///
    /// # Cancel safety
    /// Dropping the future tells the server that the call is cancelled.
    pub(super) async fn call(
        &self,
        tool: String,
        arguments: JsonObject,
    ) -> Result<CallToolResult, ServiceError> {
        self.service.call_tool(CallToolRequestParams::new(tool).with_arguments(arguments)).await
    }

    /// What an error means.
    pub(super) async fn failure(&self, error: ServiceError) -> CallFailure {
        let is_process = self.process.lock().await.is_some();
        match error {
            ServiceError::TransportClosed => CallFailure::Ended(self.close().await),
            ServiceError::TransportSend(_) if is_process => CallFailure::Ended(self.close().await),
            ServiceError::TransportSend(error) => {
                CallFailure::Told(self.redactor.clean(&http::cause(error.error.as_ref())))
            }
            ServiceError::McpError(error) => {
                let said = format!("MCP error {}: {}", error.code.0, error.message);
                CallFailure::Told(visible_line(&self.redactor.clean(&said), CAUSE_CHARS_MAX))
            }
            other => {
                CallFailure::Told(visible_line(&self.redactor.clean(&other.to_string()), CAUSE_CHARS_MAX))
            }
        }
    }

    /// Closes the connection, lets the server end, ends what is left of it, and tells how it ended.
    pub(super) async fn close(&self) -> String {
        self.token.cancel();
        match self.process.lock().await.as_mut() {
            Some(process) => last_words(process, &self.redactor).await,
            None => String::new(),
        }
    }
}

/// What a connection begins with.
struct Greeting {
    client: Client,
    token: CancellationToken,
    deadline: Instant,
}

impl Greeting {
    /// The protocol's handshake. Fails with the cause, or with nothing when there was no answer in time.
    async fn with<T>(self, transport: T) -> Result<RunningService<RoleClient, Client>, Option<String>>
    where
        T: rmcp::transport::Transport<RoleClient> + 'static,
    {
        let greeted =
            timeout_at(self.deadline, serve_client_with_ct(self.client, transport, self.token)).await;
        greeted.map_err(|_| None)?.map_err(|error| Some(cause_of(&error)))
    }
}

fn cause_of(error: &ClientInitializeError) -> String {
    if error.is_authorization_required() {
        return "it wants to be logged in to; give it a header with a token".to_owned();
    }
    match error {
        ClientInitializeError::TransportError { error, .. } => http::cause(error.error.as_ref()),
        ClientInitializeError::ConnectionClosed(_) => "it ended before it answered".to_owned(),
        ClientInitializeError::JsonRpcError(error) => {
            visible_line(&format!("error {}: {}", error.code.0, error.message), CAUSE_CHARS_MAX)
        }
        other => visible_line(&other.to_string(), CAUSE_CHARS_MAX),
    }
}

/// `: exit status: 1; its last words: ...`, as far as they are known.
async fn last_words(process: &mut PipedProcess, redactor: &Redactor) -> String {
    let status = process.end(GRACE).await.map(|status| status.to_string());
    let said = process.last_line(|_| true).map(|line| format!("its last words: {}", redactor.clean(&line)));
    let known: Vec<String> = status.into_iter().chain(said).collect();
    if known.is_empty() { String::new() } else { format!(" ({})", known.join("; ")) }
}

/// Servers of a project work where its file stands, others where the session does.
fn directory_of<'a>(server: &'a McpServer, environment: &'a Environment) -> &'a Path {
    let of_file =
        server.path.as_deref().filter(|path| path.file_name().is_some_and(|name| name == ".mcp.json"));
    of_file.and_then(Path::parent).unwrap_or_else(|| environment.cwd())
}
