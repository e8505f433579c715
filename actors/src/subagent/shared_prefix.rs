//! The beginning of a prompt that other agents send too, for the gate that lets one of them write the cache first.

use std::hash::{DefaultHasher, Hash, Hasher};

use codex_task_providers::{Message, UserPart};

use super::plan::{AgentPlan, BoundRoute};
use crate::provider::SharedPrefix;

/// Bytes that one token stands for, on average.
const BYTES_PER_TOKEN: usize = 4;

/// What agents of this plan share from the first byte on, at this route: tools and system prompt, what stands in the
/// first turn before the task itself, and the task too where all that would be too little to be cached.
pub(super) fn of(plan: &AgentPlan, opening: &Message, route: &BoundRoute) -> Option<SharedPrefix> {
    let tokens_min = route.cache_min_tokens?;
    let parts: Vec<&str> = match opening {
        Message::User(turn) => turn.parts.iter().filter_map(text).collect(),
        Message::Assistant(_) => Vec::new(),
    };
    let (_, before_the_task) = parts.split_last()?;
    let of_plan = plan.prefix_bytes();
    let tokens = |parts: &[&str]| tokens(of_plan + parts.iter().map(|part| part.len()).sum::<usize>());
    let shared = if tokens(before_the_task) >= tokens_min { before_the_task } else { &parts };
    let tokens = tokens(shared);
    if tokens < tokens_min {
        return None;
    }
    let mut hash = DefaultHasher::new();
    (route.route.model.as_str(), shared).hash(&mut hash);
    Some(SharedPrefix { key: format!("{}{:016x}", plan.cache_key, hash.finish()).into(), tokens })
}

fn text(part: &UserPart) -> Option<&str> {
    match part {
        UserPart::Text { text } => Some(text),
        UserPart::ToolResult(_) => None,
    }
}

fn tokens(bytes: usize) -> u64 {
    u64::try_from(bytes / BYTES_PER_TOKEN).unwrap_or(u64::MAX)
}
