//! Making a conversation shorter: the model sums up its own work, and goes on from the summary.

use std::sync::Arc;

use codex_task_providers::{Message, ToolResult, UserPart, UserTurn};

use super::agent_context::AgentContext;
use super::agent_run::Halt;
use super::attachments;
use super::checkpoint::CheckpointStep;
use super::context_window::{ContextWindow, bytes};
use super::model_call::{Ask, Caller};
use super::tally::Tally;
use crate::task::{TaskError, TaskEventKind};

/// Bytes that remain of an old tool result when even the summary's request would be too long.
const ELIDED_BYTES: usize = 200;

const ASK: &str = "The conversation is about to exceed your context window and will continue from a summary. Do not \
    call tools now. Write that summary for yourself: the task as you understood it, what you have found out (with file \
    paths, line numbers and exact names), what you have changed, what is left to do, and anything that must not be \
    forgotten. Be complete and concrete; everything else will be gone.";

/// Leaves out old images and documents; where that is not enough, replaces the conversation by its opening and a summary
/// of the rest, written by the model itself.
pub(crate) async fn compact(
    agent: &AgentContext,
    caller: &mut Caller,
    tally: &mut Tally,
    window: &mut ContextWindow,
    opening: &Arc<Message>,
) -> Result<(), Halt> {
    let tokens_before = window.tokens();
    // What was looked at long ago is read again more easily than what was thought about it.
    if window.leave_out_old_attachments() && !window.needs_compaction(agent.plan.output_tokens_max) {
        caller.forget_cached();
        tally.notes.insert("images and documents of earlier turns were left out to save context".to_owned());
        let turns = window.turns().to_vec();
        agent.step(CheckpointStep::Compacted { turns, tally: Box::new(tally.clone()) });
        return Ok(());
    }
    // The form of the result is not the form of a summary.
    let ask = Ask { turns: &asking_for_summary(window), tokens: window.tokens(), output: None };
    let reply = caller.call(agent, tally, ask).await?;
    caller.forget_cached();
    let Some(summary) = reply.turn.last_text() else {
        return Err(Halt::Error(TaskError::Stuck {
            detail: "the conversation could not be summarised".to_owned(),
        }));
    };
    let mut parts = match opening.as_ref() {
        Message::User(turn) => turn.parts.clone(),
        Message::Assistant(_) => Vec::new(),
    };
    let todos = agent.tools.session().todos.text();
    let todos = if todos.is_empty() { todos } else { format!("Your to-do list:\n{todos}\n\n") };
    let text = format!(
        "<summary-of-your-work-so-far>\n{summary}\n</summary-of-your-work-so-far>\n\n{todos}Go on from here."
    );
    parts.push(UserPart::Text { text: text.into() });
    let turns = vec![Arc::new(Message::User(UserTurn { parts }))];
    window.replace(turns.clone());
    let tokens_after = window.tokens();
    tally.notes.insert(format!("context compacted from about {tokens_before} to {tokens_after} tokens"));
    agent.publish(|| TaskEventKind::Compacted { tokens_before, tokens_after });
    agent.step(CheckpointStep::Compacted { turns, tally: Box::new(tally.clone()) });
    Ok(())
}

/// The conversation with the request for a summary at its end, cut to what the model can read.
fn asking_for_summary(window: &ContextWindow) -> Vec<Arc<Message>> {
    let mut turns = fitting(window.turns(), window.bytes_max());
    let ask = UserPart::Text { text: ASK.into() };
    match turns.pop().as_deref() {
        Some(Message::User(last)) => {
            let parts = last.parts.iter().cloned().chain([ask]).collect();
            turns.push(Arc::new(Message::User(UserTurn { parts })));
        }
        Some(last @ Message::Assistant(_)) => {
            turns.push(Arc::new(last.clone()));
            turns.push(Arc::new(Message::User(UserTurn { parts: vec![ask] })));
        }
        None => turns.push(Arc::new(Message::User(UserTurn { parts: vec![ask] }))),
    }
    turns
}

/// Cuts tool results and leaves out what they show, oldest first, until the conversation fits.
fn fitting(turns: &[Arc<Message>], bytes_max: u64) -> Vec<Arc<Message>> {
    let mut total: u64 = turns.iter().map(|turn| bytes(turn)).sum();
    turns
        .iter()
        .map(|turn| {
            if total <= bytes_max {
                return Arc::clone(turn);
            }
            let elided = elide(turn);
            total = total.saturating_sub(bytes(turn)) + bytes(&elided);
            elided
        })
        .collect()
}

fn elide(turn: &Arc<Message>) -> Arc<Message> {
    let turn = &attachments::without(turn, |_| true, "left out").unwrap_or_else(|| Arc::clone(turn));
    let Message::User(user) = turn.as_ref() else { return Arc::clone(turn) };
    let parts = user
        .parts
        .iter()
        .map(|part| match part {
            UserPart::ToolResult(result) if result.text.len() > ELIDED_BYTES => {
                let head: String = result.text.chars().take(ELIDED_BYTES).collect();
                let text = format!("{head}\n[... {} bytes left out ...]", result.text.len() - head.len());
                UserPart::ToolResult(ToolResult { text: text.into(), ..result.clone() })
            }
            UserPart::ToolResult(_) | UserPart::Text { .. } => part.clone(),
        })
        .collect();
    Arc::new(Message::User(UserTurn { parts }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(text: &str) -> Arc<Message> {
        let result = ToolResult {
            call_id: "1".into(),
            tool: "Read".into(),
            text: text.into(),
            is_error: false,
            attachments: Vec::new(),
        };
        Arc::new(Message::User(UserTurn { parts: vec![UserPart::ToolResult(result)] }))
    }

    #[test]
    fn the_oldest_results_are_cut_first_and_only_as_many_as_needed() {
        let turns = [result(&"a".repeat(5_000)), result(&"b".repeat(5_000)), result(&"c".repeat(5_000))];
        let cut = fitting(&turns, 11_000);
        let lengths: Vec<_> = cut.iter().map(|turn| bytes(turn)).collect();
        assert!(lengths[0] < 300, "{lengths:?}");
        assert_eq!(lengths[1..], [5_000, 5_000]);
    }
}
