//! Which attachments of a tool's result a model is shown, and what it reads in place of the others.

use std::borrow::Cow;
use std::fmt::Write as _;

use codex_task_config::{Attachment, AttachmentSupport, Capabilities, MediaType, ModelId};
use serde::{Serialize, Serializer};

use crate::ToolResult;

/// What a model is shown of a result.
#[derive(Debug)]
pub(crate) struct Shown<'a> {
    /// What it reads, with a notice for each attachment that it cannot be shown.
    pub(crate) text: Cow<'a, str>,
    /// What it looks at.
    pub(crate) attachments: Vec<&'a Attachment>,
}

/// Sorts the attachments of a result into those that the model takes and those that it only hears of. A conversation
/// that began with a model that sees goes on with one that does not.
pub(crate) fn shown<'a>(
    result: &'a ToolResult,
    model: &ModelId,
    takes: impl Fn(MediaType) -> bool,
) -> Shown<'a> {
    let mut shown = Shown { text: Cow::Borrowed(result.text_or_notice()), attachments: Vec::new() };
    for attachment in &result.attachments {
        // Anthropic takes nothing but text beside a failure.
        if takes(attachment.media_type) && !result.is_error {
            shown.attachments.push(attachment);
        } else {
            // Writing to a String cannot fail.
            let _ = write!(shown.text.to_mut(), "\n{}", notice(attachment, model));
        }
    }
    shown
}

fn notice(attachment: &Attachment, model: &ModelId) -> String {
    let Attachment { name, media_type, .. } = attachment;
    let setting = match media_type {
        MediaType::Pdf => "images_and_pdfs",
        MediaType::Png | MediaType::Jpeg | MediaType::Gif | MediaType::Webp => "images",
    };
    format!(
        "[{name} ({media_type}) is not shown: {model} is not known to take files of this kind. If it does, the user can \
         set `attachments: {setting}` for its provider in codex-task.yaml.]"
    )
}

/// What a model can be shown: as the price table knows, else what all newer models of the vendor take.
pub(crate) fn support_of(capabilities: Option<Capabilities>, is_vendors: bool) -> AttachmentSupport {
    let sees = match capabilities.filter(|capabilities| *capabilities != Capabilities::default()) {
        Some(known) => known.vision == Some(true),
        None => is_vendors,
    };
    if sees { AttachmentSupport::ImagesAndPdfs } else { AttachmentSupport::None }
}

/// An attachment as a `data:` URL; nothing is copied before it is serialised.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DataUrl<'a>(pub(crate) &'a Attachment);

impl Serialize for DataUrl<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Attachment { media_type, data, .. } = self.0;
        serializer.collect_str(&format_args!("data:{media_type};base64,{data}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::UserPart;
    use crate::chat::testing::seen;

    fn result(is_error: bool) -> ToolResult {
        let UserPart::ToolResult(result) = seen("1", "text", &[MediaType::Png, MediaType::Pdf]) else {
            panic!("a result")
        };
        ToolResult { is_error, ..result }
    }

    #[test]
    fn what_cannot_be_shown_becomes_a_notice_that_names_the_setting() {
        let (model, result) = (ModelId::new("small"), result(false));
        let all = shown(&result, &model, |_| true);
        assert_eq!((&*all.text, all.attachments.len()), ("text", 2));
        let images = shown(&result, &model, |kind| AttachmentSupport::Images.takes(kind));
        assert_eq!(images.attachments.len(), 1);
        assert_eq!(
            images.text,
            "text\n[a.pdf (application/pdf) is not shown: small is not known to take files of this kind. If it does, the \
             user can set `attachments: images_and_pdfs` for its provider in codex-task.yaml.]"
        );
    }

    #[test]
    fn a_failure_shows_nothing() {
        let result = result(true);
        assert!(shown(&result, &ModelId::new("m"), |_| true).attachments.is_empty());
    }

    #[test]
    fn the_table_beats_the_vendors_name() {
        use AttachmentSupport::{ImagesAndPdfs, None as Nothing};
        let knows = |vision| Some(Capabilities { vision, reasoning: Some(true), ..Capabilities::default() });
        for (capabilities, is_vendors, expected) in [
            (knows(Some(true)), false, ImagesAndPdfs),
            (knows(Some(false)), true, Nothing),
            (knows(None), true, Nothing),
            (None, true, ImagesAndPdfs),
            (Some(Capabilities::default()), true, ImagesAndPdfs),
            (None, false, Nothing),
        ] {
            assert_eq!(support_of(capabilities, is_vendors), expected, "{capabilities:?} {is_vendors}");
        }
    }
}
