//! The result of a call as text.

use rmcp::model::{CallToolResult, ContentBlock, ResourceContents};

use crate::ToolError;
use crate::visible::{first_chars, visible, visible_line};

/// Characters of a name, a kind or an address that are shown.
const LABEL_CHARS_MAX: usize = 200;

/// What the model reads.
///
/// # Errors
/// [`ToolError::Failed`] with the same text when the server says that the call failed.
pub(super) fn text_of(result: &CallToolResult, chars_max: usize) -> Result<String, ToolError> {
    let mut pieces: Vec<String> = result.content.iter().map(piece).collect();
    if pieces.is_empty() {
        pieces.extend(result.structured_content.as_ref().map(ToString::to_string));
    }
    let is_error = result.is_error == Some(true);
    if pieces.is_empty() {
        pieces.push(
            if is_error { "The tool failed without a word." } else { "The tool gave no output." }.to_owned(),
        );
    }
    let text = bounded(&pieces.join("\n"), chars_max);
    if is_error { Err(ToolError::Failed(text)) } else { Ok(text) }
}

fn piece(block: &ContentBlock) -> String {
    match block {
        ContentBlock::Text(text) => text.text.clone(),
        ContentBlock::Image(image) => not_shown("image", &image.mime_type, &image.data),
        ContentBlock::Audio(audio) => not_shown("audio", &audio.mime_type, &audio.data),
        ContentBlock::Resource(embedded) => match &embedded.resource {
            ResourceContents::TextResourceContents { uri, text, .. } => {
                format!("[resource {}]\n{text}", label(uri))
            }
            ResourceContents::BlobResourceContents { uri, mime_type, blob, .. } => {
                let kind = mime_type.as_deref().unwrap_or("of an unknown kind");
                not_shown(&format!("resource {}", label(uri)), kind, blob)
            }
            _ => "[resource of an unknown kind]".to_owned(),
        },
        ContentBlock::ResourceLink(link) => {
            format!("[resource link {}: {}]", label(&link.name), label(&link.uri))
        }
        _ => "[content of an unknown kind]".to_owned(),
    }
}

fn not_shown(what: &str, kind: &str, base64: &str) -> String {
    let bytes = base64.len() / 4 * 3;
    format!("[{what}: {}, {bytes} bytes, not shown]", label(kind))
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
    use serde_json::{Value, json};

    use super::*;

    fn text(result: Value) -> Result<String, ToolError> {
        text_of(&serde_json::from_value(result).unwrap(), 100)
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
            text_of(&serde_json::from_value(others).unwrap(), 1000).unwrap(),
            "[audio: audio/wav, 0 bytes, not shown]\n[resource x:y: of an unknown kind, 3 bytes, not shown]\n[resource link n: x:z]"
        );
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
