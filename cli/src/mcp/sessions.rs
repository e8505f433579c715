//! The sessions of clients over HTTP. Each message brings its client along, and each connection tells its client's lease
//! of its end: who leaves without a word has cancelled its calls and its background tasks.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::stream::Stream;
use rmcp::model::{
    CancelledNotification, CancelledNotificationParam, ClientJsonRpcMessage, ClientNotification,
    GetExtensions as _, JsonRpcMessage, RequestId, ServerJsonRpcMessage,
};
use rmcp::transport::common::server_side_http::{ServerSseMessage, SessionId};
use rmcp::transport::streamable_http_server::session::SessionManager;
use rmcp::transport::streamable_http_server::session::local::{
    LocalSessionManager, LocalSessionManagerError,
};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tracing::debug;

use super::client::Client;
use super::lease::Patience;

/// Silence after which a session is forgotten: longer than any task.
const SESSION_IDLE_MAX: Duration = Duration::from_hours(24);

/// See the module.
pub(super) struct Sessions {
    inner: Arc<LocalSessionManager>,
    clients: Mutex<HashMap<SessionId, Seat>>,
    /// Cancelled when the server ends.
    gone: CancellationToken,
    patience: Patience,
}

/// A client, and who looks after it.
struct Seat {
    client: Arc<Client>,
    _keeper: AbortOnDropHandle<()>,
}

impl Sessions {
    /// Sessions that end with this token, and whose clients may be away for so long.
    pub(super) fn new(gone: CancellationToken, patience: Patience) -> Self {
        let mut inner = LocalSessionManager::default();
        inner.session_config.keep_alive = Some(SESSION_IDLE_MAX);
        Self { inner: Arc::new(inner), clients: Mutex::default(), gone, patience }
    }

    fn client(&self, id: &SessionId) -> Option<Arc<Client>> {
        self.lock().get(id).map(|seat| Arc::clone(&seat.client))
    }

