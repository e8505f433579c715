use futures_util::TryStreamExt;

use super::*;
use crate::chat::testing;
use crate::http::test_server::{Next, TestServer, event_stream, response, send};
use crate::{BaseUrl, ChatEvent, ProviderError, RateWindow};

const REPLY: &str = include_str!("fixtures/reasoning_and_two_tools.sse");
const KEY: &str = "sk-proj-test-0123456789";

fn config(http: HttpSettings) -> OpenAiConfig {
    OpenAiConfig {
        name: ProviderName::new("openai"),
        http,
        credential: Some(Credential::new(KEY).unwrap()),
        attachments: None,
    }
}

async fn open(backend: &OpenAiBackend) -> Result<Vec<ChatEvent>, ProviderError> {
    let request = testing::request("gpt-6.1-sol", vec![testing::user("hi")]);
    backend.stream(&request).await?.try_collect().await
}

/// A backend below a base URL with this path.
fn below(server: &TestServer, base_path: &str) -> OpenAiBackend {
    OpenAiBackend::new(config(HttpSettings::new(BaseUrl::parse(&(server.url() + base_path)).unwrap(), 1)))
}

fn request_line(server: &TestServer) -> String {
    server.requests().pop().unwrap().lines().next().unwrap().to_owned()
}

#[tokio::test]
async fn a_call_goes_out_signed_and_its_reply_comes_back() {
    let extra = "x-ratelimit-remaining-tokens: 7\r\nx-request-id: req_7\r\ntransfer-encoding";
    let server = TestServer::always(event_stream(REPLY).replace("transfer-encoding", extra) + "0\r\n\r\n");
    let mut events = open(&OpenAiBackend::new(config(server.settings()))).await.unwrap();
    let Some(ChatEvent::Finished(reply)) = events.pop() else { panic!("no end") };
    assert_eq!(reply.request_id.as_deref(), Some("req_7"));
    assert_eq!(reply.model, Some(ModelId::new("gpt-6.1-sol-2026-10-01")));
    assert_eq!(reply.turn.last_text(), Some("I read both 😀."));
    let ChatEvent::Started { rates } = events[0] else { panic!("no start") };
    assert_eq!(rates.tokens, RateWindow { limit: None, remaining: Some(7), reset: None });
    let request = server.requests().remove(0);
    assert!(request.contains(&format!("authorization: Bearer {KEY}\r\n")), "{request}");
    assert!(request.contains("\"store\":false"), "{request}");
}

#[tokio::test]
async fn paths_lie_below_the_base_url_and_the_version_is_added_to_a_bare_host() {
    let server = TestServer::always(event_stream(REPLY) + "0\r\n\r\n");
    for (base_path, line) in [
        ("/v1", "POST /v1/responses HTTP/1.1"),
        ("/v1/", "POST /v1/responses HTTP/1.1"),
        ("", "POST /v1/responses HTTP/1.1"),
        ("/openai/v1", "POST /openai/v1/responses HTTP/1.1"),
    ] {
        open(&below(&server, base_path)).await.unwrap();
        assert_eq!(request_line(&server), line, "{base_path}");
    }
    let server =
        TestServer::always(response("200 OK", "content-type: application/json\r\n", r#"{"data":[]}"#));
    for (base_path, line) in [("/", "GET /v1/models HTTP/1.1"), ("/x/v1", "GET /x/v1/models HTTP/1.1")] {
        below(&server, base_path).models().await.unwrap();
        assert_eq!(request_line(&server), line, "{base_path}");
    }
}

#[tokio::test]
async fn a_server_that_stays_open_after_the_terminal_event_holds_nobody_up() {
    let server = TestServer::start(vec![send(event_stream(REPLY), Next::Hang)]);
    let backend = OpenAiBackend::new(config(server.settings()));
    let outcome = tokio::time::timeout(std::time::Duration::from_secs(5), open(&backend)).await;
    assert!(matches!(outcome.unwrap().unwrap().last(), Some(ChatEvent::Finished(_))));
}

#[tokio::test]
async fn errors_are_classified_and_show_no_key() {
    let body = format!(
        r#"{{"error":{{"message":"Incorrect API key provided: {KEY}.","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}}}"#
    );
    let server = TestServer::always(response("401 Unauthorized", "", &body));
    let error = open(&OpenAiBackend::new(config(server.settings()))).await.unwrap_err();
    let detail = "Incorrect API key provided: ***.".to_owned();
    assert_eq!(error, ProviderError::Unauthorized { status: 401, detail });
}

#[tokio::test]
async fn the_official_host_is_not_called_without_a_credential_and_others_are() {
    let expected =
        ProviderError::NoCredential { provider: "openai".to_owned(), variable: "OPENAI_API_KEY".to_owned() };
    for url in ["https://api.openai.com/v1", "https://eu.api.openai.com/v1"] {
        let http = HttpSettings::new(BaseUrl::parse(url).unwrap(), 1);
        let backend = OpenAiBackend::new(OpenAiConfig { credential: None, ..config(http) });
        assert_eq!(open(&backend).await.unwrap_err(), expected);
        assert_eq!(backend.models().await.unwrap_err(), expected);
    }
    let server = TestServer::always(event_stream(REPLY) + "0\r\n\r\n");
    let backend = OpenAiBackend::new(OpenAiConfig { credential: None, ..config(server.settings()) });
    open(&backend).await.unwrap();
    assert!(!server.requests()[0].contains("authorization"));
}

#[tokio::test]
async fn models_are_listed() {
    let list = r#"{"object":"list","data":[{"id":"a","object":"model","owned_by":"openai"},{"id":"b"}]}"#;
    let server = TestServer::always(response("200 OK", "content-type: application/json\r\n", list));
    let models = OpenAiBackend::new(config(server.settings())).models().await.unwrap();
    assert_eq!(models, [ModelId::new("a"), ModelId::new("b")]);

    let server = TestServer::always(response("404 Not Found", "", "no such model list"));
    let error = OpenAiBackend::new(config(server.settings())).models().await.unwrap_err();
    assert_eq!(error, ProviderError::InvalidRequest { status: 404, detail: "no such model list".to_owned() });
}

#[test]
fn limits_come_from_the_price_table() {
    let http = HttpSettings::new(BaseUrl::parse("https://api.openai.com/v1").unwrap(), 1);
    let backend = OpenAiBackend::new(config(http));
    let expected = ModelLimits { context_tokens: 922_000, output_tokens: 128_000 };
    assert_eq!(backend.limits(&ModelId::new("gpt-6.1-sol")), Some(expected));
    assert_eq!(backend.limits(&ModelId::new("gpt-9")), None);
}
