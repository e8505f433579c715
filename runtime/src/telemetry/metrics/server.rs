//! The endpoint: `GET /metrics` on an address of this machine. Pages in a browser that were led here by a name of their own
//! (DNS rebinding) are sent away.

use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix::Addr;
use codex_task_actors::SupervisorActor;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;
use tracing::debug;

use super::{Figures, Snapshot};
use crate::StartError;

const PATH: &str = "/metrics";
/// As Prometheus asks for it.
const FORMAT: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
/// Connections at once; more wait.
const CONNECTIONS_MAX: usize = 16;
/// Time that a client has for the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Wait after a connection that could not be accepted: out of descriptors, for instance.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// An address that is listened on, and nobody answers yet.
#[derive(Debug)]
pub(crate) struct Listening {
    listener: TcpListener,
    address: SocketAddr,
}

/// An endpoint that answers, as long as this lives.
#[derive(Debug)]
pub(crate) struct MetricsServer {
    address: SocketAddr,
    _serving: AbortOnDropHandle<()>,
}

impl Listening {
    /// Listens on an address of this machine; port 0 is any that is free.
    ///
    /// # Errors
    /// [`StartError::MetricsAddress`] and [`StartError::MetricsListen`].
    pub(crate) fn on(address: SocketAddr) -> Result<Self, StartError> {
        if !address.ip().is_loopback() {
            return Err(StartError::MetricsAddress(address));
        }
        let bound = || {
            let listener = TcpListener::bind(address)?;
            listener.set_nonblocking(true)?;
            Ok((listener.local_addr()?, listener))
        };
        let (address, listener) = bound().map_err(|error| StartError::MetricsListen(address, error))?;
        Ok(Self { listener, address })
    }

    /// Answers from now on.
    ///
    /// # Errors
    /// The runtime cannot wait for the listener.
    pub(crate) fn serve(
        self,
        figures: Arc<Figures>,
        supervisor: Addr<SupervisorActor>,
        io: &Handle,
    ) -> std::io::Result<MetricsServer> {
        let listener = {
            let _inside = io.enter();
            tokio::net::TcpListener::from_std(self.listener)?
        };
        let serving = AbortOnDropHandle::new(io.spawn(serve(listener, figures, supervisor)));
        Ok(MetricsServer { address: self.address, _serving: serving })
    }
}

impl MetricsServer {
    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

async fn serve(listener: tokio::net::TcpListener, figures: Arc<Figures>, supervisor: Addr<SupervisorActor>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < CONNECTIONS_MAX => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(converse(stream, Arc::clone(&figures), supervisor.clone()));
                }
                Err(error) => {
                    debug!(%error, "a connection was not accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn converse(stream: TcpStream, figures: Arc<Figures>, supervisor: Addr<SupervisorActor>) {
    let answer = service_fn(move |request: Request<Incoming>| {
        let (figures, supervisor) = (Arc::clone(&figures), supervisor.clone());
        async move { Ok::<_, Infallible>(answer(&request, &figures, &supervisor).await) }
    });
    let mut http = hyper::server::conn::http1::Builder::new();
    let connection = http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).keep_alive(false);
    if let Err(error) = connection.serve_connection(TokioIo::new(stream), answer).await {
        debug!(%error, "a connection ended early");
    }
}

async fn answer(
    request: &Request<Incoming>,
    figures: &Figures,
    supervisor: &Addr<SupervisorActor>,
) -> Response<Full<Bytes>> {
    if !is_of_this_machine(request) {
        return plain(StatusCode::FORBIDDEN, "only names of this machine are served\n");
    }
    if request.uri().path() != PATH {
        return plain(StatusCode::NOT_FOUND, "the figures are at /metrics\n");
    }
    if request.method() != Method::GET {
        return plain(StatusCode::METHOD_NOT_ALLOWED, "the figures can only be read\n");
    }
    let mut text = String::new();
    let snapshot = Snapshot::take(supervisor).await.registry();
    let written = encode_registry(&mut text, &figures.registry)
        .and_then(|()| encode_registry(&mut text, &snapshot))
        .and_then(|()| encode_eof(&mut text));
    match written {
        Ok(()) => {
            let mut response = Response::new(Full::from(text));
            response.headers_mut().insert(CONTENT_TYPE, FORMAT);
            response
        }
        Err(error) => plain(StatusCode::INTERNAL_SERVER_ERROR, &format!("{error}\n")),
    }
}

/// Whether the client has asked for this machine by one of its own names.
fn is_of_this_machine(request: &Request<Incoming>) -> bool {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').filter(|(_, port)| !port.contains(']')).map_or(host, |(name, _)| name);
    ["localhost", "127.0.0.1", "[::1]"].contains(&name)
}

fn plain(status: StatusCode, text: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(text.to_owned()));
    *response.status_mut() = status;
    response
}
