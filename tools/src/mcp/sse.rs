//! The older transport: one long event stream from the server, and a POST for each message to it.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::StreamExt as _;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Client, Response};
use rmcp::service::{RoleClient, RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::task::AbortOnDropHandle;
use url::Url;

use super::http::{MESSAGE_BYTES_MAX, address, client, header_values};
use crate::web::root_cause;

/// Longest wait for the acceptance of one message.
const POST_TIMEOUT: Duration = Duration::from_secs(30);
/// Messages that wait to be taken.
const WAITING_MAX: usize = 16;

/// A connection. Messages are taken in order; dropping it closes the stream.
pub(super) struct SseTransport {
    client: Client,
    headers: HeaderMap,
    /// Where messages are posted: told by the server, on the same host.
    endpoint: Url,
    messages: mpsc::Receiver<RxJsonRpcMessage<RoleClient>>,
    _reader: AbortOnDropHandle<()>,
}

/// A message could not be sent.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct SseError(String);

impl SseTransport {
    /// Opens the stream and learns where messages are posted.
    ///
    /// # Errors
    /// The cause, for people.
    pub(super) async fn open(
        url: &str,
        headers: &BTreeMap<String, String>,
        io: &Handle,
        deadline: Instant,
    ) -> Result<Self, String> {
        let url = address(url)?;
        let (client, headers): (_, HeaderMap) =
            (client().await?, header_values(headers)?.into_iter().collect());
        let request = client.get(url.clone()).headers(headers.clone());
        let request = request.header(ACCEPT, HeaderValue::from_static("text/event-stream"));
        let late = || "it did not open its event stream in time".to_owned();
        let response = timeout_at(deadline, request.send()).await.map_err(|_| late())?;
        let response = response.map_err(|error| root_cause(&error))?;
        if !response.status().is_success() {
            return Err(format!("it answered with HTTP {}", response.status()));
        }
        let (sender, messages) = mpsc::channel(WAITING_MAX);
        let (told, endpoint) = tokio::sync::oneshot::channel();
        let reader = AbortOnDropHandle::new(io.spawn(read(response, told, sender)));
        let endpoint = timeout_at(deadline, endpoint).await.map_err(|_| late())?;
        let endpoint =
            endpoint.map_err(|_| "its event stream ended before it named its endpoint".to_owned())?;
        let endpoint = url.join(&endpoint).map_err(|_| "its endpoint is no address".to_owned())?;
        // The headers may hold keys: they stay where the definition sends them.
        if endpoint.origin() != url.origin() {
            return Err("its endpoint is on another host".to_owned());
        }
        Ok(Self { client, headers, endpoint, messages, _reader: reader })
    }
}

impl Transport<RoleClient> for SseTransport {
    type Error = SseError;

    fn send(
        &mut self,
        message: TxJsonRpcMessage<RoleClient>,
    ) -> impl Future<Output = Result<(), SseError>> + Send + 'static {
        let request = self.client.post(self.endpoint.clone()).headers(self.headers.clone());
        let request = request.header(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        async move {
            let body = serde_json::to_vec(&message).map_err(|error| SseError(error.to_string()))?;
            let response = timeout(POST_TIMEOUT, request.body(body).send()).await;
            let response =
                response.map_err(|_| SseError("it did not take the message in time".to_owned()))?;
            let status = response.map_err(|error| SseError(root_cause(&error)))?.status();
            if status.is_success() {
                Ok(())
            } else {
                Err(SseError(format!("it answered with HTTP {status}")))
            }
        }
    }

    fn receive(&mut self) -> impl Future<Output = Option<RxJsonRpcMessage<RoleClient>>> + Send {
        self.messages.recv()
    }

    async fn close(&mut self) -> Result<(), SseError> {
        self.messages.close();
        Ok(())
    }
}

/// Reads the event stream to its end. What is no message is left out, as on the other transports.
async fn read(
    response: Response,
    told: tokio::sync::oneshot::Sender<String>,
    sender: mpsc::Sender<RxJsonRpcMessage<RoleClient>>,
) {
    let mut told = Some(told);
    // Bytes that the parser was fed since its last event: a server that never ends one is not listened to for ever.
    let unparsed = Arc::new(AtomicUsize::new(0));
    let fed = Arc::clone(&unparsed);
    let bounded = response.bytes_stream().map(move |chunk| {
        let chunk = chunk.map_err(|error| SseError(root_cause(&error)))?;
        let bytes = fed.fetch_add(chunk.len(), Ordering::Relaxed);
        if bytes > MESSAGE_BYTES_MAX { Err(SseError("a message is too large".to_owned())) } else { Ok(chunk) }
    });
    let mut events = sse_stream::SseStream::from_bytes_stream(Box::pin(bounded));
    while let Some(Ok(event)) = events.next().await {
        unparsed.store(0, Ordering::Relaxed);
        let data = event.data.unwrap_or_default();
        match event.event.as_deref() {
            Some("endpoint") => {
                if let Some(told) = told.take() {
                    // Whoever asked may have given up.
                    let _ = told.send(data);
                }
            }
            None | Some("message" | "") => {
                if let Ok(message) = serde_json::from_str(&data)
                    && sender.send(message).await.is_err()
                {
                    return;
                }
            }
            Some(_) => {}
        }
    }
}
