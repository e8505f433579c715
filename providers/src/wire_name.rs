//! Names and ids in the characters that every vendor accepts.

use std::borrow::Cow;

/// The text with `_` for every character but letters, digits, `_` and `-`. Ids of other vendors may have more, and so
/// may names that a model made up. A call and its result pass through here alike, so they still match.
pub(crate) fn wire_name(text: &str) -> Cow<'_, str> {
    let accepted = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if text.chars().all(accepted) {
        Cow::Borrowed(text)
    } else {
        text.chars().map(|c| if accepted(c) { c } else { '_' }).collect::<String>().into()
    }
}
