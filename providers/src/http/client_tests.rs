use std::net::TcpListener;
use std::sync::Arc;

use codex_task_config::Environment;
use futures_util::TryStreamExt;
use reqwest::header::AUTHORIZATION;
use serde_json::{Value, json};

use super::super::test_server::{Next, TestServer, event_stream, response, send};
use super::super::{BaseUrl, ProxySettings};
use super::*;
use crate::Credential;

const KEY: &str = "correct-horse-battery-staple";

fn call() -> HttpCall<'static> {
    let key = Credential::new(KEY).unwrap();
    let headers = HeaderMap::from_iter([(AUTHORIZATION, key.bearer())]);
    HttpCall { path: "/v1/messages", headers, body: Bytes::from_static(b"{}") }
}

/// Status and body stand in the error, so that tests see what the formats would see.
fn seen(reply: &ErrorReply) -> ProviderError {
    ProviderError::Server { status: reply.status, retry_after: reply.retry_after(), detail: reply.detail() }
}

async fn open(settings: HttpSettings) -> Result<SseReply, ProviderError> {
    HttpClient::new(settings).open_sse(call(), seen).await
}

async fn failure(settings: HttpSettings) -> ProviderError {
    open(settings).await.err().expect("the call fails")
}

#[tokio::test]
async fn a_call_carries_its_headers_and_gives_its_events() {
    let server = TestServer::always(event_stream("data: a\n\ndata: b\n\n") + "0\r\n\r\n");
    let reply = open(server.settings()).await.unwrap();
    let events: Vec<SseEvent> = reply.events.try_collect().await.unwrap();
    assert_eq!(events.iter().map(|event| event.data.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    let request = server.requests().remove(0);
    let expected = [
        "POST /v1/messages HTTP/1.1\r\n".to_owned(),
        format!("authorization: Bearer {KEY}\r\n"),
        "content-type: application/json\r\n".to_owned(),
        "accept: text/event-stream\r\n".to_owned(),
        "accept-encoding: identity\r\n".to_owned(),
        format!("user-agent: codex-task/{}\r\n", env!("CARGO_PKG_VERSION")),
        "\r\n\r\n{}".to_owned(),
    ];
    for part in expected {
        assert!(request.contains(&part), "{part:?} is not in {request}");
    }
}

#[tokio::test]
async fn connections_are_kept_for_the_next_call() {
    let server = TestServer::always(event_stream("data: a\n\n") + "0\r\n\r\n");
    let client = HttpClient::new(server.settings());
    for _ in 0..3 {
        let reply = client.open_sse(call(), seen).await.unwrap();
        let _: Vec<SseEvent> = reply.events.try_collect().await.unwrap();
    }
    assert_eq!((server.connections(), server.requests().len()), (1, 3));
}

#[tokio::test]
async fn a_server_that_closes_its_connections_silently_gets_a_new_one_for_each_call() {
    let stream =
        event_stream("data: a\n\n").replace("transfer-encoding", "server: llama.cpp\r\ntransfer-encoding");
    let server = TestServer::always(stream + "0\r\n\r\n");
    let client = HttpClient::new(server.settings());
    for _ in 0..3 {
        let reply = client.open_sse(call(), seen).await.unwrap();
        let _: Vec<SseEvent> = reply.events.try_collect().await.unwrap();
    }
    assert_eq!((server.connections(), server.requests().len()), (3, 3));
}

#[tokio::test]
async fn a_refused_connection_names_the_host_and_the_reason() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let base_url = BaseUrl::parse(&format!("http://{closed}")).unwrap();
    match failure(HttpSettings::new(base_url, 1)).await {
        ProviderError::Unreachable { host, detail } => {
            assert_eq!(host, closed.to_string());
            assert!(detail.contains("onnection refused"), "{detail}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_connection_that_closes_before_the_headers_is_unreachable() {
    let server = TestServer::start(vec![send("", Next::Close)]);
    assert!(matches!(failure(server.settings()).await, ProviderError::Unreachable { .. }));
    assert_eq!(server.requests().len(), 1, "nothing is sent twice behind the caller's back");
}

#[tokio::test]
async fn a_connection_that_closes_inside_the_headers_is_unreachable() {
    let server = TestServer::start(vec![send("HTTP/1.1 200 OK\r\ncontent-ty", Next::Close)]);
    assert!(matches!(failure(server.settings()).await, ProviderError::Unreachable { .. }));
}

#[tokio::test]
async fn a_server_that_never_answers_is_a_timeout() {
    let server = TestServer::start(vec![send("", Next::Hang)]);
    let headers_timeout = Duration::from_millis(50);
    let late = failure(HttpSettings { headers_timeout, ..server.settings() }).await;
    assert_eq!(late, ProviderError::Timeout { waiting_for: WaitingFor::Headers, after: headers_timeout });
}

#[tokio::test]
async fn a_redirect_is_an_error_and_its_target_never_sees_the_key() {
    let target = TestServer::always(event_stream("data: stolen\n\n"));
    for status in ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"] {
        let with_password = target.url().replace("://", "://user:hunter2@");
        let location = format!("location: {with_password}/v1?key=secret\r\n");
        let server = TestServer::always(response(status, &location, ""));
        let expected = ProviderError::Redirect { location: format!("{}/v1", target.url()) };
        assert_eq!(failure(server.settings()).await, expected);
    }
    assert_eq!(target.connections(), 0);
}

#[tokio::test]
async fn an_error_page_becomes_its_title_and_an_empty_body_its_status() {
    let page = "<html><title>503 Service Unavailable</title></html>";
    let cases = [(page, "503 Service Unavailable"), ("", "HTTP 503 without a message")];
    for (body, detail) in cases {
        let server = TestServer::always(response("503 Busy", "retry-after: 2\r\n", body));
        let retry_after = Some(Duration::from_secs(2));
        let expected = ProviderError::Server { status: 503, retry_after, detail: detail.to_owned() };
        assert_eq!(failure(server.settings()).await, expected);
    }
}

#[tokio::test]
async fn a_huge_error_body_is_read_only_at_its_beginning() {
    let server = TestServer::always(response("500 Oops", "", &"x".repeat(10 << 20)));
    let client = HttpClient::new(server.settings());
    let length = |reply: &ErrorReply| ProviderError::Protocol { detail: reply.body.len().to_string() };
    let error = client.open_sse(call(), length).await.err();
    assert_eq!(error, Some(ProviderError::Protocol { detail: ERROR_BYTES_MAX.to_string() }));
}

#[tokio::test]
async fn a_key_that_the_server_repeats_is_not_in_the_error() {
    let body = format!(r#"{{"error":{{"message":"wrong key {KEY}"}}}}"#);
    let server = TestServer::always(response("401 No", "", &body));
    assert_eq!(failure(server.settings()).await.to_string(), "server error 401: wrong key ***");
}

#[tokio::test]
async fn a_stream_that_is_cut_gives_its_events_and_then_breaks() {
    let server = TestServer::start(vec![send(event_stream("data: a\n\ndata: b"), Next::Close)]);
    let mut events = open(server.settings()).await.unwrap().events;
    assert_eq!(events.next().await.unwrap().unwrap().data, "a");
    assert!(matches!(events.next().await, Some(Err(ProviderError::BrokenStream { .. }))));
    assert!(events.next().await.is_none());
}

#[tokio::test]
async fn a_document_instead_of_a_stream_is_one_event() {
    let headers = "content-type: Application/JSON; charset=utf-8\r\n";
    let server = TestServer::always(response("200 OK", headers, r#"{"a":1}"#));
    let events: Vec<SseEvent> = open(server.settings()).await.unwrap().events.try_collect().await.unwrap();
    assert_eq!(events, [SseEvent { event: None, data: r#"{"a":1}"#.to_owned() }]);
}

#[tokio::test]
async fn a_page_instead_of_a_stream_is_a_protocol_error() {
    let server = TestServer::always(response("200 OK", "content-type: text/html\r\n", "<html>log in</html>"));
    assert!(matches!(failure(server.settings()).await, ProviderError::Protocol { .. }));
}

#[tokio::test]
async fn a_compressed_reply_is_not_unpacked_and_a_compressed_error_has_its_status_alone() {
    let packed = "content-type: text/event-stream\r\ncontent-encoding: gzip\r\n";
    let server = TestServer::always(response("200 OK", packed, "\u{1f}..."));
    let error = failure(server.settings()).await;
    assert!(
        matches!(&error, ProviderError::Protocol { detail } if detail.contains("compressed")),
        "{error:?}"
    );
    let server = TestServer::always(response("503 Busy", "content-encoding: br\r\n", "\u{1}\u{2}"));
    let detail = "HTTP 503 without a message".to_owned();
    let expected = ProviderError::Server { status: 503, retry_after: None, detail };
    assert_eq!(failure(server.settings()).await, expected);
    let server = TestServer::always(
        event_stream("data: a\n\n").replace("chunked", "chunked\r\ncontent-encoding: identity") + "0\r\n\r\n",
    );
    assert!(open(server.settings()).await.is_ok());
}

/// Finds what it was told, or nothing, or nothing ever.
struct Told(Option<std::io::Result<&'static str>>);

impl crate::NameResolver for Told {
    fn resolve(
        &self,
        _name: &str,
    ) -> futures_util::future::BoxFuture<'static, std::io::Result<Vec<std::net::IpAddr>>> {
        match &self.0 {
            Some(Ok(address)) => Box::pin(std::future::ready(Ok(vec![address.parse().unwrap()]))),
            Some(Err(error)) => Box::pin(std::future::ready(Err(error.kind().into()))),
            None => Box::pin(std::future::pending()),
        }
    }
}

#[tokio::test]
async fn names_are_found_by_whoever_is_set_and_one_that_is_not_found_in_time_is_no_connection() {
    let server = TestServer::always(event_stream("data: a\n\n") + "0\r\n\r\n");
    let port = server.url().rsplit(':').next().unwrap().to_owned();
    let settings = |told| HttpSettings {
        resolver: Resolver::Own(Arc::new(Told(told))),
        connect_timeout: Duration::from_millis(100),
        ..HttpSettings::new(BaseUrl::parse(&format!("http://api.example.invalid:{port}")).unwrap(), 1)
    };
    assert!(open(settings(Some(Ok("127.0.0.1")))).await.is_ok());
    let unknown = failure(settings(Some(Err(std::io::ErrorKind::NotFound.into())))).await;
    let host = format!("api.example.invalid:{port}");
    assert!(
        matches!(&unknown, ProviderError::Unreachable { host: named, .. } if *named == host),
        "{unknown:?}"
    );
    let late =
        ProviderError::Timeout { waiting_for: WaitingFor::Connection, after: Duration::from_millis(100) };
    assert_eq!(failure(settings(None)).await, late);
}

#[tokio::test]
async fn a_document_above_the_limit_is_not_kept() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99999999999\r\n\r\n";
    let body: Vec<u8> = head.bytes().chain(std::iter::repeat_n(b' ', JSON_BYTES_MAX + 1)).collect();
    let server = TestServer::start(vec![send(body, Next::Hang)]);
    let outcome: Result<Vec<SseEvent>, _> = open(server.settings()).await.unwrap().events.try_collect().await;
    let detail = "the reply is larger than 64 MiB".to_owned();
    assert_eq!(outcome, Err(ProviderError::Protocol { detail }));
}

#[tokio::test]
async fn documents_are_fetched_and_read() {
    let server = TestServer::always(response("200 OK", "", r#"{"data":[1]}"#));
    let client = HttpClient::new(server.settings());
    let document: Value = client.get_json("/v1/models?limit=1", HeaderMap::new(), seen).await.unwrap();
    assert_eq!(document, json!({"data": [1]}));
    assert!(server.requests()[0].starts_with("GET /v1/models?limit=1 HTTP/1.1\r\n"));
    let misread = client.get_json::<Vec<u8>>("/v1/models", HeaderMap::new(), seen).await;
    assert!(matches!(misread, Err(ProviderError::Protocol { .. })));
}

#[tokio::test]
async fn proxies_of_the_environment_are_used_but_never_for_this_machine() {
    let proxy = TestServer::always(event_stream("data: by proxy\n\n") + "0\r\n\r\n");
    let proxies = |except: &str| {
        let variables = [("HTTP_PROXY", proxy.url()), ("no_proxy", except.to_owned())];
        ProxySettings::from_env(&Environment::new("/", variables))
    };
    let remote = HttpSettings::new(BaseUrl::parse("http://api.example.invalid").unwrap(), 1);
    let remote = HttpSettings { connect_timeout: Duration::from_secs(1), ..remote };

    let events = open(HttpSettings { proxies: proxies(""), ..remote.clone() }).await.unwrap().events;
    assert_eq!(events.try_collect::<Vec<_>>().await.unwrap()[0].data, "by proxy");
    assert!(proxy.requests()[0].starts_with("POST http://api.example.invalid/v1/messages HTTP/1.1\r\n"));

    failure(HttpSettings { proxies: proxies("example.invalid"), ..remote }).await;
    let local = TestServer::always(event_stream("data: direct\n\n") + "0\r\n\r\n");
    open(HttpSettings { proxies: proxies(""), ..local.settings() }).await.unwrap();
    assert_eq!((proxy.requests().len(), local.requests().len()), (1, 1));
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_an_error_of_its_own() {
    let certificate = include_bytes!("fixtures/self_signed.cert.der").to_vec().into();
    let key = include_bytes!("fixtures/self_signed.key.der").to_vec();
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(key).into();
    let config = rustls::ServerConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let (config, listener) = (Arc::new(config), TcpListener::bind("127.0.0.1:0").unwrap());
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut tls = rustls::ServerConnection::new(config).unwrap();
        // The client ends the handshake; how it does so is what the test looks at.
        while tls.is_handshaking() && tls.complete_io(&mut stream).is_ok() {}
    });
    let base_url = BaseUrl::parse(&format!("https://localhost:{port}")).unwrap();
    let refused = failure(HttpSettings::new(base_url, 1)).await;
    let host = format!("localhost:{port}");
    assert!(
        matches!(&refused, ProviderError::Certificate { host: named, .. } if *named == host),
        "{refused:?}"
    );
}