    /// The message as its client's own, who has said something.
    fn signed(&self, id: &SessionId, mut message: ClientJsonRpcMessage) -> ClientJsonRpcMessage {
        let Some(client) = self.client(id) else { return message };
        client.lease().hear();
        match &mut message {
            JsonRpcMessage::Request(request) => {
                request.request.extensions_mut().insert(client);
            }
            JsonRpcMessage::Notification(notice) => {
                notice.notification.extensions_mut().insert(client);
            }
            JsonRpcMessage::Response(_) | JsonRpcMessage::Error(_) => {}
        }
        message
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, Seat>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Cancels what nobody waits for any longer, as the client itself would have.
async fn keep(inner: Arc<LocalSessionManager>, id: SessionId, client: Arc<Client>, patience: Patience) {
    loop {
        let due = client.lease().due(patience).await;
        for request in due.lost {
            debug!(session = %id, %request, "a client did not come back for its answer");
            let reason = "the client has left".to_owned();
            let cancelled = CancelledNotificationParam::new(Some(request), Some(reason));
            let notice = ClientNotification::CancelledNotification(CancelledNotification::new(cancelled));
            // A session that has ended has no calls either.
            let _ = inner.accept_message(&id, ClientJsonRpcMessage::notification(notice)).await;
        }
        if due.is_absent {
            debug!(session = %id, "a client has left: what it has started in the background ends");
            client.forget();
        }
    }
}

impl SessionManager for Sessions {
    type Error = LocalSessionManagerError;
    type Transport = <LocalSessionManager as SessionManager>::Transport;

    async fn create_session(&self) -> Result<(SessionId, Self::Transport), Self::Error> {
        let (id, transport) = self.inner.create_session().await?;
        let client = Arc::new(Client::in_session(self.gone.child_token()));
        let keeping = keep(Arc::clone(&self.inner), id.clone(), Arc::clone(&client), self.patience);
        let keeper = AbortOnDropHandle::new(Handle::current().spawn(keeping));
        self.lock().insert(id.clone(), Seat { client, _keeper: keeper });
        Ok((id, transport))
    }

    async fn initialize_session(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<ServerJsonRpcMessage, Self::Error> {
        self.inner.initialize_session(id, self.signed(id, message)).await
    }

    async fn has_session(&self, id: &SessionId) -> Result<bool, Self::Error> {
        self.inner.has_session(id).await
    }

    async fn close_session(&self, id: &SessionId) -> Result<(), Self::Error> {
        let seat = self.lock().remove(id);
        if let Some(seat) = seat {
            seat.client.end();
        }
        self.inner.close_session(id).await
    }

    async fn create_stream(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        let request = match &message {
            JsonRpcMessage::Request(request) => Some(request.id.clone()),
            JsonRpcMessage::Notification(_) | JsonRpcMessage::Response(_) | JsonRpcMessage::Error(_) => None,
        };
        let watch = Watch::begin(self.client(id), request.map(Carried::Answer));
        let stream = self.inner.create_stream(id, self.signed(id, message)).await?;
        Ok(Watched { stream, watch })
    }

    async fn accept_message(&self, id: &SessionId, message: ClientJsonRpcMessage) -> Result<(), Self::Error> {
        self.inner.accept_message(id, self.signed(id, message)).await
    }

    async fn create_standalone_stream(
        &self,
        id: &SessionId,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        let stream = self.inner.create_standalone_stream(id).await?;
        Ok(Watched { stream, watch: Watch::begin(self.client(id), Some(Carried::Anything)) })
    }

    async fn resume(
        &self,
        id: &SessionId,
        last_event_id: String,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        let client = self.client(id);
        let carried = match stream_of(&last_event_id) {
            Some(stream) => {
                client.as_ref().and_then(|client| client.lease().request_of(stream)).map(Carried::Answer)
            }
            None => Some(Carried::Anything),
        };
        let stream = self.inner.resume(id, last_event_id).await?;
        Ok(Watched { stream, watch: Watch::begin(client, carried) })
    }
}

/// What a connection is open for.
enum Carried {
    /// The answer to a request.
    Answer(RequestId),
    /// Whatever the server has to say.
    Anything,
}

/// A connection of a client, which tells the client's lease of its end.
struct Watch {
    client: Arc<Client>,
    carried: Carried,
    /// Whether the answer has been carried.
    is_done: bool,
}

impl Watch {
    fn begin(client: Option<Arc<Client>>, carried: Option<Carried>) -> Option<Self> {
        let (client, carried) = (client?, carried?);
        match &carried {
            Carried::Answer(request) => client.lease().await_answer(request),
            Carried::Anything => client.lease().listen(),
        }
        Some(Self { client, carried, is_done: false })
    }

    /// Looks at what passes; `None` is the end.
    fn see(&mut self, event: Option<&ServerSseMessage>) {
        let Carried::Answer(request) = &self.carried else { return };
        let Some(event) = event else {
            self.is_done = true;
            return;
        };
        if let Some(stream) = event.event_id.as_deref().and_then(stream_of) {
            self.client.lease().number(stream, request);
        }
        let is_answer = |message: &ServerJsonRpcMessage| {
            matches!(message, JsonRpcMessage::Response(_) | JsonRpcMessage::Error(_))
        };
        self.is_done |= event.message.as_deref().is_some_and(is_answer);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let lease = self.client.lease();
        match &self.carried {
            Carried::Answer(request) if self.is_done => lease.answered(request),
            Carried::Answer(request) => lease.cut(request),
            Carried::Anything => lease.stop_listening(),
        }
    }
}

/// `17/3` is the event 17 of the stream 3; `17` alone is one that belongs to no request.
fn stream_of(event: &str) -> Option<&str> {
    event.split_once('/').map(|(_, stream)| stream)
}

/// The events of a connection under the eyes of its watch.
struct Watched<S> {
    stream: S,
    watch: Option<Watch>,
}

impl<S: Stream<Item = ServerSseMessage> + Unpin> Stream for Watched<S> {
    type Item = ServerSseMessage;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let event = ready!(Pin::new(&mut self.stream).poll_next(cx));
        if let Some(watch) = &mut self.watch {
            watch.see(event.as_ref());
        }
        Poll::Ready(event)
    }
}
