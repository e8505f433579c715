//! The turns of a conversation as Gemini wants them.
//!
//! Results go back in a turn of their own, one for each call, in the order of the calls, with the name and the id
//! that the call had. Texts of the user follow in the next turn.

use std::borrow::Cow;

use codex_task_config::{MediaType, ModelId};
use serde_json::value::RawValue;

use super::FORMAT;
use super::model::{Generation, ModelFacts};
use super::stream_wire::CallHead;
use super::wire::{Blob, Content, FunctionCall, FunctionResponse, Part, Response, ResponsePart, Role};
use crate::attachments::{Shown, shown};
use crate::raw_object::object_or_empty;
use crate::wire_name::wire_name;
use crate::{AssistantPart, AssistantTurn, ChatRequest, Message, ToolResult, UserPart, UserTurn};

/// Stands for the signature of a thought that nobody has, because another model had it: Gemini 3 refuses a turn whose
/// first call has none, and documents this word for conversations that it did not make itself.
const FOREIGN_SIGNATURE: &str = "skip_thought_signature_validator";

/// Translates the turns of a request.
pub(super) fn contents<'a>(request: &'a ChatRequest, facts: &ModelFacts) -> Vec<Content<'a>> {
    let is_signed = facts.generation == Generation::Three;
    let mut conversation =
        Conversation { contents: Vec::new(), calls: Vec::new(), model: &request.model, facts };
    for message in &request.messages {
        match &**message {
            Message::User(turn) => conversation.push_user(turn),
            Message::Assistant(turn) => match turn.state_for(FORMAT, &request.model) {
                Some(items) if !items.is_empty() => {
                    conversation.echo(turn, items.iter().map(|item| &**item));
                }
                Some(_) | None => {
                    conversation.translate(turn, is_signed.then_some(FOREIGN_SIGNATURE));
                }
            },
        }
    }
    conversation.contents
}

struct Conversation<'a, 'f> {
    contents: Vec<Content<'a>>,
    model: &'a ModelId,
    facts: &'f ModelFacts,
    /// The calls of the newest turn of the model.
    calls: Vec<SentCall<'a>>,
}

/// A call as it stands in the request, for its result to match.
struct SentCall<'a> {
    /// The id in the neutral turn.
    id: &'a str,
    /// The id on the wire, if the server gave one.
    wire_id: Option<Cow<'a, str>>,
    name: Cow<'a, str>,
}

impl<'a> Conversation<'a, '_> {
    /// A turn as this very model wrote it.
    fn echo(&mut self, turn: &'a AssistantTurn, items: impl Iterator<Item = &'a RawValue> + Clone) {
        let heads = items.clone().filter_map(|item| {
            let head: CallHead<'a> = serde_json::from_str(item.get()).ok()?;
            head.function_call
        });
        // Both hold the calls of the turn in their order.
        self.calls = turn
            .tool_calls()
            .zip(heads)
            .map(|(call, head)| SentCall { id: &call.id, wire_id: head.id, name: head.name })
            .collect();
        self.push(Role::Model, items.map(Part::Echo).collect());
    }

    /// A turn of any other model.
    fn translate(&mut self, turn: &'a AssistantTurn, signature: Option<&'static str>) {
        self.calls = turn
            .tool_calls()
            .map(|call| SentCall { id: &call.id, wire_id: None, name: wire_name(&call.name) })
            .collect();
        let mut signature = signature;
        let parts = turn.parts.iter().filter_map(|part| match part {
            AssistantPart::Text { text } => {
                (!text.trim().is_empty()).then_some(Part::Text { text: Cow::Borrowed(text) })
            }
            AssistantPart::ToolCall(call) => Some(Part::Call {
                function_call: FunctionCall {
                    name: wire_name(&call.name),
                    args: object_or_empty(&call.arguments),
                },
                // Of parallel calls only the first has one.
                thought_signature: signature.take(),
            }),
        });
        let parts = parts.collect();
        self.push(Role::Model, parts);
    }

    fn push_user(&mut self, turn: &'a UserTurn) {
        let mut results: Vec<(usize, Part<'a>)> = Vec::new();
        let (mut shown, mut texts) = (Vec::new(), Vec::new());
        for part in &turn.parts {
            match part {
                UserPart::ToolResult(result) => results.push(self.answer(result, &mut shown)),
                UserPart::Text { text } if !text.trim().is_empty() => {
                    texts.push(Part::Text { text: Cow::Borrowed(text) });
                }
                UserPart::Text { .. } => {}
            }
        }
        results.sort_by_key(|(place, _)| *place);
        let results: Vec<Part<'a>> = results.into_iter().map(|(_, part)| part).collect();
        if !results.is_empty() {
            self.contents.push(Content { role: Role::User, parts: results });
        }
        self.push(Role::User, shown);
        self.push(Role::User, texts);
    }

    /// The answer to a call, with the call's place in its turn. Models before Gemini 3 look only at what stands beside
    /// the answers, in the turn behind them.
    fn answer(&self, result: &'a ToolResult, beside: &mut Vec<Part<'a>>) -> (usize, Part<'a>) {
        let place = self.calls.iter().position(|call| call.id == &*result.call_id);
        let call = place.and_then(|place| self.calls.get(place));
        let Shown { text, attachments } = shown(result, self.model, |kind| self.takes(kind));
        let mut parts = Vec::new();
        for attachment in attachments {
            let inline_data = Blob { mime_type: attachment.media_type, data: &attachment.data };
            if self.facts.generation == Generation::Three {
                parts.push(ResponsePart { inline_data });
            } else {
                let label = format!("{}, which {} shows:", attachment.name, result.tool);
                beside.extend([Part::Text { text: label.into() }, Part::Inline { inline_data }]);
            }
        }
        let function_response = FunctionResponse {
            id: call.and_then(|call| call.wire_id.clone()),
            name: call.map_or_else(|| wire_name(&result.tool), |call| call.name.clone()),
            response: if result.is_error { Response::Error(text) } else { Response::Output(text) },
            parts,
        };
        (place.unwrap_or(usize::MAX), Part::Result { function_response })
    }

    /// Gemini takes no GIF.
    fn takes(&self, kind: MediaType) -> bool {
        kind != MediaType::Gif && self.facts.attachments.takes(kind)
    }

    /// Adds parts to the last turn if it is of the same side and holds no results, else as a new turn.
    fn push(&mut self, role: Role, parts: Vec<Part<'a>>) {
        if parts.is_empty() {
            return;
        }
        let holds_results =
            |content: &Content<'_>| content.parts.iter().any(|part| matches!(part, Part::Result { .. }));
        match self.contents.last_mut() {
            Some(last) if last.role == role && !holds_results(last) => last.parts.extend(parts),
            Some(_) | None => self.contents.push(Content { role, parts }),
        }
    }
}
