//! One server of a hub: started when it is needed, started again when it has ended, a few times.

use std::sync::{Arc, PoisonError};

use codex_task_config::{McpServer, ToolName};
use rmcp::model::JsonObject;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::task::AbortOnDropHandle;

use super::connection::{CallFailure, Connection, Scene};
use super::error::McpError;
use super::offer::Offer;
use super::pins::Pins;
use super::reply;
use super::status::{McpState, McpStatus};
use crate::{ToolError, ToolOutput};

/// A server and what is known about it.
pub(super) struct Server {
    definition: McpServer,
    scene: Scene,
    /// Held while the server is started or its tools are listed, not while it is called.
    life: Mutex<Life>,
    /// Never held across an await.
    pins: std::sync::Mutex<Pins>,
}

/// What the server is doing.
#[derive(Default)]
struct Life {
    connection: Option<Arc<Connection>>,
    failure: Option<McpError>,
    /// How often it was started.
    starts: u32,
    /// The server's changes that the last list took in: a list that was not read to its end takes in none.
    changes_listed: u64,
}

impl Server {
    pub(super) fn new(definition: McpServer, scene: Scene) -> Self {
        Self { definition, scene, life: Mutex::default(), pins: std::sync::Mutex::default() }
    }

    pub(super) fn definition(&self) -> &McpServer {
        &self.definition
    }

    /// The tools that the server offers; none if it cannot be used, which its status then tells.
    pub(super) async fn offers(&self) -> Vec<Offer> {
        match self.connected().await {
            Ok(_) => self.pins(|pins| pins.offers().cloned().collect()),
            Err(error) => {
                tracing::warn!(server = %self.definition.name, %error, "an MCP server gives no tools");
                Vec::new()
            }
        }
    }

    /// Calls a tool, if it still is what it was when it was pinned.
    ///
    /// # Errors
    /// [`ToolError`] for the model. A call whose server ends is never repeated.
    ///
    /// # Cancel safety
    /// Dropping the future tells the server that the call is cancelled.
    pub(super) async fn call(
        &self,
        name: &ToolName,
        wire_name: String,
        arguments: JsonObject,
    ) -> Result<ToolOutput, ToolError> {
        let server = self.definition.name.as_str();
        let connection = self.connected().await.map_err(|error| error.for_model(server))?;
        self.pins(|pins| pins.check(name))?;
        let options = &self.scene.options;
        let Ok(answer) = timeout(options.call_timeout, connection.call(wire_name, arguments)).await else {
            return Err(ToolError::TimedOut(format!(
                "MCP server '{server}' did not answer {name} within {} seconds; the call was cancelled and may have had \
                 effects (MCP_TOOL_TIMEOUT sets the time, in milliseconds).",
                options.call_timeout.as_secs_f64()
            )));
        };
        match answer {
            Ok(result) => {
                let chars_max = options.result_chars_max;
                // Images and documents are unpacked and looked through.
                let read = tokio::task::spawn_blocking(move || reply::output_of(&result, chars_max)).await;
                read.unwrap_or_else(|error| {
                    let text = format!(
                        "the answer of MCP server '{server}' could not be read; the call may have had effects"
                    );
                    Err(if error.is_panic() { ToolError::Failed(text) } else { ToolError::Cancelled })
                })
            }
            Err(error) => Err(match connection.failure(error).await {
                CallFailure::Told(text) => ToolError::Failed(text),
                CallFailure::Ended(_) if self.scene.cancel.is_cancelled() => ToolError::Cancelled,
                CallFailure::Ended(words) => ToolError::Failed(format!(
                    "MCP server '{server}' ended during the call{words}. The call may have had effects and is not repeated."
                )),
            }),
        }
    }

    /// A connection with a current list of tools.
    async fn connected(&self) -> Result<Arc<Connection>, McpError> {
        let mut life = self.life.lock().await;
        if self.scene.cancel.is_cancelled() {
            return Err(McpError::Closed);
        }
        if let Some(connection) = &life.connection {
            if connection.is_closed() {
                life.failure = Some(McpError::Ended(connection.close().await));
                life.connection = None;
            } else if connection.list_changes() != life.changes_listed {
                let deadline = Instant::now() + self.scene.options.start_timeout;
                life.changes_listed = self.list(connection, deadline).await?;
            }
        }
        if let Some(connection) = &life.connection {
            return Ok(Arc::clone(connection));
        }
        if life.starts > self.scene.options.restarts_max {
            let last = Box::new(life.failure.clone().unwrap_or(McpError::Closed));
            return Err(McpError::GivenUp { times: life.starts, last });
        }
        life.starts += 1;
        let started = tokio::select! {
            biased;
            () = self.scene.cancel.cancelled() => Err(McpError::Closed),
            started = self.start() => started,
        };
        match started {
            Ok((connection, changes_listed)) => {
                life.changes_listed = changes_listed;
                life.failure = None;
                life.connection = Some(Arc::clone(&connection));
                Ok(connection)
            }
            Err(error) => {
                life.failure = Some(error.clone());
                Err(error)
            }
        }
    }

    async fn start(&self) -> Result<(Arc<Connection>, u64), McpError> {
        let deadline = Instant::now() + self.scene.options.start_timeout;
        let (definition, scene) = (self.definition.clone(), self.scene.clone());
        let opening = async move { Connection::open(&definition, &scene, deadline).await };
        let opened = AbortOnDropHandle::new(self.scene.io.spawn(opening)).await;
        let connection = Arc::new(opened.map_err(|error| McpError::Start(error.to_string()))??);
        let changes_listed = self.list(&connection, deadline).await?;
        Ok((connection, changes_listed))
    }

    /// Lists the tools and compares them with what is pinned. Gives the server's changes that the list took in.
    async fn list(&self, connection: &Connection, deadline: Instant) -> Result<u64, McpError> {
        let changes = connection.list_changes();
        let Ok(listed) = timeout_at(deadline, connection.list(&self.definition.name)).await else {
            let after = self.scene.options.start_timeout;
            return Err(McpError::StartTimedOut { after, last_words: connection.close().await });
        };
        match listed {
            Ok(listed) => {
                self.pins(|pins| pins.compare(listed));
                Ok(changes)
            }
            Err(error) => Err(match connection.failure(error).await {
                CallFailure::Told(text) => McpError::Handshake(format!("it does not list its tools: {text}")),
                CallFailure::Ended(words) => McpError::Ended(words),
            }),
        }
    }

    /// Ends the server; it is not started again unless it is needed again.
    pub(super) async fn close(&self) {
        let connection = self.life.lock().await.connection.take();
        if let Some(connection) = connection {
            connection.close().await;
        }
    }

    /// What the server is doing. Does not wait for one that is being started.
    pub(super) fn status(&self) -> McpStatus {
        let (tools, problems) = self.pins(|pins| (pins.offers().count(), pins.problems()));
        let state = match self.life.try_lock() {
            Err(_) => McpState::Starting,
            Ok(life) => match (&life.connection, &life.failure) {
                (Some(connection), _) if !connection.is_closed() => McpState::Running { tools },
                (Some(_), _) => McpState::Failed { reason: "it ended".to_owned() },
                (None, Some(failure)) => McpState::Failed { reason: format!("it {failure}") },
                (None, None) => McpState::Idle,
            },
        };
        let transport = &self.definition.transport;
        McpStatus {
            name: self.definition.name.clone(),
            kind: transport.kind(),
            subject: transport.subject().to_owned(),
            state,
            problems,
        }
    }

    fn pins<T>(&self, with: impl FnOnce(&mut Pins) -> T) -> T {
        with(&mut self.pins.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
