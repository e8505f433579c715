//! Images and documents of a conversation: how many it keeps, and what the model reads in place of the others.

use std::fmt::Write as _;
use std::sync::Arc;

use codex_task_config::Attachment;
use codex_task_providers::{Message, ToolResult, UserPart, UserTurn};

/// What is said of an attachment that made room.
const MADE_ROOM: &str =
    "it is no longer shown, to make room for what came later. Read it again if you need it.";

/// All attachments of a turn.
pub(super) fn of(turn: &Message) -> impl Iterator<Item = &Attachment> {
    let parts: &[UserPart] = match turn {
        Message::User(turn) => &turn.parts,
        Message::Assistant(_) => &[],
    };
    parts.iter().flat_map(|part| match part {
        UserPart::ToolResult(result) => result.attachments.as_slice(),
        UserPart::Text { .. } => &[],
    })
}

/// Tokens that the attachments of a turn take.
pub(super) fn tokens(turn: &Message) -> u64 {
    of(turn).map(|attachment| attachment.tokens).sum()
}

/// Bytes that the attachments of a turn take in memory.
pub(crate) fn held_bytes(turn: &Message) -> u64 {
    of(turn).map(|attachment| attachment.data.len() as u64).sum()
}

/// Leaves out the oldest attachments where there are more than a conversation holds: then a half of them, so that what
/// remains is the same, and cached, for a while. What a whole conversation and its checkpoint keep in memory is bounded
/// by this.
pub(super) fn make_room(turns: &mut [Arc<Message>]) {
    let fits = |count: usize, chars: usize, share: usize| {
        count <= Attachment::COUNT_MAX / share && chars <= Attachment::CHARS_MAX / share
    };
    let all = || turns.iter().flat_map(|turn| of(turn));
    let (total, total_chars) = (all().count(), all().map(|attachment| attachment.data.len()).sum());
    if fits(total, total_chars, 1) {
        return;
    }
    let (mut count, mut chars) = (total, total_chars);
    let mut left_out = 0;
    for attachment in all() {
        // The newest one stays whatever its size.
        if fits(count, chars, 2) || count == 1 {
            break;
        }
        left_out += 1;
        count -= 1;
        chars -= attachment.data.len();
    }
    let mut place = 0;
    for turn in turns {
        let is_out = |_: &Attachment| {
            place += 1;
            place <= left_out
        };
        if let Some(changed) = without(turn, is_out, MADE_ROOM) {
            *turn = changed;
        }
    }
}

/// Leaves out the attachments of all turns but the last one. Whether there were any.
pub(super) fn leave_out_old(turns: &mut [Arc<Message>]) -> bool {
    let Some((_, older)) = turns.split_last_mut() else { return false };
    let mut is_changed = false;
    for turn in older {
        if let Some(changed) = without(turn, |_| true, MADE_ROOM) {
            *turn = changed;
            is_changed = true;
        }
    }
    is_changed
}

/// The turn with a notice in place of some of its attachments; `None` when it has none of them.
pub(super) fn without(
    turn: &Message,
    mut is_out: impl FnMut(&Attachment) -> bool,
    why: &str,
) -> Option<Arc<Message>> {
    of(turn).next()?;
    let Message::User(user) = turn else { return None };
    let mut is_changed = false;
    let mut replaced = |result: &ToolResult| {
        let mut text = result.text.to_string();
        let mut kept = result.attachments.clone();
        kept.retain(|attachment| {
            let is_out = is_out(attachment);
            if is_out {
                // Writing to a String cannot fail.
                let _ = write!(text, "\n[{} ({}): {why}]", attachment.name, attachment.media_type);
            }
            !is_out
        });
        is_changed |= kept.len() < result.attachments.len();
        ToolResult { text: text.into(), attachments: kept, ..result.clone() }
    };
    let parts = user.parts.iter().map(|part| match part {
        UserPart::ToolResult(result) if !result.attachments.is_empty() => {
            UserPart::ToolResult(replaced(result))
        }
        UserPart::ToolResult(_) | UserPart::Text { .. } => part.clone(),
    });
    let parts = parts.collect();
    is_changed.then(|| Arc::new(Message::User(UserTurn { parts })))
}

#[cfg(test)]
pub(super) mod tests {
    use codex_task_config::MediaType;

    use super::*;

    /// A turn of one result that shows images of so many characters each.
    pub(crate) fn shown(name: &str, chars: &[usize]) -> Arc<Message> {
        let attachment = |chars: &usize| Attachment {
            media_type: MediaType::Png,
            name: name.into(),
            data: "A".repeat(*chars).into(),
            tokens: 1_000,
        };
        let result = ToolResult {
            call_id: "1".into(),
            tool: "Read".into(),
            text: "t".into(),
            is_error: false,
            attachments: chars.iter().map(attachment).collect(),
        };
        Arc::new(Message::User(UserTurn { parts: vec![UserPart::ToolResult(result)] }))
    }

    fn counts(turns: &[Arc<Message>]) -> Vec<usize> {
        turns.iter().map(|turn| of(turn).count()).collect()
    }

    fn text(turn: &Message) -> String {
        match turn {
            Message::User(turn) => turn.parts.iter().map(|part| match part {
                UserPart::Text { text } | UserPart::ToolResult(ToolResult { text, .. }) => text.to_string(),
            }),
            Message::Assistant(_) => panic!("a user turn"),
        }
        .collect()
    }

    #[test]
    fn a_conversation_keeps_its_newest_attachments_and_says_what_it_left_out() {
        let mut turns = vec![shown("a", &[1; 15]), shown("b", &[1; 5])];
        make_room(&mut turns);
        assert_eq!(counts(&turns), [15, 5]);
        turns.push(shown("c", &[1]));
        make_room(&mut turns);
        assert_eq!(counts(&turns), [4, 5, 1]);
        assert!(
            text(&turns[0]).starts_with("t\n[a (image/png): it is no longer shown"),
            "{}",
            text(&turns[0])
        );
        assert_eq!(text(&turns[1]), "t");
    }

    #[test]
    fn large_attachments_make_room_by_their_size_and_the_newest_one_stays() {
        let large = Attachment::CHARS_MAX / 2 + 1;
        let mut turns = vec![shown("a", &[large]), shown("b", &[large])];
        make_room(&mut turns);
        assert_eq!(counts(&turns), [0, 1]);
    }

    #[test]
    fn only_the_last_turn_keeps_what_it_shows_before_a_compaction() {
        let mut turns = vec![shown("a", &[1, 1]), shown("b", &[1])];
        assert!(leave_out_old(&mut turns));
        assert_eq!(counts(&turns), [0, 1]);
        assert!(!leave_out_old(&mut turns));
    }
}
