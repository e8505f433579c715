use std::time::Duration;

use futures_util::StreamExt;
use serde_json::Value;
use tokio::time::{Instant, timeout};

use super::super::testing::{called, request, results, user};
use super::super::{Fault, Pattern, ScenarioError, Template, When};
use super::*;
use crate::ChatEvent;

const REVIEW: &str = r#"
name: review
first_token_ms: 300
between_ms: 20
models: [demo-small, demo-large]
limits: {context_tokens: 1000, output_tokens: 100}
rules:
  - when: {system: code reviewer, turn: 1}
    reasoning: Look first.
    text: I look for calls that can panic.
    calls:
      - {tool: Grep, id: panics, arguments: {pattern: 'unwrap\(\)', paths: ["{{ model }}"], deep: {n: 1}}}
      - {tool: Glob, raw_arguments: '{"pattern": "*.r'}
    usage: {input_tokens: 90, output_tokens: 12, cache_read_tokens: 70}
  - when: {after: [Grep, Glob], result: '/^src\/\w+\.rs/'}
    text: "{{ result panics | grep '^src/' | count }} calls can panic."
  - when: {has_results: true}
    text: All clean.
    stop: max_tokens
"#;

fn backend(scenario: Scenario) -> ScriptedBackend {
    ScriptedBackend::recording(ProviderName::new("scripted"), scenario)
}

fn yaml(text: &str) -> ScriptedBackend {
    backend(Scenario::parse(text).unwrap_or_else(|error| panic!("{error}: {:?}", error.problem)))
}

fn turn(text: &str) -> ChatRequest {
    request([user(text)])
}

fn after_results(grep: &str) -> ChatRequest {
    request([
        user("Review."),
        called([("panics", "Grep"), ("call_1_2", "Glob")]),
        results([("panics", "Grep", grep), ("call_1_2", "Glob", "error: not JSON")]),
    ])
}

/// All events of an answer.
async fn events(backend: &ScriptedBackend, request: &ChatRequest) -> Vec<Result<ChatEvent, ProviderError>> {
    match backend.stream(request).await {
        Ok(stream) => stream.collect().await,
        Err(error) => vec![Err(error)],
    }
}

async fn reply(backend: &ScriptedBackend, request: &ChatRequest) -> Result<ChatReply, ProviderError> {
    match events(backend, request).await.pop() {
        Some(Ok(ChatEvent::Finished(reply))) => Ok(*reply),
        Some(Err(error)) => Err(error),
        other => panic!("the stream ends with {other:?}"),
    }
}

/// The text that streams before an answer ends, however it ends.
async fn streamed_text(backend: &ScriptedBackend, request: &ChatRequest) -> String {
    let text = |event| match event {
        Ok(ChatEvent::Text(text)) => Some(text),
        _ => None,
    };
    events(backend, request).await.into_iter().filter_map(text).collect()
}

