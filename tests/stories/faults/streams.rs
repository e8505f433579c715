//! Answers that begin and go wrong on their way.

use std::time::Duration;

use codex_task::{Outcome, RunTask, TaskEventKind};
use codex_task_providers::ProviderError;
use codex_task_providers::scripted::{Fault, Rule, ScriptedCall};
use codex_task_tests::{Format, Mock, Reply};
use serde_json::json;
use tokio::time::Instant;

use super::{ill_then_well, one_route, second, trail, two_routes};
use crate::harness::{
    OneClock, Runs, Setup, agent, agents, allow_everything, calling, counting, first, result_of, scripted,
    then,
};

fn broken() -> ProviderError {
    ProviderError::BrokenStream { detail: "reset by peer".into() }
}

#[actix::test]
async fn fault_06_a_text_that_breaks_off_is_asked_for_again_and_told_once() {
    tokio::time::pause();
    let text = "the first half and the second half";
    let model = scripted([
        Rule::text(text).with_fault(Fault::error(broken()).after_bytes(14)).times(1),
        Rule::text(text),
    ]);
    let report = one_route(&model, 1).ask("worker", "speak").await;
    assert_eq!(report.outcome, Outcome::Completed(text.into()), "nothing of the first try is in it");
    assert_eq!(trail(&report), [("scripted", Some("broken_stream")), ("scripted", None)]);
}

#[actix::test]
async fn fault_07_and_08_a_call_that_comes_in_a_broken_stream_runs_once_wherever_it_breaks() {
    tokio::time::pause();
    let key = json!({"key": "a value of some length"});
    // Before the arguments, within them, and when they are there but the end of the answer is not.
    for after_bytes in [0, 12, 1_000] {
        let runs = Runs::default();
        let fault = Fault::error(broken()).after_bytes(after_bytes);
        let model = scripted([
            Rule::call("Change", &key).with_fault(fault).when(first()).times(1),
            Rule::call("Change", &key).when(first()),
            Rule::text("done").when(then("Change")),
        ]);
        let mut setup = Setup::new(agents([agent("worker")]), model);
        setup.tools = vec![counting("Change", &runs).shared()];
        setup.overrides = allow_everything();
        let stage = OneClock::start(setup);
        let report = stage.ask("worker", "change it").await;
        assert_eq!(report.outcome, Outcome::Completed("done".into()));
        let tries = [("scripted", Some("broken_stream")), ("scripted", None), ("scripted", None)];
        assert_eq!(trail(&report), tries, "after {after_bytes} bytes");
        assert_eq!((runs.count(), report.tool_calls), (1, 1), "after {after_bytes} bytes");
        assert!(stage.board.is_empty());
    }
}

#[tokio::test]
async fn fault_11_a_server_that_stalls_before_its_first_word_is_left_for_the_next_route() {
    let ill = Mock::start(Format::Anthropic, |_| Reply::Stalls(String::new()));
    let well = Mock::start(Format::Anthropic, |_| Reply::text("done"));
    let runtime = ill_then_well(
        Format::Anthropic,
        &ill,
        &well,
        "    timeouts: {first_event: 300ms, event_idle: 300ms}\n",
    );
    let report = runtime.ask("worker", "go").await;
    assert_eq!(report.outcome, Outcome::Completed("done".into()));
    let late = ("ill", Some("timeout"));
    assert_eq!(trail(&report), [late, late, late, ("well", None)]);
}

#[actix::test]
async fn fault_13_an_overload_told_inside_a_stream_is_tried_again_and_then_left() {
    tokio::time::pause();
    let overloaded = ProviderError::Overloaded { retry_after: None, detail: "busy".into() };
    let told = Fault::error(overloaded).after_bytes(4);
    let (ill, well) = (scripted([Rule::text("half a text").with_fault(told)]), second([Rule::text("done")]));
    let report = two_routes(&ill, &well, 1).ask("worker", "go").await;
    assert_eq!(report.outcome, Outcome::Completed("done".into()));
    let failed = ("scripted", Some("overloaded"));
    assert_eq!(trail(&report), [failed, failed, failed, ("second", None)]);
}

#[actix::test]
async fn fault_14_arguments_that_are_cut_are_an_error_that_the_model_reads() {
    tokio::time::pause();
    let runs = Runs::default();
    let cut = Rule::text("").and_call(ScriptedCall::raw("Change", r#"{"key": "val"#));
    let model = scripted([
        cut.when(first()),
        calling("Change").when(result_of("not valid JSON")),
        Rule::text("done").when(then("Change")),
    ]);
    let mut setup = Setup::new(agents([agent("worker")]), model);
    setup.tools = vec![counting("Change", &runs).shared()];
    setup.overrides = allow_everything();
    let report = OneClock::start(setup).ask("worker", "change it").await;
    assert_eq!(report.outcome, Outcome::Completed("done".into()));
    assert_eq!(runs.count(), 1, "only the call that could be read is made");
}

#[actix::test]
async fn fault_51_a_deadline_within_a_wait_between_two_tries_is_kept_to_the_moment() {
    tokio::time::pause();
    let deadline = Duration::from_secs(10);
    let retry_after = Some(Duration::from_secs(8));
    let model = scripted([Rule::error(ProviderError::Overloaded { retry_after, detail: "busy".into() })]);
    let stage = one_route(&model, 1);
    let mut events = stage.runtime.events();
    let began = Instant::now();
    let report = stage.run(RunTask::new("worker", "go").timeout(deadline)).await;
    let took = began.elapsed();
    assert!(took <= deadline + Duration::from_millis(50), "{took:?}: {:?}", report.outcome);
    let mut waits = 0;
    while let Ok(event) = events.try_recv() {
        waits += usize::from(matches!(event.kind, TaskEventKind::Retrying { .. }));
    }
    assert!(waits > 0, "it waited");
}
