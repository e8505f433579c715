//! Conversations that grow too long, answers that are cut off, and agents that do not come to an end.

use std::sync::Arc;

use codex_task::{Outcome, RunTask, TaskError, TaskEventKind, TaskReport};
use codex_task_config::ProviderName;
use codex_task_config::TokenUsage;
use codex_task_providers::scripted::{Fault, Pattern, Rule, Scenario, ScriptedBackend, ScriptedCall, When};
use codex_task_providers::{ChatRequest, Message, ModelLimits, StopReason};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::harness::{OneClock, Setup, TestTool, agent, agents, calling, first, scripted, texts_of, then};

/// A window of 4,000 tokens, of which answers take 400.
fn small(rules: impl IntoIterator<Item = Rule>) -> Arc<ScriptedBackend> {
    let limits = ModelLimits { context_tokens: 4_000, output_tokens: 400 };
    let scenario = Scenario::new(rules).with_limits(limits);
    Arc::new(ScriptedBackend::recording(ProviderName::new("scripted"), scenario))
}

fn stage(model: &Arc<ScriptedBackend>) -> OneClock {
    tokio::time::pause();
    let mut setup = Setup::new(agents([agent("worker")]), model.clone());
    setup.tools = vec![TestTool::reading("Look", |_| async { Ok("a long file ".repeat(500)) }).shared()];
    OneClock::start(setup)
}

fn filling(tokens: u64) -> TokenUsage {
    TokenUsage { input_tokens: tokens, output_tokens: 50, ..TokenUsage::default() }
}

fn asked_for_summary() -> When {
    When::default().user(Pattern::text("Write that summary for yourself"))
}

/// The first user turn's texts.
fn opening(request: &ChatRequest) -> Vec<String> {
    let Some(Message::User(turn)) = request.messages.first().map(AsRef::as_ref) else { return Vec::new() };
    let only = ChatRequest {
        messages: vec![Arc::new(Message::User(turn.clone()))],
        tools: Arc::from([]),
        ..request.clone()
    };
    texts_of(&only).split_off(1)
}

#[actix::test]
async fn a_conversation_near_the_models_limit_is_summed_up_in_time_and_its_opening_is_kept_verbatim() {
    let prompt = "read \"all\" files,\n  and count them ";
    let model = small([
        Rule::text("I have read one file").when(asked_for_summary()),
        calling("Look").when(first()).times(1).with_usage(filling(2_900)),
        Rule::text("done").when(When::default().user(Pattern::text("Go on from here"))),
    ]);
    let stage = stage(&model);
    let mut events = stage.runtime.events();
    let report = stage.ask("worker", prompt).await;
    assert_eq!(report.outcome, Outcome::Completed("done".into()));
    assert_eq!((report.turns, report.tool_calls), (3, 1), "the summary is a turn that is paid for");
    let requests = model.recorded();
    let (before, after) = (opening(&requests[0]), opening(&requests[2]));
    assert_eq!(before, after[..before.len()], "the opening is the same");
    assert!(before.last().is_some_and(|text| text == prompt));
    assert!(after.last().is_some_and(|text| text.contains("I have read one file")));
    assert_eq!(requests[2].messages.len(), 1);
    let mut compactions = Vec::new();
    while let Ok(event) = events.try_recv() {
        if let TaskEventKind::Compacted { tokens_before, tokens_after } = event.kind {
            compactions.push((tokens_before, tokens_after));
        }
    }
    assert!(
        matches!(compactions[..], [(before, after)] if before > 3_000 && after < 1_000),
        "{compactions:?}"
    );
    assert!(
        report.notes.iter().any(|note| note.starts_with("context compacted from about")),
        "{:?}",
        report.notes
    );
}

#[actix::test]
async fn an_agent_may_sum_up_many_times_and_its_opening_stands_once_and_unchanged() {
    let model = small([
        Rule::text("summary").when(asked_for_summary()),
        calling("Look").times(6).with_usage(filling(3_200)),
        Rule::text("done"),
    ]);
    let report = stage(&model).ask("worker", "the task").await;
    assert_eq!(report.outcome, Outcome::Completed("done".into()));
    let requests = model.recorded();
    assert_eq!(requests.len(), 6 + 6 + 1);
    for request in requests {
        let texts = texts_of(&request);
        assert_eq!(texts.iter().filter(|text| *text == "the task").count(), 1, "{texts:?}");
    }
}

