use std::net::TcpListener;

use super::*;
use crate::http::test_server::{Next, TestServer, response, send};

const LLAMA_SERVER: &str = r#"{"models":[{"name":"qwen05.gguf"}],"object":"list","data":[{"id":"qwen05.gguf","object":"model","owned_by":"llamacpp","meta":{"n_ctx":2048,"n_ctx_train":32768}}]}"#;
const OLLAMA: &str = r#"{"object":"list","data":[{"id":"nomic-embed-text:latest","object":"model","owned_by":"library"},{"id":"qwen3:8b","object":"model","owned_by":"library"},{"id":"gemma3:4b","object":"model","owned_by":"library"}]}"#;

fn listing(models: &str) -> TestServer {
    TestServer::always(response("200 OK", "content-type: application/json\r\n", models))
}

fn port(server: &TestServer) -> u16 {
    server.url().rsplit(':').next().unwrap().parse().unwrap()
}

/// A port on which nothing listens.
fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

async fn probe(ports: Vec<u16>, model: Option<&str>) -> Option<LocalServer> {
    probe_local(&LocalServers { probe: true, ports, model: model.map(ModelId::new) }).await
}

#[tokio::test]
async fn a_server_is_found_with_its_name_its_model_and_its_window() {
    let server = listing(LLAMA_SERVER);
    let found = probe(vec![closed_port(), port(&server)], None).await.unwrap();
    let expected = LocalServer {
        name: "llama-server",
        port: port(&server),
        base_url: BaseUrl::parse(&format!("{}/v1", server.url())).unwrap(),
        model: ModelId::new("qwen05.gguf"),
        models: vec![ModelId::new("qwen05.gguf")],
        context_tokens: Some(2_048),
    };
    assert_eq!(found, expected);
    assert_eq!(found.to_string(), format!("llama-server on port {}", found.port));
    let request = server.requests().remove(0);
    assert!(request.starts_with("GET /v1/models HTTP/1.1\r\n"), "{request}");
    assert!(!request.contains("authorization"), "{request}");
}

#[tokio::test]
async fn the_first_port_in_the_settings_order_wins_whatever_answers_first() {
    let (first, second) = (listing(OLLAMA), listing(LLAMA_SERVER));
    let found = probe(vec![port(&first), port(&second)], None).await.unwrap();
    assert_eq!((found.name, found.model.as_str()), ("Ollama", "qwen3:8b"));
    let found = probe(vec![port(&second), port(&first)], None).await.unwrap();
    assert_eq!(found.name, "llama-server");
}

#[tokio::test]
async fn the_model_of_the_settings_chooses_the_server_or_is_used_as_it_is() {
    let (llama_server, ollama) = (listing(LLAMA_SERVER), listing(OLLAMA));
    let ports = vec![port(&llama_server), port(&ollama)];
    for (model, name) in [("gemma3:4b", "Ollama"), ("qwen05.gguf", "llama-server"), ("mine", "llama-server")]
    {
        let found = probe(ports.clone(), Some(model)).await.unwrap();
        assert_eq!((found.model.as_str(), found.name), (model, name));
    }
}

#[tokio::test]
async fn whatever_else_listens_on_a_port_is_no_server() {
    let json = "content-type: application/json\r\n";
    let answers = [
        response("200 OK", "content-type: text/html\r\n", "<html>hello</html>"),
        response("200 OK", json, r#"{"hello":"world"}"#),
        response("200 OK", json, r#"{"object":"list","data":[]}"#),
        response("200 OK", json, r#"{"object":"list","data":null}"#),
        response("200 OK", json, r#"{"data":[{"id":"bge-m3"},{"id":"text-embedding-x"}]}"#),
        response("200 OK", json, &format!(r#"{{"data":[{{"id":"{}"}}]}}"#, "x".repeat(LIST_BYTES_MAX))),
        response("401 Unauthorized", json, LLAMA_SERVER),
        response("302 Found", "location: http://127.0.0.1:1/v1/models\r\n", ""),
        "\r\n".to_owned(),
    ];
    for answer in answers {
        let server = TestServer::start(vec![send(answer.clone(), Next::Close)]);
        assert_eq!(probe(vec![port(&server)], None).await, None, "{answer:.200}");
    }
    assert_eq!(probe(vec![], None).await, None);
}

#[tokio::test]
async fn a_port_that_never_answers_holds_nobody_up() {
    let silent = TestServer::start(vec![Box::new(|_| Next::Hang)]);
    let server = listing(LLAMA_SERVER);
    let found = tokio::time::timeout(Duration::from_secs(5), probe(vec![port(&silent), port(&server)], None));
    assert_eq!(found.await.unwrap().unwrap().port, port(&server));
}

#[test]
fn servers_are_named_by_what_they_say_else_by_their_port() {
    let name = |owner: &str, port| {
        let json = format!(r#"{{"id":"m","owned_by":{owner}}}"#);
        server_name(&serde_json::from_str(&json).unwrap(), port)
    };
    assert_eq!(name(r#""vllm""#, 8080), "vLLM");
    assert_eq!(name(r#""organization_owner""#, 9), "LM Studio");
    assert_eq!(name("null", 11_434), "Ollama");
    assert_eq!(name(r#""somebody""#, 9), "a local server");
}
