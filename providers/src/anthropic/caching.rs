//! Prompt caching: where the breakpoints go.
//!
//! A request may carry four. One closes the prefix that all agents of a type share (tools and system prompt), one what
//! they share beyond it: the first turn up to the task itself, where it has parts. The others close the newest user
//! turns: the last one writes what this call adds, the one before is exactly where the
//! previous call of the conversation wrote, so it is found however many blocks lie between (the server looks back
//! twenty), and the third still hits when the previous call was answered by another route. They are explicit, not
//! the top-level automatic one: each server and gateway of this format knows these.

use super::wire::{Block, CacheControl, MessagesRequest, Role, ToolEntry};

/// Breakpoints on user turns, the one within the first turn included; with the one on the prefix, the four that the
/// server allows.
const TURN_BREAKPOINTS_MAX: usize = 3;

/// How long the server keeps a cached prefix after its last use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CacheLifetime {
    /// Nothing is cached.
    Off,
    /// Five minutes; writing costs 1.25 times the input price.
    #[default]
    FiveMinutes,
    /// One hour, for agents whose tools run long; writing costs twice the input price.
    OneHour,
}

/// Sets the breakpoints.
pub(super) fn set_breakpoints(request: &mut MessagesRequest<'_>, lifetime: CacheLifetime) {
    let control = match lifetime {
        CacheLifetime::Off => return,
        CacheLifetime::FiveMinutes => CacheControl { ttl: None },
        CacheLifetime::OneHour => CacheControl { ttl: Some("1h") },
    };
    // The system prompt stands behind the tools, so its breakpoint covers both.
    if let Some(block) = request.system.last_mut() {
        mark(block, control);
    } else if let Some(ToolEntry::Ours(tool)) = request.tools.last_mut() {
        tool.cache_control = Some(control);
    }
    let opening = request.messages.first_mut().filter(|message| message.role == Role::User);
    let before_the_task = opening.and_then(|message| message.content.iter_mut().nth_back(1));
    let turns_max = TURN_BREAKPOINTS_MAX - usize::from(before_the_task.is_some());
    if let Some(block) = before_the_task {
        mark(block, control);
    }
    let user_turns = request.messages.iter_mut().rev().filter(|message| message.role == Role::User);
    for message in user_turns.take(turns_max) {
        if let Some(block) = message.content.last_mut() {
            mark(block, control);
        }
    }
}

fn mark(block: &mut Block<'_>, control: CacheControl) {
    match block {
        Block::Text { cache_control, .. } | Block::ToolResult { cache_control, .. } => {
            *cache_control = Some(control);
        }
        // Only in assistant turns, which are echoed untouched.
        Block::ToolUse { .. } | Block::Echo(_) => {}
    }
}
