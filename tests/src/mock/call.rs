//! A request as it came in, with the parts that stories look at in neutral form.

use axum::http::HeaderMap;
use serde_json::Value;

use super::Format;

/// One request.
#[derive(Clone, Debug)]
pub struct Call {
    /// The format of the server that got it.
    pub format: Format,
    /// Number of the request at this server, from 0.
    pub nth: usize,
    /// Path and query.
    pub path: String,
    /// Headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Value,
}

impl Call {
    /// A header as text; empty when absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The model asked for.
    pub fn model(&self) -> String {
        match self.format {
            Format::Gemini => {
                let rest = self.path.split_once("/models/").map(|(_, rest)| rest).unwrap_or_default();
                rest.split(':').next().unwrap_or_default().to_owned()
            }
            Format::Anthropic | Format::OpenAi | Format::OpenAiChat => text(&self.body["model"]),
        }
    }

    /// The system prompt.
    pub fn system(&self) -> String {
        match self.format {
            Format::Anthropic => joined(&self.body["system"]),
            Format::OpenAi => text(&self.body["instructions"]),
            Format::OpenAiChat => {
                self.turns().iter().filter(|t| t["role"] == "system").map(|t| joined(&t["content"])).collect()
            }
            Format::Gemini => joined(&self.body["systemInstruction"]["parts"]),
        }
    }

    /// Names of the tools offered, in order.
    pub fn tools(&self) -> Vec<String> {
        let list = match self.format {
            Format::Gemini => &self.body["tools"][0]["functionDeclarations"],
            Format::Anthropic | Format::OpenAi | Format::OpenAiChat => &self.body["tools"],
        };
        let name = |tool: &Value| match self.format {
            Format::OpenAiChat => text(&tool["function"]["name"]),
            Format::Anthropic | Format::OpenAi | Format::Gemini => text(&tool["name"]),
        };
        items(list).iter().map(name).collect()
    }

    /// All turns of the conversation, in the vendor's form.
    pub fn turns(&self) -> &[Value] {
        let list = match self.format {
            Format::Anthropic | Format::OpenAiChat => &self.body["messages"],
            Format::OpenAi => &self.body["input"],
            Format::Gemini => &self.body["contents"],
        };
        items(list)
    }

    /// Everything that the request would show a model, as one text: for looking for what must not be there.
    pub fn everything(&self) -> String {
        self.body.to_string()
    }

    /// Texts of all tool results, in order.
    pub fn tool_results(&self) -> Vec<String> {
        self.turns().iter().flat_map(|turn| self.results_in(turn)).collect()
    }

    fn results_in(&self, turn: &Value) -> Vec<String> {
        match self.format {
            Format::Anthropic => items(&turn["content"])
                .iter()
                .filter(|block| block["type"] == "tool_result")
                .map(|block| joined(&block["content"]))
                .collect(),
            Format::OpenAi if turn["type"] == "function_call_output" => vec![joined(&turn["output"])],
            Format::OpenAiChat if turn["role"] == "tool" => vec![joined(&turn["content"])],
            Format::OpenAi | Format::OpenAiChat => Vec::new(),
            Format::Gemini => items(&turn["parts"])
                .iter()
                .filter_map(|part| part.get("functionResponse"))
                .map(|response| response["response"].to_string())
                .collect(),
        }
    }
}

/// A JSON string's text; empty for anything else.
pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// An array's items; empty for anything else.
pub(super) fn items(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The text of a string or of a list of text blocks.
pub(crate) fn joined(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => blocks.iter().filter_map(|block| block["text"].as_str()).collect(),
        _ => String::new(),
    }
}
