//! Images and documents that a provider refused: one of them would end the task, for it stays in the conversation.

use std::sync::Arc;

use codex_task_config::Attachment;
use codex_task_providers::{Message, ProviderError};

use super::attachments;

/// What is said of them.
const WHY: &str = "it is not shown: the model's provider refused it. It may be damaged or of a kind that the model does \
    not take.";

/// What is no longer sent to the provider in use.
#[derive(Debug, Default)]
pub(super) struct Refused(Vec<Arc<str>>);

impl Refused {
    /// Whether the request is to be made again without what it showed: first without what is new in it, then without
    /// any of it. Vendors do not say which image they mean, nor always that they mean one.
    pub(super) fn learn(&mut self, error: &ProviderError, turns: &[Arc<Message>]) -> bool {
        if !matches!(error, ProviderError::InvalidRequest { .. } | ProviderError::TooLarge { .. }) {
            return false;
        }
        let sent = |turns: &[Arc<Message>]| -> Vec<Arc<str>> {
            let all = turns.iter().flat_map(|turn| attachments::of(turn));
            all.filter(|shown| !self.holds(shown)).map(|shown| Arc::clone(&shown.data)).collect()
        };
        let newest = sent(turns.last().map(std::slice::from_ref).unwrap_or_default());
        let refused = if newest.is_empty() { sent(turns) } else { newest };
        let is_news = !refused.is_empty();
        self.0.extend(refused);
        is_news
    }

    /// The turns without it.
    pub(super) fn left_out_of(&self, mut turns: Vec<Arc<Message>>) -> Vec<Arc<Message>> {
        if !self.0.is_empty() {
            for turn in &mut turns {
                if let Some(changed) = attachments::without(turn, |shown| self.holds(shown), WHY) {
                    *turn = changed;
                }
            }
        }
        turns
    }

    fn holds(&self, attachment: &Attachment) -> bool {
        self.0.iter().any(|refused| Arc::ptr_eq(refused, &attachment.data))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subagent::attachments::tests::shown;

    #[test]
    fn what_is_new_is_left_out_first_then_everything_and_then_nothing_helps() {
        let turns = vec![shown("a", &[1, 1]), shown("b", &[1])];
        let refusal = ProviderError::InvalidRequest { status: 400, detail: "could not process image".into() };
        let mut refused = Refused::default();
        let left = |refused: &Refused| -> Vec<usize> {
            refused.left_out_of(turns.clone()).iter().map(|turn| attachments::of(turn).count()).collect()
        };
        assert_eq!(left(&refused), [2, 1]);
        assert!(refused.learn(&refusal, &turns));
        assert_eq!(left(&refused), [2, 0]);
        assert!(refused.learn(&refusal, &turns));
        assert_eq!(left(&refused), [0, 0]);
        assert!(!refused.learn(&refusal, &turns));
    }

    #[test]
    fn other_failures_are_no_refusal() {
        let error = ProviderError::ContextTooLong { detail: String::new() };
        assert!(!Refused::default().learn(&error, &[shown("a", &[1])]));
    }
}
