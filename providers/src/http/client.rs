//! One provider's HTTP client.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION, SERVER,
};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Request, Response, StatusCode};
use serde::de::DeserializeOwned;
use tokio::sync::OnceCell;
use tokio::time::timeout;

use super::failure::{self, root_cause};
use super::redact::clean;
use super::resolver::Adapter;
use super::{ErrorReply, HttpSettings, Resolver, tls};
use crate::sse::{self, ByteWatch, SseEvent, SseStream};
use crate::{ProviderError, WaitingFor};

const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(90);
const TCP_KEEPALIVE: Duration = Duration::from_secs(30);
/// Pings while calls are open: notices a connection that died while the machine slept.
const H2_KEEPALIVE: Duration = Duration::from_secs(20);
/// Shared by all streams of an HTTP/2 connection. Model deltas are tiny, and below this size the HTTP/2 library takes
/// many small frames for an attack and ends the connection with `ENHANCE_YOUR_CALM`; so does the adaptive window.
const H2_CONNECTION_WINDOW_BYTES: u32 = 16 << 20;
const H2_STREAM_WINDOW_BYTES: u32 = 1 << 20;
/// llama-server ends a connection after each stream while it promises to keep it. A call that is sent just then, which
/// is when a waiting agent gets its permit, would fail.
const SILENT_CLOSER: &str = "llama.cpp";
/// Most of an error body that is read.
const ERROR_BYTES_MAX: usize = 64 << 10;
/// Longest wait for the body of an error: its status alone says most.
const ERROR_BODY_WAIT: Duration = Duration::from_secs(5);
/// Largest reply that comes as one JSON document.
const JSON_BYTES_MAX: usize = 64 << 20;
/// Largest reply of a server that something is only posted to.
const RECEIPT_BYTES_MAX: usize = 1 << 20;
const IDENTITY: HeaderValue = HeaderValue::from_static("identity");
const USER_AGENT: &str = concat!("codex-task/", env!("CARGO_PKG_VERSION"));

/// A call of the API.
#[derive(Debug)]
pub(crate) struct HttpCall<'a> {
    /// Below the base URL, with its leading slash.
    pub(crate) path: &'a str,
    /// Headers of the wire format, credential included (marked sensitive).
    pub(crate) headers: HeaderMap,
    /// The JSON body.
    pub(crate) body: Bytes,
}

/// A reply that has begun.
pub(crate) struct SseReply {
    /// Response headers: rate limits, request id.
    pub(crate) headers: HeaderMap,
    /// Its events. A server that answered with one JSON document instead gives it as one event without a name.
    pub(crate) events: SseStream,
}

/// One provider's connections. The underlying client is built at the first call: certificates are read only then, and
/// only for https.
pub(crate) struct HttpClient {
    settings: HttpSettings,
    host: String,
    /// Keeps connections for the next call.
    client: OnceCell<Client>,
    /// Makes a connection for each call: for servers that close theirs without saying so.
    unkept: OnceCell<Client>,
    /// Set by the first reply of such a server, from then on `unkept` is used.
    closes_silently: AtomicBool,
}

impl HttpClient {
    /// Costs nothing until the first call.
    pub(crate) fn new(settings: HttpSettings) -> Self {
        let host = settings.base_url.host();
        Self {
            settings,
            host,
            client: OnceCell::new(),
            unkept: OnceCell::new(),
            closes_silently: AtomicBool::new(false),
        }
    }

    /// How errors name the server.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Builds the underlying client now, so that the first call has its whole time for the network.
    ///
    /// # Errors
    /// As for a call whose client cannot be built.
    pub(crate) async fn prepare(&self) -> Result<(), ProviderError> {
        self.client().await.map(|_| ())
    }

    /// Posts a call and resolves when its reply begins. `classify` reads error statuses of the wire format.
    ///
    /// # Errors
    /// What `classify` says for an error status; [`ProviderError::Redirect`], never followed;
    /// [`ProviderError::Unreachable`], [`ProviderError::Certificate`] or [`ProviderError::Timeout`] without a reply;
    /// [`ProviderError::Protocol`] for a page instead of an API.
    pub(crate) async fn open_sse(
        &self,
        call: HttpCall<'_>,
        classify: impl FnOnce(&ErrorReply) -> ProviderError,
    ) -> Result<SseReply, ProviderError> {
        let mut request = self.request(Method::POST, call.path, call.headers);
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        *request.body_mut() = Some(call.body.into());
        let mut response = self.send(request, classify).await?;
        let headers = std::mem::take(response.headers_mut());
        if headers.get(SERVER).is_some_and(|name| name == SILENT_CLOSER) {
            self.closes_silently.store(true, Ordering::Relaxed);
        }
        let events = match content_type(&headers) {
            ContentType::EventStream => {
                sse::events(ByteWatch::new(response.bytes_stream(), self.settings.byte_idle))
            }
            ContentType::Json => document(response),
            ContentType::Page => {
                return Err(ProviderError::Protocol {
                    detail: format!("{} answered with a web page instead of an API reply", self.host),
                });
            }
        };
        Ok(SseReply { headers, events })
    }

