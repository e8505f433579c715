//! The result of a call: text, and what is to be looked at.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use codex_task_config::Attachment;
use rmcp::model::{CallToolResult, ContentBlock, ResourceContents};

use crate::media;
use crate::visible::{first_chars, visible, visible_line};
use crate::{ToolError, ToolOutput};

/// Characters of a name, a kind or an address that are shown.
const LABEL_CHARS_MAX: usize = 200;
/// Characters of a file as base64 that is looked at: a larger one can be shown in no form.
const BASE64_CHARS_MAX: usize = 48 * 1024 * 1024;

/// What the model reads, and the images and documents that it looks at.
///
/// # Errors
/// [`ToolError::Failed`] with the same text when the server says that the call failed.
pub(super) fn output_of(result: &CallToolResult, chars_max: usize) -> Result<ToolOutput, ToolError> {
    let is_error = result.is_error == Some(true);
    let mut attachments = Vec::new();
    let mut pieces: Vec<String> =
        result.content.iter().map(|block| piece(block, !is_error, &mut attachments)).collect();
    if pieces.is_empty() {
        pieces.extend(result.structured_content.as_ref().map(ToString::to_string));
    }
    if pieces.is_empty() {
        pieces.push(
            if is_error { "The tool failed without a word." } else { "The tool gave no output." }.to_owned(),
        );
    }
    let text = bounded(&pieces.join("\n"), chars_max);
    if is_error { Err(ToolError::Failed(text)) } else { Ok(ToolOutput { text, attachments }) }
}

/// A block as text. What can be shown is added to the attachments, unless beside a failure.
fn piece(block: &ContentBlock, shows: bool, attachments: &mut Vec<Attachment>) -> String {
    let mut file = |what: &str, kind: &str, base64: &str| {
        if shows { shown(what, kind, base64, attachments) } else { not_shown(what, kind, base64, "") }
    };
    match block {
        ContentBlock::Text(text) => text.text.clone(),
        ContentBlock::Image(image) => file("image", &image.mime_type, &image.data),
        ContentBlock::Audio(audio) => not_shown("audio", &audio.mime_type, &audio.data, ""),
        ContentBlock::Resource(embedded) => match &embedded.resource {
            ResourceContents::TextResourceContents { uri, text, .. } => {
                format!("[resource {}]\n{text}", label(uri))
            }
            ResourceContents::BlobResourceContents { uri, mime_type, blob, .. } => {
                let kind = mime_type.as_deref().unwrap_or("of an unknown kind");
                file(&format!("resource {}", label(uri)), kind, blob)
            }
            _ => "[resource of an unknown kind]".to_owned(),
        },
        ContentBlock::ResourceLink(link) => {
            format!("[resource link {}: {}]", label(&link.name), label(&link.uri))
        }
        _ => "[content of an unknown kind]".to_owned(),
    }
}

/// A file as the attachment that it is by its content, whatever the server calls it.
fn shown(what: &str, kind: &str, base64: &str, attachments: &mut Vec<Attachment>) -> String {
    if base64.len() > BASE64_CHARS_MAX || attachments.len() >= Attachment::COUNT_MAX {
        return not_shown(what, kind, base64, ": it is too large, or one of too many");
    }
    let Ok(content) = STANDARD.decode(base64) else {
        return not_shown(what, kind, base64, ": it is no base64");
    };
    let Some(media_type) = media::sniff(&content) else { return not_shown(what, kind, base64, "") };
    let bytes = u64::try_from(content.len()).unwrap_or(u64::MAX);
    let name = format!("{what} {}", attachments.len() + 1);
    match media::prepare(media_type, content, bytes, &name, None) {
        Ok(prepared) => {
            attachments.push(prepared.attachment);
            format!("[{name}: {}]", prepared.description)
        }
        Err(fault) => not_shown(what, kind, base64, &format!(": it {}", fault.0)),
    }
}

fn not_shown(what: &str, kind: &str, base64: &str, why: &str) -> String {
    let bytes = base64.len() / 4 * 3;
    format!("[{what}: {}, {bytes} bytes, not shown{why}]", label(kind))
}

