//! A provider that is as unwell as the plan says.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use codex_task_config::{ModelId, ProviderName};
use codex_task_providers::scripted::{Rule, Scenario, ScriptedBackend};
use codex_task_providers::{ChatBackend, ChatRequest, ChatStream, ModelLimits, ProviderError};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};

use super::breaches::Breaches;
use super::conversation::{Conversation, summary};
use super::plan::Plan;
use super::script::next_prompt;

/// What all models know of their conversations, whatever process has asked them.
#[derive(Clone, Default)]
pub(super) struct Memory(Arc<Mutex<Remembered>>);

#[derive(Default)]
struct Remembered {
    /// Calls of each task so far.
    calls: BTreeMap<usize, usize>,
    /// All requests of each of its sittings, those for a summary among them.
    requests: BTreeMap<(usize, usize), usize>,
    /// Answers that stood in the last request of each task, by its sitting.
    heard: BTreeMap<usize, BTreeMap<usize, usize>>,
    /// Sittings of tasks whose report somebody was told.
    reported: BTreeSet<(usize, usize)>,
}

impl Memory {
    /// The task has reported.
    pub(super) fn note_report(&self, task: usize, sitting: usize) {
        self.lock().reported.insert((task, sitting));
    }

    /// The process has ended: of what was said and reported that is still known which is on record.
    pub(super) fn forget_requests(&self, reported: BTreeSet<(usize, usize)>) {
        let mut remembered = self.lock();
        remembered.heard.clear();
        remembered.reported = reported;
    }

    /// Requests that were made for a task in one of its sittings.
    pub(super) fn requests(&self, task: usize, sitting: usize) -> usize {
        self.lock().requests.get(&(task, sitting)).copied().unwrap_or(0)
    }

    fn note_request(&self, task: usize, sitting: usize) {
        *self.lock().requests.entry((task, sitting)).or_default() += 1;
    }

    /// Number of a task's next call, from 1.
    fn count(&self, task: usize) -> usize {
        let mut remembered = self.lock();
        let calls = remembered.calls.entry(task).or_default();
        *calls += 1;
        *calls
    }

    /// What is missing of what was said before. A disk that loses something has a beginning of it, and the reports.
    fn missing(&self, task: usize, conversation: &Conversation<'_>, is_whole: bool) -> Option<String> {
        let mut remembered = self.lock();
        let (sitting, answers) = (conversation.progress().sitting, conversation.answers());
        let Remembered { heard, reported, .. } = &mut *remembered;
        let heard = heard.entry(task).or_default();
        let before = heard.range(..sitting).next_back().map_or(0, |(_, answers)| *answers);
        heard.insert(sitting, answers);
        if sitting > 0 && !conversation.is_told(&next_prompt(sitting)) {
            return Some(format!("it has forgotten what it was asked in sitting {sitting}"));
        }
        if conversation.is_summed_up() {
            heard.clear();
            return None;
        }
        let lost = (0..sitting)
            .find(|before| reported.contains(&(task, *before)) && !conversation.has_report(task, *before));
        match lost {
            Some(lost) => Some(format!("the report of sitting {lost} is not in sitting {sitting}")),
            None if is_whole && answers < before => Some(format!("{before} answers have become {answers}")),
            None => None,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Remembered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Plays a scenario of one rule for each call.
pub(super) struct Unwell {
    pub(super) name: ProviderName,
    pub(super) plan: Plan,
    pub(super) memory: Memory,
    pub(super) breaches: Breaches,
    /// Whether all of a conversation is there when it goes on.
    pub(super) is_kept_whole: bool,
}

impl Unwell {
    fn next(&self, request: &ChatRequest) -> ScriptedBackend {
        let conversation = Conversation(&request.messages);
        let (task, at) = (conversation.task(), conversation.progress());
        self.memory.note_request(task, at.sitting);
        let missing = || self.memory.missing(task, &conversation, self.is_kept_whole);
        let wrong = conversation.wrong_answers(self.plan).or_else(missing);
        if let Some(wrong) = wrong {
            self.breaches.add(format!("the conversation of task {task}: {wrong}"));
        }
        let rule = if conversation.asks_for_summary() {
            Rule::text(summary(at))
        } else {
            self.plan.call(task, self.memory.count(task), at)
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
