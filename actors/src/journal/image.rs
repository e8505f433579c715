//! A task as the journal remembers it, ready to go on.

use std::sync::Arc;

use codex_task_providers::{AssistantPart, AssistantTurn, Message, UserPart, UserTurn};

use super::entry::StoredStep;
use super::{Admission, JournalStep};
use crate::budget::Spent;
use crate::subagent::{Checkpoint, CheckpointStep, Tally};
use crate::task::TaskRequest;

/// What is told with the report of a task that was continued.
const RESUMED: &str = "resumed after its process had ended";

/// What is stored of a task cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the record of the task cannot be read: {0}")]
pub struct ImageError(#[from] serde_json::Error);

/// A task as the journal remembers it: rebuilt from its admission, its steps in order and its last totals.
#[derive(Clone, Debug)]
pub struct TaskImage {
    pub(crate) request: Arc<TaskRequest>,
    /// Hash of the agent's system prompt and tools, as it was.
    pub(crate) prefix: Arc<str>,
    /// The first user turn, as it was before any compaction.
    pub(crate) opening: Arc<Message>,
    pub(crate) checkpoint: Checkpoint,
    /// What was taken before, where the journal knows more than the task's own totals.
    pub(crate) taken: Option<Taken>,
}

/// What was taken of the budgets that a task lives on, before it goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// By all tasks of its run, this one and those that have not ended among them.
    pub run: Spent,
    /// By the task, and by all that its agents have asked for.
    pub tree: Spent,
}

impl TaskImage {
    /// The task as it was admitted.
    ///
    /// # Errors
    /// [`ImageError`] when the text is no [`Admission`].
    pub fn of_admission(json: &str) -> Result<Self, ImageError> {
        let admission: Admission = serde_json::from_str(json)?;
        let checkpoint = admission.checkpoint();
        let opening = admission.further.iter().fold(admission.opening, joined);
        let Admission { request, prefix, .. } = admission;
        Ok(Self { request, prefix, checkpoint, opening, taken: None })
    }

    /// Applies a stored step.
    ///
    /// # Errors
    /// [`ImageError`] when the text is no step.
    pub fn apply(&mut self, json: &str) -> Result<(), ImageError> {
        let stored: StoredStep = serde_json::from_str(json)?;
        self.checkpoint.apply(stored.into());
        Ok(())
    }

    /// Sets the totals that were stored with the last step.
    ///
    /// # Errors
    /// [`ImageError`] when the text is no totals.
    pub fn set_totals(&mut self, json: &str) -> Result<(), ImageError> {
        self.checkpoint.tally = serde_json::from_str::<Tally>(json)?;
        Ok(())
    }

    /// What was asked for.
    pub fn request(&self) -> &Arc<TaskRequest> {
        &self.request
    }

    /// The same conversation for a caller who asks for it now: with what is asked for now, but for what the conversation
    /// itself depends on.
    #[must_use]
    pub fn asked_for(mut self, request: TaskRequest) -> Self {
        let before = Arc::unwrap_or_clone(self.request);
        let tainted_by = [before.tainted_by, request.tainted_by].concat();
        self.request = Arc::new(TaskRequest {
            tainted_by,
            subagent_type: before.subagent_type,
            description: request.description.or(before.description),
            model: request.model.or(before.model),
            effort: request.effort.or(before.effort),
            isolation: request.isolation.or(before.isolation),
            output: before.output,
            ..request
        });
        self
    }

    /// The task goes on where it stood, and its report says so.
    #[must_use]
    pub fn resumed(mut self) -> Self {
        self.checkpoint.tally.notes.insert(RESUMED.to_owned());
        self
    }

    /// What was taken before counts against the limits of the run and of the task.
    #[must_use]
    pub fn with_taken(mut self, taken: Taken) -> Self {
        self.taken = Some(taken);
        self
    }

    /// What was taken before, at least by the task itself.
    pub(crate) fn taken(&self) -> Taken {
        let tally = &self.checkpoint.tally;
        let (cost, tokens, calls) = (tally.cost, tally.usage.total_tokens(), u64::from(tally.turns));
        let own = Spent { cost, tokens, calls };
        self.taken.unwrap_or(Taken { run: own, tree: own })
    }

