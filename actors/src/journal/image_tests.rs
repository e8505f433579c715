use codex_task_providers::{ProviderState, ToolCall, ToolResult};
use serde_json::json;
use serde_json::value::RawValue;

use super::*;
use crate::task::RunTask;

fn text(text: &str) -> UserPart {
    UserPart::Text { text: text.into() }
}

fn user(parts: impl IntoIterator<Item = UserPart>) -> Arc<Message> {
    Arc::new(Message::User(UserTurn { parts: parts.into_iter().collect() }))
}

fn call(id: &str) -> AssistantPart {
    AssistantPart::ToolCall(ToolCall { id: id.into(), name: "T".into(), arguments: "{}".to_owned() })
}

fn result(id: &str, text: &str) -> ToolResult {
    ToolResult {
        call_id: id.into(),
        tool: "T".into(),
        text: text.into(),
        is_error: false,
        attachments: Vec::new(),
    }
}

/// An answer with calls, and with reasoning state whose bytes must not change.
fn answered(calls: &[&str]) -> CheckpointStep {
    let items = vec![RawValue::from_string(r#"{"b": 1,  "a":2}"#.to_owned()).expect("JSON").into()];
    let state = ProviderState { format: "f".into(), model: codex_task_config::ModelId::new("m"), items };
    let turn = AssistantTurn { parts: calls.iter().map(|id| call(id)).collect(), state: Some(state) };
    let tally = Tally { turns: 1, ..Tally::default() };
    CheckpointStep::Answered { turn: Arc::new(Message::Assistant(turn)), tally: Box::new(tally) }
}

/// A task that was stored and is read again, with these steps.
fn stored(steps: &[CheckpointStep]) -> TaskImage {
    let task =
        RunTask::<String>::new("worker", "p").model("sonnet").timeout(std::time::Duration::from_secs(7));
    let admission = Admission {
        request: Arc::new(task.request),
        routes: vec!["a/b".to_owned()],
        prefix: "x".into(),
        opening: user([text("p")]),
        further: Vec::new(),
        before: None,
    };
    let admission = serde_json::to_string(&admission).expect("JSON");
    let mut image = TaskImage::of_admission(&admission).expect("it is what was written");
    let mut totals = None;
    for step in steps {
        let step = JournalStep(step.clone());
        image.apply(&step.to_json().expect("JSON")).expect("it is what was written");
        totals = step.totals_json().map(|totals| totals.expect("JSON")).or(totals);
    }
    if let Some(totals) = totals {
        image.set_totals(&totals).expect("it is what was written");
    }
    image
}

fn shown(image: &TaskImage) -> serde_json::Value {
    serde_json::to_value(&image.checkpoint.turns).expect("JSON")
}

#[test]
fn a_stored_task_comes_back_as_it_was_to_the_byte() {
    let begun = CheckpointStep::CallBegun { call_id: "2".into() };
    let ended = CheckpointStep::CallEnded { result: result("1", "r") };
    let first = CheckpointStep::CallBegun { call_id: "1".into() };
    let image = stored(&[answered(&["1", "2"]), first, ended, begun]);
    let begun: Vec<_> = image.checkpoint.begun.iter().map(|c| (&*c.call_id, c.result.is_some())).collect();
    assert_eq!(begun, [("1", true), ("2", false)]);
    assert_eq!(image.checkpoint.tally.turns, 1);
    assert_eq!(image.request().timeout, Some(std::time::Duration::from_secs(7)));
    assert_eq!(image.request().model.as_ref().map(ToString::to_string).as_deref(), Some("sonnet"));
    let text = serde_json::to_string(&image.checkpoint.turns).expect("JSON");
    assert!(text.contains(r#"{"b": 1,  "a":2}"#), "{text}");
}

#[test]
fn a_new_prompt_follows_the_agents_last_answer() {
    let (image, steps) = stored(&[]).with_prompt(Some("the answer"), "and now?");
    let turns = json!([
        {"user": {"parts": [{"type": "text", "text": "p"}]}},
        {"assistant": {"parts": [{"type": "text", "text": "the answer"}], "state": null}},
        {"user": {"parts": [{"type": "text", "text": "and now?"}]}},
    ]);
    assert_eq!(shown(&image), turns);
    assert_eq!((steps.len(), &*image.request.prompt), (2, "and now?"));
}

#[test]
fn a_new_prompt_joins_a_turn_that_was_never_answered() {
    let (image, _) = stored(&[]).with_prompt(None, "and now?");
    let parts = json!([{"type": "text", "text": "p"}, {"type": "text", "text": "and now?"}]);
    assert_eq!(shown(&image), json!([{"user": {"parts": parts}}]));
}

#[test]
fn calls_that_were_cut_off_are_answered_before_a_new_prompt() {
    let begun = |id: &str| CheckpointStep::CallBegun { call_id: id.into() };
    let ended = CheckpointStep::CallEnded { result: result("1", "r") };
    let image = stored(&[answered(&["1", "2", "3"]), begun("1"), ended, begun("2")]);
    let (image, _) = image.with_prompt(None, "and now?");
    let Some(Message::User(last)) = image.checkpoint.turns.last().map(Arc::as_ref) else {
        panic!("the prompt is the last turn")
    };
    let told: Vec<_> = last
        .parts
        .iter()
        .map(|part| match part {
            UserPart::ToolResult(result) => (&*result.call_id, &*result.text),
            UserPart::Text { text } => ("", &**text),
        })
        .collect();
    assert_eq!((told.len(), told[0], told[3]), (4, ("1", "r"), ("", "and now?")));
    assert!(told[1].1.contains("outcome is unknown") && told[2].1.contains("was not made"), "{told:?}");
    assert!(image.checkpoint.begun.is_empty());
}

#[test]
fn what_the_agent_has_read_outlives_its_process_and_a_new_prompt() {
    let source = "WebFetch evil.example".to_owned();
    let tally = Tally { turns: 1, tainted_by: [source.clone()].into(), ..Tally::default() };
    let told = CheckpointStep::Told { turn: user([text("r")]), tally: Box::new(tally) };
    let image = stored(&[answered(&["1"]), told]);
    assert!(image.checkpoint.tally.tainted_by.contains(&source));
    let (image, steps) = image.with_prompt(Some("the answer"), "and now?");
    assert_eq!((image.checkpoint.tally.turns, steps.len()), (0, 2));
    assert!(image.checkpoint.tally.tainted_by.contains(&source));
    let totals = steps.iter().filter_map(JournalStep::totals_json).map(|totals| totals.expect("JSON"));
    assert!(totals.into_iter().all(|totals| totals.contains(&source)), "it is stored with the new prompt");
}

#[test]
fn whatever_the_conversation_was_asked_since_is_in_its_opening_when_it_goes_on_again() {
    let task = Arc::new(RunTask::<String>::new("worker", "p").request);
    let admission = Admission {
        request: Arc::clone(&task),
        routes: Vec::new(),
        prefix: "x".into(),
        opening: user([text("p")]),
        further: Vec::new(),
        before: None,
    };
    let anew = |prompt: &str| Arc::new(TaskRequest { prompt: prompt.into(), ..(*task).clone() });
    let admission = admission.asked_anew(anew("second")).asked_anew(anew("third"));
    let json = serde_json::to_string(&admission).expect("JSON");
    let image = TaskImage::of_admission(&json).expect("it is what was written");
    let json = |turn: &Arc<Message>| serde_json::to_value(turn).expect("JSON");
    let whole = user([text("p"), text("second"), text("third")]);
    assert_eq!(json(&image.opening), json(&whole), "a summary keeps them");
    assert_eq!(shown(&image), json!([*user([text("p")])]), "the conversation itself begins as it did");
    assert_eq!(&*image.request.prompt, "third");
}

#[test]
fn a_conversation_that_the_journal_knew_nothing_of_is_in_its_beginning() {
    let tally = Tally { tainted_by: ["WebFetch evil.example".to_owned()].into(), ..Tally::default() };
    let told = CheckpointStep::Told { turn: user([text("r")]), tally: Box::new(tally) };
    let (image, _) = stored(&[answered(&["1"]), told]).with_prompt(Some("the answer"), "and now?");
    let admission = Admission {
        request: Arc::clone(&image.request),
        routes: Vec::new(),
        prefix: "x".into(),
        opening: Arc::clone(&image.opening),
        further: Vec::new(),
        before: None,
    };
    let json = serde_json::to_string(&admission.of_conversation(&image.checkpoint)).expect("JSON");
    let again = TaskImage::of_admission(&json).expect("it is what was written");
    assert_eq!(shown(&again), shown(&image));
    assert_eq!(again.checkpoint.tally.tainted_by, image.checkpoint.tally.tainted_by);
    assert_eq!(
        serde_json::to_value(&again.opening).expect("JSON"),
        json!(*user([text("p"), text("and now?")]))
    );
}

#[test]
fn an_end_whose_last_answers_were_lost_still_has_its_report() {
    let ended = CheckpointStep::CallEnded { result: result("1", "r") };
    let begun = CheckpointStep::CallBegun { call_id: "1".into() };
    let image = stored(&[answered(&["1", "2"]), begun, ended]);
    let (image, steps) = image.with_prompt(Some("the answer"), "and now?");
    let turns = shown(&image);
    assert_eq!((turns.as_array().map(Vec::len), steps.len()), (Some(5), 3));
    let texts = |turn: usize| turns[turn]["user"]["parts"].to_string();
    assert!(texts(2).contains(r#""text":"r""#) && texts(2).contains("outcome is unknown"), "{}", texts(2));
    assert_eq!(turns[3]["assistant"]["parts"][0]["text"], "the answer");
    assert!(texts(4).contains("and now?"));
}
