use std::sync::Arc;

use futures_util::TryStreamExt;

use super::*;
use crate::http::test_server::{Next, TestServer, event_stream, response, send};
use crate::{BaseUrl, ChatEvent, Message, ProviderError, RateWindow, UserTurn};

const REPLY: &str = include_str!("fixtures/thinking_and_two_tools.sse");
const KEY: &str = "sk-ant-test-0123456789";

fn config(http: HttpSettings) -> AnthropicConfig {
    let credential = Some(AnthropicCredential::ApiKey(Credential::new(KEY).unwrap()));
    AnthropicConfig {
        name: ProviderName::new("anthropic"),
        http,
        credential,
        cache: CacheLifetime::default(),
        attachments: None,
    }
}

fn request(model: &str) -> ChatRequest {
    ChatRequest {
        model: ModelId::new(model),
        system: "s".into(),
        tools: Arc::new([]),
        messages: vec![Arc::new(Message::User(UserTurn::text("hi")))],
        max_output_tokens: None,
        temperature: Some(0.3),
        effort: None,
        output: None,
        cache_key: "k".into(),
        search: None,
    }
}

async fn open(backend: &AnthropicBackend, model: &str) -> Result<Vec<ChatEvent>, ProviderError> {
    backend.stream(&request(model)).await?.try_collect().await
}

/// Head of the one request that the server got for this model.
async fn request_for(model: &str) -> String {
    let server = TestServer::always(event_stream(REPLY) + "0\r\n\r\n");
    open(&AnthropicBackend::new(config(server.settings())), model).await.unwrap();
    server.requests().remove(0)
}

#[tokio::test]
async fn a_call_goes_out_signed_and_its_reply_comes_back() {
    let rate = "anthropic-ratelimit-requests-remaining: 7\r\nrequest-id: req_7\r\ntransfer-encoding";
    let stream = event_stream(REPLY).replace("transfer-encoding", rate) + "0\r\n\r\n";
    let server = TestServer::always(stream);
    let backend = AnthropicBackend::new(config(server.settings()));
    let mut events = open(&backend, "claude-opus-5-5").await.unwrap();
    let Some(ChatEvent::Finished(reply)) = events.pop() else { panic!("no end") };
    assert_eq!(reply.request_id.as_deref(), Some("req_7"));
    assert_eq!(reply.turn.last_text(), Some("I read both 😀."));
    let ChatEvent::Started { rates } = events[0] else { panic!("no start") };
    assert_eq!(rates.requests, RateWindow { limit: None, remaining: Some(7), reset: None });
    let request = server.requests().remove(0);
    assert!(request.starts_with("POST /v1/messages HTTP/1.1\r\n"), "{request}");
    assert!(request.contains(&format!("x-api-key: {KEY}\r\n")), "{request}");
}

#[tokio::test]
async fn a_temperature_goes_out_with_the_old_version_only_where_the_model_takes_it() {
    let sampling = request_for("qwen").await;
    assert!(sampling.contains("anthropic-version: 2023-06-01\r\n"), "{sampling}");
    assert!(sampling.contains(r#""temperature":0.3"#), "{sampling}");
    let newest = request_for("claude-opus-5-5").await;
    assert!(newest.contains("anthropic-version: 2026-10-21\r\n"), "{newest}");
    assert!(!newest.contains("temperature"), "{newest}");
}

#[tokio::test]
async fn a_server_that_stays_open_after_the_terminal_event_holds_nobody_up() {
    let server = TestServer::start(vec![send(event_stream(REPLY), Next::Hang)]);
    let backend = AnthropicBackend::new(config(server.settings()));
    let outcome = tokio::time::timeout(std::time::Duration::from_secs(5), open(&backend, "m")).await;
    assert!(matches!(outcome.unwrap().unwrap().last(), Some(ChatEvent::Finished(_))));
}

#[tokio::test]
async fn errors_are_classified_and_show_no_key() {
    let body = format!(
        r#"{{"type":"error","error":{{"type":"authentication_error","message":"invalid x-api-key {KEY}"}}}}"#
    );
    let server = TestServer::always(response("401 Unauthorized", "", &body));
    let error = open(&AnthropicBackend::new(config(server.settings())), "m").await.unwrap_err();
    assert_eq!(
        error,
        ProviderError::Unauthorized { status: 401, detail: "invalid x-api-key ***".to_owned() }
    );
}

#[tokio::test]
async fn the_official_host_is_not_called_without_a_credential() {
    let http = HttpSettings::new(BaseUrl::parse("https://api.anthropic.com").unwrap(), 1);
    let backend = AnthropicBackend::new(AnthropicConfig { credential: None, ..config(http) });
    let expected = ProviderError::NoCredential {
        provider: "anthropic".to_owned(),
        variable: "ANTHROPIC_API_KEY".to_owned(),
    };
    assert_eq!(open(&backend, "claude-opus-5-5").await.unwrap_err(), expected);
    assert_eq!(backend.models().await.unwrap_err(), expected);
}

#[tokio::test]
async fn tokens_go_out_as_bearer_and_other_servers_need_none() {
    let server = TestServer::always(event_stream(REPLY) + "0\r\n\r\n");
    let environment = Environment::new("/", [("ANTHROPIC_AUTH_TOKEN", "tok-0123456789")]);
    for credential in [AnthropicCredential::from_env(&environment).unwrap(), None] {
        let backend = AnthropicBackend::new(AnthropicConfig { credential, ..config(server.settings()) });
        open(&backend, "m").await.unwrap();
    }
    let [with_token, without] = server.requests().try_into().unwrap();
    assert!(with_token.contains("authorization: Bearer tok-0123456789\r\n"), "{with_token}");
    assert!(!without.contains("authorization") && !without.contains("x-api-key"), "{without}");
}

#[tokio::test]
async fn models_are_listed_without_the_retired_ones() {
    let list = r#"{"data":[{"id":"a","lifecycle":"active","line":"opus"},{"id":"b","lifecycle":"retired"},{"id":"c"}],"has_more":false}"#;
    let server = TestServer::always(response("200 OK", "content-type: application/json\r\n", list));
    let models = AnthropicBackend::new(config(server.settings())).models().await.unwrap();
    assert_eq!(models, [ModelId::new("a"), ModelId::new("c")]);

    let server = TestServer::always(response("404 Not Found", "", "no such path"));
    let error = AnthropicBackend::new(config(server.settings())).models().await.unwrap_err();
    assert_eq!(error, ProviderError::InvalidRequest { status: 404, detail: "no such path".to_owned() });
}