    /// The conversation goes on with a new prompt after what the agent wrote last. The new totals begin at nothing,
    /// but for what the agent has read: what was done before was reported before. Gives the steps that lead there, which
    /// the journal must keep with whatever it notes of the task's reopening.
    #[must_use]
    pub fn with_prompt(mut self, last: Option<&str>, prompt: &str) -> (Self, Vec<JournalStep>) {
        let mut steps = Vec::new();
        self.checkpoint.tally = self.checkpoint.tally.anew();
        if let Some(turn) = last.and_then(|_| self.answers_that_were_lost()) {
            steps.push(self.step(CheckpointStep::Told { turn, tally: self.totals() }));
        }
        let ends_with_user = matches!(self.checkpoint.turns.last().map(Arc::as_ref), Some(Message::User(_)));
        if let Some(text) = last.filter(|_| ends_with_user) {
            let parts = vec![AssistantPart::Text { text: text.to_owned() }];
            let turn = Arc::new(Message::Assistant(AssistantTurn { parts, state: None }));
            steps.push(self.step(CheckpointStep::Answered { turn, tally: self.totals() }));
        }
        Arc::make_mut(&mut self.request).prompt = prompt.into();
        // So that a compaction keeps both prompts.
        self.opening = joined(self.opening, &prompt.into());
        let turn = self.user_turn(prompt);
        steps.push(self.step(turn));
        (self, steps)
    }

    /// What stands for the answers to the last calls of a task that has completed: a disk that was full has kept its end,
    /// and not what led there.
    fn answers_that_were_lost(&self) -> Option<Arc<Message>> {
        let Some(Message::Assistant(turn)) = self.checkpoint.turns.last().map(Arc::as_ref) else {
            return None;
        };
        let answered = |call| UserPart::ToolResult(self.checkpoint.result_or_unknown(call));
        let parts: Vec<_> = turn.tool_calls().map(answered).collect();
        (!parts.is_empty()).then(|| Arc::new(Message::User(UserTurn { parts })))
    }

    /// The prompt as the next turn. Calls that were never answered are answered first; a user turn that was never
    /// answered is joined, so that roles alternate.
    fn user_turn(&self, prompt: &str) -> CheckpointStep {
        let text = UserPart::Text { text: prompt.into() };
        match self.checkpoint.turns.last().map(Arc::as_ref) {
            Some(Message::User(last)) => {
                let mut turns = self.checkpoint.turns.clone();
                turns.pop();
                let parts = last.parts.iter().cloned().chain([text]).collect();
                turns.push(Arc::new(Message::User(UserTurn { parts })));
                CheckpointStep::Compacted { turns, tally: self.totals() }
            }
            Some(Message::Assistant(turn)) => {
                let unanswered =
                    turn.tool_calls().map(|call| UserPart::ToolResult(self.checkpoint.result_of(call)));
                let parts = unanswered.chain([text]).collect();
                CheckpointStep::Told {
                    turn: Arc::new(Message::User(UserTurn { parts })),
                    tally: self.totals(),
                }
            }
            None => CheckpointStep::Told {
                turn: Arc::new(Message::User(UserTurn::text(prompt))),
                tally: self.totals(),
            },
        }
    }

    fn totals(&self) -> Box<Tally> {
        Box::new(self.checkpoint.tally.clone())
    }

    fn step(&mut self, step: CheckpointStep) -> JournalStep {
        self.checkpoint.apply(step.clone());
        JournalStep(step)
    }
}

/// The first user turn with one more prompt.
fn joined(opening: Arc<Message>, prompt: &Arc<str>) -> Arc<Message> {
    let Message::User(turn) = opening.as_ref() else { return opening };
    let text = UserPart::Text { text: Arc::clone(prompt) };
    let parts = turn.parts.iter().cloned().chain([text]).collect();
    Arc::new(Message::User(UserTurn { parts }))
}

#[cfg(test)]
#[path = "image_tests.rs"]
mod tests;
