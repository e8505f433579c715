//! Conversations of tasks that have ended, so that they can be gone on with: the newest ones, within a bound. A runtime
//! whose journal remembers them itself keeps none here.

use std::collections::{BTreeMap, HashMap};

use codex_task_providers::Message;

use crate::journal::TaskImage;
use crate::subagent::{attachment_bytes, message_bytes};
use crate::task::TaskId;

/// Conversations that are kept.
const TRANSCRIPTS_MAX: usize = 256;
/// Bytes of their texts and attachments together.
const BYTES_MAX: u64 = 32 * 1024 * 1024;

/// See the module.
#[derive(Default)]
pub(super) struct Transcripts {
    kept: HashMap<TaskId, Transcript>,
    /// The same by number, the oldest first.
    order: BTreeMap<u64, TaskId>,
    /// Number of the next one.
    next: u64,
    bytes: u64,
}

struct Transcript {
    number: u64,
    image: TaskImage,
    /// What the agent wrote last, where that was its result: it is not among the steps.
    last: Option<String>,
    bytes: u64,
}

impl Transcripts {
    /// Keeps a conversation; the oldest ones make room. One that is too long to be kept is not.
    pub(super) fn keep(&mut self, image: TaskImage, last: Option<String>) {
        let task = image.request.id;
        self.take(task);
        let held = |turn: &Message| message_bytes(turn) + attachment_bytes(turn);
        let turns: u64 = image.checkpoint.turns.iter().map(|turn| held(turn)).sum();
        let bytes = turns + last.as_ref().map_or(0, |text| text.len() as u64);
        if bytes > BYTES_MAX {
            return;
        }
        let number = self.next;
        self.next += 1;
        self.bytes += bytes;
        self.order.insert(number, task);
        self.kept.insert(task, Transcript { number, image, last, bytes });
        while self.kept.len() > TRANSCRIPTS_MAX || self.bytes > BYTES_MAX {
            let Some((_, oldest)) = self.order.pop_first() else { return };
            self.bytes -= self.kept.remove(&oldest).map_or(0, |transcript| transcript.bytes);
        }
    }

    /// Gives a conversation away.
    pub(super) fn take(&mut self, task: TaskId) -> Option<(TaskImage, Option<String>)> {
        let transcript = self.kept.remove(&task)?;
        self.order.remove(&transcript.number);
        self.bytes -= transcript.bytes;
        Some((transcript.image, transcript.last))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use codex_task_config::{Attachment, MediaType};
    use codex_task_providers::{ToolResult, UserPart, UserTurn};

    use super::*;
    use crate::subagent::Checkpoint;
    use crate::task::RunTask;

    fn image(text: &str) -> TaskImage {
        let opening = Arc::new(Message::User(UserTurn::text(text)));
        TaskImage {
            request: Arc::new(RunTask::<String>::new("a", text).request),
            prefix: "p".into(),
            checkpoint: Checkpoint::new(Arc::clone(&opening)),
            opening,
            taken: None,
        }
    }

    #[test]
    fn the_newest_conversations_are_kept_within_the_bounds() {
        let mut transcripts = Transcripts::default();
        let images: Vec<TaskImage> = (0..=TRANSCRIPTS_MAX).map(|_| image("short")).collect();
        for image in &images {
            transcripts.keep(image.clone(), Some("said".to_owned()));
        }
        assert!(transcripts.take(images[0].request.id).is_none(), "the oldest made room");
        let (kept, last) = transcripts.take(images[1].request.id).expect("the next is there");
        assert_eq!((kept.request.id, last.as_deref()), (images[1].request.id, Some("said")));
        assert!(transcripts.take(images[1].request.id).is_none(), "it was given away");
        assert_eq!(transcripts.bytes, 9 * (TRANSCRIPTS_MAX as u64 - 1));
        let third = usize::try_from(BYTES_MAX).expect("it fits") / 3 + 1;
        let long: Vec<TaskImage> = (0..3).map(|_| image(&"x".repeat(third))).collect();
        for image in &long {
            transcripts.keep(image.clone(), None);
        }
        assert!(transcripts.take(long[0].request.id).is_none() && transcripts.bytes <= BYTES_MAX);
        transcripts.keep(image(&"x".repeat(3 * third)), None);
        assert!(transcripts.take(long[2].request.id).is_some(), "what is too long moves nobody out");
    }

    #[test]
    fn an_attachment_counts_with_all_that_it_holds() {
        let mut transcripts = Transcripts::default();
        let mut image = image("look");
        let attachment = Attachment {
            media_type: MediaType::Png,
            name: "a.png".into(),
            data: "x".repeat(5_000_000).into(),
            tokens: 100,
        };
        let result = ToolResult {
            call_id: "1".into(),
            tool: "Read".into(),
            text: "shown".into(),
            is_error: false,
            attachments: vec![attachment],
        };
        let turn = Message::User(UserTurn { parts: vec![UserPart::ToolResult(result)] });
        image.checkpoint.turns.push(Arc::new(turn));
        transcripts.keep(image, None);
        assert!(transcripts.bytes >= 5_000_000, "{}", transcripts.bytes);
    }
}
