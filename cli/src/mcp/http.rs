//! The same server over streamable HTTP, on this machine only: one server for several clients. Whoever does not show the
//! token learns nothing; a page in a browser that was led here by a name of its own (DNS rebinding) is sent away. A client
//! of the newest protocol has no session: it cannot be asked, and its background tasks end with the server.

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
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::client::Client;
use super::elicit::ClientApprover;
use super::lazy::LazyRuntime;
use super::lease::Patience;
use super::serve::{end, offer};
use super::server::{Greeting, TaskServer};
use super::sessions::Sessions;
use super::token::Token;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::interrupt::Interrupts;

/// The one path.
pub(super) const PATH: &str = "/mcp";
/// Time that a client has for the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Silence after which a client that has never listened has left: none waits longer between two looks at a task.
const SILENCE_MAX: Duration = Duration::from_mins(10);

type Service = StreamableHttpService<TaskServer, Sessions>;
type Body = BoxBody<Bytes, Infallible>;

/// A server that listens and answers nobody yet.
pub(super) struct HttpServer {
    listener: TcpListener,
    address: SocketAddr,
    token: Token,
    /// Time for a client to come back whose connection was cut.
    grace: Duration,
}

impl HttpServer {
    /// Listens on a port of this machine; 0 is any that is free.
    pub(super) async fn listen(port: u16, grace: Duration, token: Token) -> Result<Self, Fault> {
        let listening = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
        let bound = listening.and_then(|listener| Ok((listener.local_addr()?, listener)));
        let (address, listener) = bound.map_err(|error| {
            Fault::new(format!("cannot listen on port {port}"))
                .because(error.to_string())
                .suggest("choose another with --port, or 0 for any that is free")
        })?;
        Ok(Self { listener, address, token, grace })
    }

    /// Where it listens.
    pub(super) fn url(&self) -> String {
        format!("http://{}{PATH}", self.address)
    }

    /// Serves until we are asked to end.
    pub(super) async fn serve(
        self,
        (runtime, approver): (LazyRuntime, ClientApprover),
        mut interrupts: Interrupts,
    ) -> Exit {
        let (runtime, gone) = (Arc::new(runtime), CancellationToken::new());
        let patience = Patience { reconnect: self.grace, silence: SILENCE_MAX.max(self.grace) };
        let service = service((&runtime, approver), &gone, patience);
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
        end(&runtime).await;
        Exit::Success
    }
}

/// One session for each client, and one runtime for all of them.
fn service(
    (runtime, approver): (&Arc<LazyRuntime>, ClientApprover),
    gone: &CancellationToken,
    patience: Patience,
) -> Service {
    let sessions = Sessions::new(gone.clone(), patience);
    let config = StreamableHttpServerConfig::default()
        .with_cancellation_token(gone.child_token())
        // Only this machine's own names, and no page of a browser at all.
        .with_allowed_hosts(["localhost", "127.0.0.1"])
        .enforce_origin_validation();
    let (runtime, offer) = (Arc::clone(runtime), offer(runtime));
    // Whoever has no session.
    let client = Arc::new(Client::connected(gone.clone()));
    let server = move || {
        Ok(TaskServer {
            runtime: Arc::clone(&runtime),
            offer: offer.clone(),
            client: Arc::clone(&client),
            approver: approver.clone(),
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
