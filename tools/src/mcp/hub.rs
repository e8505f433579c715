//! All MCP servers of a session.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use codex_task_config::{
    Environment, McpServer, McpServerName, McpSettings, McpTrust, Problem, ToolName, ToolPattern,
    ToolSelection,
};
use futures_util::future::join_all;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::connection::Scene;
use super::options::McpOptions;
use super::server::Server;
use super::status::{McpState, McpStatus};
use super::tool::McpTool;
use crate::Tool;
use crate::rights::means;

/// The MCP servers of a session: each is started when it is first needed. Cheap to clone; the servers end when the last
/// clone is dropped or the hub's token is cancelled.
#[derive(Clone)]
pub struct McpHub(Arc<Hub>);

struct Hub {
    servers: Vec<Arc<Server>>,
    refused: Vec<McpStatus>,
    /// Ends the servers when the token is cancelled.
    _closer: Option<AbortOnDropHandle<()>>,
}

impl McpHub {
    /// A hub of those servers that `settings` trust; starts none of them. Of two with one name the first counts.
    ///
    /// Connections live on `io`; `cancel` ends them all.
    pub fn new(
        servers: impl IntoIterator<Item = McpServer>,
        settings: &McpSettings,
        environment: &Environment,
        io: Handle,
        cancel: CancellationToken,
    ) -> Self {
        let options = McpOptions::new(settings, environment);
        Self::with_options(servers, &settings.trust, options, environment, io, cancel)
    }

    /// As [`McpHub::new`], with other bounds.
    pub fn with_options(
        servers: impl IntoIterator<Item = McpServer>,
        trust: &McpTrust,
        options: McpOptions,
        environment: &Environment,
        io: Handle,
        cancel: CancellationToken,
    ) -> Self {
        let scene = Scene { options, environment: environment.clone(), io, cancel };
        let mut admitted: BTreeMap<String, Arc<Server>> = BTreeMap::new();
        let mut refused = Vec::new();
        for server in servers {
            let name = server.name.normalized();
            if let Some(problem) = trust.problem(&server) {
                refused.push(refusal(&server, problem));
            } else if let Some(first) = admitted.get(&name) {
                let problem = Problem::warning(format!(
                    "the tools of MCP server '{}' would have the names of '{}'",
                    server.name,
                    first.definition().name
                ));
                refused.push(refusal(&server, problem.with_help("rename one of them")));
            } else {
                admitted.insert(name, Arc::new(Server::new(server, scene.clone())));
            }
        }
        let servers: Vec<_> = admitted.into_values().collect();
        let closer = (!servers.is_empty()).then(|| close_on_cancel(&servers, &scene));
        Self(Arc::new(Hub { servers, refused, _closer: closer }))
    }

    /// The names of the servers that may run.
    pub fn names(&self) -> impl Iterator<Item = &McpServerName> {
        self.0.servers.iter().map(|server| &server.definition().name)
    }

    /// The tools of all servers, which are started side by side where they do not run yet. A server that cannot be
    /// used has no tools; [`McpHub::status`] says why.
    pub async fn tools(&self) -> Vec<Arc<dyn Tool>> {
        tools_of(self.0.servers.iter()).await
    }

    /// As [`McpHub::tools`], of those servers only that a list can mean: no other is started.
    pub async fn tools_for(&self, selection: &ToolSelection) -> Vec<Arc<dyn Tool>> {
        let is_meant = |server: &&Arc<Server>| list_can_mean(selection, &server.definition().name);
        tools_of(self.0.servers.iter().filter(is_meant)).await
    }

    /// Whether a list can mean any server that may run.
    pub fn can_mean(&self, selection: &ToolSelection) -> bool {
        self.names().any(|server| list_can_mean(selection, server))
    }

    /// As [`McpHub::status`], of those servers only that a list can mean.
    pub fn status_for(&self, selection: &ToolSelection) -> Vec<McpStatus> {
        self.status().into_iter().filter(|status| list_can_mean(selection, &status.name)).collect()
    }

    /// What each server is doing, those that may not run included.
    pub fn status(&self) -> Vec<McpStatus> {
        self.0.servers.iter().map(|server| server.status()).chain(self.0.refused.iter().cloned()).collect()
    }

    /// Ends all servers and waits until they have ended. One that is needed again is started again.
    pub async fn close(&self) {
        join_all(self.0.servers.iter().map(|server| server.close())).await;
    }
}

impl fmt::Debug for McpHub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names().map(McpServerName::as_str)).finish()
    }
}

async fn tools_of(servers: impl Iterator<Item = &Arc<Server>>) -> Vec<Arc<dyn Tool>> {
    let offers = servers.map(|server| async move { (server, server.offers().await) });
    let mut tools: Vec<Arc<dyn Tool>> = Vec::new();
    for (server, offers) in join_all(offers).await {
        let tool = |offer| Arc::new(McpTool { server: Arc::clone(server), offer }) as Arc<dyn Tool>;
        tools.extend(offers.into_iter().map(tool));
    }
    tools
}

fn list_can_mean(selection: &ToolSelection, server: &McpServerName) -> bool {
    match selection {
        ToolSelection::Inherit => true,
        ToolSelection::Listed(patterns) => patterns.iter().any(|pattern| can_mean(pattern, server)),
    }
}

/// Whether an entry of a tool list can mean a tool of this server.
fn can_mean(pattern: &ToolPattern, server: &McpServerName) -> bool {
    let prefix = format!("mcp__{}", server.normalized());
    let names_one = pattern.name.as_str().strip_prefix(&prefix).is_some_and(|rest| rest.starts_with("__"));
    names_one || means(pattern, &ToolName::new(format!("{prefix}__any")))
}

fn refusal(server: &McpServer, problem: Problem) -> McpStatus {
    McpStatus {
        name: server.name.clone(),
        kind: server.transport.kind(),
        subject: server.transport.subject().to_owned(),
        state: McpState::Refused(problem),
        problems: Vec::new(),
    }
}

fn close_on_cancel(servers: &[Arc<Server>], scene: &Scene) -> AbortOnDropHandle<()> {
    let servers: Vec<_> = servers.iter().map(Arc::downgrade).collect();
    let cancel = scene.cancel.clone();
    AbortOnDropHandle::new(scene.io.spawn(async move {
        cancel.cancelled().await;
        let alive: Vec<Arc<Server>> = servers.iter().filter_map(std::sync::Weak::upgrade).collect();
        join_all(alive.iter().map(|server| server.close())).await;
    }))
}

#[cfg(test)]
#[path = "hub_tests.rs"]
mod tests;
