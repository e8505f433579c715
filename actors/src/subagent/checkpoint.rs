//! What survives an agent's actor: kept by the supervisor, one step at a time.

use std::sync::Arc;

use codex_task_providers::{Message, ToolCall, ToolResult};

use super::{Tally, attachments};

/// What a model is told about a call that had begun when its agent crashed.
pub(super) const OUTCOME_UNKNOWN: &str = "The runtime was interrupted while this call was running, and its outcome is \
    unknown. It was not repeated. Check the current state before you decide to run it again.";

/// What a model is told about a call that its agent never came to.
const NOT_MADE: &str = "The agent was stopped before this call: it was not made.";

/// Everything that a new incarnation of an agent begins with.
#[derive(Clone, Debug)]
pub(crate) struct Checkpoint {
    /// The conversation so far; begins with the opening turn.
    pub(crate) turns: Vec<Arc<Message>>,
    /// Tool calls of the last turn that had begun, with their results where they ended.
    pub(crate) begun: Vec<BegunCall>,
    /// Totals so far.
    pub(crate) tally: Tally,
}

/// A tool call with possible side effects that had begun.
#[derive(Clone, Debug)]
pub(crate) struct BegunCall {
    /// Id of the call within the turn.
    pub(crate) call_id: Arc<str>,
    /// Its result; `None` when the crash came first: the outcome is unknown, and the call is never made again.
    pub(crate) result: Option<ToolResult>,
}

/// One step of an agent, reported as it happens. Steps of one sender arrive in order.
#[derive(Clone, Debug)]
pub(crate) enum CheckpointStep {
    /// The model answered; tools follow.
    Answered {
        /// The model's turn.
        turn: Arc<Message>,
        /// Totals with this turn.
        tally: Box<Tally>,
    },
    /// A tool call with possible side effects is about to begin.
    CallBegun {
        /// Id of the call.
        call_id: Arc<str>,
    },
    /// A tool call with possible side effects ended.
    CallEnded {
        /// Its result.
        result: ToolResult,
    },
    /// The turn's results, or a reminder, were appended.
    Told {
        /// The user turn.
        turn: Arc<Message>,
        /// Totals with this turn.
        tally: Box<Tally>,
    },
    /// The conversation was replaced by a shorter one.
    Compacted {
        /// The whole conversation as it is now.
        turns: Vec<Arc<Message>>,
        /// Totals with the summary call.
        tally: Box<Tally>,
    },
}

impl Checkpoint {
    /// The checkpoint of an agent that has not begun.
    pub(crate) fn new(opening: Arc<Message>) -> Self {
        Self { turns: vec![opening], begun: Vec::new(), tally: Tally::default() }
    }

    /// The answer to a call of the last turn: its own, that nobody knows what it did, or that it was not made.
    pub(crate) fn result_of(&self, call: &ToolCall) -> ToolResult {
        match self.begun(call) {
            Some(_) => self.result_or_unknown(call),
            None => without_result(call, NOT_MADE),
        }
    }

    /// The answer to a call of the last turn that was made: its own, or that nobody knows what it did.
    pub(crate) fn result_or_unknown(&self, call: &ToolCall) -> ToolResult {
        let result = self.begun(call).and_then(|begun| begun.result.clone());
        result.unwrap_or_else(|| without_result(call, OUTCOME_UNKNOWN))
    }

    fn begun(&self, call: &ToolCall) -> Option<&BegunCall> {
        self.begun.iter().find(|begun| begun.call_id == call.id)
    }

    /// Applies one step.
    pub(crate) fn apply(&mut self, step: CheckpointStep) {
        match step {
            CheckpointStep::Answered { turn, tally } | CheckpointStep::Told { turn, tally } => {
                self.turns.push(turn);
                attachments::make_room(&mut self.turns);
                self.begun.clear();
                self.tally = *tally;
            }
            CheckpointStep::CallBegun { call_id } => self.begun.push(BegunCall { call_id, result: None }),
            CheckpointStep::CallEnded { result } => {
                if let Some(call) = self.begun.iter_mut().find(|call| call.call_id == result.call_id) {
                    call.result = Some(result);
                }
            }
            CheckpointStep::Compacted { turns, tally } => {
                self.turns = turns;
                self.begun.clear();
                self.tally = *tally;
            }
        }
    }
}

fn without_result(call: &ToolCall, text: &str) -> ToolResult {
    ToolResult {
        call_id: Arc::clone(&call.id),
        tool: Arc::clone(&call.name),
        text: text.into(),
        is_error: true,
        attachments: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use codex_task_providers::{AssistantTurn, UserTurn};

    use super::*;

    #[test]
    fn a_call_that_had_begun_is_remembered_until_its_turn_is_answered() {
        let answer = Arc::new(Message::Assistant(AssistantTurn { parts: Vec::new(), state: None }));
        let results = Arc::new(Message::User(UserTurn::text("r")));
        let result = |id: &str| ToolResult {
            call_id: id.into(),
            tool: "T".into(),
            text: "t".into(),
            is_error: false,
            attachments: Vec::new(),
        };
        let opening = Arc::new(Message::User(UserTurn::text("p")));
        let mut checkpoint = Checkpoint::new(opening);
        checkpoint.apply(CheckpointStep::Answered { turn: answer, tally: Box::default() });
        checkpoint.apply(CheckpointStep::CallBegun { call_id: "1".into() });
        checkpoint.apply(CheckpointStep::CallBegun { call_id: "2".into() });
        checkpoint.apply(CheckpointStep::CallEnded { result: result("1") });
        let begun: Vec<_> = checkpoint.begun.iter().map(|c| (&*c.call_id, c.result.is_some())).collect();
        assert_eq!(begun, [("1", true), ("2", false)]);
        checkpoint.apply(CheckpointStep::Told { turn: results, tally: Box::default() });
        assert!(checkpoint.begun.is_empty());
        assert_eq!(checkpoint.turns.len(), 3);
    }
}
