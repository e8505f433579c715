//! What rules and templates ask a request for.

use crate::{ChatRequest, Message, ToolResult, UserPart, UserTurn};

/// Longest beginning of a system prompt that an error names an agent by.
const AGENT_LABEL_CHARS_MAX: usize = 60;

/// A request, read as a conversation.
#[derive(Clone, Copy)]
pub(super) struct Conversation<'a>(&'a ChatRequest);

impl<'a> Conversation<'a> {
    pub(super) fn new(request: &'a ChatRequest) -> Self {
        Self(request)
    }

    pub(super) fn request(self) -> &'a ChatRequest {
        self.0
    }

    /// Which answer of the conversation is asked for, from 1.
    pub(super) fn turn(self) -> usize {
        1 + self.0.messages.iter().filter(|message| matches!(***message, Message::Assistant(_))).count()
    }

    /// The last text of the first user turn: reminders come before the task.
    pub(super) fn prompt(self) -> &'a str {
        self.user_turns().next().and_then(|turn| texts(turn).last()).unwrap_or_default()
    }

    /// The newest text of any user turn.
    pub(super) fn last_user_text(self) -> &'a str {
        self.user_turns().flat_map(texts).last().unwrap_or_default()
    }

    /// All tool results, oldest first.
    pub(super) fn results(self) -> impl Iterator<Item = &'a ToolResult> {
        self.user_turns().flat_map(results)
    }

    /// The tool results that the model has not seen yet.
    pub(super) fn new_results(self) -> impl Iterator<Item = &'a ToolResult> {
        let last = match self.0.messages.last().map(|message| &**message) {
            Some(Message::User(turn)) => Some(turn),
            Some(Message::Assistant(_)) | None => None,
        };
        last.into_iter().flat_map(results)
    }

    /// How errors name the agent: requests do not carry its name.
    pub(super) fn agent(self) -> String {
        let Some(line) = self.0.system.lines().map(str::trim).find(|line| !line.is_empty()) else {
            return "an agent without a system prompt".to_owned();
        };
        let label: String = line.chars().take(AGENT_LABEL_CHARS_MAX).collect();
        let dots = if label.len() < line.len() { "..." } else { "" };
        format!("the agent whose system prompt begins with \"{label}{dots}\"")
    }

    fn user_turns(self) -> impl Iterator<Item = &'a UserTurn> {
        self.0.messages.iter().filter_map(|message| match &**message {
            Message::User(turn) => Some(turn),
            Message::Assistant(_) => None,
        })
    }
}

fn texts(turn: &UserTurn) -> impl Iterator<Item = &str> {
    turn.parts.iter().filter_map(|part| match part {
        UserPart::Text { text } => Some(&**text),
        UserPart::ToolResult(_) => None,
    })
}

fn results(turn: &UserTurn) -> impl Iterator<Item = &ToolResult> {
    turn.parts.iter().filter_map(|part| match part {
        UserPart::ToolResult(result) => Some(result),
        UserPart::Text { .. } => None,
    })
}