async fn sentence(backend: &ScriptedBackend, request: &ChatRequest) -> String {
    match reply(backend, request).await {
        Err(ProviderError::InvalidRequest { status: 400, detail }) => detail,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_scenario_answers_with_calls_first_and_then_with_what_they_really_gave() {
    let backend = yaml(REVIEW);
    let first = reply(&backend, &turn("Review.")).await.unwrap();
    let calls: Vec<_> = first.turn.tool_calls().map(|c| (&*c.id, &*c.name, c.arguments.as_str())).collect();
    let arguments = r#"{"deep":{"n":1},"paths":["scripted"],"pattern":"unwrap\\(\\)"}"#;
    assert_eq!(calls, [("panics", "Grep", arguments), ("call_1_2", "Glob", r#"{"pattern": "*.r"#)]);
    assert_eq!(first.stop, StopReason::ToolUse);
    let usage =
        TokenUsage { input_tokens: 90, output_tokens: 12, cache_read_tokens: 70, ..TokenUsage::default() };
    assert_eq!((first.usage, first.usage_estimated), (usage, false));
    assert!(
        first.turn.state_for("scripted", &ModelId::new("scripted")).is_some_and(|items| items.len() == 1)
    );

    let found =
        reply(&backend, &after_results("src/a.rs:1:x.unwrap()\nsrc/b.rs:2:y.unwrap()\nend")).await.unwrap();
    assert_eq!(found.turn.last_text(), Some("2 calls can panic."));
    assert_eq!((found.stop, found.usage_estimated), (StopReason::EndTurn, true));
    assert!(found.usage.input_tokens > 0 && found.usage.output_tokens > 0);

    let clean = reply(&backend, &after_results("No matches found")).await.unwrap();
    assert_eq!((clean.turn.last_text(), clean.stop), (Some("All clean."), StopReason::MaxTokens));
    assert_eq!(backend.recorded().len(), 3);
    assert_eq!(backend.models().await.unwrap(), ["demo-small", "demo-large"].map(ModelId::new));
    let limits = ModelLimits { context_tokens: 1000, output_tokens: 100 };
    assert_eq!(backend.limits(&ModelId::new("any")), Some(limits));
}

#[tokio::test(start_paused = true)]
async fn an_answer_comes_in_pieces_at_the_pace_of_the_scenario() {
    let (first, between) = (Duration::from_millis(300), Duration::from_millis(20));
    let text = "One two three four five six seven eight nine ten.";
    let backend = backend(Scenario::new([Rule::text(text)]).with_delays(first, between));
    let request = turn("Count.");
    let began = Instant::now();
    let mut stream = backend.stream(&request).await.unwrap();
    assert!(matches!(stream.next().await, Some(Ok(ChatEvent::Started { .. }))));
    assert_eq!(began.elapsed(), Duration::ZERO);
    let mut pieces = Vec::new();
    while let Some(Ok(ChatEvent::Text(piece))) = stream.next().await {
        pieces.push(piece);
        let waits = u32::try_from(pieces.len() - 1).unwrap();
        assert_eq!(began.elapsed(), first + between * waits);
    }
    assert!(pieces.len() > 3, "{pieces:?}");
    assert_eq!(pieces.concat(), text);
}

#[tokio::test]
async fn the_first_rule_that_fits_answers_until_it_is_used_up() {
    let rules = [
        Rule::text("for Alice").when(When::default().prompt(Pattern::text("Alice"))).times(1),
        Rule::text("twice").times(2),
    ];
    let backend = backend(Scenario::new(rules).named("greetings"));
    let mut said = Vec::new();
    for prompt in ["Bob", "Alice", "Alice"] {
        said.push(streamed_text(&backend, &turn(prompt)).await);
    }
    assert_eq!(said, ["twice", "for Alice", "twice"]);
    assert_eq!(
        sentence(&backend, &turn("Carol")).await,
        "no rule of greetings fits answer 1 of the agent whose system prompt begins with \
         \"You are a code reviewer.\""
    );
    let later = sentence(&backend, &after_results("x")).await;
    assert!(later.starts_with("no rule of greetings fits answer 2 after Grep, Glob of the agent"), "{later}");
}

#[tokio::test]
async fn every_condition_of_a_rule_must_hold() {
    let fits = async |when: When, request: &ChatRequest| {
        reply(&backend(Scenario::new([Rule::text("yes").when(when)])), request).await.is_ok()
    };
    let when = When::default;
    let (first, later) = (turn("Review src/lib.rs"), after_results("src/a.rs:1"));
    assert!(fits(when().tool("Grep").system(Pattern::text("reviewer")).turn(1), &first).await);
    assert!(!fits(when().tool("Grep").tool("Bash"), &first).await);
    assert!(!fits(when().turn(1), &later).await);
    assert!(fits(when().after("Grep").user(Pattern::text("Review")), &later).await);
    assert!(!fits(when().after("Read"), &later).await);
    assert!(!fits(when().result(Pattern::text("lib.rs")), &later).await);
    assert!(!fits(when().system(Pattern::text("reviewer")).system(Pattern::text("tester")), &first).await);
    assert!(!fits(when().model(Pattern::parse("/^gpt/").unwrap()), &first).await);
}

#[tokio::test]
async fn a_conversation_that_is_not_well_formed_is_refused_and_recorded() {
    let backend = backend(Scenario::new([Rule::text("never")]));
    let two_users = request([user("a"), user("b")]);
    assert_eq!(sentence(&backend, &two_users).await, "turns 1 and 2 are both user turns");
    assert_eq!(backend.recorded().len(), 1);
}

#[tokio::test]
async fn a_rule_that_calls_a_tool_which_is_not_offered_fails_unless_it_means_to() {
    let call = ScriptedCall::new("Bash", &json!({"command": "ls"}));
    let backend = backend(Scenario::new([
        Rule::default().and_call(call.clone()).times(1),
        Rule::default().and_call(call.not_offered().with_id("x")),
    ]));
    let refused = sentence(&backend, &turn("Go.")).await;
    assert!(refused.starts_with("rule 1 of scenario calls Bash, which the agent"), "{refused}");
    let invented = reply(&backend, &turn("Go.")).await.unwrap();
    assert_eq!(invented.turn.tool_calls().map(|call| &*call.id).collect::<Vec<_>>(), ["x"]);
}

#[tokio::test]
async fn a_rule_that_quotes_what_is_not_there_says_so() {
    let rule = Rule::template(Template::parse("{{ result }}").unwrap());
    assert_eq!(
        sentence(&backend(Scenario::new([rule])), &turn("Go.")).await,
        "rule 1 of scenario quotes a tool result, and the conversation has 0 tool results without it"
    );
}

#[tokio::test]
async fn faults_before_the_answer_fail_the_call_as_often_as_they_may() {
    let backend = yaml(
        "rules:
  - {times: 1, fault: {kind: rate_limited, retry_after_ms: 1500, detail: slow down}}
  - {times: 1, fault: {kind: server_error, status: 502}}
  - {text: fine}",
    );
    let request = turn("Go.");
    let limited = ProviderError::RateLimited {
        retry_after: Some(Duration::from_millis(1500)),
        detail: "slow down".to_owned(),
    };
    assert_eq!(reply(&backend, &request).await.unwrap_err(), limited);
    let down = reply(&backend, &request).await.unwrap_err();
    assert!(matches!(down, ProviderError::Server { status: 502, .. }), "{down:?}");
    assert_eq!(reply(&backend, &request).await.unwrap().turn.last_text(), Some("fine"));
}

#[tokio::test(start_paused = true)]
async fn faults_in_the_middle_cut_the_answer_at_their_byte() {
    let backend = yaml(
        "rules:
  - {times: 1, text: 'Grüße an alle', fault: {kind: broken_stream, after_bytes: 3}}
  - {times: 1, text: 'Grüße an alle', fault: {kind: overloaded, after_bytes: 400}}
  - {times: 1, fault: {kind: broken_stream}}
  - {text: 'Grüße', fault: {kind: hang, after_bytes: 2}}",
    );
    let request = turn("Go.");
    let mut cut = events(&backend, &request).await;
    assert!(matches!(cut.pop(), Some(Err(ProviderError::BrokenStream { .. }))));
    assert!(matches!(cut.pop(), Some(Ok(ChatEvent::Text(text))) if text == "Gr"), "cut at a character");
    let mut late = events(&backend, &request).await;
    assert!(matches!(late.pop(), Some(Err(ProviderError::Overloaded { .. }))));
    assert_eq!(late.len(), 3, "started, and the text in two pieces: {late:?}");
    let bare = events(&backend, &request).await;
    assert!(matches!(bare.as_slice(), [Ok(ChatEvent::Started { .. }), Err(_)]), "{bare:?}");
    let hangs = timeout(Duration::from_hours(1), events(&backend, &request)).await;
    assert!(hangs.is_err());
}

#[tokio::test]
#[should_panic(expected = "the scenario asks for a panic")]
async fn a_panic_can_be_asked_for() {
    let backend = backend(Scenario::new([Rule::fault(Fault::panic())]));
    let _ = reply(&backend, &turn("Go.")).await;
}

#[tokio::test]
async fn nothing_is_kept_where_nobody_asks_for_it() {
    let quiet = ScriptedBackend::new(ProviderName::new("scripted"), Scenario::new([Rule::text("ok")]));
    reply(&quiet, &turn("Go.")).await.unwrap();
    assert!(quiet.recorded().is_empty());
}

#[test]
fn mistakes_in_a_scenario_are_found_when_it_is_read() {
    let mistake = |text: &str| {
        let ScenarioError { problem } = Scenario::parse(text).unwrap_err();
        (problem.message, problem.position.map(|at| at.line))
    };
    let cases = [
        ("rules:\n  - text: '{{ reslt }}'\n", "unknown source 'reslt'", 2),
        ("rules:\n  - {when: {system: '/(/'}, text: x}\n", "unclosed group", 2),
        ("rules:\n  - {text: x}\n  - {when: {turn: 1}}\n", "a rule needs a text, calls or a fault", 3),
        ("rules:\n  - {txet: x}\n", "unknown field `txet`", 2),
        ("rules:\n  - {fault: {kind: tired}}\n", "unknown variant `tired`", 2),
        ("rules:\n  - {fault: {kind: hang, status: 500}}\n", "this kind of fault has no 'status'", 2),
        ("rules:\n  - {fault: {kind: parameter_refused}}\n", "this kind of fault needs 'parameter'", 2),
        (
            "rules:\n  - calls: [{tool: A, arguments: {}, raw_arguments: ''}]\n",
            "either arguments or raw_arguments",
            2,
        ),
    ];
    for (text, message, line) in cases {
        let (found, at) = mistake(text);
        assert!(found.contains(message), "{found}");
        assert_eq!(at, Some(line), "{found}");
    }
}

#[test]
fn every_error_of_a_scenario_is_named_as_elsewhere() {
    for kind in [
        "unreachable",
        "certificate",
        "timeout",
        "rate_limited",
        "quota_exhausted",
        "overloaded",
        "server_error",
        "unauthorized",
        "no_credential",
        "model_not_found",
        "context_too_long",
        "request_too_large",
        "reasoning_state_refused",
        "refused",
        "invalid_request",
        "broken_stream",
        "protocol",
        "redirect",
    ] {
        let fault: Fault = serde_json::from_value(json!({"kind": kind})).unwrap();
        let FaultKind::Error(error) = fault.kind else { panic!("{kind} is no error") };
        assert_eq!(error.kind(), kind);
    }
    let refused: Value = json!({"kind": "parameter_refused", "parameter": "temperature"});
    let FaultKind::Error(error) = serde_json::from_value::<Fault>(refused).unwrap().kind else { panic!() };
    assert_eq!(error.to_string(), "parameter 'temperature' not accepted: the scenario says so");
}