    /// Fetches a JSON document, under the headers time-out as a whole.
    ///
    /// # Errors
    /// As [`Self::open_sse`]; [`ProviderError::Protocol`] when the document has another form.
    pub(crate) async fn get_json<T: DeserializeOwned>(
        &self,
        path: &str,
        headers: HeaderMap,
        classify: impl FnOnce(&ErrorReply) -> ProviderError,
    ) -> Result<T, ProviderError> {
        self.get_json_within(JSON_BYTES_MAX, path, headers, classify).await
    }

    /// As [`Self::get_json`], for servers that nobody has vouched for: a longer document is not read.
    ///
    /// # Errors
    /// As [`Self::get_json`].
    pub(crate) async fn get_json_within<T: DeserializeOwned>(
        &self,
        bytes_max: usize,
        path: &str,
        headers: HeaderMap,
        classify: impl FnOnce(&ErrorReply) -> ProviderError,
    ) -> Result<T, ProviderError> {
        let mut request = self.request(Method::GET, path, headers);
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
        let response = self.send(request, classify).await?;
        let body = timeout(self.settings.headers_timeout, read_body(response, bytes_max));
        let body = body.await.map_err(|_| self.late())??;
        serde_json::from_slice(&body).map_err(|error| ProviderError::Protocol {
            detail: format!("{path}: {}", clean(&error.to_string())),
        })
    }

    /// Posts a body to the base URL itself and gives the reply, whatever its status.
    ///
    /// # Errors
    /// As [`Self::open_sse`] where there is no reply.
    pub(super) async fn post(
        &self,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<(StatusCode, HeaderMap, Bytes), ProviderError> {
        let mut request = self.request(Method::POST, "", headers);
        *request.body_mut() = Some(body.into());
        let mut response = self.exchange(request).await?;
        let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
        let body = timeout(self.settings.headers_timeout, read_body(response, RECEIPT_BYTES_MAX));
        Ok((status, headers, body.await.map_err(|_| self.late())??.freeze()))
    }

    fn request(&self, method: Method, path: &str, headers: HeaderMap) -> Request {
        let mut request = Request::new(method, self.settings.base_url.join(path));
        *request.headers_mut() = headers;
        // Nothing is unpacked: a few bytes cannot become gigabytes.
        request.headers_mut().insert(ACCEPT_ENCODING, IDENTITY);
        self.settings.headers.add_to(request.headers_mut());
        request
    }

    /// Sends a request; gives the response only if its status is a success.
    async fn send(
        &self,
        request: Request,
        classify: impl FnOnce(&ErrorReply) -> ProviderError,
    ) -> Result<Response, ProviderError> {
        let secrets: Vec<HeaderValue> =
            request.headers().values().filter(|value| value.is_sensitive()).cloned().collect();
        let response = self.exchange(request).await?;
        let status = response.status();
        if status.is_success() {
            return self.unpacked(response);
        }
        if status.is_redirection() {
            return Err(ProviderError::Redirect { location: location(response.headers()) });
        }
        Err(classify(&error_reply(response, &secrets).await))
    }

    /// Sends a request and gives the beginning of the reply.
    async fn exchange(&self, request: Request) -> Result<Response, ProviderError> {
        let client = self.client().await?;
        timeout(self.settings.headers_timeout, client.execute(request))
            .await
            .map_err(|_| self.late())?
            .map_err(|error| failure::of_request(&error, &self.host, &self.settings))
    }

    /// A reply that is packed, though nobody has asked for that, cannot be read.
    fn unpacked(&self, response: Response) -> Result<Response, ProviderError> {
        if !is_packed(response.headers()) {
            return Ok(response);
        }
        Err(ProviderError::Protocol {
            detail: format!("{} answered with a compressed reply, which was not asked for", self.host),
        })
    }

    async fn client(&self) -> Result<&Client, ProviderError> {
        let (client, idle_max) = if self.closes_silently.load(Ordering::Relaxed) {
            (&self.unkept, 0)
        } else {
            (&self.client, self.settings.in_flight_max)
        };
        match client.get() {
            Some(client) => Ok(client),
            None => client.get_or_try_init(|| self.build(idle_max)).await,
        }
    }

    fn late(&self) -> ProviderError {
        ProviderError::Timeout { waiting_for: WaitingFor::Headers, after: self.settings.headers_timeout }
    }

    /// Builds the client; reading the machine's certificates happens beside the event loop.
    async fn build(&self, idle_max: usize) -> Result<Client, ProviderError> {
        let tls = if self.settings.base_url.is_https() {
            let loaded = tokio::task::spawn_blocking(tls::trusting_the_platform).await;
            loaded.map_err(|panic| self.no_client(&panic))?
        } else {
            tls::trusting_nobody()
        };
        let tls = tls.map_err(|error| ProviderError::Certificate {
            host: self.host.clone(),
            detail: root_cause(&error),
        })?;
        let mut builder = Client::builder()
            .tls_backend_preconfigured(tls)
            .user_agent(USER_AGENT)
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .connect_timeout(self.settings.connect_timeout)
            .tcp_nodelay(true)
            .tcp_keepalive(TCP_KEEPALIVE)
            .pool_max_idle_per_host(idle_max)
            .pool_idle_timeout(POOL_IDLE_TIMEOUT)
            .http2_keep_alive_interval(H2_KEEPALIVE)
            .http2_adaptive_window(false)
            .http2_initial_connection_window_size(H2_CONNECTION_WINDOW_BYTES)
            .http2_initial_stream_window_size(H2_STREAM_WINDOW_BYTES)
            // Only the proxies of the settings: the process environment is not read behind the user's back.
            .no_proxy();
        if let Resolver::Own(resolver) = &self.settings.resolver {
            builder = builder.dns_resolver(Arc::new(Adapter(Arc::clone(resolver))));
        }
        if !self.settings.base_url.is_loopback() {
            let proxies = self.settings.proxies.to_proxies().map_err(|error| self.no_client(&error))?;
            builder = proxies.into_iter().fold(builder, reqwest::ClientBuilder::proxy);
        }
        builder.build().map_err(|error| self.no_client(&error))
    }

    fn no_client(&self, error: &(dyn std::error::Error + 'static)) -> ProviderError {
        ProviderError::Unreachable {
            host: self.host.clone(),
            detail: format!("the HTTP client could not be set up: {}", root_cause(error)),
        }
    }
}

enum ContentType {
    EventStream,
    Json,
    Page,
}

/// Servers are careless with this header, so only what is surely something else is not taken for a stream.
fn content_type(headers: &HeaderMap) -> ContentType {
    let text = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        "application/json" => ContentType::Json,
        "text/html" | "application/xhtml+xml" => ContentType::Page,
        _ => ContentType::EventStream,
    }
}

/// Whether a body is compressed.
fn is_packed(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_ENCODING).is_some_and(|encoding| encoding != IDENTITY)
}

