//! An agent that makes the same calls with the same results again and again gets nowhere: it is told, then stopped.
//! Small models do that; every round is paid for. Calls are the same when their arguments mean the same JSON, however it
//! is written. The results of calls that all fail need not be the same: an error often tells the time or a number.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use codex_task_providers::{ToolCall, UserPart, UserTurn};
use serde_json::Value;

/// Equal rounds in a row after which the model is told. Waiting for something by asking again is usual work.
const TOLD_AT: u32 = 3;
/// Equal rounds in a row after which the agent is stopped.
const STOPPED_AT: u32 = 8;
/// Characters of an error that whoever gave the task reads.
const ERROR_CHARS_MAX: usize = 200;

/// The last round of tool calls, and how often it came in a row.
#[derive(Debug, Default)]
pub(crate) struct Repetition {
    last: Option<RoundKey>,
    rounds: u32,
}

/// What makes two rounds the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RoundKey {
    /// All calls failed; a hash of them.
    Failed(u64),
    /// A hash of calls and results.
    Done(u64),
}

/// What a round of tool calls means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Round {
    /// Work goes on.
    Fresh,
    /// It has come this often in a row; the model should hear of it.
    Repeated(u32),
    /// It has come this often in a row, and the model has heard of it.
    Stuck(u32),
}

impl Repetition {
    /// Notes a round: the calls of one turn with their results.
    pub(crate) fn note(&mut self, calls: &[ToolCall], results: &UserTurn) -> Round {
        let round = Some(key_of(calls, results));
        self.rounds = if self.last == round { self.rounds + 1 } else { 1 };
        self.last = round;
        match self.rounds {
            STOPPED_AT.. => Round::Stuck(self.rounds),
            TOLD_AT.. => Round::Repeated(self.rounds),
            _ => Round::Fresh,
        }
    }
}

/// What the model reads beside the results.
pub(crate) fn reminder(rounds: u32, results: &UserTurn) -> String {
    let outcome = if all_failed(results) { "and each time they failed" } else { "with the same results" };
    format!(
        "<system-reminder>\nYou have made exactly these calls {rounds} times in a row, {outcome}. Do not repeat them. Use what you have, try something else, or finish with your report.\n</system-reminder>"
    )
}

/// Why an agent was stopped, for whoever gave it the task.
pub(crate) fn reason(rounds: u32, calls: &[ToolCall], results: &UserTurn) -> String {
    let names = names(calls);
    if !all_failed(results) {
        return format!("{rounds} times in a row the same call with the same result: {names}");
    }
    let error = errors(results).next().and_then(|text| text.lines().find(|line| !line.trim().is_empty()));
    let error: String = error.unwrap_or_default().trim().chars().take(ERROR_CHARS_MAX).collect();
    format!("{rounds} times in a row the same failing call: {names} ({error})")
}

/// The names of the calls, for people.
fn names(calls: &[ToolCall]) -> String {
    let mut names: Vec<&str> = calls.iter().map(|call| &*call.name).collect();
    names.dedup();
    names.join(", ")
}

fn key_of(calls: &[ToolCall], results: &UserTurn) -> RoundKey {
    let mut hasher = DefaultHasher::new();
    for call in calls {
        call.name.hash(&mut hasher);
        match serde_json::from_str::<Value>(&call.arguments) {
            Ok(arguments) => sorted(&arguments).to_string().hash(&mut hasher),
            Err(_) => call.arguments.hash(&mut hasher),
        }
    }
    if all_failed(results) {
        return RoundKey::Failed(hasher.finish());
    }
    for part in &results.parts {
        match part {
            UserPart::ToolResult(result) => {
                (&result.text, result.is_error).hash(&mut hasher);
                // Two screenshots have the same words.
                result.attachments.iter().for_each(|shown| shown.data.hash(&mut hasher));
            }
            UserPart::Text { text } => text.hash(&mut hasher),
        }
    }
    RoundKey::Done(hasher.finish())
}

