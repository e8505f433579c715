//! A provider that is as unwell as the plan says.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use codex_task_config::{ModelId, ProviderName};
use codex_task_providers::scripted::{Scenario, ScriptedBackend};
use codex_task_providers::{
    ChatBackend, ChatRequest, ChatStream, Message, ModelLimits, ProviderError, UserPart,
};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};

use super::plan::Plan;

/// Plays a scenario of one rule for each call.
pub(super) struct Unwell {
    name: ProviderName,
    plan: Plan,
    /// Calls of each task so far.
    calls: Mutex<HashMap<String, usize>>,
}

impl Unwell {
    pub(super) fn shared(name: ProviderName, plan: Plan) -> Arc<dyn ChatBackend> {
        Arc::new(Self { name, plan, calls: Mutex::default() })
    }

    fn next(&self, request: &ChatRequest) -> ScriptedBackend {
        let prompt = prompt_of(request);
        let turn =
            request.messages.iter().filter(|message| matches!(***message, Message::Assistant(_))).count();
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let nth = calls.entry(prompt.clone()).or_default();
        *nth += 1;
        let rule = self.plan.call(&prompt, *nth, turn);
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

/// The last text of the opening: the task.
fn prompt_of(request: &ChatRequest) -> String {
    let Some(Message::User(opening)) = request.messages.first().map(AsRef::as_ref) else {
        panic!("a conversation begins with the user")
    };
    let mut texts = opening.parts.iter().filter_map(|part| match part {
        UserPart::Text { text } => Some(text.to_string()),
        UserPart::ToolResult(_) => None,
    });
    texts.next_back().expect("a task")
}
