use futures_util::TryStreamExt;

use super::*;
use crate::chat::testing;
use crate::http::test_server::{Next, TestServer, event_stream, response, send};
use crate::{ChatEvent, ProviderError};

const REPLY: &str = include_str!("fixtures/thoughts_and_two_tools.sse");
const KEY: &str = "AIzaSyTest-0123456789";

fn config(http: HttpSettings) -> GeminiConfig {
    GeminiConfig {
        name: ProviderName::new("gemini"),
        http,
        credential: Some(Credential::new(KEY).unwrap()),
        attachments: None,
    }
}

/// A backend below a base URL with this path.
fn below(server: &TestServer, base_path: &str) -> GeminiBackend {
    let base_url = BaseUrl::parse(&(server.url() + base_path)).unwrap();
    GeminiBackend::new(config(HttpSettings::new(base_url, 1)))
}

async fn open(backend: &GeminiBackend, model: &str) -> Result<Vec<ChatEvent>, ProviderError> {
    let request = testing::request(model, vec![testing::user("hi")]);
    backend.stream(&request).await?.try_collect().await
}

fn request_line(server: &TestServer) -> String {
    server.requests().pop().unwrap().lines().next().unwrap().to_owned()
}

#[tokio::test]
async fn a_call_goes_out_signed_and_its_reply_comes_back() {
    let server = TestServer::always(event_stream(REPLY) + "0\r\n\r\n");
    let mut events = open(&GeminiBackend::new(config(server.settings())), "gemini-4-argon").await.unwrap();
    let Some(ChatEvent::Finished(reply)) = events.pop() else { panic!("no end") };
    assert_eq!(reply.request_id.as_deref(), Some("mAitaLmkHPPlz7IP"));
    assert_eq!(reply.model, Some(ModelId::new("gemini-4-argon-001")));
    assert_eq!(reply.turn.last_text(), Some("I read both 😀."));
    assert!(matches!(events[0], ChatEvent::Started { rates } if rates == RateLimits::default()));
    let request = server.requests().remove(0);
    assert!(request.contains(&format!("x-goog-api-key: {KEY}\r\n")), "{request}");
    assert!(!request_line(&server).contains(KEY));
}

#[tokio::test]
async fn paths_lie_below_the_base_url_whether_or_not_it_names_the_version() {
    let server = TestServer::always(event_stream(REPLY) + "0\r\n\r\n");
    for (base_path, path) in [
        ("", "/v1beta/models/m"),
        ("/", "/v1beta/models/m"),
        ("/v1beta", "/v1beta/models/m"),
        ("/gemini", "/gemini/v1beta/models/m"),
        ("/gemini/v1/", "/gemini/v1/models/m"),
        ("/vertex", "/vertex/v1beta/models/m"),
    ] {
        open(&below(&server, base_path), "m").await.unwrap();
        assert_eq!(request_line(&server), format!("POST {path}:streamGenerateContent?alt=sse HTTP/1.1"));
    }
}

#[tokio::test]
async fn a_model_name_is_one_segment_of_the_path_whatever_it_holds() {
    let server = TestServer::always(event_stream(REPLY) + "0\r\n\r\n");
    for (model, segment) in [
        ("models/gemini-4-argon", "gemini-4-argon"),
        ("../../files?x=1#y", "..%2F..%2Ffiles%3Fx%3D1%23y"),
        ("a b/ä%2F", "a%20b%2F%C3%A4%252F"),
        ("..", ".."),
    ] {
        open(&below(&server, ""), model).await.unwrap();
        let expected = format!("POST /v1beta/models/{segment}:streamGenerateContent?alt=sse HTTP/1.1");
        assert_eq!(request_line(&server), expected);
    }
}

#[tokio::test]
async fn a_body_that_is_cut_is_a_broken_stream_and_one_that_ends_is_complete() {
    let cut = TestServer::start(vec![send(event_stream(REPLY), Next::Close)]);
    let error = open(&GeminiBackend::new(config(cut.settings())), "m").await.unwrap_err();
    assert!(matches!(error, ProviderError::BrokenStream { .. }), "{error:?}");
    let early = &REPLY[..REPLY.rfind("data: ").unwrap()];
    let ended = TestServer::always(event_stream(early) + "0\r\n\r\n");
    let error = open(&GeminiBackend::new(config(ended.settings())), "m").await.unwrap_err();
    assert!(matches!(error, ProviderError::BrokenStream { .. }), "{error:?}");
}

#[tokio::test]
async fn errors_are_classified_and_show_no_key() {
    let body = format!(
        r#"[{{"error":{{"code":400,"message":"API key not valid: {KEY}","status":"INVALID_ARGUMENT","details":[{{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID"}}]}}}}]"#
    );
    let server = TestServer::always(response("400 Bad Request", "", &body));
    let error = open(&GeminiBackend::new(config(server.settings())), "m").await.unwrap_err();
    let detail = "API key not valid: ***".to_owned();
    assert_eq!(error, ProviderError::Unauthorized { status: 400, detail });
}

#[tokio::test]
async fn the_official_host_is_not_called_without_a_credential_and_others_are() {
    let expected =
        ProviderError::NoCredential { provider: "gemini".to_owned(), variable: "GEMINI_API_KEY".to_owned() };
    let http = HttpSettings::new(BaseUrl::parse("https://generativelanguage.googleapis.com").unwrap(), 1);
    let backend = GeminiBackend::new(GeminiConfig { credential: None, ..config(http) });
    assert_eq!(open(&backend, "m").await.unwrap_err(), expected);
    assert_eq!(backend.models().await.unwrap_err(), expected);
    let server = TestServer::always(event_stream(REPLY) + "0\r\n\r\n");
    let backend = GeminiBackend::new(GeminiConfig { credential: None, ..config(server.settings()) });
    open(&backend, "m").await.unwrap();
    assert!(!server.requests()[0].contains("x-goog-api-key"));
}

#[tokio::test]
async fn models_are_listed_if_they_can_be_chatted_with() {
    let list = r#"{"models":[
        {"name":"models/a","supportedGenerationMethods":["generateContent","countTokens"]},
        {"name":"models/b","supportedGenerationMethods":["embedContent"]},
        {"name":"c"}]}"#;
    let server = TestServer::always(response("200 OK", "content-type: application/json\r\n", list));
    let models = GeminiBackend::new(config(server.settings())).models().await.unwrap();
    assert_eq!(models, [ModelId::new("a"), ModelId::new("c")]);
    assert_eq!(request_line(&server), "GET /v1beta/models?pageSize=1000 HTTP/1.1");

    let server = TestServer::always(response("404 Not Found", "", "no such path"));
    let error = GeminiBackend::new(config(server.settings())).models().await.unwrap_err();
    assert_eq!(error, ProviderError::InvalidRequest { status: 404, detail: "no such path".to_owned() });
}

#[test]
fn limits_come_from_the_price_table() {
    let http = HttpSettings::new(BaseUrl::parse("https://generativelanguage.googleapis.com").unwrap(), 1);
    let backend = GeminiBackend::new(config(http));
    let expected = ModelLimits { context_tokens: 1_048_576, output_tokens: 65_536 };
    assert_eq!(backend.limits(&ModelId::new("models/gemini-3.8-flash")), Some(expected));
    assert_eq!(backend.limits(&ModelId::new("gemini-9")), None);
}
