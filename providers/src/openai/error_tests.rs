use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::json;

use super::*;

const MODEL: &str = "gpt-6.1-sol";

type Headers = &'static [(&'static str, &'static str)];

fn classify(status: u16, headers: Headers, body: &str) -> ProviderError {
    let header = |(name, value): &(&'static str, &'static str)| {
        (HeaderName::from_static(name), HeaderValue::from_static(value))
    };
    let headers: HeaderMap = headers.iter().map(header).collect();
    of_reply(&ErrorReply::new(status, headers, body.as_bytes(), &[]), &ModelId::new(MODEL))
}

fn body(kind: &str, code: &str, param: &str, message: &str) -> String {
    json!({"error": {"type": kind, "code": code, "param": param, "message": message}}).to_string()
}

fn kind(status: u16, code: &str, message: &str) -> &'static str {
    classify(status, &[], &body("x", code, "", message)).kind()
}

#[test]
fn each_status_has_its_class() {
    let cases = [
        (400, "", "invalid_request"),
        (401, "invalid_api_key", "unauthorized"),
        (403, "unsupported_country_region_territory", "unauthorized"),
        (402, "", "quota_exhausted"),
        (404, "model_not_found", "model_not_found"),
        (403, "model_not_found", "model_not_found"),
        (408, "", "server_error"),
        (409, "", "server_error"),
        (413, "", "request_too_large"),
        (418, "", "invalid_request"),
        (429, "rate_limit_exceeded", "rate_limited"),
        (429, "slow_down", "rate_limited"),
        (429, "", "rate_limited"),
        (500, "", "server_error"),
        (502, "", "server_error"),
        (503, "server_is_overloaded", "overloaded"),
        (500, "server_is_overloaded", "overloaded"),
        (504, "", "server_error"),
        (400, "context_length_exceeded", "context_too_long"),
        (400, "string_above_max_length", "request_too_large"),
        (400, "invalid_encrypted_content", "reasoning_state_refused"),
        (400, "invalid_prompt", "refused"),
        (400, "misalignment_policy_violation", "refused"),
    ];
    for (status, code, expected) in cases {
        assert_eq!(kind(status, code, "x"), expected, "{status} {code}");
    }
}

#[test]
fn a_429_is_a_throttle_or_about_money() {
    let throttled = "Rate limit reached for gpt-6.1-sol on tokens per min (TPM): Limit 30000, Used 29000. \
        Please try again in 1.2s. Visit the billing page to raise it.";
    let cases = [
        ("insufficient_quota", "You exceeded your current quota.", "quota_exhausted"),
        ("credit_balance_exhausted", "x", "quota_exhausted"),
        ("project_spend_limit_reached", "x", "quota_exhausted"),
        ("billing_hard_limit_reached", "x", "quota_exhausted"),
        ("", "You exceeded your current quota, please check your plan.", "quota_exhausted"),
        ("rate_limit_exceeded", throttled, "rate_limited"),
        ("", "Too many requests.", "rate_limited"),
        // No waiting makes room for one request that is larger than the limit of a minute.
        (
            "rate_limit_exceeded",
            "Request too large for gpt-4o: Limit 30000, Requested 50000.",
            "context_too_long",
        ),
    ];
    for (code, message, expected) in cases {
        assert_eq!(kind(429, code, message), expected, "{code} {message}");
    }
    let by_type = r#"{"error":{"type":"insufficient_quota","code":null,"message":"x","param":null}}"#;
    assert_eq!(classify(429, &[], by_type).kind(), "quota_exhausted");
}

#[test]
fn the_hint_comes_from_the_headers_or_else_from_the_message() {
    let message = "Rate limit reached. Please try again in 6m0s. Visit https://example.org.";
    let body = body("tokens", "rate_limit_exceeded", "", message);
    assert_eq!(classify(429, &[], &body).retry_after(), Some(Duration::from_mins(6)));
    assert_eq!(classify(429, &[("retry-after", "2")], &body).retry_after(), Some(Duration::from_secs(2)));
    let millis = classify(503, &[("retry-after-ms", "250"), ("retry-after", "9")], "{}");
    assert_eq!(millis.retry_after(), Some(Duration::from_millis(250)));
}

#[test]
fn a_bad_request_is_told_apart_by_its_message() {
    let cases = [
        ("Your input exceeds the context window of this model.", "context_too_long"),
        ("This model's maximum context length is 128000 tokens.", "context_too_long"),
        ("Input tokens exceed the configured limit of 272000 tokens.", "context_too_long"),
        ("request (4020 tokens) exceeds the available context size (2048 tokens)", "context_too_long"),
        ("The encrypted content gAAA...Rg== could not be verified.", "reasoning_state_refused"),
        (
            "Item 'rs_1' of type 'reasoning' was provided without its required following item.",
            "reasoning_state_refused",
        ),
        (
            "Item 'fc_1' of type 'function_call' was provided without its required 'reasoning' item: 'rs_1'.",
            "reasoning_state_refused",
        ),
        (
            "Item with id 'rs_1' not found. Items are not persisted when `store` is set to false.",
            "reasoning_state_refused",
        ),
        ("Your credit balance is too low.", "quota_exhausted"),
        ("No tool output found for function call call_1.", "invalid_request"),
        ("Invalid value: 'text'. Supported values are: 'input_text'.", "invalid_request"),
    ];
    for (message, expected) in cases {
        assert_eq!(kind(400, "", message), expected, "{message}");
    }
}

