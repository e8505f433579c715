use std::time::Duration;

use futures_util::TryStreamExt;

use super::*;
use crate::chat::testing::user;
use crate::http::test_server::{Next, TestServer, event_stream, response, send};
use crate::{BaseUrl, ExtraHeaders, RateWindow, StopReason};

const REPLY: &str = include_str!("fixtures/llama_server_tool_call.sse");
const KEY: &str = "sk-test-0123456789";

fn config(server: &TestServer, dialect: ChatDialect) -> OpenAiChatConfig {
    let base_url = BaseUrl::parse(&format!("{}/v1", server.url())).unwrap();
    OpenAiChatConfig {
        name: ProviderName::new("lab"),
        http: HttpSettings { base_url, ..server.settings() },
        credential: Some(Credential::new(KEY).unwrap()),
        dialect,
        context_tokens: None,
        attachments: None,
    }
}

fn backend(server: &TestServer) -> OpenAiChatBackend {
    OpenAiChatBackend::new(config(server, ChatDialect::Compatible))
}

fn request() -> ChatRequest {
    ChatRequest {
        tools: Arc::new([]),
        max_output_tokens: Some(9),
        temperature: Some(0.3),
        ..crate::chat::testing::request("m", vec![user("hi")])
    }
}

async fn open(backend: &OpenAiChatBackend) -> Result<Vec<ChatEvent>, ProviderError> {
    backend.stream(&request()).await?.try_collect().await
}

fn complete(body: &str) -> String {
    event_stream(body) + "0\r\n\r\n"
}

fn stop_of(events: &[ChatEvent]) -> &StopReason {
    let Some(ChatEvent::Finished(reply)) = events.last() else { panic!("no end in {events:?}") };
    &reply.stop
}

#[tokio::test]
async fn a_call_goes_out_signed_and_its_reply_comes_back() {
    let rate = "x-ratelimit-remaining-requests: 7\r\nx-request-id: req_7\r\ntransfer-encoding";
    let server = TestServer::always(complete(REPLY).replace("transfer-encoding", rate));
    let mut config = config(&server, ChatDialect::Compatible);
    config.http.headers = ExtraHeaders::parse([("X-Title", "codex-task")]).unwrap();
    let events = open(&OpenAiChatBackend::new(config)).await.unwrap();
    let Some(ChatEvent::Finished(reply)) = events.last() else { panic!("no end") };
    assert_eq!((reply.request_id.as_deref(), &reply.stop), (Some("req_7"), &StopReason::ToolUse));
    let ChatEvent::Started { rates } = events[0] else { panic!("no start") };
    assert_eq!(rates.requests, RateWindow { limit: None, remaining: Some(7), reset: None });
    let request = server.requests().remove(0);
    let expected = [
        "POST /v1/chat/completions HTTP/1.1\r\n".to_owned(),
        format!("authorization: Bearer {KEY}\r\n"),
        "x-title: codex-task\r\n".to_owned(),
        r#""temperature":0.3,"max_tokens":9"#.to_owned(),
    ];
    for part in expected {
        assert!(request.contains(&part), "{part:?} is not in {request}");
    }
}

