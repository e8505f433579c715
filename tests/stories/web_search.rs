//! Searches of the web: with the provider's own search on every format that has one, for others as the user says, gated,
//! counted, paused and cancelled.

use std::time::Duration;

use codex_task::{Outcome, RunTask, TaskReport, TaskStatus, TokenUsage};
use codex_task_config::AgentDefinition;
use codex_task_tests::{Call, Format, Mock, Reply};
use serde_json::{Value, json};

use crate::harness::{TestRuntime, agent_on, agents, kind, project_on, wait_until};

/// The formats whose vendors search the web themselves.
const SEARCHING: [Format; 3] = [Format::Anthropic, Format::OpenAi, Format::Gemini];

/// An agent that makes this search, then says what it read; the search itself is answered by `found`.
fn searching(
    search: Value,
    found: impl Fn(&Call) -> Reply + Send + Sync,
) -> impl Fn(&Call) -> Reply + Send + Sync {
    move |call| match call.tool_results().last() {
        _ if call.own_search().is_some() => found(call),
        None => Reply::tool("WebSearch", search.clone()),
        Some(result) => Reply::text(result),
    }
}

/// A runtime with a provider for each of these servers; searching is allowed.
fn runtime_on<'a>(
    mocks: impl IntoIterator<Item = (Format, &'a Mock)>,
    agent: AgentDefinition,
    settings: &str,
    rules: &[&str],
) -> TestRuntime {
    let mocks = mocks.into_iter().map(|(format, mock)| (kind(format), format, mock));
    let project = project_on(mocks, settings);
    project.settings(&json!({"permissions": {"allow": rules}}));
    TestRuntime::start_in(project, |builder| builder.agents(agents([agent])))
}

const ALLOWED: &[&str] = &["WebSearch"];

