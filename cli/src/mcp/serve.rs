//! The life of the server: from the first byte to the end of every agent and every process that it has started.

use std::sync::Arc;
use std::time::Duration;

use rmcp::ServiceExt as _;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::client::Client;
use super::elicit::ClientApprover;
use super::input::Input;
use super::lazy::LazyRuntime;
use super::server::{Greeting, TaskServer};
use crate::exit::Exit;
use crate::fault::Fault;
use crate::interrupt::Interrupts;

/// Time that answers which are on their way get when the client is gone.
const FLUSH_GRACE: Duration = Duration::from_millis(200);
/// Time that agents and their processes get to end when the client is gone.
const END_GRACE: Duration = Duration::from_millis(600);

/// Serves one client until it is gone, or until we are asked to end.
pub(super) async fn serve(
    (runtime, approver): (LazyRuntime, ClientApprover),
    reader: impl AsyncRead + Send + Unpin + 'static,
    writer: impl AsyncWrite + Send + Unpin + 'static,
    mut interrupts: Interrupts,
) -> Result<Exit, Fault> {
    let runtime = Arc::new(runtime);
    let gone = CancellationToken::new();
    let offer = offer(&runtime);
    let server = TaskServer {
        runtime: Arc::clone(&runtime),
        offer: offer.clone(),
        client: Arc::new(Client::connected(gone.clone())),
        approver,
        greeting: Greeting::TellsNothing,
    };
    let client = (Input::new(reader, gone.clone()), writer);
    let serving = converse(server, client, offer);
    let mut serving = std::pin::pin!(serving);
    let has_answers = tokio::select! {
        () = &mut serving => false,
        () = gone.cancelled() => true,
        // A client that ends its server waits for nothing.
        _ = interrupts.next() => true,
    };
    gone.cancel();
    let flush = async {
        if has_answers {
            // An answer that cannot be written has nobody to read it.
            let _ = tokio::time::timeout(FLUSH_GRACE, serving).await;
        }
    };
    tokio::join!(flush, end(&runtime));
    Ok(Exit::Success)
}

/// Speaks the protocol until the client is gone.
async fn converse(
    server: TaskServer,
    client: (Input<impl AsyncRead + Send + Unpin + 'static>, impl AsyncWrite + Send + Unpin + 'static),
    mut offer: watch::Receiver<codex_task::TaskToolSpec>,
) {
    let running = match server.serve(client).await {
        Ok(running) => running,
        Err(error) => return debug!(%error, "no session began"),
    };
    let peer = running.peer().clone();
    let waiting = running.waiting();
    let mut waiting = std::pin::pin!(waiting);
    loop {
        tokio::select! {
            _ = &mut waiting => return,
            changed = offer.changed() => {
                if changed.is_err() {
                    let _ = waiting.await;
                    return;
                }
                if let Err(error) = peer.notify_tool_list_changed().await {
                    debug!(%error, "the client was not told of changed agents");
                }
            }
        }
    }
}

/// The Task tool's description, kept current: each change is told once, and what does not change it is not.
pub(super) fn offer(runtime: &LazyRuntime) -> watch::Receiver<codex_task::TaskToolSpec> {
    let catalog = runtime.catalog().clone();
    let (tell, offer) = watch::channel(catalog.task());
    runtime.catalog().on_change(move || {
        tell.send_if_modified(|told| {
            let now = catalog.task();
            let is_new = *told != now;
            *told = now;
            is_new
        });
    });
    offer
}

/// Ends all agents and their processes.
pub(super) async fn end(runtime: &LazyRuntime) {
    let Some(handle) = runtime.running() else { return };
    let ending = handle.clone().shutdown_within(Duration::ZERO);
    if tokio::time::timeout(END_GRACE, ending).await.is_err() {
        warn!("some agents did not end in time and are left to the end of the process");
    }
}
