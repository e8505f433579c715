//! Tool calls that a small local model writes into its text, where the server does not recognise them.
//!
//! Invariant: only a text that is calls from its beginning to its end, each of a tool that was offered, counts as calls;
//! with `<tool_call>` tags, which nobody writes by chance, there may be words before and after them.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::ToolSpec;
use crate::raw_object::RawObject;

const FENCE: &str = "```";
const TAG_OPENS: &str = "<tool_call>";
const TAG_CLOSES: &str = "</tool_call>";
const THOUGHT_OPENS: &str = "<think>";
const THOUGHT_CLOSES: &str = "</think>";

/// A text that was calls.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TextCalls {
    /// The words around tagged calls; usually empty.
    pub(super) text: String,
    /// The calls: never empty.
    pub(super) calls: Vec<TextCall>,
}

/// One call.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TextCall {
    pub(super) name: String,
    /// A JSON object, as the model wrote it.
    pub(super) arguments: String,
}

/// What a call looks like. Llama's models say `parameters`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CallForm<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow, alias = "parameters")]
    arguments: &'a RawValue,
    #[serde(rename = "type")]
    _kind: Option<serde::de::IgnoredAny>,
    #[serde(rename = "id")]
    _id: Option<serde::de::IgnoredAny>,
}

/// Reads the calls of a text; `None` when it is just a text.
pub(super) fn read(text: &str, offered: &[ToolSpec]) -> Option<TextCalls> {
    let text = text.trim();
    let found = if text.contains(TAG_OPENS) {
        tagged(text, offered)?
    } else if text.starts_with(FENCE) {
        TextCalls { text: String::new(), calls: fenced(text, offered)? }
    } else {
        TextCalls { text: String::new(), calls: bare(text, offered)? }
    };
    (!found.calls.is_empty()).then_some(found)
}

/// A text without the thought at its beginning, which some servers leave there: `<think>...</think>...`.
pub(super) fn without_thought(text: &str) -> &str {
    let thought = text.trim_start().strip_prefix(THOUGHT_OPENS);
    thought.and_then(|rest| rest.split_once(THOUGHT_CLOSES)).map_or(text, |(_, said)| said.trim_start())
}

/// `words <tool_call>{...}</tool_call> <tool_call>{...}</tool_call> words`; the last tag may be left open.
fn tagged(text: &str, offered: &[ToolSpec]) -> Option<TextCalls> {
    let mut pieces = text.split(TAG_OPENS);
    let mut words = vec![pieces.next().unwrap_or_default().trim()];
    let mut calls = Vec::new();
    for piece in pieces {
        let (call, after) = piece.split_once(TAG_CLOSES).unwrap_or((piece, ""));
        calls.extend(bare(call, offered)?);
        words.push(after.trim());
    }
    words.retain(|words| !words.is_empty());
    Some(TextCalls { text: words.join("\n\n"), calls })
}

/// One or more blocks between fences, with nothing else around them.
fn fenced(text: &str, offered: &[ToolSpec]) -> Option<Vec<TextCall>> {
    let mut calls = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (language, block) = rest.strip_prefix(FENCE)?.split_once('\n')?;
        if !language.trim().chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')) {
            return None;
        }
        // A model that stops at its end-of-turn token may leave the last fence open.
        let (block, after) = block.split_once(FENCE).unwrap_or((block, ""));
        calls.extend(bare(block, offered)?);
        rest = after.trim_start();
    }
    Some(calls)
}

/// One or more JSON objects, one after the other or in a list.
fn bare(text: &str, offered: &[ToolSpec]) -> Option<Vec<TextCall>> {
    let values = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
    let mut calls = Vec::new();
    for value in values {
        let json = value.ok()?.get();
        if json.starts_with('[') {
            let listed: Vec<&RawValue> = serde_json::from_str(json).ok()?;
            for item in listed {
                calls.push(call(item.get(), offered)?);
            }
        } else {
            calls.push(call(json, offered)?);
        }
    }
    Some(calls)
}

fn call(json: &str, offered: &[ToolSpec]) -> Option<TextCall> {
    let form: CallForm<'_> = serde_json::from_str(json).ok()?;
    let is_offered = offered.iter().any(|spec| *spec.name == *form.name);
    let written = form.arguments.get();
    // Some models put the arguments into a string, as the wire format does.
    let arguments = serde_json::from_str::<String>(written).unwrap_or_else(|_| written.to_owned());
    let is_call = is_offered && RawObject::read(&arguments).is_some();
    is_call.then(|| TextCall { name: form.name.into_owned(), arguments })
}

#[cfg(test)]
#[path = "text_calls_tests.rs"]
mod tests;
