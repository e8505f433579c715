//! An agent that makes the same calls with the same results again and again gets nowhere: it is told, then stopped.
//! Small models do that; every round is paid for.

use std::hash::{DefaultHasher, Hash, Hasher};

use codex_task_providers::{ToolCall, UserPart, UserTurn};

/// Equal rounds in a row after which the model is told. Waiting for something by asking again is usual work.
const TOLD_AT: u32 = 3;
/// Equal rounds in a row after which the agent is stopped.
const STOPPED_AT: u32 = 8;

/// The last round of tool calls, and how often it came in a row.
#[derive(Debug, Default)]
pub(crate) struct Repetition {
    last: u64,
    rounds: u32,
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
        let round = hash_of(calls, results);
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
pub(crate) fn reminder(rounds: u32) -> String {
    format!(
        "<system-reminder>\nYou have made exactly these calls {rounds} times in a row, with the same results. Do not \
         repeat them. Use what you have, try something else, or finish with your report.\n</system-reminder>"
    )
}

/// The names of the calls, for people.
pub(crate) fn names(calls: &[ToolCall]) -> String {
    let mut names: Vec<&str> = calls.iter().map(|call| &*call.name).collect();
    names.dedup();
    names.join(", ")
}

fn hash_of(calls: &[ToolCall], results: &UserTurn) -> u64 {
    let mut hasher = DefaultHasher::new();
    for call in calls {
        (&call.name, &call.arguments).hash(&mut hasher);
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
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use codex_task_providers::ToolResult;

    use super::*;

    fn round(repetition: &mut Repetition, arguments: &str, result: &str) -> Round {
        let call = ToolCall { id: result.into(), name: "Grep".into(), arguments: arguments.into() };
        let result = ToolResult {
            call_id: "1".into(),
            tool: "Grep".into(),
            text: result.into(),
            is_error: false,
            attachments: Vec::new(),
        };
        repetition.note(&[call], &UserTurn { parts: vec![UserPart::ToolResult(result)] })
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
