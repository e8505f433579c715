//! Prompt caching as Anthropic does it, and what it counts: an entry is written at breakpoints only, can be read only
//! once the answer that writes it has begun, and is found by its exact bytes.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use super::Call;
use super::call::items;

/// Tokens that a prefix needs to be cached: what the newest families need.
const TOKENS_MIN: u64 = 512;
/// Blocks before a breakpoint at which an older entry is still found.
const LOOK_BACK: usize = 20;
const BYTES_PER_TOKEN: usize = 4;

/// What one request cost in tokens of its prompt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheUse {
    /// Read from the cache.
    pub read: u64,
    /// Written to it.
    pub written: u64,
    /// Neither.
    pub uncached: u64,
}

/// The cache of one server.
#[derive(Debug, Default)]
pub(super) struct PromptCache {
    /// Prefixes that can be read, and their tokens.
    entries: Mutex<HashMap<u64, u64>>,
    uses: Mutex<Vec<CacheUse>>,
}

/// What a request will have written once its answer begins.
#[derive(Clone, Debug, Default)]
pub(super) struct Writing(Vec<(u64, u64)>);

/// The prompt up to one block.
struct Step {
    hash: u64,
    tokens: u64,
    is_breakpoint: bool,
}

impl PromptCache {
    /// Looks a request up, as it stands now; counts it.
    pub(super) fn look_up(&self, call: &Call) -> (CacheUse, Writing) {
        let steps = steps(call);
        let all = steps.last().map_or(0, |step| step.tokens);
        let cacheable = |step: &&Step| step.is_breakpoint && step.tokens >= TOKENS_MIN;
        let written_to = steps.iter().filter(cacheable).map(|step| step.tokens).max().unwrap_or(0);
        let read = self.read(&steps);
        let used =
            CacheUse { read, written: written_to.saturating_sub(read), uncached: all - written_to.max(read) };
        lock(&self.uses).push(used);
        let writing = steps.iter().filter(cacheable).map(|step| (step.hash, step.tokens)).collect();
        (used, Writing(writing))
    }

    /// The longest entry within reach of a breakpoint.
    fn read(&self, steps: &[Step]) -> u64 {
        let entries = lock(&self.entries);
        let breakpoints = steps.iter().enumerate().filter(|(_, step)| step.is_breakpoint);
        let found = breakpoints.filter_map(|(at, _)| {
            let within = steps.iter().take(at + 1).rev().take(LOOK_BACK);
            within.filter_map(|step| entries.get(&step.hash).copied()).max()
        });
        found.max().unwrap_or(0)
    }

    /// The answer begins: from now on others can read what it wrote.
    pub(super) fn begin(&self, writing: &Writing) {
        lock(&self.entries).extend(writing.0.iter().copied());
    }

    /// What all requests cost, in the order of their coming.
    pub(super) fn uses(&self) -> Vec<CacheUse> {
        lock(&self.uses).clone()
    }
}

impl CacheUse {
    /// Puts the counts into the first event of an answer.
    pub(super) fn state(self, event: &mut Value) {
        if let Some(usage) = event.pointer_mut("/message/usage") {
            usage["input_tokens"] = json!(self.uncached);
            usage["cache_read_input_tokens"] = json!(self.read);
            usage["cache_creation_input_tokens"] = json!(self.written);
        }
    }
}

/// The prompt block by block, in the vendor's order: tools, system, messages.
fn steps(call: &Call) -> Vec<Step> {
    let body = &call.body;
    let messages = items(&body["messages"]).iter().flat_map(|message| {
        let role = message["role"].clone();
        items(&message["content"]).iter().map(move |block| json!({"role": role, "block": block}))
    });
    let blocks = items(&body["tools"]).iter().chain(items(&body["system"])).cloned().chain(messages);
    let mut hash = DefaultHasher::new();
    call.model().hash(&mut hash);
    let mut bytes = 0;
    blocks
        .map(|mut block| {
            let is_breakpoint = take_breakpoint(&mut block);
            let text = block.to_string();
            text.hash(&mut hash);
            bytes += text.len();
            Step { hash: hash.finish(), tokens: (bytes / BYTES_PER_TOKEN) as u64, is_breakpoint }
        })
        .collect()
}

/// Takes the mark off a block, which is no part of what is cached.
fn take_breakpoint(block: &mut Value) -> bool {
    let inner = if block["block"].is_object() { &mut block["block"] } else { block };
    inner.as_object_mut().is_some_and(|object| object.remove("cache_control").is_some())
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
