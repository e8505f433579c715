//! One output item, as it came when it was done.

use std::sync::Arc;

use serde_json::value::RawValue;

use super::stream_wire::{CallItem, ItemKind, MessageItem, SearchItem};
use crate::{AssistantPart, SearchTrace, ToolCall};

/// A complete item.
#[derive(Debug)]
pub(super) struct DoneItem {
    /// The item byte for byte, to be echoed.
    pub(super) raw: Arc<RawValue>,
    pub(super) kind: DoneKind,
    /// What the server searched for, or what a text cites of it.
    pub(super) search: SearchTrace,
}

/// What an item is.
#[derive(Debug)]
pub(super) enum DoneKind {
    /// A message: its texts, refusals among them.
    Message { texts: Vec<String>, is_refusal: bool },
    /// A call of a tool.
    Call(ToolCall),
    /// Reasoning. The server takes it back only with the item that followed from it.
    Reasoning,
    /// Kept and echoed, means nothing to us: tools that run at the server, compaction, whatever comes.
    Other,
}

impl DoneItem {
    /// Reads an item. `ordinal` names calls that come without any id.
    pub(super) fn read(raw: &RawValue, ordinal: usize) -> serde_json::Result<Self> {
        let kind: ItemKind<'_> = serde_json::from_str(raw.get())?;
        let mut search = SearchTrace::default();
        let kind = match &*kind.kind {
            "message" => message(serde_json::from_str(raw.get())?, &mut search),
            "web_search_call" => {
                note_search(&serde_json::from_str(raw.get())?, &mut search);
                DoneKind::Other
            }
            "function_call" => DoneKind::Call(call(serde_json::from_str(raw.get())?, ordinal)),
            "reasoning" => DoneKind::Reasoning,
            _ => DoneKind::Other,
        };
        Ok(Self { raw: Arc::from(raw.to_owned()), kind, search })
    }

    /// The id, if the item is a tool call.
    pub(super) fn call_id(&self) -> Option<&Arc<str>> {
        match &self.kind {
            DoneKind::Call(call) => Some(&call.id),
            DoneKind::Message { .. } | DoneKind::Reasoning | DoneKind::Other => None,
        }
    }

    /// The neutral form, if there is one.
    pub(super) fn into_parts(self) -> Vec<AssistantPart> {
        match self.kind {
            DoneKind::Message { texts, .. } => {
                texts.into_iter().map(|text| AssistantPart::Text { text }).collect()
            }
            DoneKind::Call(call) => vec![AssistantPart::ToolCall(call)],
            DoneKind::Reasoning | DoneKind::Other => Vec::new(),
        }
    }
}

fn message(item: MessageItem<'_>, search: &mut SearchTrace) -> DoneKind {
    let parts = item.content.unwrap_or_default();
    let annotations = parts.iter().filter_map(|part| part.annotations.as_ref()).flatten();
    for cited in annotations.filter(|annotation| annotation.kind == "url_citation") {
        search.add(&cited.title, &cited.url);
    }
    let is_refusal = parts.iter().any(|part| part.kind == "refusal");
    let texts = parts.into_iter().map(|part| if part.kind == "refusal" { part.refusal } else { part.text });
    let texts = texts.filter(|text| !text.is_empty()).map(std::borrow::Cow::into_owned).collect();
    DoneKind::Message { texts, is_refusal }
}

/// Only searches are billed; opening a page that was found is not.
fn note_search(item: &SearchItem<'_>, search: &mut SearchTrace) {
    if item.status == "failed" {
        search.failure = Some("failed".to_owned());
    }
    let Some(action) = &item.action else { return };
    if action.kind == "search" {
        search.requests += 1;
        action.sources.iter().flatten().for_each(|source| search.add("", &source.url));
    }
}

fn call(item: CallItem<'_>, ordinal: usize) -> ToolCall {
    let id: Arc<str> = match (&*item.call_id, &*item.id) {
        ("", "") => format!("call_{ordinal}").into(),
        ("", id) => id.into(),
        (call_id, _) => call_id.into(),
    };
    let arguments = if item.arguments.trim().is_empty() { "{}".into() } else { item.arguments };
    ToolCall { id, name: item.name.into(), arguments: arguments.into_owned() }
}
