//! Images and documents in a request, and what a vendor would refuse about them.

use serde_json::Value;

use super::call::{items, text};
use super::{Call, Format};

/// Kinds of files, with how their content begins as base64.
const BEGINNINGS: [(&str, &str); 5] = [
    ("image/png", "iVBORw0KGgo"),
    ("image/jpeg", "/9j/"),
    ("image/gif", "R0lGOD"),
    ("image/webp", "UklGR"),
    ("application/pdf", "JVBERi0"),
];

impl Call {
    /// The kinds of all files that the model is shown, in order.
    pub fn shown(&self) -> Vec<String> {
        files(self).into_iter().map(|file| file.kind).collect()
    }
}

/// A file as it stands in a request.
struct File {
    kind: String,
    data: String,
    /// Whether the block says a document, where blocks say what they are.
    is_document: Option<bool>,
}

impl File {
    fn image(url: &Value) -> Self {
        let url = text(url);
        let (kind, data) =
            url.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,")).unwrap_or_default();
        Self { kind: kind.to_owned(), data: data.to_owned(), is_document: Some(false) }
    }

    fn document(url: &Value) -> Self {
        Self { is_document: Some(true), ..Self::image(url) }
    }

    fn inline(part: &Value) -> Option<Self> {
        let blob = part.get("inlineData")?;
        Some(Self { kind: text(&blob["mimeType"]), data: text(&blob["data"]), is_document: None })
    }

    fn violation(&self) -> Option<String> {
        let known = BEGINNINGS.iter().find(|(kind, _)| *kind == self.kind);
        let is_right = known.is_some_and(|(_, beginning)| self.data.starts_with(beginning))
            && self.data.len().is_multiple_of(4)
            && self.is_document.is_none_or(|is_document| is_document == (self.kind == "application/pdf"));
        (!is_right).then(|| format!("a file of kind {:?} that is none", self.kind))
    }
}

/// What the vendor would refuse.
pub(super) fn violations(call: &Call) -> Vec<String> {
    let mut found: Vec<String> = files(call).iter().filter_map(File::violation).collect();
    if files(call).len() > 20 {
        found.push("more than 20 files".into());
    }
    found.extend(call.turns().iter().flat_map(|turn| misplaced(call, turn)));
    found
}

/// Files where the format has no place for them.
fn misplaced(call: &Call, turn: &Value) -> Vec<String> {
    let mut found = Vec::new();
    match call.format {
        Format::Anthropic => {
            for result in items(&turn["content"]).iter().filter(|block| block["type"] == "tool_result") {
                for block in items(&result["content"]) {
                    let is_text = block["type"] == "text";
                    if (result["is_error"] == true && !is_text) || (is_text && block["text"] == "") {
                        found.push(format!("a result with {block}"));
                    }
                }
            }
        }
        Format::OpenAiChat if turn["role"] == "tool" && !turn["content"].is_string() => {
            found.push("a tool's result that is no text".into());
        }
        Format::OpenAi | Format::OpenAiChat => {}
        Format::Gemini => {
            let is_old = ["gemini-1", "gemini-2"].iter().any(|old| call.model().starts_with(old));
            let parts = items(&turn["parts"]);
            if parts.iter().any(|part| is_old && part["functionResponse"].get("parts").is_some()) {
                found.push("parts in a response for an old model".into());
            }
            if files(call).iter().any(|file| file.kind == "image/gif") {
                found.push("a GIF".into());
            }
        }
    }
    found
}

fn files(call: &Call) -> Vec<File> {
    call.turns().iter().flat_map(|turn| files_in(call.format, turn)).collect()
}

fn files_in(format: Format, turn: &Value) -> Vec<File> {
    match format {
        Format::Anthropic => {
            let results = items(&turn["content"]).iter().filter(|block| block["type"] == "tool_result");
            let blocks = results.flat_map(|result| items(&result["content"]));
            let files = blocks.filter(|block| block["type"] != "text").map(|block| File {
                kind: text(&block["source"]["media_type"]),
                data: text(&block["source"]["data"]),
                is_document: Some(block["type"] == "document"),
            });
            files.collect()
        }
        Format::OpenAi => items(&turn["output"])
            .iter()
            .filter(|part| part["type"] != "input_text")
            .map(|part| match part["type"].as_str() {
                Some("input_file") => File::document(&part["file_data"]),
                _ => File::image(&part["image_url"]),
            })
            .collect(),
        Format::OpenAiChat => items(&turn["content"])
            .iter()
            .filter(|part| part["type"] != "text")
            .map(|part| match part["type"].as_str() {
                Some("file") => File::document(&part["file"]["file_data"]),
                _ => File::image(&part["image_url"]["url"]),
            })
            .collect(),
        Format::Gemini => {
            let parts = items(&turn["parts"]).iter();
            let nested = parts.flat_map(|part| {
                items(&part["functionResponse"]["parts"]).iter().chain(std::iter::once(part))
            });
            nested.filter_map(File::inline).collect()
        }
    }
}