#[test]
fn a_refused_parameter_is_named() {
    let cases = [
        ("unsupported_parameter", "temperature", "Unsupported parameter: 'temperature'", "temperature"),
        ("unsupported_value", "reasoning.effort", "Unsupported value: 'xhigh'", "reasoning.effort"),
        ("", "", "Unsupported parameter: 'temperature' is not supported with this model.", "temperature"),
        ("", "", "Unsupported value: 'reasoning.effort' does not support 'max'.", "reasoning"),
        ("", "", "Encrypted content is not supported with this model.", "include"),
        ("", "", "Unrecognized request argument supplied: `prompt_cache_key`", "prompt_cache_key"),
    ];
    for (code, param, message, parameter) in cases {
        let expected = ProviderError::Parameter { parameter: parameter.into(), detail: message.into() };
        assert_eq!(classify(400, &[], &body("invalid_request_error", code, param, message)), expected);
    }
    // An argument of a tool may have the name of one.
    let schema = body(
        "invalid_request_error",
        "invalid_function_parameters",
        "tools[0].parameters",
        "'temperature' is wrong",
    );
    assert_eq!(classify(400, &[], &schema).kind(), "invalid_request");
    assert_eq!(
        classify(400, &[], &body("x", "", "input[3].name", "Invalid 'input[3].name'")).kind(),
        "invalid_request"
    );
}

#[test]
fn a_404_is_about_the_model_only_if_it_says_so() {
    let cases = [
        (
            r#"{"error":{"message":"The model `x` does not exist.","type":"NotFoundError","code":404}}"#,
            "model_not_found",
        ),
        (
            r#"{"error":{"message":"model \"x\" not found, try pulling it first","type":"api_error"}}"#,
            "model_not_found",
        ),
        (r#"{"error":{"message":"File Not Found","type":"not_found_error","code":404}}"#, "invalid_request"),
        (r#"{"error":{"message":"Invalid URL (POST /v1/v1/responses)","code":null}}"#, "invalid_request"),
    ];
    for (body, expected) in cases {
        assert_eq!(classify(404, &[], body).kind(), expected, "{body}");
    }
}

#[test]
fn details_end_with_the_request_id() {
    let error = classify(500, &[("x-request-id", "req_9")], &body("server_error", "", "", "Sorry"));
    let detail = "Sorry (request req_9)".to_owned();
    assert_eq!(error, ProviderError::Server { status: 500, retry_after: None, detail });
}

#[test]
fn bodies_of_other_servers_and_in_no_known_form_are_classified_too() {
    let llama = r#"{"error":{"code":400,"message":"no room","type":"exceed_context_size_error"}}"#;
    assert_eq!(classify(400, &[], llama).kind(), "context_too_long");
    let flat = r#"{"message":"Unsupported parameter: 'temperature'","type":"BadRequestError","code":400}"#;
    assert_eq!(classify(400, &[], flat).kind(), "parameter_refused");
    for body in ["", "<html>no</html>", "{\"error\":\"x\"}", "[]", "null", "{\"error\":{\"code\":[1]}}"] {
        assert_eq!(classify(500, &[], body).kind(), "server_error", "{body}");
        assert_eq!(classify(400, &[], body).kind(), "invalid_request", "{body}");
    }
    assert_eq!(classify(400, &[("x-should-retry", "true")], "{}").kind(), "server_error");
}

#[test]
fn an_error_inside_a_stream_is_classified_by_its_code_or_type() {
    let cases = [
        ("rate_limit_exceeded", "", "rate_limited"),
        ("server_error", "", "server_error"),
        ("server_is_overloaded", "", "overloaded"),
        ("context_length_exceeded", "invalid_request_error", "context_too_long"),
        ("invalid_encrypted_content", "invalid_request_error", "reasoning_state_refused"),
        ("insufficient_quota", "insufficient_quota", "quota_exhausted"),
        ("invalid_prompt", "", "refused"),
        ("", "tokens", "rate_limited"),
        ("", "authentication_error", "unauthorized"),
        ("503", "unavailable_error", "overloaded"),
        ("something_new", "", "server_error"),
        ("", "", "server_error"),
    ];
    for (code, kind, expected) in cases {
        let data = json!({"type": "error", "error": {"code": code, "type": kind, "message": "x"}});
        assert_eq!(of_event(&data.to_string(), &ModelId::new(MODEL)).kind(), expected, "{code} {kind}");
    }
    let silent = of_event("{\"type\":\"error\"}", &ModelId::new(MODEL));
    assert_eq!(silent, ProviderError::Server { status: 500, retry_after: None, detail: "error".to_owned() });
}
