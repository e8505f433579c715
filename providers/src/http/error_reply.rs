//! A reply with an error status.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderValue};
use serde_json::Value;

use super::hint;
use super::redact::clean;
use super::server_clock::written_at;
use crate::ProviderError;

/// Shortest secret that is looked for in a body: a shorter one (`none`, `ollama`) is no secret and may be a word.
const SECRET_CHARS_MIN: usize = 8;

/// A reply with an error status, its body bounded and without the keys that the request carried.
#[derive(Clone, Debug)]
pub(crate) struct ErrorReply {
    /// HTTP status.
    pub(crate) status: u16,
    /// Headers.
    pub(crate) headers: HeaderMap,
    /// At most 64 KiB of the body; may be empty, HTML, or cut in the middle.
    pub(crate) body: Arc<str>,
}

impl ErrorReply {
    /// `secrets` are the header values of the request that must not come back in any text.
    pub(crate) fn new(status: u16, headers: HeaderMap, body: &[u8], secrets: &[HeaderValue]) -> Self {
        let mut body = String::from_utf8_lossy(body).into_owned();
        for secret in secrets.iter().filter_map(|value| value.to_str().ok()) {
            let secret = secret.strip_prefix("Bearer ").unwrap_or(secret);
            if secret.len() >= SECRET_CHARS_MIN {
                body = body.replace(secret, "***");
            }
        }
        Self { status, headers, body: body.into() }
    }

    /// The body as JSON; Google may wrap its error into an array of one.
    pub(crate) fn json(&self) -> Option<Value> {
        match serde_json::from_str(&self.body).ok()? {
            Value::Array(mut items) if items.len() == 1 => items.pop(),
            value => Some(value),
        }
    }

    /// The server's hint when to come back.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        hint::retry_after(&self.headers, written_at(&self.headers))
    }

    /// `x-should-retry`, which overrides what the status says.
    pub(crate) fn should_retry(&self) -> Option<bool> {
        match self.header("x-should-retry")? {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    /// The server's id of the request, for its support.
    pub(crate) fn request_id(&self) -> Option<&str> {
        self.header("request-id").or_else(|| self.header("x-request-id"))
    }

    /// A header as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The vendor's message, made fit to be shown. Never empty. Ends with the request id where there is one.
    pub(crate) fn detail(&self) -> String {
        let message = self.json().as_ref().and_then(message).map(clean).filter(|text| !text.is_empty());
        let message = message.unwrap_or_else(|| self.plain_detail());
        match self.request_id() {
            Some(id) => format!("{message} (request {})", clean(id)),
            None => message,
        }
    }

    /// The error of a call that asks for no model, such as the list of models: not found is the list itself.
    pub(crate) fn about_a_list(&self, error: ProviderError) -> ProviderError {
        match error {
            ProviderError::ModelNotFound { detail, .. } => {
                ProviderError::InvalidRequest { status: self.status, detail }
            }
            other => other,
        }
    }

    /// For bodies without a message in JSON: the title of a page, else the text itself.
    fn plain_detail(&self) -> String {
        let title = self.body.split_once("<title>").and_then(|(_, rest)| rest.split_once("</title>"));
        let text = clean(title.map_or(&*self.body, |(title, _)| title));
        if text.is_empty() { format!("HTTP {} without a message", self.status) } else { text }
    }
}

/// Whether a message has one of the words, which are in lower case.
pub(crate) fn mentions(message: &str, words: &[&str]) -> bool {
    let message = message.to_ascii_lowercase();
    words.iter().any(|word| message.contains(word))
}

/// Where the known servers put their message.
fn message(body: &Value) -> Option<&str> {
    ["/error/message", "/error", "/message", "/detail"].iter().find_map(|path| body.pointer(path)?.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(body: &str) -> ErrorReply {
        ErrorReply::new(503, HeaderMap::new(), body.as_bytes(), &[])
    }

    #[test]
    fn the_message_is_found_in_every_known_shape() {
        let cases = [
            (r#"{"type":"error","error":{"type":"x","message":"anthropic"}}"#, "anthropic"),
            (r#"[{"error":{"code":429,"message":"google","status":"X"}}]"#, "google"),
            (r#"{"error":"ollama"}"#, "ollama"),
            (r#"{"detail":"fastapi"}"#, "fastapi"),
            ("<html><head><title>503 Busy</title></head><body>x</body></html>", "503 Busy"),
            ("upstream\nbroke", "upstream broke"),
            ("", "HTTP 503 without a message"),
            (r#"{"error":{"message":""}}"#, r#"{"error":{"message":""}}"#),
        ];
        for (body, expected) in cases {
            assert_eq!(reply(body).detail(), expected);
        }
    }

    #[test]
    fn a_key_that_comes_back_in_the_body_is_masked_whatever_its_form() {
        let secrets =
            [HeaderValue::from_static("Bearer correct-horse-battery"), HeaderValue::from_static("short")];
        let reply = ErrorReply::new(401, HeaderMap::new(), b"no: correct-horse-battery, short", &secrets);
        assert_eq!(&*reply.body, "no: ***, short");
    }

    #[test]
    fn the_request_id_stands_behind_the_message() {
        let headers =
            HeaderMap::from_iter([("request-id".parse().unwrap(), HeaderValue::from_static("req_1"))]);
        assert_eq!(ErrorReply::new(500, headers, b"x", &[]).detail(), "x (request req_1)");
    }
}
