//! The same server over streamable HTTP, on this machine only: one server for several clients. Whoever does not show the
//! token learns nothing; a page in a browser that was led here by a name of its own (DNS rebinding) is sent away.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::lazy::LazyTool;
use super::serve::{end, offer};
use super::server::{Greeting, TaskServer};
use super::token::Token;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::interrupt::Interrupts;

/// The one path.
pub(super) const PATH: &str = "/mcp";
/// Time that a client has for the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Silence after which a client is forgotten: longer than any task.
const SESSION_IDLE_MAX: Duration = Duration::from_hours(24);

type Service = StreamableHttpService<TaskServer, LocalSessionManager>;
type Body = BoxBody<Bytes, Infallible>;

/// A server that listens and answers nobody yet.
pub(super) struct HttpServer {
    listener: TcpListener,
    address: SocketAddr,
    token: Token,
}

impl HttpServer {
    /// Listens on a port of this machine; 0 is any that is free.
    pub(super) async fn listen(port: u16, token: Token) -> Result<Self, Fault> {
        let listening = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
        let bound = listening.and_then(|listener| Ok((listener.local_addr()?, listener)));
        let (address, listener) = bound.map_err(|error| {
            Fault::new(format!("cannot listen on port {port}"))
                .because(error.to_string())
                .suggest("choose another with --port, or 0 for any that is free")
        })?;
        Ok(Self { listener, address, token })
    }

    /// Where it listens.
    pub(super) fn url(&self) -> String {
        format!("http://{}{PATH}", self.address)
    }

    /// Serves until we are asked to end.
    pub(super) async fn serve(self, tool: LazyTool, mut interrupts: Interrupts) -> Exit {
        let (tool, gone) = (Arc::new(tool), CancellationToken::new());
        let service = service(&tool, &gone);
        let token = Arc::new(self.token);
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                _ = interrupts.next() => break,
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        connections.spawn(converse(stream, service.clone(), Arc::clone(&token)));
                    }
                    Err(error) => {
                        debug!(%error, "a connection was not accepted");
                        // Out of descriptors, for instance: soon there may be some again.
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                },
                Some(_) = connections.join_next() => {}
            }
        }
        gone.cancel();
        end(&tool).await;
        Exit::Success
    }
}

/// One session for each client, and one Task tool for all of them.
fn service(tool: &Arc<LazyTool>, gone: &CancellationToken) -> Service {
    let mut sessions = LocalSessionManager::default();
    sessions.session_config.keep_alive = Some(SESSION_IDLE_MAX);
    let config = StreamableHttpServerConfig::default()
        .with_cancellation_token(gone.child_token())
        // Only this machine's own names, and no page of a browser at all.
        .with_allowed_hosts(["localhost", "127.0.0.1"])
        .enforce_origin_validation();
    let (tool, gone, offer) = (Arc::clone(tool), gone.clone(), offer(tool));
    let server = move || {
        Ok(TaskServer {
            tool: Arc::clone(&tool),
            offer: offer.clone(),
            gone: gone.clone(),
            greeting: Greeting::TellsOfChanges,
        })
    };
    StreamableHttpService::new(server, Arc::new(sessions), config)
}

async fn converse(stream: TcpStream, service: Service, token: Arc<Token>) {
    let answer = service_fn(move |request: Request<Incoming>| {
        let (service, token) = (service.clone(), Arc::clone(&token));
        async move { Ok::<_, Infallible>(answer(&service, &token, request).await) }
    });
    let mut http = hyper::server::conn::http1::Builder::new();
    let connection = http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    if let Err(error) = connection.serve_connection(TokioIo::new(stream), answer).await {
        debug!(%error, "a connection ended early");
    }
}

async fn answer(service: &Service, token: &Token, request: Request<Incoming>) -> Response<Body> {
    if !token.is_shown_by(request.headers().get(AUTHORIZATION).map(AsRef::as_ref)) {
        let mut refused = refused(StatusCode::UNAUTHORIZED, "the token is missing or wrong");
        refused.headers_mut().insert(WWW_AUTHENTICATE, hyper::header::HeaderValue::from_static("Bearer"));
        return refused;
    }
    if request.uri().path() != PATH {
        return refused(StatusCode::NOT_FOUND, "the server is at /mcp");
    }
    service.handle(request).await
}

fn refused(status: StatusCode, why: &'static str) -> Response<Body> {
    let mut response = Response::new(Full::new(Bytes::from_static(why.as_bytes())).boxed());
    *response.status_mut() = status;
    response
}
