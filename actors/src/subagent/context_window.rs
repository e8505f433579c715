//! The conversation of one agent: owned by its actor, never shared, never longer than its model can read.

use std::sync::Arc;

use codex_task_config::TokenUsage;
use codex_task_providers::{AssistantPart, AssistantTurn, Message, ModelLimits, UserPart, UserTurn};

use super::attachments;

/// Bytes that one token stands for, on average, in English and code; used only for turns no provider has counted yet.
pub(crate) const BYTES_PER_TOKEN: u64 = 4;

/// Limits for a model that nobody knows: small enough for local models of 2024 and later.
const LIMITS_UNKNOWN: ModelLimits = ModelLimits { context_tokens: 32_768, output_tokens: 4_096 };

/// Share of the window at which older turns are replaced by a summary.
const COMPACT_AT_PERCENT: u64 = 85;

/// The turns of one conversation and how many tokens they take.
#[derive(Debug)]
pub(crate) struct ContextWindow {
    turns: Vec<Arc<Message>>,
    /// Tokens that the provider counted at the last answer, that answer included.
    tokens_counted: u64,
    /// Turns that `tokens_counted` covers.
    turns_counted: usize,
    /// Tokens of system prompt and tools, estimated: counted by the provider from the first answer on.
    tokens_prefix: u64,
    limits: ModelLimits,
}

impl ContextWindow {
    /// A window that begins with what a checkpoint holds.
    pub(crate) fn new(
        mut turns: Vec<Arc<Message>>,
        prefix_bytes: usize,
        limits: Option<ModelLimits>,
    ) -> Self {
        attachments::make_room(&mut turns);
        Self {
            turns,
            tokens_counted: 0,
            turns_counted: 0,
            tokens_prefix: prefix_bytes as u64 / BYTES_PER_TOKEN,
            limits: limits.unwrap_or(LIMITS_UNKNOWN),
        }
    }

    /// Takes another prompt before the conversation into account.
    pub(crate) fn set_prefix(&mut self, bytes: usize) {
        self.tokens_prefix = bytes as u64 / BYTES_PER_TOKEN;
    }

    /// The turns, for a request.
    pub(crate) fn turns(&self) -> &[Arc<Message>] {
        &self.turns
    }

    /// The last turn, if the model wrote it.
    pub(crate) fn last_assistant(&self) -> Option<&AssistantTurn> {
        match self.turns.last().map(Arc::as_ref) {
            Some(Message::Assistant(turn)) => Some(turn),
            Some(Message::User(_)) | None => None,
        }
    }

    /// Appends the model's turn with what the provider counted for it.
    pub(crate) fn push_assistant(&mut self, turn: Arc<Message>, usage: &TokenUsage) {
        self.turns.push(turn);
        self.tokens_counted = usage.total_tokens();
        self.turns_counted = self.turns.len();
    }

    /// Appends a user turn; joins the last turn if that is a user turn too, so that roles always alternate.
    pub(crate) fn push_user(&mut self, turn: Arc<Message>) {
        let joined = match (self.turns.last().map(Arc::as_ref), turn.as_ref()) {
            (Some(Message::User(last)), Message::User(new)) => {
                Some(UserTurn { parts: last.parts.iter().chain(&new.parts).cloned().collect() })
            }
            _ => None,
        };
        match joined {
            Some(joined) => {
                self.turns.pop();
                self.turns_counted = self.turns_counted.min(self.turns.len());
                self.turns.push(Arc::new(Message::User(joined)));
            }
            None => self.turns.push(turn),
        }
        self.shrink(attachments::make_room);
    }

    /// Leaves out images and documents of all turns but the last one. Whether there were any.
    pub(crate) fn leave_out_old_attachments(&mut self) -> bool {
        self.shrink(attachments::leave_out_old)
    }

    /// Lets attachments be left out, and takes them off what the provider has counted.
    fn shrink<T>(&mut self, leave_out: impl FnOnce(&mut [Arc<Message>]) -> T) -> T {
        let counted = |window: &Self| -> u64 {
            window.turns.iter().take(window.turns_counted).map(|turn| attachments::tokens(turn)).sum()
        };
        let before = counted(self);
        let result = leave_out(&mut self.turns);
        let left_out = before - counted(self);
        // What was counted stays a count: nothing at all would mean that nobody has counted.
        self.tokens_counted = self.tokens_counted.saturating_sub(left_out).max(self.tokens_counted.min(1));
        result
    }

