//! The same tasks on each of the four wire formats, against servers that refuse what the vendor would refuse; and what
//! servers do wrong, each told as what it is and within its limit.

use std::sync::Arc;
use std::time::Duration;

use codex_task::{MicroUsd, Outcome, RunReport, RunTask, TaskError, TaskReport, TokenUsage};
use codex_task_config::{ModelId, PriceTable, ProviderKind, ProviderName};
use codex_task_providers::ProviderError;
use codex_task_tests::{Call, Format, Mock, Reply};
use serde_json::json;
use tokio::time::Instant;

use crate::harness::{KEY, TestRuntime, TestTool, agent_on, agents, kind, model, project_on};

/// Time that a model call may take where servers are slow on purpose.
const CALL_TIMEOUT: &str = "limits:\n  call_timeout: 150ms\n";

/// One server for each format, all answering alike, and one agent on each.
struct Vendors {
    mocks: Vec<(Format, Mock)>,
    runtime: TestRuntime,
}

impl Vendors {
    fn start(settings: &str, respond: impl Fn(&Call) -> Reply + Send + Sync + 'static) -> Self {
        let respond = Arc::new(respond);
        let mock = |format| {
            let respond = Arc::clone(&respond);
            (format, Mock::start(format, move |call| respond(call)))
        };
        let mocks: Vec<(Format, Mock)> = Format::ALL.into_iter().map(mock).collect();
        let project = project_on(mocks.iter().map(|(format, mock)| (kind(*format), *format, mock)), settings);
        let known = agents(Format::ALL.map(|format| agent_on(kind(format), kind(format), format)));
        let look = TestTool::reading("Look", |arguments| async move {
            tokio::time::sleep(Duration::from_millis(60)).await;
            Ok(format!("number {}", arguments["n"]))
        });
        let runtime = TestRuntime::start_in(project, |builder| builder.agents(known).tool(look.shared()));
        Self { mocks, runtime }
    }

    /// Runs one task on each format at the same time.
    async fn ask(&self) -> Vec<(Format, &Mock, Arc<TaskReport>)> {
        let requests =
            self.mocks.iter().map(|(format, _)| RunTask::<String>::new(kind(*format), "go").request);
        let report: RunReport = self.runtime.run_all(requests.collect()).await.expect("the runtime runs");
        self.mocks.iter().zip(report.tasks).map(|((format, mock), report)| (*format, mock, report)).collect()
    }
}

fn three_looks() -> Reply {
    Reply::Tools((1..=3).map(|n| ("Look".to_owned(), json!({ "n": n }))).collect())
}

/// Error kinds of all attempts.
fn kinds(report: &TaskReport) -> Vec<Option<&'static str>> {
    report.attempts.iter().map(|attempt| attempt.error.as_ref().map(ProviderError::kind)).collect()
}

/// What one of the mocks' answers costs.
fn price(format: Format) -> Option<MicroUsd> {
    let kind = match format {
        Format::Anthropic => ProviderKind::Anthropic,
        Format::OpenAi => ProviderKind::OpenAi,
        Format::OpenAiChat => ProviderKind::OpenAiChat,
        Format::Gemini => ProviderKind::Gemini,
    };
    let usage = TokenUsage { input_tokens: 12, output_tokens: 7, ..TokenUsage::default() };
    PriceTable::bundled()
        .find(kind, &ModelId::new(model(format)))?
        .cost(&usage, codex_task_config::WallClock::today())
}

#[tokio::test]
async fn a_task_with_tools_runs_on_every_format_and_is_counted_and_priced() {
    let vendors = Vendors::start("", |call| match call.tool_results().len() {
        0 => three_looks(),
        _ => Reply::text("seen all three"),
    });
    for (format, mock, report) in vendors.ask().await {
        assert_eq!(report.outcome, Outcome::Completed("seen all three".into()), "{format:?}");
        let usage = TokenUsage { input_tokens: 24, output_tokens: 14, ..TokenUsage::default() };
        assert_eq!(report.usage, usage, "{format:?}");
        let cost = price(format).map(|one| MicroUsd(2 * one.0));
        assert_eq!(report.cost, cost, "{format:?}");
        assert_eq!(report.cost.is_some(), format != Format::OpenAiChat, "{format:?}");
        assert_eq!(report.model.as_ref().map(ModelId::as_str), Some(model(format)));
        assert_eq!(report.provider.as_ref().map(ProviderName::as_str), Some(kind(format)));
        assert_eq!((kinds(&report), report.turns, report.tool_calls), (vec![None, None], 2, 3));
        assert!(report.timing.first_token.is_some_and(|time| time < report.timing.total));
        let tools = report.timing.tools;
        assert!(
            tools >= Duration::from_millis(60) && tools < Duration::from_millis(160),
            "side by side: {tools:?}"
        );
        let calls = mock.calls();
        assert_eq!(calls.len(), 2);
        let results = calls[1].tool_results();
        let has = |n: usize, text: &str| results.get(n).is_some_and(|result| result.contains(text));
        assert!(has(0, "number 1") && has(1, "number 2") && has(2, "number 3"), "{format:?}: {results:?}");
        assert!(calls[0].tools().contains(&"Look".to_owned()), "{format:?}");
        let system = calls[0].system();
        assert!(system.starts_with(&format!("You are the agent {}.", kind(format))), "{format:?}: {system}");
    }
}

