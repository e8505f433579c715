//! What a task begins with, and how it is kept: a prompt can be long, and is kept once.

use std::sync::Arc;

use codex_task_providers::{Message, UserPart, UserTurn};
use serde::{Deserialize, Serialize};

use crate::subagent::{AgentPlan, Checkpoint, CheckpointStep, Tally};
use crate::task::TaskRequest;

/// What a task begins with.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(from = "StoredAdmission", into = "StoredAdmission")]
pub struct Admission {
    /// What was asked for.
    pub request: Arc<TaskRequest>,
    /// Where the model calls may go, in order.
    pub routes: Vec<String>,
    /// Hash of the agent's system prompt and tools.
    pub prefix: Arc<str>,
    /// The first user turn.
    pub opening: Arc<Message>,
    /// Prompts with which the conversation has gone on since: a summary of it keeps them.
    pub further: Vec<Arc<str>>,
    /// What was said before, where a conversation goes on of which the journal knows nothing.
    pub before: Option<Box<Transcript>>,
}

/// A conversation with its new prompt, ready to go on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Transcript {
    turns: Vec<Arc<Message>>,
    tally: Tally,
}

/// The same as it is stored.
#[derive(Serialize, Deserialize)]
struct StoredAdmission {
    request: Arc<TaskRequest>,
    routes: Vec<String>,
    prefix: Arc<str>,
    /// Without the prompt at its end, where that follows.
    opening: Arc<Message>,
    /// Whether the prompt of the request follows the opening. Records of older versions have the whole opening.
    #[serde(default)]
    prompt_follows: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    further: Vec<Arc<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<Box<Transcript>>,
}

impl Admission {
    pub(crate) fn new(request: &Arc<TaskRequest>, plan: &AgentPlan, opening: &Arc<Message>) -> Self {
        Self {
            request: Arc::clone(request),
            routes: plan.routes.iter().map(|bound| bound.route.to_string()).collect(),
            prefix: Arc::clone(&plan.cache_key),
            opening: Arc::clone(opening),
            further: Vec::new(),
            before: None,
        }
    }

    /// The same for a conversation that goes on.
    pub(crate) fn of_conversation(self, checkpoint: &Checkpoint) -> Self {
        let (turns, tally) = (checkpoint.turns.clone(), checkpoint.tally.clone());
        Self { before: Some(Box::new(Transcript { turns, tally })), ..self }
    }

    /// Where the task begins.
    pub(crate) fn checkpoint(&self) -> Checkpoint {
        let mut checkpoint = Checkpoint::new(Arc::clone(&self.opening));
        if let Some(Transcript { turns, tally }) = self.before.as_deref().cloned() {
            checkpoint.apply(CheckpointStep::Compacted { turns, tally: Box::new(tally) });
        }
        checkpoint
    }

    /// What stands in its place when the conversation goes on with what is asked for now: whoever continues the task later
    /// must not have wider rights than this caller, and not forget what he has asked.
    #[must_use]
    pub fn asked_anew(mut self, request: Arc<TaskRequest>) -> Self {
        self.further.push(Arc::clone(&request.prompt));
        Self { request, ..self }
    }
}

impl From<Admission> for StoredAdmission {
    fn from(admission: Admission) -> Self {
        let Admission { request, routes, prefix, opening, further, before } = admission;
        let without = without_prompt(&opening, &request.prompt);
        let (prompt_follows, opening) = (without.is_some(), without.unwrap_or(opening));
        Self { request, routes, prefix, opening, prompt_follows, further, before }
    }
}

impl From<StoredAdmission> for Admission {
    fn from(stored: StoredAdmission) -> Self {
        let StoredAdmission { request, routes, prefix, mut opening, prompt_follows, further, before } =
            stored;
        if let (true, Message::User(turn)) = (prompt_follows, Arc::make_mut(&mut opening)) {
            turn.parts.push(UserPart::Text { text: Arc::clone(&request.prompt) });
        }
        Self { request, routes, prefix, opening, further, before }
    }
}

/// The opening without the prompt, if that is its last text.
fn without_prompt(opening: &Message, prompt: &str) -> Option<Arc<Message>> {
    let Message::User(UserTurn { parts }) = opening else { return None };
    match parts.split_last()? {
        (UserPart::Text { text }, before) if **text == *prompt => {
            Some(Arc::new(Message::User(UserTurn { parts: before.to_vec() })))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::task::RunTask;

    fn admission(prompt: &str, texts: &[String]) -> Admission {
        let parts = texts.iter().map(|text| UserPart::Text { text: text.as_str().into() }).collect();
        Admission {
            request: Arc::new(RunTask::<String>::new("worker", prompt).request),
            routes: vec!["a/b".to_owned()],
            prefix: "x".into(),
            opening: Arc::new(Message::User(UserTurn { parts })),
            further: Vec::new(),
            before: None,
        }
    }

    #[test]
    fn the_prompt_is_kept_once() {
        let kept = serde_json::to_string(&admission("look here", &["before".into(), "look here".into()]));
        assert_eq!(kept.expect("JSON").matches("look here").count(), 1);
    }

    proptest! {
        #[test]
        fn an_opening_comes_back_as_it_was(
            prompt in "[ab]{0,2}",
            texts in proptest::collection::vec("[ab]{0,2}", 0..4),
        ) {
            let admission = admission(&prompt, &texts);
            let kept = serde_json::to_string(&admission).expect("JSON");
            let again: Admission = serde_json::from_str(&kept).expect("it is what was written");
            let words = |opening: &Arc<Message>| serde_json::to_string(opening).expect("JSON");
            prop_assert_eq!(words(&again.opening), words(&admission.opening));
        }
    }
}
