use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::*;

const MODEL: &str = "claude-sonnet-5-5";

type Headers = &'static [(&'static str, &'static str)];

fn classify(status: u16, headers: Headers, body: &str) -> ProviderError {
    let header = |(name, value): &(&'static str, &'static str)| {
        (HeaderName::from_static(name), HeaderValue::from_static(value))
    };
    let headers: HeaderMap = headers.iter().map(header).collect();
    of_reply(&ErrorReply::new(status, headers, body.as_bytes(), &[]), &ModelId::new(MODEL))
}

fn body(kind: &str, message: &str) -> String {
    serde_json::json!({"type": "error", "error": {"type": kind, "message": message}}).to_string()
}

fn kind(status: u16, error_type: &str, message: &str) -> &'static str {
    classify(status, &[], &body(error_type, message)).kind()
}

#[test]
fn each_status_has_its_class() {
    let cases = [
        (401, "authentication_error", "unauthorized"),
        (403, "permission_error", "unauthorized"),
        (402, "billing_error", "quota_exhausted"),
        (404, "not_found_error", "model_not_found"),
        (413, "request_too_large", "request_too_large"),
        (408, "timeout_error", "server_error"),
        (409, "conflict_error", "server_error"),
        (500, "api_error", "server_error"),
        (502, "", "server_error"),
        (503, "", "overloaded"),
        (504, "timeout_error", "server_error"),
        (529, "overloaded_error", "overloaded"),
        (500, "overloaded_error", "overloaded"),
        (418, "teapot", "invalid_request"),
    ];
    for (status, error_type, expected) in cases {
        assert_eq!(kind(status, error_type, "x"), expected, "{status} {error_type}");
    }
}

#[test]
fn a_bad_request_is_told_apart_by_its_message() {
    let cases = [
        ("prompt is too long: 208310 tokens > 200000 maximum", "context_too_long"),
        ("input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000", "context_too_long"),
        ("request (5000 tokens) exceeds the available context length", "context_too_long"),
        (
            "messages.1.content.0: `thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified",
            "reasoning_state_refused",
        ),
        ("messages.3.content.0: Invalid `signature` in `thinking` block", "reasoning_state_refused"),
        ("Your credit balance is too low to access the Anthropic API.", "quota_exhausted"),
        (
            "You have reached your specified API usage limits. You will regain access on 2026-12-01.",
            "quota_exhausted",
        ),
        ("messages: roles must alternate", "invalid_request"),
        ("tools.0.input_schema: JSON schema is invalid", "invalid_request"),
    ];
    for (message, expected) in cases {
        assert_eq!(kind(400, "invalid_request_error", message), expected, "{message}");
    }
}

#[test]
fn a_refused_parameter_is_named() {
    let cases = [
        ("`temperature` is deprecated for this model.", "temperature"),
        ("temperature: Extra inputs are not permitted", "temperature"),
        ("`temperature` may only be set to 1 when thinking is enabled", "temperature"),
        ("thinking.type: Input should be 'adaptive'", "thinking"),
        ("output_config.effort: xhigh is not supported", "output_config"),
        ("This model does not support the effort parameter.", "effort"),
        ("max_tokens: 200000 > 128000, which is the maximum allowed number of output tokens", "max_tokens"),
        ("tool_choice: forced tool use is not supported by this model", "tool_choice"),
    ];
    for (message, parameter) in cases {
        let expected = ProviderError::Parameter { parameter: parameter.into(), detail: message.into() };
        assert_eq!(classify(400, &[], &body("invalid_request_error", message)), expected);
    }
}

#[test]
fn a_429_is_a_throttle_or_about_money() {
    let throttled =
        "This request would exceed your organization's rate limit of 50,000 input tokens per minute.";
    let coded = |code: &str| {
        serde_json::json!({"type": "error", "error": {
            "type": "rate_limit_error", "message": "No.", "details": {"error_code": code},
        }})
        .to_string()
    };
    let plain = body("rate_limit_error", "No.");
    let cases: [(Headers, String, &str); 10] = [
        (&[("retry-after", "12")], plain.clone(), "rate_limited"),
        (&[("anthropic-ratelimit-requests-remaining", "0")], plain.clone(), "rate_limited"),
        (&[("x-should-retry", "true")], plain.clone(), "rate_limited"),
        (&[("x-should-retry", "false"), ("retry-after", "12")], plain.clone(), "quota_exhausted"),
        (&[], plain, "quota_exhausted"),
        (&[], body("rate_limit_error", throttled), "rate_limited"),
        (&[], body("rate_limit_error", "Your credit balance is too low."), "quota_exhausted"),
        (&[("retry-after", "12")], coded("enforced_spend_limit_reached"), "quota_exhausted"),
        (&[], coded("ramp_limit_exceeded"), "rate_limited"),
        // Not Anthropic's own form: a gateway, which gives no hint.
        (&[], r#"{"error":{"message":"slow down","type":"throttling_error"}}"#.to_owned(), "rate_limited"),
    ];
    for (headers, body, expected) in cases {
        assert_eq!(classify(429, headers, &body).kind(), expected, "{headers:?} {body}");
    }
}

#[test]
fn hints_and_details_are_kept() {
    let error = classify(
        529,
        &[("retry-after-ms", "250"), ("request-id", "req_9")],
        &body("overloaded_error", "Busy"),
    );
    let retry_after = Some(Duration::from_millis(250));
    assert_eq!(error, ProviderError::Overloaded { retry_after, detail: "Busy (request req_9)".to_owned() });
}

#[test]
fn bodies_in_no_known_form_are_classified_by_their_status() {
    for body in ["", "<html>no</html>", "{\"error\":\"x\"}", "[]", "null"] {
        assert_eq!(classify(500, &[], body).kind(), "server_error", "{body}");
        assert_eq!(classify(400, &[], body).kind(), "invalid_request", "{body}");
    }
}

#[test]
fn an_error_inside_a_stream_is_classified_by_its_type() {
    let cases = [
        ("overloaded_error", "overloaded"),
        ("api_error", "server_error"),
        ("timeout_error", "server_error"),
        ("rate_limit_error", "rate_limited"),
        ("billing_error", "quota_exhausted"),
        ("invalid_request_error", "invalid_request"),
        ("something_new", "server_error"),
        ("", "server_error"),
    ];
    for (error_type, expected) in cases {
        let error = WireError { kind: error_type.to_owned(), message: "x".to_owned(), details: None };
        assert_eq!(of_event(error, &ModelId::new(MODEL)).kind(), expected, "{error_type}");
    }
}