#[tokio::test]
async fn three_tasks_run_side_by_side_on_every_format() {
    let vendors = Vendors::start("", |call| {
        Reply::After(
            Duration::from_millis(80),
            Box::new(Reply::text(format!("answer from {}", call.model()))),
        )
    });
    for (format, mock) in &vendors.mocks {
        // The first writes the provider's cache; before that the others would wait for it.
        vendors.runtime.ask(kind(*format), "write the cache").await;
        let asked = (0..3).map(|n| RunTask::<String>::new(kind(*format), format!("part {n}")).request);
        let report = vendors.runtime.run_all(asked.collect()).await.expect("the runtime runs");
        let expected = Outcome::Completed(format!("answer from {}", model(*format)));
        assert!(report.tasks.iter().all(|task| task.outcome == expected), "{format:?}: {:?}", report.tasks);
        assert_eq!((mock.calls().len(), mock.most_in_flight()), (4, 3), "{format:?}");
    }
}

#[tokio::test]
async fn the_key_is_sent_in_the_formats_own_header_and_nowhere_else() {
    let vendors = Vendors::start("", |_| Reply::text("done"));
    for (format, mock, _) in vendors.ask().await {
        let call = &mock.calls()[0];
        let header = match format {
            Format::Anthropic => call.header("x-api-key").to_owned(),
            Format::Gemini => call.header("x-goog-api-key").to_owned(),
            Format::OpenAi | Format::OpenAiChat => call.header("authorization").replace("Bearer ", ""),
        };
        assert_eq!(header, KEY, "{format:?}");
        let with_key =
            call.headers.values().filter(|value| value.to_str().is_ok_and(|text| text.contains(KEY)));
        assert_eq!(with_key.count(), 1, "{format:?}");
        assert!(!call.path.contains(KEY) && !call.everything().contains(KEY), "{format:?}");
    }
}

/// Runs a task on each format against servers that always answer so; gives what each failed attempt was, and the
/// partial text.
async fn fail_with(settings: &str, reply: Reply) -> Vec<(Format, Vec<Option<&'static str>>, Option<String>)> {
    let vendors = Vendors::start(settings, move |_| reply.clone());
    let began = Instant::now();
    let reports = vendors.ask().await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    let failed = reports.into_iter().map(|(format, _, report)| {
        let Outcome::Failed { error, partial } = &report.outcome else {
            panic!("{format:?} failed, not {:?}", report.outcome)
        };
        assert_eq!(Some(error.kind()), kinds(&report).last().copied().flatten());
        assert!(error.help().is_some() || error.kind() == "invalid_request", "{format:?}: {error}");
        (format, kinds(&report), partial.clone())
    });
    failed.collect()
}

const TEXT: &str = "The answer begins well and would have ended well too.";

#[tokio::test]
async fn streams_that_are_cut_off_are_broken_and_keep_what_had_come() {
    for reply in [Reply::CutOff(TEXT.into()), Reply::Unfinished(TEXT.into())] {
        for (format, kinds, partial) in fail_with("", reply).await {
            assert_eq!(kinds, [Some("broken_stream"); 3], "{format:?}");
            let partial = partial.expect("some text had come");
            assert!(TEXT.starts_with(&partial) && partial != TEXT, "{format:?}: {partial}");
        }
    }
}