/// A whole JSON document as one event.
fn document(response: Response) -> SseStream {
    Box::pin(stream::once(async move {
        let body = read_body(response, JSON_BYTES_MAX).await?;
        Ok(SseEvent { event: None, data: String::from_utf8_lossy(&body).into_owned() })
    }))
}

async fn read_body(mut response: Response, bytes_max: usize) -> Result<BytesMut, ProviderError> {
    let mut body = BytesMut::new();
    let broken = |error: reqwest::Error| ProviderError::BrokenStream { detail: root_cause(&error) };
    while let Some(chunk) = response.chunk().await.map_err(broken)? {
        if body.len() + chunk.len() > bytes_max {
            return Err(ProviderError::Protocol {
                detail: format!("the reply is larger than {} MiB", bytes_max >> 20),
            });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Reads what can be read of an error's body in time; its beginning is enough.
async fn error_reply(mut response: Response, secrets: &[HeaderValue]) -> ErrorReply {
    let status = response.status().as_u16();
    let headers = std::mem::take(response.headers_mut());
    let mut body = Vec::new();
    let is_packed = is_packed(&headers);
    let reading = async {
        if is_packed {
            return;
        }
        let mut chunks = response.bytes_stream();
        while let Some(Ok(chunk)) = chunks.next().await {
            let room = ERROR_BYTES_MAX - body.len();
            body.extend_from_slice(chunk.get(..room.min(chunk.len())).unwrap_or_default());
            if body.len() == ERROR_BYTES_MAX {
                break;
            }
        }
    };
    // A body that does not come is no body: the status is there.
    let _ = timeout(ERROR_BODY_WAIT, reading).await;
    ErrorReply::new(status, headers, &body, secrets)
}

/// The target of a redirect without what may hold a secret: user, password, query.
fn location(headers: &HeaderMap) -> String {
    let text = headers.get(LOCATION).and_then(|value| value.to_str().ok()).unwrap_or("an unnamed address");
    let bare = text.split(['?', '#']).next().unwrap_or_default();
    let (scheme, rest) = bare.split_once("://").unwrap_or(("", bare));
    let authority_end = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(authority_end);
    let host = authority.rsplit('@').next().unwrap_or_default();
    let separator = if scheme.is_empty() { "" } else { "://" };
    clean(&format!("{scheme}{separator}{host}{path}"))
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
