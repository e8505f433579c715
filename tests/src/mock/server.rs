//! The server: what is asked of it is kept, judged and answered.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, Stream, StreamExt};
use serde_json::{Value, json};

use super::prompt_cache::PromptCache;
use super::{CacheUse, Call, Format, Reply, frame, search};
use crate::loopback::Loopback;

type Respond = dyn Fn(&Call) -> Reply + Send + Sync;

/// A running mock. Dropping it stops the server and fails the story when a request broke the vendor's protocol.
pub struct Mock {
    server: Loopback,
    format: Format,
    shared: Arc<Shared>,
}

struct Shared {
    format: Format,
    respond: Box<Respond>,
    next: AtomicUsize,
    in_flight: AtomicUsize,
    most_in_flight: AtomicUsize,
    /// Only where a story looks at it: the tokens of an answer depend on it.
    cache: Option<PromptCache>,
    calls: Mutex<Vec<Call>>,
    violations: Mutex<Vec<String>>,
}

impl Mock {
    /// Starts a server that answers each request with what `respond` says.
    ///
    /// # Panics
    /// When loopback cannot be bound: nothing can be tested then.
    pub fn start(format: Format, respond: impl Fn(&Call) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_with(format, None, respond)
    }

    /// Starts an Anthropic server that caches prompts and counts tokens accordingly.
    ///
    /// # Panics
    /// As [`Mock::start`].
    pub fn start_caching(respond: impl Fn(&Call) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_with(Format::Anthropic, Some(PromptCache::default()), respond)
    }

    fn start_with(
        format: Format,
        cache: Option<PromptCache>,
        respond: impl Fn(&Call) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let shared = Arc::new(Shared {
            format,
            respond: Box::new(respond),
            next: AtomicUsize::new(0),
            in_flight: AtomicUsize::new(0),
            most_in_flight: AtomicUsize::new(0),
            cache,
            calls: Mutex::default(),
            violations: Mutex::default(),
        });
        let server = Loopback::serve(Router::new().fallback(answer).with_state(Arc::clone(&shared)));
        Self { server, format, shared }
    }

    /// What the vendor's base-URL variable would hold.
    pub fn base_url(&self) -> String {
        self.format.base_url(self.server.address())
    }

    /// All requests so far.
    pub fn calls(&self) -> Vec<Call> {
        lock(&self.shared.calls).clone()
    }

    /// What the prompts of all requests cost, by the server's own accounting; empty for a server that does not cache.
    pub fn cache_uses(&self) -> Vec<CacheUse> {
        self.shared.cache.as_ref().map(PromptCache::uses).unwrap_or_default()
    }

    /// Requests that are being answered now.
    pub fn in_flight(&self) -> usize {
        self.shared.in_flight.load(Ordering::SeqCst)
    }

    /// The most requests that were being answered at the same time.
    pub fn most_in_flight(&self) -> usize {
        self.shared.most_in_flight.load(Ordering::SeqCst)
    }
}

impl Drop for Mock {
    fn drop(&mut self) {
        let violations = lock(&self.shared.violations).join("\n");
        assert!(
            std::thread::panicking() || violations.is_empty(),
            "requests broke the protocol:\n{violations}"
        );
    }
}

/// Counts a request as in flight until its answer is out.
struct InFlight(Arc<Shared>);