#[tokio::test]
async fn a_stream_that_stalls_times_out_and_keeps_what_had_come() {
    for (format, kinds, partial) in fail_with(CALL_TIMEOUT, Reply::Stalls(TEXT.into())).await {
        assert_eq!(kinds, [Some("timeout"); 3], "{format:?}");
        let partial = partial.expect("some text had come");
        assert!(TEXT.starts_with(&partial) && partial != TEXT, "{format:?}: {partial}");
    }
}

#[tokio::test]
async fn a_server_that_never_answers_times_out() {
    for (format, kinds, partial) in fail_with(CALL_TIMEOUT, Reply::Hangs).await {
        assert_eq!((kinds, partial), (vec![Some("timeout"); 3], None), "{format:?}");
    }
}

#[tokio::test]
async fn a_page_of_html_is_no_answer_and_says_that_the_address_may_be_wrong() {
    let page = "<html><head><title>Welcome</title></head><body>It works!</body></html>";
    for (format, kinds, partial) in fail_with("", Reply::Html(page.into())).await {
        assert!(kinds.iter().all(|kind| *kind == Some("protocol")), "{format:?}: {kinds:?}");
        assert_eq!(partial, None, "{format:?}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_the_key_goes_nowhere() {
    let elsewhere = Mock::start(Format::Anthropic, |_| Reply::text("give me your key"));
    for (format, kinds, _) in fail_with("", Reply::Redirect(elsewhere.base_url())).await {
        assert_eq!(kinds, [Some("redirect")], "{format:?}");
    }
    assert!(elsewhere.calls().is_empty());
}

#[tokio::test]
async fn the_statuses_of_all_vendors_are_told_alike() {
    for (status, expected, attempts) in [
        (400, "invalid_request", 1),
        (401, "unauthorized", 1),
        (403, "unauthorized", 1),
        (404, "model_not_found", 1),
        (413, "request_too_large", 1),
        (500, "server_error", 3),
        (503, "overloaded", 3),
    ] {
        for (format, kinds, partial) in fail_with("", Reply::status(status, "the vendor's words")).await {
            assert_eq!((kinds, partial), (vec![Some(expected); attempts], None), "{format:?}: {status}");
        }
    }
}

#[tokio::test]
async fn a_vendor_that_throttles_is_asked_again_when_it_says() {
    let vendors = Vendors::start("", |call| match call.nth {
        0 => Reply::Status { code: 429, message: "slow down".into(), retry_after: Some(1) },
        _ => Reply::text("done"),
    });
    let began = Instant::now();
    for (format, mock, report) in vendors.ask().await {
        assert_eq!(report.outcome, Outcome::Completed("done".into()), "{format:?}");
        assert_eq!(kinds(&report), [Some("rate_limited"), None], "{format:?}");
        assert_eq!(mock.calls().len(), 2, "{format:?}");
    }
    assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_tool_that_nobody_has_is_answered_with_an_error_on_every_format() {
    let vendors = Vendors::start("", |call| match call.tool_results().first() {
        None => Reply::tool("Nothing", json!({})),
        Some(result) if result.contains("No such tool available: Nothing") => Reply::text("I see"),
        Some(_) => Reply::text("what?"),
    });
    for (format, _, report) in vendors.ask().await {
        assert_eq!(report.outcome, Outcome::Completed("I see".into()), "{format:?}");
    }
}

#[tokio::test]
async fn a_cost_limit_lets_no_call_begin_that_could_pass_it_and_refuses_models_without_a_price() {
    let vendors = Vendors::start("", |call| match call.tool_results().len() {
        0 => three_looks(),
        _ => Reply::text("seen all three"),
    });
    for (format, mock) in &vendors.mocks {
        let limited = RunTask::<String>::new(kind(*format), "go").cost_max(MicroUsd(1));
        let report = vendors.runtime.run(limited).await.expect("the runtime runs");
        let error = match price(*format) {
            Some(_) => TaskError::CostLimit { limit: MicroUsd(1) },
            None => TaskError::PriceUnknown { model: ModelId::new(model(*format)) },
        };
        assert_eq!(report.outcome, Outcome::Failed { error, partial: None }, "{format:?}");
        assert_eq!(mock.calls().len(), 0, "{format:?}");
        let enough =
            RunTask::<String>::new(kind(*format), "go").cost_max(MicroUsd(1_000_000)).tokens_max(90_000);
        let report = vendors.runtime.run(enough).await.expect("the runtime runs");
        assert_eq!(report.outcome, Outcome::Completed("seen all three".into()), "{format:?}");
        assert_eq!(mock.calls().len(), 2, "{format:?}");
    }
}