fn label(text: &str) -> String {
    visible_line(text, LABEL_CHARS_MAX)
}

fn bounded(text: &str, chars_max: usize) -> String {
    let kept = first_chars(text, chars_max);
    let shown = visible(kept);
    if kept.len() == text.len() {
        return shown.into_owned();
    }
    let total = text.chars().count();
    format!(
        "{shown}\n[cut: the result has {total} characters, at most {chars_max} are shown (MAX_MCP_OUTPUT_TOKENS). Ask for \
         less, for instance by page or filter.]"
    )
}

#[cfg(test)]
mod tests {
    use codex_task_config::MediaType;
    use serde_json::{Value, json};

    use super::*;

    fn text(result: Value) -> Result<String, ToolError> {
        output_of(&serde_json::from_value(result).unwrap(), 100).map(|output| output.text)
    }

    #[test]
    fn blocks_are_joined_and_what_is_no_text_is_described() {
        let result = json!({"content": [
            {"type": "text", "text": "one\u{1b}[2J"},
            {"type": "image", "mimeType": "image/png", "data": "AAAAAAAA"},
            {"type": "resource", "resource": {"uri": "file:///a", "text": "two"}}
        ]});
        assert_eq!(
            text(result).unwrap(),
            "one\\u{1b}[2J\n[image: image/png, 6 bytes, not shown]\n[resource file:///a]\ntwo"
        );
        let others = json!({"content": [
            {"type": "audio", "mimeType": "audio/wav", "data": ""},
            {"type": "resource", "resource": {"uri": "x:y", "blob": "AAAA"}},
            {"type": "resource_link", "uri": "x:z", "name": "n\n"}
        ]});
        assert_eq!(
            output_of(&serde_json::from_value(others).unwrap(), 1000).unwrap().text,
            "[audio: audio/wav, 0 bytes, not shown]\n[resource x:y: of an unknown kind, 3 bytes, not shown]\n[resource link n: x:z]"
        );
    }

    #[test]
    fn images_are_shown_by_what_they_are_and_broken_ones_are_described() {
        let png = STANDARD.encode(media::testing::png(3, 2));
        let result = json!({"content": [
            {"type": "image", "mimeType": "image/jpeg", "data": png},
            {"type": "image", "mimeType": "image/png", "data": png.get(..40).unwrap()},
            {"type": "resource", "resource": {"uri": "file:///shots/..", "blob": png}}
        ]});
        let output = output_of(&serde_json::from_value(result.clone()).unwrap(), 1000).unwrap();
        let shown: Vec<_> = output.attachments.iter().map(|shown| (&*shown.name, shown.media_type)).collect();
        assert_eq!(shown, [("image 1", MediaType::Png), ("resource file:///shots/.. 2", MediaType::Png)]);
        assert!(output.text.starts_with("[image 1: image/png, 3x2, "), "{}", output.text);
        assert!(output.text.contains("not shown: it is cut off"), "{}", output.text);
        let mut failed = result;
        failed["isError"] = true.into();
        let failed = output_of(&serde_json::from_value(failed).unwrap(), 1000).unwrap_err().to_string();
        assert!(failed.starts_with("[image: image/jpeg, "), "{failed}");
    }

    #[test]
    fn errors_are_errors_and_silence_is_told() {
        let failed = json!({"content": [{"type": "text", "text": "no such file"}], "isError": true});
        assert_eq!(text(failed), Err(ToolError::Failed("no such file".into())));
        assert_eq!(
            text(json!({"content": [], "isError": true})).unwrap_err().to_string(),
            "The tool failed without a word."
        );
        assert_eq!(text(json!({"content": []})).unwrap(), "The tool gave no output.");
        assert_eq!(text(json!({"content": [], "structuredContent": {"a": 1}})).unwrap(), "{\"a\":1}");
    }

    #[test]
    fn long_results_are_cut_with_a_note() {
        let long = text(json!({"content": [{"type": "text", "text": "ä".repeat(101)}]})).unwrap();
        assert!(
            long.starts_with(&format!(
                "{}\n[cut: the result has 101 characters, at most 100",
                "ä".repeat(100)
            )),
            "{long}"
        );
    }
}