fn said(report: &TaskReport) -> &str {
    match &report.outcome {
        Outcome::Completed(text) => text,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_search_is_made_by_the_provider_and_read_counted_and_told() {
    for format in SEARCHING {
        let query = json!({"query": "actors in Rust"});
        let mock = Mock::start(format, searching(query, |_| Reply::searched("They exist.")));
        let worker = agent_on("worker", kind(format), format);
        let report = runtime_on([(format, &mock)], worker, "", ALLOWED).ask("worker", "search").await;
        let text = said(&report);
        for expected in [
            "Web search results for query: ",
            "actors in Rust",
            "https://docs.example/page",
            "A page",
            "They exist.",
        ] {
            assert!(text.contains(expected), "{format:?}: {text}");
        }
        let calls = mock.calls();
        assert_eq!(
            (calls.len(), report.turns),
            (3, 2),
            "{format:?}: the search is no turn of the conversation"
        );
        assert!(calls[1].tools().iter().all(|name| name.is_empty() || name == "web_search"), "{format:?}");
        assert!(calls[1].everything().contains("Perform a web search for the query: actors in Rust"));
        let usage = TokenUsage { input_tokens: 36, output_tokens: 21, ..TokenUsage::default() };
        assert_eq!(report.usage, usage, "{format:?}");
        assert!(report.cost.is_some(), "{format:?}");
        let fee = format!("the fee that {} takes for web searches is not in the cost", kind(format));
        assert!(report.notes.contains(&fee), "{:?}", report.notes);
    }
}

#[tokio::test]
async fn domains_are_asked_for_and_what_lies_elsewhere_is_left_out() {
    for format in SEARCHING {
        for (list, expected) in [("allowed_domains", false), ("blocked_domains", true)] {
            let query = json!({"query": "actors", list: ["other.example"]});
            let mock = Mock::start(format, searching(query, |_| Reply::searched("They exist.")));
            let worker = agent_on("worker", kind(format), format);
            let report = runtime_on([(format, &mock)], worker, "", ALLOWED).ask("worker", "search").await;
            assert_eq!(said(&report).contains("docs.example/page"), expected, "{format:?} {list}");
            let search = mock.calls()[1].own_search().expect("a search").to_string();
            let is_native = match format {
                Format::Anthropic => true,
                Format::OpenAi => list == "allowed_domains",
                Format::OpenAiChat | Format::Gemini => false,
            };
            assert_eq!(search.contains("other.example"), is_native, "{format:?} {list}: {search}");
        }
    }
}

#[tokio::test]
async fn a_paused_search_goes_on_where_it_was() {
    let found = |call: &Call| {
        let page = |n: usize| (format!("Page {n}"), format!("https://docs.example/{n}"));
        let pauses = call.turns().len() < 2;
        Reply::Searched {
            pages: vec![page(call.turns().len())],
            text: format!("Part {}.", call.turns().len()),
            pauses,
        }
    };
    let mock = Mock::start(Format::Anthropic, searching(json!({"query": "actors"}), found));
    let worker = agent_on("worker", "anthropic", Format::Anthropic);
    let report = runtime_on([(Format::Anthropic, &mock)], worker, "", ALLOWED).ask("worker", "search").await;
    let text = said(&report);
    assert!(text.contains("docs.example/1") && text.contains("docs.example/2"), "{text}");
    assert!(text.contains("Part 1.Part 2."), "{text}");
    let calls = mock.calls();
    assert_eq!(calls.len(), 4);
    assert_eq!(calls[2].turns()[1]["content"][1]["type"], "web_search_tool_result", "echoed as it came");
}

#[tokio::test]
async fn a_search_needs_a_rule() {
    let mock =
        Mock::start(Format::Anthropic, searching(json!({"query": "actors"}), |_| Reply::searched("x")));
    let worker = agent_on("worker", "anthropic", Format::Anthropic);
    let report = runtime_on([(Format::Anthropic, &mock)], worker, "", &[]).ask("worker", "search").await;
    let text = said(&report);
    assert!(text.contains("add \"WebSearch\" to permissions.allow"), "{text}");
    assert!(mock.calls().iter().all(|call| call.own_search().is_none()));
}

#[tokio::test]
async fn an_agent_whose_provider_has_no_search_is_told_what_to_set_and_borrows_one_that_is_set() {
    let query = json!({"query": "actors"});
    let own = Mock::start(Format::OpenAiChat, searching(query, |_| Reply::text("unreachable")));
    let other = Mock::start(Format::Anthropic, |_| Reply::searched("They exist."));
    let mocks = || [(Format::OpenAiChat, &own), (Format::Anthropic, &other)];
    let worker = || agent_on("worker", "openai_chat", Format::OpenAiChat);
    let report = runtime_on(mocks(), worker(), "", ALLOWED).ask("worker", "search").await;
    assert!(said(&report).contains("web.search_provider in the user's"), "{}", said(&report));
    assert!(other.calls().is_empty());
    let settings = "web:\n  search_provider: anthropic\n";
    let report = runtime_on(mocks(), worker(), settings, ALLOWED).ask("worker", "search").await;
    assert!(said(&report).contains("They exist."), "{}", said(&report));
    assert_eq!(other.calls().len(), 1);
}

#[tokio::test]
async fn a_search_that_fails_is_told_and_the_agent_goes_on() {
    for (found, expected) in [
        (Reply::status(400, "web search is not enabled"), "web search is not enabled"),
        (Reply::text("I know it by heart."), "the model did not search"),
    ] {
        let reply = found.clone();
        let mock = Mock::start(Format::OpenAi, searching(json!({"query": "actors"}), move |_| reply.clone()));
        let worker = agent_on("worker", "openai", Format::OpenAi);
        let report = runtime_on([(Format::OpenAi, &mock)], worker, "", ALLOWED).ask("worker", "search").await;
        let text = said(&report);
        assert!(text.contains("The web could not be searched: ") && text.contains(expected), "{text}");
    }
}

#[tokio::test]
async fn a_cancelled_task_ends_its_search() {
    let mock = Mock::start(Format::Gemini, searching(json!({"query": "actors"}), |_| Reply::Hangs));
    let worker = agent_on("worker", "gemini", Format::Gemini);
    let runtime = runtime_on([(Format::Gemini, &mock)], worker, "", ALLOWED);
    let running = runtime.begin(RunTask::<String>::new("worker", "search"));
    wait_until("the search is on its way", || mock.calls().len() == 2 && mock.in_flight() == 1).await;
    assert_eq!(runtime.cancel_all().await, 1);
    let ended =
        tokio::time::timeout(Duration::from_secs(5), running).await.expect("it ends").expect("it runs");
    assert_eq!(ended.status(), TaskStatus::Cancelled);
    wait_until("the call is given up", || mock.in_flight() == 0).await;
}
