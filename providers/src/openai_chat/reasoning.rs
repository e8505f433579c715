//! What a model thought, kept so that it can be sent back.

use std::sync::Arc;

use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use super::stream_wire::Delta;
use super::tool_calls::DoneCall;
use super::wire::{AssistantMessage, WireCall};

/// Fields of a reasoning detail whose pieces are put together.
const JOINED: &[&str] = &["text", "summary"];

/// The reasoning of one turn. Servers disagree on the field; each gets it back under the name that it used.
#[derive(Debug, Default)]
pub(super) struct Reasoning {
    field: Field,
    text: String,
    details: Vec<Value>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Field {
    #[default]
    Reasoning,
    ReasoningContent,
}

impl Reasoning {
    /// Adds a piece; gives the text in it. Some servers send the same text under both names.
    pub(super) fn add<'d>(&mut self, delta: &'d mut Delta<'_>) -> Option<&'d str> {
        for detail in delta.reasoning_details.take().unwrap_or_default() {
            self.add_detail(detail);
        }
        let (field, text) = match delta.reasoning_content.non_empty() {
            Some(text) => (Field::ReasoningContent, text),
            None => (Field::Reasoning, delta.reasoning.non_empty()?),
        };
        self.field = field;
        self.text.push_str(text);
        Some(text)
    }

    /// The whole message as the server must get it back. `None` where the neutral form of the turn says the same.
    pub(super) fn message(&self, text: &str, calls: &[DoneCall]) -> Option<Arc<RawValue>> {
        let has_extra = calls.iter().any(|call| call.extra_content.is_some());
        if self.text.is_empty() && self.details.is_empty() && !has_extra {
            return None;
        }
        let mut message = AssistantMessage::new(text);
        message.reasoning_details = &self.details;
        match self.field {
            // The details say all that the text says, and more.
            _ if self.text.is_empty() || !self.details.is_empty() => {}
            Field::Reasoning => message.reasoning = Some(&self.text),
            Field::ReasoningContent => message.reasoning_content = Some(&self.text),
        }
        message.tool_calls = calls
            .iter()
            .map(|DoneCall { call, extra_content }| WireCall {
                extra_content: extra_content.as_deref(),
                ..WireCall::new(&call.id, &call.name, &call.arguments)
            })
            .collect();
        to_raw_value(&message).ok().map(Arc::from)
    }

    /// Details come in pieces: those of one kind and one index that follow each other are one.
    fn add_detail(&mut self, detail: Value) {
        let Value::Object(piece) = detail else { return };
        let joins = |last: &&mut Value| {
            last.get("type") == piece.get("type")
                && last.get("index") == piece.get("index")
                && JOINED.iter().any(|name| piece.contains_key(*name))
        };
        let Some(Value::Object(last)) = self.details.last_mut().filter(joins) else {
            return self.details.push(Value::Object(piece));
        };
        for (name, value) in piece {
            match (last.get_mut(&name), value) {
                (Some(Value::String(text)), Value::String(more)) if JOINED.contains(&name.as_str()) => {
                    text.push_str(&more);
                }
                (Some(_), Value::Null) => {}
                (_, value) => {
                    last.insert(name, value);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ToolCall;

    fn message(pieces: &[&str], calls: &[DoneCall]) -> Option<String> {
        let mut reasoning = Reasoning::default();
        for piece in pieces {
            reasoning.add(&mut serde_json::from_str(piece).unwrap());
        }
        reasoning.message("Hi", calls).map(|message| message.get().to_owned())
    }

    #[test]
    fn reasoning_goes_back_under_the_name_under_which_it_came() {
        let echo = |field: &str| Some(format!(r#"{{"role":"assistant","content":"Hi","{field}":"ab"}}"#));
        for field in ["reasoning", "reasoning_content"] {
            let pieces = ["a", "b"].map(|text| format!(r#"{{"{field}":"{text}"}}"#));
            assert_eq!(message(&[&pieces[0], &pieces[1]], &[]), echo(field));
        }
        let both =
            [r#"{"reasoning":"a","reasoning_content":"a"}"#, r#"{"reasoning":"b","reasoning_content":"b"}"#];
        assert_eq!(message(&both, &[]), echo("reasoning_content"));
    }

    #[test]
    fn a_turn_without_reasoning_is_sent_in_its_neutral_form() {
        assert_eq!(message(&[r#"{"content":"x","reasoning":null}"#], &[]), None);
    }

    #[test]
    fn details_are_put_together_and_keep_their_signature() {
        let pieces = [
            r#"{"reasoning":"We ","reasoning_details":[{"type":"reasoning.text","text":"We ","index":0,"format":"x"}]}"#,
            r#"{"reasoning":"go","reasoning_details":[{"type":"reasoning.text","text":"go","index":0,"signature":null}]}"#,
            r#"{"reasoning_details":[{"type":"reasoning.text","text":"","index":0,"signature":"s/=="}]}"#,
            r#"{"reasoning_details":[{"type":"reasoning.encrypted","data":"e1","index":1}]}"#,
            r#"{"reasoning_details":[{"type":"reasoning.encrypted","data":"e2","index":1}]}"#,
        ];
        let expected = concat!(
            r#"{"role":"assistant","content":"Hi","reasoning_details":["#,
            r#"{"format":"x","index":0,"signature":"s/==","text":"We go","type":"reasoning.text"},"#,
            r#"{"data":"e1","index":1,"type":"reasoning.encrypted"},"#,
            r#"{"data":"e2","index":1,"type":"reasoning.encrypted"}]}"#,
        );
        assert_eq!(message(&pieces, &[]).unwrap(), expected);
    }

    #[test]
    fn what_stands_beside_a_call_goes_back_with_it() {
        let extra = RawValue::from_string(r#"{"google":{"thought_signature":"Aa+/=="}}"#.to_owned()).unwrap();
        let call = ToolCall { id: "c".into(), name: "Read".into(), arguments: r#"{"n": 1.0}"#.into() };
        let calls = [DoneCall { call, extra_content: Some(extra) }];
        let expected = concat!(
            r#"{"role":"assistant","content":"Hi","tool_calls":[{"id":"c","type":"function","#,
            r#""function":{"name":"Read","arguments":"{\"n\": 1.0}"},"#,
            r#""extra_content":{"google":{"thought_signature":"Aa+/=="}}}]}"#,
        );
        assert_eq!(message(&[], &calls).unwrap(), expected);
    }
}
