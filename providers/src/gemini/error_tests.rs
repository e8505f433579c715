use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::json;

use super::*;

const MODEL: &str = "gemini-4-argon";

fn classify_with(status: u16, retry_after: Option<&'static str>, body: &str) -> ProviderError {
    let header = |value| (HeaderName::from_static("retry-after"), HeaderValue::from_static(value));
    let headers: HeaderMap = retry_after.map(header).into_iter().collect();
    of_reply(&ErrorReply::new(status, headers, body.as_bytes(), &[]), &ModelId::new(MODEL))
}

fn classify(status: u16, body: &str) -> ProviderError {
    classify_with(status, None, body)
}

fn body(message: &str, details: &Value) -> String {
    json!({"error": {"code": 0, "message": message, "status": "X", "details": details}}).to_string()
}

fn kind(status: u16, message: &str) -> &'static str {
    classify(status, &body(message, &json!([]))).kind()
}

fn retry_info(delay: &str) -> Value {
    json!({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay})
}

fn quota(id: &str) -> Value {
    json!({"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [
        {"quotaMetric": "generativelanguage.googleapis.com/generate_content_requests", "quotaId": id, "quotaValue": "20"},
    ]})
}

fn error_info(reason: &str) -> Value {
    json!({"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "googleapis.com"})
}

#[test]
fn each_status_has_its_class() {
    let cases = [
        (400, "invalid_request"),
        (401, "unauthorized"),
        (403, "unauthorized"),
        (402, "quota_exhausted"),
        (404, "model_not_found"),
        (408, "server_error"),
        (409, "server_error"),
        (413, "request_too_large"),
        (418, "invalid_request"),
        (429, "rate_limited"),
        (499, "server_error"),
        (500, "server_error"),
        (502, "server_error"),
        (503, "overloaded"),
        (504, "server_error"),
    ];
    for (status, expected) in cases {
        assert_eq!(kind(status, "x"), expected, "{status}");
    }
}

#[test]
fn a_bad_request_is_told_apart_by_its_reason_or_message() {
    let invalid = body("Please pass a valid one.", &json!([error_info("API_KEY_INVALID")]));
    assert!(matches!(classify(400, &invalid), ProviderError::Unauthorized { status: 400, .. }));
    let cases = [
        ("API key not valid. Please pass a valid API key.", "unauthorized"),
        ("API key expired. Please renew the API key.", "unauthorized"),
        ("User location is not supported for the API use.", "unauthorized"),
        ("Gemini API free tier is not available in your country. Please enable billing.", "quota_exhausted"),
        (
            "The input token count (3475108) exceeds the maximum number of tokens allowed (1048576).",
            "context_too_long",
        ),
        ("Request payload size exceeds the limit: 20971520 bytes.", "request_too_large"),
        ("Function call is missing a thought_signature in functionCall parts.", "reasoning_state_refused"),
        ("Corrupted thought signature.", "reasoning_state_refused"),
        ("Invalid thought signature.", "reasoning_state_refused"),
        (
            "Please ensure that the number of function response parts is equal to the number of function call parts.",
            "invalid_request",
        ),
        ("Invalid JSON payload received. Unknown name \"foo\": Cannot find field.", "invalid_request"),
    ];
    for (message, expected) in cases {
        assert_eq!(kind(400, message), expected, "{message}");
    }
}

#[test]
fn a_refused_parameter_is_named() {
    let cases = [
        ("Thinking level is not supported for this model.", "thinkingConfig"),
        ("The thinking budget (52428) is invalid.", "thinkingConfig"),
        ("You can only set only one of thinking budget and thinking level.", "thinkingConfig"),
        ("Unknown name \"includeThoughts\": Cannot find field.", "thinkingConfig"),
        ("temperature is not supported for this model.", "temperature"),
        ("Invalid value at 'generation_config.max_output_tokens'", "maxOutputTokens"),
        ("Tool use with a response mime type: 'application/json' is unsupported", "responseJsonSchema"),
    ];
    for (message, parameter) in cases {
        let expected = ProviderError::Parameter { parameter: parameter.into(), detail: message.into() };
        assert_eq!(classify(400, &body(message, &json!([]))), expected);
    }
}

#[test]
fn a_429_is_a_throttle_of_a_minute_or_a_quota_that_no_waiting_refills() {
    let minute = quota("GenerateRequestsPerMinutePerProjectPerModel-FreeTier");
    let day = quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier");
    let nothing = json!({"@type": "type.googleapis.com/google.rpc.QuotaFailure",
        "violations": [{"quotaId": "GenerateContentInputTokensPerModelPerMinute-FreeTier", "quotaValue": "0"}]});
    let throttled = ProviderError::RateLimited {
        retry_after: Some(Duration::from_secs(46)),
        detail: "Quota exceeded.".to_owned(),
    };
    let reply = body("Quota exceeded.", &json!([minute.clone(), retry_info("46s")]));
    assert_eq!(classify(429, &reply), throttled);
    let cases = [
        (json!([day.clone(), retry_info("46s")]), "quota_exhausted"),
        (json!([minute.clone(), day]), "quota_exhausted"),
        (json!([nothing, retry_info("46s")]), "quota_exhausted"),
        (json!([quota("PaidTierSpendPerTenMinutes")]), "quota_exhausted"),
        (json!([error_info("QUOTA_EXHAUSTED")]), "quota_exhausted"),
        (json!([error_info("MODEL_CAPACITY_EXHAUSTED")]), "overloaded"),
        (json!([error_info("RATE_LIMIT_EXCEEDED")]), "rate_limited"),
        (json!([minute]), "rate_limited"),
        (json!("details"), "rate_limited"),
    ];
    for (details, expected) in cases {
        assert_eq!(classify(429, &body("x", &details)).kind(), expected, "{details}");
    }
    let messages = [
        (
            "Quota exceeded for metric: x/free_tier_requests, limit: 0, model: gemini-3.1-pro",
            "quota_exhausted",
        ),
        ("Quota exceeded for metric: x/free_tier_requests, limit: 0\nPlease retry in 5s.", "quota_exhausted"),
        ("Quota exceeded for metric: x/free_tier_requests, limit: 05, model: y", "rate_limited"),
        ("Your prepayment credits are depleted.", "quota_exhausted"),
        ("Your project has exceeded its spending cap.", "quota_exhausted"),
        ("Resource has been exhausted (e.g. check quota).", "rate_limited"),
    ];
    for (message, expected) in messages {
        assert_eq!(kind(429, message), expected, "{message}");
    }
}

#[test]
fn the_hint_comes_from_the_details_the_headers_or_the_message() {
    let message = "Quota exceeded. Please retry in 55.576865699s.";
    let detailed = body(message, &json!([retry_info("46s"), retry_info("60.5s")]));
    assert_eq!(classify_with(429, Some("2"), &detailed).retry_after(), Some(Duration::from_millis(60_500)));
    let plain = body(message, &json!([]));
    assert_eq!(classify_with(429, Some("2"), &plain).retry_after(), Some(Duration::from_secs(2)));
    assert_eq!(classify(429, &plain).retry_after(), Some(Duration::from_secs_f64(55.576_865_699)));
    assert_eq!(classify(503, &body("x", &json!([retry_info("soon")]))).retry_after(), None);
}

#[test]
fn an_error_that_is_wrapped_into_an_array_is_read_too() {
    let wrapped = format!("[{}]", body("Quota exceeded.", &json!([retry_info("46s")])));
    let expected = ProviderError::RateLimited {
        retry_after: Some(Duration::from_secs(46)),
        detail: "Quota exceeded.".to_owned(),
    };
    assert_eq!(classify(429, &wrapped), expected);
}

#[test]
fn a_403_is_about_the_key_unless_it_says_money() {
    assert_eq!(classify(403, &body("x", &json!([error_info("SERVICE_DISABLED")]))).kind(), "unauthorized");
    assert_eq!(classify(403, &body("x", &json!([error_info("BILLING_DISABLED")]))).kind(), "quota_exhausted");
}

#[test]
fn bodies_in_no_known_form_are_classified_by_their_status() {
    for body in ["", "<html>no</html>", "{\"error\":\"x\"}", "[]", "null", "{\"error\":{\"message\":1}}"] {
        assert_eq!(classify(500, body).kind(), "server_error", "{body}");
        assert_eq!(classify(400, body).kind(), "invalid_request", "{body}");
        assert_eq!(classify(429, body).kind(), "rate_limited", "{body}");
    }
}

#[test]
fn an_error_inside_a_stream_is_classified_by_its_code() {
    let of = |error: Value| of_chunk(&error.to_string(), &ModelId::new(MODEL));
    let exhausted = json!({"code": 429, "message": "x", "details": [quota("GenerateRequestsPerDay")]});
    assert_eq!(of(exhausted).kind(), "quota_exhausted");
    assert_eq!(of(json!({"code": 500, "status": "INTERNAL"})).kind(), "server_error");
    let silent =
        ProviderError::Server { status: 500, retry_after: None, detail: "no reason was given".to_owned() };
    assert_eq!(of(json!({})), silent);
    assert_eq!(of(json!("x")), silent);
}