#[tokio::test]
async fn a_reply_is_complete_at_its_finish_reason_however_the_connection_ends() {
    let without_done = REPLY.replace("data: [DONE]\n\n", "");
    for next in [Next::Close, Next::KeepOpen] {
        // The chunked body is cut: its last chunk never comes.
        let body = if next == Next::Close { event_stream(&without_done) } else { complete(&without_done) };
        let server = TestServer::start(vec![send(body, next)]);
        assert_eq!(stop_of(&open(&backend(&server)).await.unwrap()), &StopReason::ToolUse);
    }
    let cut = REPLY.split_once(r#"data: {"choices":[{"finish_reason":"tool_calls""#).unwrap().0;
    let server = TestServer::start(vec![send(event_stream(cut), Next::Close)]);
    assert_eq!(open(&backend(&server)).await.unwrap_err().kind(), "broken_stream");
}

#[tokio::test]
async fn a_server_that_stays_open_after_its_last_event_holds_nobody_up() {
    for body in [REPLY.to_owned(), REPLY.replace("data: [DONE]\n\n", "")] {
        let server = TestServer::start(vec![send(event_stream(&body), Next::Hang)]);
        let outcome = tokio::time::timeout(Duration::from_secs(5), open(&backend(&server))).await;
        assert_eq!(stop_of(&outcome.unwrap().unwrap()), &StopReason::ToolUse);
    }
}

#[tokio::test]
async fn an_answer_that_the_server_could_not_read_is_malformed_not_failed() {
    let body = r#"{"error":{"code":500,"message":"The model produced output that does not match the expected peg-native format","type":"server_error"}}"#;
    let server = TestServer::always(response("500 Internal Server Error", "", body));
    let events = open(&backend(&server)).await.unwrap();
    assert!(matches!(events[0], ChatEvent::Started { .. }));
    assert_eq!(stop_of(&events), &StopReason::Malformed);
}

#[tokio::test]
async fn errors_are_classified_and_show_no_key() {
    let body =
        format!(r#"{{"error":{{"message":"Incorrect API key provided: {KEY}","code":"invalid_api_key"}}}}"#);
    let server = TestServer::always(response("401 Unauthorized", "", &body));
    let detail = "Incorrect API key provided: ***".to_owned();
    let expected = ProviderError::Unauthorized { status: 401, detail };
    assert_eq!(open(&backend(&server)).await.unwrap_err(), expected);
}

#[tokio::test]
async fn a_refused_parameter_is_left_out_of_the_next_call() {
    let refusal = |name: &str| {
        let body = format!(r#"{{"error":{{"message":"Unsupported parameter: '{name}'","param":"{name}"}}}}"#);
        send(response("400 Bad Request", "", &body), Next::KeepOpen)
    };
    let last = send(complete(REPLY), Next::KeepOpen);
    let server = TestServer::start(vec![refusal("stream_options"), refusal("max_tokens"), last]);
    let backend = backend(&server);
    for name in ["stream_options", "max_tokens"] {
        let error = open(&backend).await.unwrap_err();
        assert!(matches!(error, ProviderError::Parameter { parameter, .. } if parameter == name));
    }
    open(&backend).await.unwrap();
    let [first, second, third] = server.requests().try_into().unwrap();
    assert!(
        first.contains(r#""stream_options":{"include_usage":true}"#) && first.contains(r#""max_tokens":9"#)
    );
    assert!(!second.contains("stream_options") && second.contains(r#""max_tokens":9"#));
    assert!(!third.contains("stream_options") && third.contains(r#""max_completion_tokens":9"#));
}

#[tokio::test]
async fn the_window_that_a_server_names_becomes_the_limit() {
    let body = r#"{"error":{"code":400,"message":"request (3020 tokens) exceeds the available context size (2048 tokens), try increasing it","type":"exceed_context_size_error"}}"#;
    let server = TestServer::always(response("400 Bad Request", "", body));
    let backend = backend(&server);
    let model = ModelId::new("m");
    assert_eq!(backend.limits(&model), None);
    assert_eq!(open(&backend).await.unwrap_err().kind(), "context_too_long");
    assert_eq!(backend.limits(&model).map(|limits| limits.context_tokens), Some(2_048));
}

#[tokio::test]
async fn openai_itself_is_not_called_without_a_credential_and_others_need_none() {
    let http = HttpSettings::new(BaseUrl::parse("https://api.openai.com/v1").unwrap(), 1);
    let name = ProviderName::new("openai");
    let dialect = ChatDialect::of(&http.base_url);
    let config_without =
        OpenAiChatConfig { name, http, credential: None, dialect, context_tokens: None, attachments: None };
    let official = OpenAiChatBackend::new(config_without);
    let expected =
        ProviderError::NoCredential { provider: "openai".to_owned(), variable: "OPENAI_API_KEY".to_owned() };
    assert_eq!(open(&official).await.unwrap_err(), expected);
    assert_eq!(official.models().await.unwrap_err(), expected);

    let server = TestServer::always(complete(REPLY));
    let config = OpenAiChatConfig { credential: None, ..config(&server, ChatDialect::Local) };
    open(&OpenAiChatBackend::new(config)).await.unwrap();
    assert!(!server.requests()[0].contains("authorization"));
}

#[tokio::test]
async fn models_are_listed() {
    let list = r#"{"object":"list","data":[{"id":"a","object":"model"},{"id":"b"}]}"#;
    let server = TestServer::always(response("200 OK", "content-type: application/json\r\n", list));
    assert_eq!(backend(&server).models().await.unwrap(), [ModelId::new("a"), ModelId::new("b")]);
    assert!(server.requests()[0].starts_with("GET /v1/models HTTP/1.1\r\n"));

    // To the bare root of a host the version is added.
    let config = OpenAiChatConfig { http: server.settings(), ..config(&server, ChatDialect::Local) };
    OpenAiChatBackend::new(config).models().await.unwrap();
    assert!(server.requests()[1].starts_with("GET /v1/models HTTP/1.1\r\n"));

    let server = TestServer::always(response("404 Not Found", "", "no such path"));
    assert_eq!(backend(&server).models().await.unwrap_err().kind(), "protocol");
}

#[test]
fn a_local_model_gets_more_time_before_its_first_word() {
    let server = TestServer::always("");
    let patience = |dialect| OpenAiChatBackend::new(config(&server, dialect)).patience();
    assert_eq!(patience(ChatDialect::Compatible), CallLimits::USUAL);
    assert!(patience(ChatDialect::Local).first_event > CallLimits::USUAL.first_event);
}
