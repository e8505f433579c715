//! A provider that is as unwell as the plan says.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use codex_task_config::{ModelId, ProviderName};
use codex_task_providers::scripted::{Rule, Scenario, ScriptedBackend};
use codex_task_providers::{
    ChatBackend, ChatRequest, ChatStream, Message, ModelLimits, ProviderError, UserPart,
};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};

use super::plan::Plan;

/// What a model is asked when a conversation is to be summed up.
const SUMMING_UP: &str = "about to exceed your context window";
/// What it remembers then.
const TURNS: &str = "turns so far: ";
const TASK: &str = "simulated task ";

/// The prompt of a task, by which its calls are told from others'.
pub(super) fn prompt(task: usize) -> String {
    format!("{TASK}{task}.")
}

/// Calls of each task so far, whatever process has made them.
pub(super) type Calls = Arc<Mutex<HashMap<usize, usize>>>;

/// Plays a scenario of one rule for each call.
pub(super) struct Unwell {
    name: ProviderName,
    plan: Plan,
    calls: Calls,
}

impl Unwell {
    pub(super) fn shared(name: ProviderName, plan: Plan, calls: &Calls) -> Arc<dyn ChatBackend> {
        Arc::new(Self { name, plan, calls: Arc::clone(calls) })
    }

    fn next(&self, request: &ChatRequest) -> ScriptedBackend {
        let opening = texts(&request.messages[0]);
        let task = number_after(&opening, TASK).expect("a task of the simulation");
        let turn = number_after(&opening, TURNS).unwrap_or(0) + answers(request);
        let rule = if texts(request.messages.last().expect("a question")).contains(SUMMING_UP) {
            Rule::text(format!("{TURNS}{turn}"))
        } else {
            let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
            let nth = calls.entry(task).or_default();
            *nth += 1;
            self.plan.call(task, *nth, turn)
        };
        ScriptedBackend::new(self.name.clone(), Scenario::new([rule]))
    }
}

impl ChatBackend for Unwell {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn stream<'a>(&'a self, request: &'a ChatRequest) -> BoxFuture<'a, Result<ChatStream, ProviderError>> {
        async move { self.next(request).stream(request).await }.boxed()
    }

    fn limits(&self, _model: &ModelId) -> Option<ModelLimits> {
        None
    }

    fn models(&self) -> BoxFuture<'_, Result<Vec<ModelId>, ProviderError>> {
        ready(Ok(Vec::new())).boxed()
    }

    fn dropped_parameters(&self, _request: &ChatRequest) -> Vec<String> {
        Vec::new()
    }
}

fn answers(request: &ChatRequest) -> usize {
    request.messages.iter().filter(|message| matches!(***message, Message::Assistant(_))).count()
}

/// What a user turn says.
fn texts(message: &Message) -> String {
    let Message::User(turn) = message else { panic!("the user has the first word and the last") };
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
