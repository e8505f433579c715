use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::*;

const MODEL: &str = "qwen3:8b";

type Headers = &'static [(&'static str, &'static str)];

fn classify(status: u16, headers: Headers, body: &str) -> ProviderError {
    let header = |(name, value): &(&'static str, &'static str)| {
        (HeaderName::from_static(name), HeaderValue::from_static(value))
    };
    let headers: HeaderMap = headers.iter().map(header).collect();
    of_reply(&ErrorReply::new(status, headers, body.as_bytes(), &[]), &ModelId::new(MODEL))
}

fn body(message: &str) -> String {
    serde_json::json!({"error": {"message": message, "type": "invalid_request_error", "param": null, "code": null}})
        .to_string()
}

fn kind(status: u16, message: &str) -> &'static str {
    classify(status, &[], &body(message)).kind()
}

#[test]
fn each_status_has_its_class() {
    let cases = [
        (400, "invalid_request"),
        (401, "unauthorized"),
        (402, "quota_exhausted"),
        (403, "unauthorized"),
        (404, "protocol"),
        (405, "protocol"),
        (408, "server_error"),
        (409, "server_error"),
        (413, "request_too_large"),
        (418, "invalid_request"),
        (422, "invalid_request"),
        (429, "rate_limited"),
        (500, "server_error"),
        (501, "invalid_request"),
        (502, "server_error"),
        (503, "overloaded"),
        (504, "server_error"),
        (529, "overloaded"),
    ];
    for (status, expected) in cases {
        assert_eq!(kind(status, "x"), expected, "{status}");
    }
}