/// The same value with its keys in order and without blanks around its texts.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(keys) => {
            let keys: BTreeMap<_, _> = keys.iter().map(|(key, value)| (key.clone(), sorted(value))).collect();
            keys.into_iter().collect()
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        Value::String(text) => Value::String(text.trim().to_owned()),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// Whether there are results and each of them is an error.
fn all_failed(results: &UserTurn) -> bool {
    let mut count = results.parts.iter().filter(|part| matches!(part, UserPart::ToolResult(_)));
    count.next().is_some()
        && results.parts.iter().all(|part| match part {
            UserPart::ToolResult(result) => result.is_error,
            UserPart::Text { .. } => true,
        })
}

fn errors(results: &UserTurn) -> impl Iterator<Item = &str> {
    results.parts.iter().filter_map(|part| match part {
        UserPart::ToolResult(result) if result.is_error => Some(&*result.text),
        UserPart::ToolResult(_) | UserPart::Text { .. } => None,
    })
}

#[cfg(test)]
mod tests {
    use codex_task_providers::ToolResult;

    use super::*;

    fn call(arguments: &str) -> ToolCall {
        ToolCall { id: "1".into(), name: "Grep".into(), arguments: arguments.into() }
    }

    fn results(text: &str, is_error: bool) -> UserTurn {
        let result = ToolResult {
            call_id: "1".into(),
            tool: "Grep".into(),
            text: text.into(),
            is_error,
            attachments: Vec::new(),
        };
        UserTurn { parts: vec![UserPart::ToolResult(result)] }
    }

    fn round(repetition: &mut Repetition, arguments: &str, result: &str) -> Round {
        repetition.note(&[call(arguments)], &results(result, false))
    }

    #[test]
    fn a_call_that_fails_again_and_again_is_stopped_whatever_its_error_says_and_however_it_is_written() {
        let mut repetition = Repetition::default();
        let forms = [r#"{"a": 1, "b": "x"}"#, r#"{"b":"x","a":1}"#, "{ \"b\" : \" x \",\n\"a\" : 1 }"];
        let mut last = Round::Fresh;
        for n in 0..8 {
            last = repetition.note(&[call(forms[n % 3])], &results(&format!("failed at {n}"), true));
        }
        assert_eq!(last, Round::Stuck(8));
        let said = reason(8, &[call("{}")], &results("\n  failed at 7\nmore", true));
        assert_eq!(said, "8 times in a row the same failing call: Grep (failed at 7)");
        assert!(reminder(3, &results("no", true)).contains("each time they failed"));
        assert_eq!(repetition.note(&[call("{}")], &results("failed", true)), Round::Fresh);
    }

    #[test]
    fn a_call_that_fails_in_between_others_is_work() {
        let mut repetition = Repetition::default();
        for n in 0..20 {
            assert_eq!(repetition.note(&[call("{}")], &results("still red", true)), Round::Fresh);
            assert_eq!(round(&mut repetition, &format!("{{\"edit\":{n}}}"), "done"), Round::Fresh);
        }
    }

    #[test]
    fn equal_rounds_are_told_and_then_stopped() {
        let mut repetition = Repetition::default();
        let rounds: Vec<Round> = (0..8).map(|_| round(&mut repetition, "{}", "none")).collect();
        assert_eq!(rounds[..3], [Round::Fresh, Round::Fresh, Round::Repeated(3)]);
        assert_eq!(rounds[6..], [Round::Repeated(7), Round::Stuck(8)]);
    }

    #[test]
    fn another_argument_or_another_result_is_work() {
        let mut repetition = Repetition::default();
        for n in 0..20 {
            assert_eq!(round(&mut repetition, &format!("{{\"n\":{n}}}"), "none"), Round::Fresh);
            assert_eq!(round(&mut repetition, "{}", &format!("line {n}")), Round::Fresh);
        }
    }
}