    /// Replaces everything by a shorter beginning.
    pub(crate) fn replace(&mut self, turns: Vec<Arc<Message>>) {
        self.turns = turns;
        self.tokens_counted = 0;
        self.turns_counted = 0;
    }

    /// Another model goes on with this conversation.
    pub(crate) fn set_limits(&mut self, limits: Option<ModelLimits>) {
        self.limits = limits.unwrap_or(LIMITS_UNKNOWN);
    }

    /// Tokens of the next prompt: what the provider counted, plus an estimate of what came since.
    pub(crate) fn tokens(&self) -> u64 {
        let since: u64 =
            self.turns.iter().skip(self.turns_counted).map(|turn| bytes(turn) / BYTES_PER_TOKEN).sum();
        let before = if self.tokens_counted == 0 { self.tokens_prefix } else { self.tokens_counted };
        before + since
    }

    /// Whether the next prompt, with room for an answer, would come too near to the model's limit.
    pub(crate) fn needs_compaction(&self, output_tokens: Option<u32>) -> bool {
        let answer =
            output_tokens.map_or(self.limits.output_tokens, u64::from).min(self.limits.context_tokens / 4);
        let room = self.limits.context_tokens.saturating_sub(answer);
        self.turns.len() > 2 && self.tokens() > room / 100 * COMPACT_AT_PERCENT
    }

    /// Characters that fit the window, prompt and all, with room to spare for a summary.
    pub(crate) fn bytes_max(&self) -> u64 {
        self.limits.context_tokens / 2 * BYTES_PER_TOKEN
    }
}

/// Bytes of a turn that a model would read; attachments as many as their tokens would be as text.
pub(crate) fn bytes(message: &Message) -> u64 {
    let bytes: usize = match message {
        Message::User(turn) => turn
            .parts
            .iter()
            .map(|part| match part {
                UserPart::Text { text } => text.len(),
                UserPart::ToolResult(result) => result.text.len(),
            })
            .sum(),
        Message::Assistant(turn) => turn
            .parts
            .iter()
            .map(|part| match part {
                AssistantPart::Text { text } => text.len(),
                AssistantPart::ToolCall(call) => call.name.len() + call.arguments.len(),
            })
            .sum(),
    };
    bytes as u64 + attachments::tokens(message) * BYTES_PER_TOKEN
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subagent::attachments::tests::shown;

    fn user(text: &str) -> Arc<Message> {
        Arc::new(Message::User(UserTurn::text(text)))
    }

    fn assistant(text: &str) -> Arc<Message> {
        let parts = vec![AssistantPart::Text { text: text.to_owned() }];
        Arc::new(Message::Assistant(AssistantTurn { parts, state: None }))
    }

    #[test]
    fn two_user_turns_become_one() {
        let mut window = ContextWindow::new(vec![user("a")], 0, None);
        window.push_user(user("b"));
        assert_eq!(window.turns().len(), 1);
        assert_eq!(bytes(&window.turns()[0]), 2);
    }

    #[test]
    fn counted_tokens_replace_the_estimate_and_new_turns_are_added_to_them() {
        let mut window = ContextWindow::new(vec![user(&"x".repeat(400))], 400, None);
        assert_eq!(window.tokens(), 200);
        let usage = TokenUsage { input_tokens: 500, output_tokens: 10, ..TokenUsage::default() };
        window.push_assistant(assistant("y"), &usage);
        assert_eq!(window.tokens(), 510);
        window.push_user(user(&"z".repeat(40)));
        assert_eq!(window.tokens(), 520);
    }

    #[test]
    fn attachments_count_by_their_tokens_until_they_are_left_out() {
        let mut window = ContextWindow::new(vec![user("a"), assistant("b"), shown("c", &[9])], 0, None);
        assert_eq!(window.tokens(), 1_000);
        let usage = TokenUsage { input_tokens: 1_500, ..TokenUsage::default() };
        window.push_assistant(assistant("d"), &usage);
        assert!(window.leave_out_old_attachments());
        assert_eq!(window.tokens(), 500);
        assert!(!window.leave_out_old_attachments());
    }

    #[test]
    fn compaction_is_asked_for_near_the_limit_only() {
        let limits = ModelLimits { context_tokens: 1_000, output_tokens: 100 };
        let mut window = ContextWindow::new(vec![user("a")], 0, Some(limits));
        window.push_assistant(assistant("b"), &TokenUsage { input_tokens: 700, ..TokenUsage::default() });
        window.push_user(user("c"));
        assert!(!window.needs_compaction(None));
        window.push_user(user(&"d".repeat(400)));
        assert!(window.needs_compaction(None));
    }
}
