//! Which requests a rule answers.

use serde::Deserialize;

use super::Pattern;
use super::conversation::Conversation;
use super::listed::Listed;

/// Conditions on a request; each that is set must hold. The default fits every request.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct When {
    system: Listed<Pattern>,
    prompt: Listed<Pattern>,
    user: Listed<Pattern>,
    result: Listed<Pattern>,
    model: Listed<Pattern>,
    turn: Option<usize>,
    after: Listed<String>,
    has_results: Option<bool>,
    tools: Listed<String>,
}

impl When {
    /// The system prompt must have this.
    #[must_use]
    pub fn system(mut self, pattern: Pattern) -> Self {
        self.system.0.push(pattern);
        self
    }

    /// The task must have this.
    #[must_use]
    pub fn prompt(mut self, pattern: Pattern) -> Self {
        self.prompt.0.push(pattern);
        self
    }

    /// The newest text of a user turn must have this.
    #[must_use]
    pub fn user(mut self, pattern: Pattern) -> Self {
        self.user.0.push(pattern);
        self
    }

    /// A new tool result must have this.
    #[must_use]
    pub fn result(mut self, pattern: Pattern) -> Self {
        self.result.0.push(pattern);
        self
    }

    /// The model id must have this.
    #[must_use]
    pub fn model(mut self, pattern: Pattern) -> Self {
        self.model.0.push(pattern);
        self
    }

    /// It must be this answer of the conversation, from 1.
    #[must_use]
    pub fn turn(mut self, turn: usize) -> Self {
        self.turn = Some(turn);
        self
    }

    /// A new result of this tool must be there.
    #[must_use]
    pub fn after(mut self, tool: impl Into<String>) -> Self {
        self.after.0.push(tool.into());
        self
    }

    /// This tool must be offered.
    #[must_use]
    pub fn tool(mut self, tool: impl Into<String>) -> Self {
        self.tools.0.push(tool.into());
        self
    }

    /// Whether all conditions hold.
    pub(super) fn fits(&self, conversation: Conversation<'_>) -> bool {
        let request = conversation.request();
        let all = |patterns: &Listed<Pattern>, text: &str| patterns.0.iter().all(|p| p.fits(text));
        let some_result = |pattern: &Pattern| conversation.new_results().any(|r| pattern.fits(&r.text));
        let has_result_of = |tool: &String| conversation.new_results().any(|r| *r.tool == **tool);
        let is_offered = |tool: &String| request.tools.iter().any(|spec| *spec.name == **tool);
        all(&self.system, &request.system)
            && all(&self.prompt, conversation.prompt())
            && all(&self.user, conversation.last_user_text())
            && all(&self.model, request.model.as_str())
            && self.result.0.iter().all(some_result)
            && self.turn.is_none_or(|turn| turn == conversation.turn())
            && self.after.0.iter().all(has_result_of)
            && self.has_results.is_none_or(|wanted| wanted == conversation.new_results().next().is_some())
            && self.tools.0.iter().all(is_offered)
    }
}