#[test]
fn a_conversation_that_is_too_long_is_told_by_the_words_of_every_known_server() {
    let cases = [
        // llama-server, as recorded.
        (
            400,
            r#"{"error":{"code":400,"message":"request (3020 tokens) exceeds the available context size (2048 tokens), try increasing it","type":"exceed_context_size_error","n_prompt_tokens":3020,"n_ctx":2048}}"#,
        ),
        (500, r#"{"error":{"code":500,"message":"Context size has been exceeded.","type":"server_error"}}"#),
        // OpenAI.
        (
            400,
            r#"{"error":{"message":"This model's maximum context length is 128000 tokens.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}"#,
        ),
        // vLLM, old and new.
        (
            400,
            r#"{"object":"error","message":"This model's maximum context length is 16384 tokens. However, you requested 122946 tokens","type":"BadRequestError","param":null,"code":400}"#,
        ),
        (
            400,
            r#"{"object":"error","message":"max_tokens must be at least 1, got -186.","type":"BadRequestError","param":null,"code":400}"#,
        ),
        (
            400,
            r#"{"error":{"message":"The decoder prompt (length 2000) is longer than the maximum model length of 1024.","type":"BadRequestError","code":400}}"#,
        ),
        // Ollama.
        (500, r#"{"error":{"message":"the input length exceeds the context length","type":"api_error"}}"#),
        // LM Studio.
        (
            400,
            r#"{"error":"Trying to keep the first 14538 tokens when context the overflows. However, the model is loaded with context length of only 2048 tokens, which is not enough."}"#,
        ),
        // LiteLLM.
        (
            400,
            r#"{"error":{"message":"litellm.ContextWindowExceededError: Mocked","type":null,"param":null,"code":"400"}}"#,
        ),
        // OpenRouter passes on what stands behind it.
        (
            400,
            r#"{"error":{"message":"Provider returned error","code":400,"metadata":{"raw":"{\"message\":\"prompt is too long: 208310 tokens > 200000 maximum\"}"}}}"#,
        ),
    ];
    for (status, body) in cases {
        assert_eq!(classify(status, &[], body).kind(), "context_too_long", "{body}");
    }
    // Only the output that was asked for is too long.
    let output = "'max_tokens' is too large: 8192. This model's maximum context length is 4096 tokens.";
    assert_eq!(kind(400, output), "parameter_refused");
}

#[test]
fn a_refused_parameter_is_named() {
    let cases = [
        (
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
            "max_tokens",
        ),
        ("Unsupported value: 'temperature' does not support 0.3 with this model.", "temperature"),
        ("stream_options: Extra inputs are not permitted", "stream_options"),
        ("This response_format type is unavailable now", "response_format"),
        (
            "Invalid schema for response_format 'review': 'additionalProperties' is required",
            "response_format",
        ),
        (r#""qwen2.5:0.5b" does not support thinking"#, "reasoning_effort"),
        ("registry.ollama.ai/library/gemma:2b does not support tools", "tools"),
        (
            r#""auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set"#,
            "tools",
        ),
    ];
    for (message, parameter) in cases {
        let expected = ProviderError::Parameter { parameter: parameter.into(), detail: message.into() };
        assert_eq!(classify(400, &[], &body(message)), expected);
    }
    let by_param = r#"{"error":{"message":"No.","param":"reasoning_effort","code":"unsupported_value"}}"#;
    assert_eq!(classify(400, &[], by_param).kind(), "parameter_refused");
    let no_tools = r#"{"error":{"message":"No endpoints found that support tool use.","code":404}}"#;
    assert_eq!(classify(404, &[], no_tools).kind(), "parameter_refused");
    for other in [
        "tools[0].function.parameters: invalid schema",
        "the temperature of the sun",
        "max_tokens_total is unknown",
    ] {
        assert_eq!(kind(400, other), "invalid_request", "{other}");
    }
}

#[test]
fn reasoning_that_a_server_does_not_take_back_is_told_apart() {
    let cases = [
        "'messages.2' : for 'role:assistant' the following must be satisfied[('messages.2' : property 'reasoning_content' is unsupported)]",
        "Function call is missing a thought_signature in functionCall parts.",
    ];
    for message in cases {
        assert_eq!(kind(400, message), "reasoning_state_refused", "{message}");
    }
    // Cerebras has no `error` around it.
    let flat = r#"{"message":"messages.1.assistant.reasoning_content: property is unsupported","type":"invalid_request_error","param":"validation_error","code":"wrong_api_format"}"#;
    assert_eq!(classify(400, &[], flat).kind(), "reasoning_state_refused");
}

#[test]
fn a_429_is_a_throttle_or_about_money() {
    let quota = r#"{"error":{"message":"You exceeded your current quota, please check your plan and billing details.","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}"#;
    let cases: [(u16, Headers, &str, &str); 8] = [
        (429, &[("retry-after", "3")], quota, "quota_exhausted"),
        (429, &[], &body("Rate limit reached for requests"), "rate_limited"),
        (429, &[], &body("Rate limit exceeded: free-models-per-day"), "quota_exhausted"),
        (429, &[("retry-after", "60")], &body("tokens per day (TPD): Limit 100000"), "rate_limited"),
        (403, &[], &body("Key limit exceeded (total limit)"), "quota_exhausted"),
        (402, &[], &body("Insufficient Balance"), "quota_exhausted"),
        (400, &[], &body("Your credit balance is too low"), "quota_exhausted"),
        (401, &[], &body("Incorrect API key provided"), "unauthorized"),
    ];
    for (status, headers, body, expected) in cases {
        assert_eq!(classify(status, headers, body).kind(), expected, "{status} {body}");
    }
}

#[test]
fn hints_are_kept_also_those_that_a_gateway_passes_on() {
    let hint = |headers: Headers| classify(429, headers, &body("slow down")).retry_after();
    assert_eq!(hint(&[("retry-after-ms", "250")]), Some(Duration::from_millis(250)));
    assert_eq!(hint(&[("llm_provider-retry-after", "60")]), Some(Duration::from_mins(1)));
    assert_eq!(hint(&[]), None);
    let in_words = classify(429, &[], &body("Rate limit reached. Please try again in 7.5s."));
    assert_eq!(in_words.retry_after(), Some(Duration::from_millis(7_500)));
}

#[test]
fn an_unknown_model_is_told_apart_from_a_wrong_address() {
    let cases = [
        r#"model "qwen3:8b" not found, try pulling it first"#,
        "The model `qwen3:8b` does not exist or you do not have access to it.",
        "No endpoints found for qwen3:8b.",
    ];
    for message in cases {
        let expected = ProviderError::ModelNotFound { model: MODEL.into(), detail: message.into() };
        assert_eq!(classify(404, &[], &body(message)), expected);
    }
    assert_eq!(kind(400, "qwen9 is not a valid model ID"), "model_not_found");
    for body in [
        "404 page not found",
        r#"{"detail":"Not Found"}"#,
        r#"{"error":{"message":"File Not Found","type":"not_found_error","code":404}}"#,
    ] {
        let error = classify(404, &[], body);
        assert!(error.to_string().contains("/v1"), "{error}");
    }
}

#[test]
fn what_a_server_could_not_read_of_its_own_model_is_no_failure_of_the_call() {
    let cases = [
        (
            r#"{"error":{"code":500,"message":"The model produced output that does not match the expected peg-native format","type":"server_error"}}"#,
            true,
        ),
        (r#"{"error":{"message":"error parsing tool call: raw='{\"a', err=unexpected end"}}"#, true),
        (
            r#"{"error":{"message":"Failed to call a function.","type":"invalid_request_error","code":"tool_use_failed"}}"#,
            true,
        ),
        (
            r#"{"error":{"code":500,"message":"Failed to parse tool call arguments as JSON","type":"server_error"}}"#,
            false,
        ),
        ("<html>", false),
    ];
    for (body, expected) in cases {
        assert_eq!(WireError::read(body).is_malformed_output(), expected, "{body}");
    }
}

#[test]
fn bodies_in_no_known_form_are_classified_by_their_status() {
    for body in ["", "<html>no</html>", r#"{"error":{}}"#, r#"{"error":null}"#, "[]", "null", "7"] {
        assert_eq!(classify(500, &[], body).kind(), "server_error", "{body}");
        assert_eq!(classify(400, &[], body).kind(), "invalid_request", "{body}");
    }
}

#[test]
fn a_failure_inside_a_stream_is_classified_by_its_code_or_type() {
    let cases = [
        (r#"{"error":{"code":429,"message":"slow down"}}"#, "rate_limited"),
        (r#"{"error":{"code":"502","message":"x"}}"#, "server_error"),
        (r#"{"error":{"type":"overloaded_error","message":"x"}}"#, "overloaded"),
        (r#"{"error":{"type":"rate_limit_error","message":"x"}}"#, "rate_limited"),
        (r#"{"error":"something broke"}"#, "server_error"),
        (r#"{"object":"error","message":"bad","type":"BadRequestError","code":400}"#, "invalid_request"),
        (r#"{"error":{"code":402,"message":"Insufficient credits"}}"#, "quota_exhausted"),
    ];
    for (data, expected) in cases {
        let error = of_event(WireError::read(data), &ModelId::new(MODEL));
        assert_eq!(error.kind(), expected, "{data}");
    }
    let silent = of_event(WireError::default(), &ModelId::new(MODEL));
    assert_eq!(silent.to_string(), "server error 500: the server failed without a message");
}