#[actix::test]
async fn a_crash_after_a_summary_goes_on_from_the_summary() {
    let going_on = || When::default().user(Pattern::text("Go on from here"));
    let model = small([
        Rule::text("I have read one file").when(asked_for_summary()),
        calling("Look").when(first()).times(1).with_usage(filling(3_200)),
        Rule::fault(Fault::panic()).when(going_on()).times(1),
        Rule::text("done").when(going_on()),
    ]);
    let report = stage(&model).ask("worker", "the task").await;
    assert_eq!((report.outcome, report.restarts, report.turns), (Outcome::Completed("done".into()), 1, 3));
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
struct Count {
    files: u32,
}

#[actix::test]
async fn the_form_of_a_typed_result_is_not_the_form_of_a_summary() {
    let model = small([
        Rule::text("prose").when(asked_for_summary()),
        calling("Look").when(first()).times(1).with_usage(filling(3_200)),
        Rule::text(r#"{"files": 3}"#),
    ]);
    let stage = stage(&model);
    let report = stage.supervisor.send(RunTask::<Count>::new("worker", "count")).await;
    let report: TaskReport<Count> = report.expect("the supervisor lives").expect("it takes tasks");
    assert_eq!(report.outcome, Outcome::Completed(Count { files: 3 }));
    let formed: Vec<bool> = model.recorded().iter().map(|request| request.output.is_some()).collect();
    assert_eq!(formed, [true, false, true]);
}

#[actix::test]
async fn an_agent_at_its_turn_limit_hands_in_what_it_has_and_says_that_it_is_partial() {
    let talking = Rule::text("still reading").and_call(ScriptedCall::new("Look", &json!({})));
    let stage = stage(&scripted([talking]));
    let report = stage.run(RunTask::new("worker", "read on").turns_max(3)).await;
    let Outcome::Completed(text) = &report.outcome else { panic!("completed, not {:?}", report.outcome) };
    assert_eq!(
        text,
        "NOTE: this agent stopped at its 3-turn limit before finishing. The text below is PARTIAL output.\n\n\
         still reading"
    );
    assert_eq!(report.turns, 3);
    assert!(report.notes.contains(&"stopped at the 3-turn limit before finishing".to_owned()));
}

fn cut_off(text: &str) -> Rule {
    Rule::text(text).with_stop(StopReason::MaxTokens)
}

fn told_to_continue() -> When {
    When::default().user(Pattern::text("Continue exactly where it stopped"))
}

#[actix::test]
async fn an_answer_that_hits_the_output_limit_is_continued_and_put_together() {
    let model = scripted([
        cut_off("The first part, ").when(first()),
        cut_off("the second part, ").when(told_to_continue().turn(2)),
        Rule::text("and the end.").when(told_to_continue()),
    ]);
    let report = stage(&model).ask("worker", "tell me everything").await;
    assert_eq!(report.outcome, Outcome::Completed("The first part, the second part, and the end.".into()));
}

#[actix::test]
async fn the_parts_of_a_continued_answer_survive_a_crash() {
    let model = scripted([
        cut_off("The first part, ").when(first()),
        Rule::fault(Fault::panic()).when(told_to_continue()).times(1),
        Rule::text("and the end.").when(told_to_continue()),
    ]);
    let report = stage(&model).ask("worker", "tell me everything").await;
    assert_eq!(report.outcome, Outcome::Completed("The first part, and the end.".into()));
    assert_eq!(report.restarts, 1);
}

#[actix::test]
async fn a_continued_answer_that_is_not_finished_is_the_partial_text_as_a_whole() {
    let model = scripted([
        cut_off("The first part, ").when(first()),
        Rule::text("the second part, and more").with_fault(Fault::hang().after_bytes(17)),
    ]);
    let stage = stage(&model);
    let task = RunTask::new("worker", "tell me everything").timeout(std::time::Duration::from_secs(9));
    let outcome = stage.run(task).await.outcome;
    assert_eq!(outcome.partial(), Some("The first part, the second part, "));
    let endless = self::stage_again(&scripted([cut_off("more and ")]));
    let report = endless.ask("worker", "tell me everything").await;
    let Outcome::Failed { error: TaskError::Stuck { .. }, partial } = report.outcome else {
        panic!("stuck, not {:?}", report.outcome)
    };
    assert_eq!(partial.as_deref(), Some("more and more and more and more and "));
}

#[actix::test]
async fn text_that_was_cut_off_on_the_way_to_a_tool_call_is_not_part_of_the_result() {
    let model = scripted([
        cut_off("First I will look at").when(first()),
        calling("Look").when(told_to_continue().turn(2)),
        Rule::text("All is well.").when(then("Look")),
    ]);
    let report = stage(&model).ask("worker", "is all well").await;
    assert_eq!(report.outcome, Outcome::Completed("All is well.".into()));
}

#[actix::test]
async fn a_tool_call_that_the_output_limit_cut_is_asked_for_again_with_more_room() {
    let model = small([
        calling("Look").with_stop(StopReason::MaxTokens).times(1),
        calling("Look").when(first()),
        Rule::text("done"),
    ]);
    tokio::time::pause();
    let mut worker = agent("worker");
    worker.max_tokens = Some(100);
    let mut setup = Setup::new(agents([worker]), model.clone());
    setup.tools = vec![TestTool::reading("Look", |_| async { Ok("seen".to_owned()) }).shared()];
    let report = OneClock::start(setup).ask("worker", "go").await;
    assert_eq!(report.outcome, Outcome::Completed("done".into()));
    let room: Vec<Option<u32>> = model.recorded().iter().map(|request| request.max_output_tokens).collect();
    assert_eq!(room, [Some(100), Some(200), Some(200)]);
    assert_eq!(report.tool_calls, 1, "the call that was cut is not made");
}

#[actix::test]
async fn an_empty_answer_is_asked_for_once_more() {
    let empty = || Rule::text("");
    let model = scripted([empty().times(1), Rule::text("done")]);
    assert_eq!(stage(&model).ask("worker", "go").await.outcome, Outcome::Completed("done".into()));
    let silent = scripted([empty()]);
    let report = stage_again(&silent).ask("worker", "go").await;
    assert_eq!(report.outcome, Outcome::Failed { error: TaskError::EmptyAnswer, partial: None });
    assert_eq!(silent.recorded().len(), 2);
}

/// A second stage of one story: the clock stands already.
fn stage_again(model: &Arc<ScriptedBackend>) -> OneClock {
    OneClock::start(Setup::new(agents([agent("worker")]), model.clone()))
}

#[actix::test]
async fn a_refusal_is_told_as_one() {
    let refusal =
        Rule::text("I would rather not").with_stop(StopReason::Refused { category: Some("cyber".into()) });
    let report = stage(&scripted([refusal])).ask("worker", "go").await;
    let Outcome::Failed { error, partial } = report.outcome else {
        panic!("failed, not {:?}", report.outcome)
    };
    assert_eq!(error.to_string(), "the model refused: cyber");
    assert_eq!(partial.as_deref(), Some("I would rather not"));
}

#[actix::test]
async fn an_agent_that_repeats_itself_is_told_and_then_stopped_with_what_it_repeats() {
    let model = scripted([calling("Look")]);
    let report = stage(&model).ask("worker", "look until something changes").await;
    let Outcome::Failed { error: TaskError::Stuck { detail }, .. } = report.outcome else {
        panic!("stuck, not {:?}", report.outcome)
    };
    assert_eq!(detail, "8 times in a row the same call with the same result: Look");
    let told: Vec<bool> = model
        .recorded()
        .iter()
        .map(|request| texts_of(request).iter().any(|text| text.contains("Do not repeat them")))
        .collect();
    assert_eq!(told, [false, false, false, true, true, true, true, true]);
}

#[actix::test]
async fn an_agent_that_heeds_the_reminder_goes_on() {
    let reminded = When::default().user(Pattern::text("Do not repeat them"));
    let model = scripted([Rule::text("Nothing changes.").when(reminded), calling("Look")]);
    let report = stage(&model).ask("worker", "look until something changes").await;
    assert_eq!(report.outcome, Outcome::Completed("Nothing changes.".into()));
}
