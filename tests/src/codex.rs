//! The Responses API as the Codex CLI calls it: tolerant about what Codex says of itself, strict about the one thing
//! that matters here, that every call gets exactly one output.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};

use crate::loopback::Loopback;
use crate::mock::joined;

type Respond = dyn Fn(&CodexRequest) -> CodexReply + Send + Sync;

/// A model for Codex. Dropping it fails the story when a request broke the protocol.
pub struct CodexMock {
    server: Loopback,
    shared: Arc<Shared>,
}

struct Shared {
    respond: Box<Respond>,
    requests: Mutex<Vec<CodexRequest>>,
    violations: Mutex<Vec<String>>,
}

/// One request of Codex.
#[derive(Clone, Debug)]
pub struct CodexRequest {
    /// Number of the request, from 0.
    pub nth: usize,
    /// The body.
    pub body: Value,
}

/// What Codex's model says.
#[derive(Clone, Debug)]
pub enum CodexReply {
    /// Calls of the tool `Task` of the server `task`, with these arguments, all in one response.
    Tasks(Vec<Value>),
    /// Calls of a tool of no server, with these arguments, all in one response.
    Tools {
        /// The tool.
        name: &'static str,
        /// One for each call.
        calls: Vec<Value>,
    },
    /// A text.
    Text(String),
}

impl CodexMock {
    /// Starts a model that answers each request with what `respond` says.
    ///
    /// # Panics
    /// When loopback cannot be bound: nothing can be tested then.
    pub fn start(respond: impl Fn(&CodexRequest) -> CodexReply + Send + Sync + 'static) -> Self {
        let shared = Arc::new(Shared {
            respond: Box::new(respond),
            requests: Mutex::default(),
            violations: Mutex::default(),
        });
        let routes = Router::new().route("/v1/responses", post(answer)).with_state(Arc::clone(&shared));
        Self { server: Loopback::serve(routes), shared }
    }

    /// The lines of Codex's `config.toml` that make this its model, under this name. The key is in `STORY_KEY`.
    pub fn config(&self, model: &str) -> String {
        format!(
            "model = \"{model}\"\nmodel_provider = \"story\"\n\n[model_providers.story]\nname = \"story\"\n\
             base_url = \"http://{}/v1\"\nwire_api = \"responses\"\nenv_key = \"STORY_KEY\"\n\
             request_max_retries = 0\nstream_max_retries = 0\n",
            self.server.address()
        )
    }

    /// All requests so far.
    pub fn requests(&self) -> Vec<CodexRequest> {
        self.shared.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for CodexMock {
    fn drop(&mut self) {
        let violations = self.shared.violations.lock().unwrap_or_else(PoisonError::into_inner).join("\n");
        assert!(
            std::thread::panicking() || violations.is_empty(),
            "requests broke the protocol:\n{violations}"
        );
    }
}

impl CodexRequest {
    /// The outputs of all calls so far, by the number of the call.
    pub fn outputs(&self) -> BTreeMap<usize, String> {
        let outputs = self.input().iter().filter(|item| item["type"] == "function_call_output");
        let number = |item: &Value| item["call_id"].as_str()?.strip_prefix("call_")?.parse().ok();
        outputs.filter_map(|item| Some((number(item)?, joined(&item["output"])))).collect()
    }

    /// Everything that the request shows the model, as one text.
    pub fn everything(&self) -> String {
        self.body.to_string()
    }

    fn input(&self) -> &[Value] {
        self.body["input"].as_array().map(Vec::as_slice).unwrap_or_default()
    }

    /// What the vendor would refuse.
    fn violations(&self, headers: &HeaderMap) -> Vec<String> {
        let mut found = Vec::new();
        if !headers.get(header::AUTHORIZATION).is_some_and(|value| value.as_bytes().starts_with(b"Bearer ")) {
            found.push("no credential".to_owned());
        }
        if self.body["stream"] != true || self.body["model"].as_str().is_none_or(str::is_empty) {
            found.push("stream and model".to_owned());
        }
        let ids = |kind: &str| {
            let items = self.input().iter().filter(move |item| item["type"] == kind);
            let mut ids: Vec<&str> = items.filter_map(|item| item["call_id"].as_str()).collect();
            ids.sort_unstable();
            ids
        };
        let (calls, outputs) = (ids("function_call"), ids("function_call_output"));
        if calls != outputs {
            found.push(format!("calls {calls:?} with outputs {outputs:?}"));
        }
        found
    }
}

async fn answer(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let request = {
        let mut requests = shared.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let request = CodexRequest { nth: requests.len(), body };
        requests.push(request.clone());
        request
    };
    let violations = request.violations(&headers);
    if !violations.is_empty() {
        let text = format!("request {}: {}", request.nth, violations.join("; "));
        shared.violations.lock().unwrap_or_else(PoisonError::into_inner).push(text.clone());
        return (StatusCode::BAD_REQUEST, axum::Json(json!({"error": {"message": text}}))).into_response();
    }
    let reply = (shared.respond)(&request);
    ([(header::CONTENT_TYPE, "text/event-stream")], stream(request.nth, reply)).into_response()
}

fn calls(nth: usize, name: &str, arguments: &[Value]) -> Vec<Value> {
    let call = |(index, arguments): (usize, &Value)| {
        json!({
            "type": "function_call", "id": format!("fc_{nth}_{index}"), "call_id": format!("call_{index}"),
            "name": name, "arguments": arguments.to_string(), "status": "completed",
        })
    };
    arguments.iter().enumerate().map(call).collect()
}

/// The events of a whole response.
fn stream(nth: usize, reply: CodexReply) -> String {
    let output: Vec<Value> = match reply {
        CodexReply::Tasks(tasks) => {
            let mut calls = calls(nth, "Task", &tasks);
            for call in &mut calls {
                call["namespace"] = "mcp__task".into();
            }
            calls
        }
        CodexReply::Tools { name, calls: arguments } => calls(nth, name, &arguments),
        CodexReply::Text(text) => vec![json!({
            "type": "message", "id": format!("msg_{nth}"), "role": "assistant", "status": "completed",
            "content": [{"type": "output_text", "text": text, "annotations": []}],
        })],
    };
    let usage = json!({
        "input_tokens": 10, "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": 5, "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 15,
    });
    let id = format!("resp_{nth}");
    let mut events = vec![json!({"type": "response.created", "response": {"id": id}})];
    for (index, item) in output.iter().enumerate() {
        events.push(json!({"type": "response.output_item.added", "output_index": index, "item": item}));
        events.push(json!({"type": "response.output_item.done", "output_index": index, "item": item}));
    }
    events.push(json!({
        "type": "response.completed", "response": {"id": id, "status": "completed", "output": output, "usage": usage},
    }));
    let frame =
        |event: &Value| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap_or_default());
    events.iter().map(frame).collect::<Vec<_>>().concat()
}
