//! What a model reads: whose conversation it is, how far it has come, and whether everything in it is in order.

use std::sync::Arc;

use codex_task_providers::{AssistantPart, Message, ToolCall, ToolResult, UserPart};

use super::plan::{Plan, Progress};
use super::script::{SITTING, TASK, is_left_alone, report};

/// What a model is asked when a conversation is to be summed up.
const SUMMING_UP: &str = "about to exceed your context window";
/// What it remembers then.
const TURNS: &str = "turns so far: ";
/// What is in every report.
const REPORT: &str = "the report of task ";

/// Around what a model has summed up.
const SUMMARY: [&str; 2] = ["<summary-of-your-work-so-far>", "</summary-of-your-work-so-far>"];

/// The messages of a request.
pub(super) struct Conversation<'a>(pub(super) &'a [Arc<Message>]);

/// What a model sums up.
pub(super) fn summary(at: Progress) -> String {
    format!("{SITTING}{}. {TURNS}{}", at.sitting, at.turn)
}

impl Conversation<'_> {
    /// The task whose conversation it is.
    pub(super) fn task(&self) -> usize {
        number_after(&texts(&self.0[0]), TASK).expect("a task of the simulation")
    }

    pub(super) fn progress(&self) -> Progress {
        self.0.iter().fold(Progress::default(), |at, message| match &**message {
            Message::Assistant(_) => Progress { turn: at.turn + 1, ..at },
            Message::User(_) => told(at, &texts(message)),
        })
    }

    pub(super) fn asks_for_summary(&self) -> bool {
        self.0.last().is_some_and(|last| texts(last).contains(SUMMING_UP))
    }

    /// Whether something of it was replaced by a summary.
    pub(super) fn is_summed_up(&self) -> bool {
        self.0.iter().any(|message| texts(message).contains(TURNS))
    }

    /// Whether its user has said this, summaries aside.
    pub(super) fn is_told(&self, prompt: &str) -> bool {
        self.0.iter().any(|message| {
            let text = texts(message);
            let (before, rest) = text.split_once(SUMMARY[0]).unwrap_or((&text, ""));
            let (_, after) = rest.split_once(SUMMARY[1]).unwrap_or(("", ""));
            before.contains(prompt) || after.contains(prompt)
        })
    }

    /// Turns of the model.
    pub(super) fn answers(&self) -> usize {
        self.0.iter().filter(|message| matches!(***message, Message::Assistant(_))).count()
    }

    pub(super) fn has_report(&self, task: usize, sitting: usize) -> bool {
        let report = report(task, sitting);
        self.0.iter().any(|message| match &**message {
            Message::Assistant(turn) => {
                turn.parts.iter().any(|part| matches!(part, AssistantPart::Text { text } if *text == report))
            }
            Message::User(_) => false,
        })
    }

    /// What is wrong with the answers to its calls: each has one, in the order of the calls, and its own.
    pub(super) fn wrong_answers(&self, plan: Plan) -> Option<String> {
        let mut turns = self.0.iter().zip(self.0.iter().skip(1));
        turns.find_map(|(asked, answered)| wrong_answer(plan, asked, answered))
    }
}

/// How far a conversation has come with such words of its user.
fn told(at: Progress, text: &str) -> Progress {
    let Some(place) = text.rfind(SITTING) else { return at };
    let said = &text[place..];
    let sitting = number_after(said, SITTING).expect("a number");
    let turn = if sitting == at.sitting { at.turn } else { 0 };
    Progress { sitting, turn: number_after(said, TURNS).unwrap_or(turn) }
}

fn wrong_answer(plan: Plan, asked: &Message, answered: &Message) -> Option<String> {
    let Message::Assistant(asked) = asked else { return None };
    let Message::User(answered) = answered else { return Some("two turns of the model in a row".to_owned()) };
    let results = answered.parts.iter().filter_map(|part| match part {
        UserPart::ToolResult(result) => Some(result),
        UserPart::Text { .. } => None,
    });
    let results: Vec<&ToolResult> = results.collect();
    let calls: Vec<&ToolCall> = asked.tool_calls().collect();
    let ids = |results: &[&ToolResult]| results.iter().map(|r| r.call_id.to_string()).collect::<Vec<_>>();
    if !calls.iter().map(|call| &*call.id).eq(results.iter().map(|result| &*result.call_id)) {
        return Some(format!("{calls:?} are answered by {:?}", ids(&results)));
    }
    let mut tasks = calls.into_iter().zip(results).filter(|(call, _)| &*call.name == "Task");
    tasks.find_map(|(call, result)| wrong_report(plan, call, result))
}

/// What is wrong with the answer to a call of the Task tool.
fn wrong_report(plan: Plan, call: &ToolCall, result: &ToolResult) -> Option<String> {
    let child = number_after(&call.arguments, TASK)?;
    let reports: Vec<_> = result.text.match_indices(REPORT).collect();
    // What is there of a report that broke off may end within its number.
    let is_foreign = reports.iter().any(|(place, _)| {
        let own = report(child, 0);
        let own = &own[own.find(REPORT).expect("it is in every report")..];
        let said = result.text[*place..].lines().next().unwrap_or_default();
        !own.starts_with(said)
    });
    let begins_well = result.text.starts_with(&report(child, 0));
    let is_right = !is_foreign && (result.is_error || begins_well || is_left_alone(plan, child));
    (!is_right).then(|| format!("task {child} is answered by: {}", result.text))
}

/// What a user turn says.
fn texts(message: &Message) -> String {
    let Message::User(turn) = message else { return String::new() };
    let texts = turn.parts.iter().filter_map(|part| match part {
        UserPart::Text { text } => Some(&**text),
        UserPart::ToolResult(_) => None,
    });
    texts.collect::<Vec<_>>().join("\n")
}

fn number_after(text: &str, word: &str) -> Option<usize> {
    let (_, rest) = text.split_once(word)?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}