impl InFlight {
    fn new(shared: Arc<Shared>) -> Self {
        let now = shared.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
        shared.most_in_flight.fetch_max(now, Ordering::SeqCst);
        Self(shared)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn answer(State(shared): State<Arc<Shared>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    if uri.path().ends_with("/models") {
        return axum::Json(json!({"object": "list", "data": [{"id": "mock-model"}]})).into_response();
    }
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let nth = shared.next.fetch_add(1, Ordering::SeqCst);
    let call = Call { format: shared.format, nth, path: uri.to_string(), headers, body };
    lock(&shared.calls).push(call.clone());
    let violations = shared.format.violations(&call);
    if !violations.is_empty() {
        let text = violations.join("; ");
        lock(&shared.violations).push(format!("request {nth}: {text}"));
        return status(shared.format, 400, &text, None);
    }
    let guard = InFlight::new(Arc::clone(&shared));
    let reply = (shared.respond)(&call);
    send(&call, reply, guard).await
}

async fn send(call: &Call, mut reply: Reply, guard: InFlight) -> Response {
    // Looked up when the request comes, not when its answer begins: what others write in between comes too late for it.
    let cached = guard.0.cache.as_ref().map(|cache| cache.look_up(call));
    while let Reply::After(wait, inner) = reply {
        tokio::time::sleep(wait).await;
        reply = *inner;
    }
    let events = |text: Option<&str>, tools: &[(String, Value)]| -> Vec<Bytes> {
        let mut events = call.format.events(&call.model(), text, tools, call.nth);
        if let (Some((used, _)), Some((_, first))) = (&cached, events.first_mut()) {
            used.state(first);
        }
        call.format.framed(&events)
    };
    if let (Some(cache), Some((_, writing)), true) = (&guard.0.cache, &cached, reply.is_stream()) {
        cache.begin(writing);
    }
    match reply {
        Reply::TextWith { text, headers } => {
            with_headers(stream_of(whole(events(Some(&text), &[])), guard), &headers)
        }
        Reply::Raw { code, headers, body } => {
            let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            with_headers((status, axum::Json(body)).into_response(), &headers)
        }
        Reply::Text(text) => stream_of(whole(events(Some(&text), &[])), guard),
        Reply::Tools(tools) => stream_of(whole(events(None, &tools)), guard),
        Reply::Status { code, message, retry_after } => status(call.format, code, &message, retry_after),
        Reply::Searched { pages, text, pauses } => {
            let events = search::events(call, &pages, &text, pauses);
            stream_of(whole(events.iter().map(|(name, data)| frame(name, data)).collect()), guard)
        }
        Reply::CutOff(text) => {
            let reset = stream::once(async {
                tokio::time::sleep(Duration::from_millis(20)).await; // a reset overtakes what was not read yet
                Err(std::io::Error::other("cut off"))
            });
            stream_of(half(events(Some(&text), &[])).map(Ok).chain(reset), guard)
        }
        Reply::Unfinished(text) => {
            let mut frames = events(Some(&text), &[]);
            frames.truncate(frames.len() / 2);
            stream_of(whole(frames), guard)
        }
        Reply::Stalls(text) => {
            stream_of(half(events(Some(&text), &[])).map(Ok).chain(stream::pending()), guard)
        }
        Reply::Hangs => {
            let _guard = guard;
            std::future::pending::<Infallible>().await;
            StatusCode::OK.into_response()
        }
        Reply::Redirect(location) => (StatusCode::FOUND, [(header::LOCATION, location)]).into_response(),
        Reply::Html(page) => ([(header::CONTENT_TYPE, "text/html")], page).into_response(),
        Reply::After(..) => status(call.format, 500, "unreachable: unwrapped above", None),
    }
}

fn whole(frames: Vec<Bytes>) -> impl Stream<Item = Result<Bytes, std::io::Error>> + Send + 'static {
    stream::iter(frames.into_iter().map(Ok))
}

/// The first half of the frames, a little apart, so that the client has read them before what follows.
fn half(frames: Vec<Bytes>) -> impl Stream<Item = Bytes> + Send + 'static {
    let count = frames.len() / 2;
    stream::iter(frames.into_iter().take(count)).then(|frame| async {
        tokio::time::sleep(Duration::from_millis(5)).await;
        frame
    })
}

fn stream_of(
    frames: impl Stream<Item = Result<Bytes, std::io::Error>> + Send + 'static,
    guard: InFlight,
) -> Response {
    let frames = frames.map(move |frame| {
        let _in_flight = &guard;
        frame
    });
    ([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(frames)).into_response()
}

fn status(format: Format, code: u16, message: &str, retry_after: Option<u64>) -> Response {
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, axum::Json(format.error_body(code, message))).into_response();
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

fn with_headers(mut response: Response, headers: &[(&'static str, String)]) -> Response {
    for (name, value) in headers {
        if let Ok(value) = value.parse() {
            response.headers_mut().insert(*name, value);
        }
    }
    response
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
