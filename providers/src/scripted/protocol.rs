//! The rules of a well-formed conversation. Providers check fewer of them, but each is checked by at least one.

use std::collections::HashSet;

use codex_task_config::Attachment;
use serde_json::Value;

use super::conversation::Conversation;
use crate::{AssistantTurn, ChatRequest, Message, ToolResult, UserPart, UserTurn};

/// Checks a request; the error is a sentence that says what is wrong with it.
pub(super) fn check(request: &ChatRequest) -> Result<(), String> {
    check_tools(request)?;
    check_attachments(request)?;
    // What the last assistant turn called: the user turn after it must answer all of it.
    let mut called: Vec<(&str, &str)> = Vec::new();
    let mut previous = None;
    for (index, message) in request.messages.iter().enumerate() {
        let place = index + 1;
        let role = role(message);
        match previous {
            None if role != "user" => return Err("the first turn is not a user turn".to_owned()),
            Some(before) if before == role => {
                return Err(format!("turns {index} and {place} are both {role} turns"));
            }
            _ => {}
        }
        match &**message {
            Message::User(turn) => check_answers(turn, &std::mem::take(&mut called), place)?,
            Message::Assistant(turn) => called = calls_of(turn, place)?,
        }
        previous = Some(role);
    }
    match previous {
        Some("user") => Ok(()),
        Some(_) => Err("the last turn is not a user turn".to_owned()),
        None => Err("the conversation is empty".to_owned()),
    }
}

fn role(message: &Message) -> &'static str {
    match message {
        Message::User(_) => "user",
        Message::Assistant(_) => "assistant",
    }
}

fn check_tools(request: &ChatRequest) -> Result<(), String> {
    for pair in request.tools.windows(2) {
        if let [first, second] = pair {
            if first.name == second.name {
                return Err(format!("the tool '{}' is offered twice", first.name));
            }
            if first.name > second.name {
                return Err(format!(
                    "the tools are not sorted by name: '{}' comes before '{}'",
                    first.name, second.name
                ));
            }
        }
    }
    let is_object = |schema: &str| {
        serde_json::from_str::<Value>(schema).is_ok_and(|schema| schema.get("type") == Some(&"object".into()))
    };
    match request.tools.iter().find(|tool| !is_object(tool.input_schema.get())) {
        Some(tool) => Err(format!("the schema of the tool '{}' does not describe an object", tool.name)),
        None => Ok(()),
    }
}

/// A conversation shows no more than every vendor takes.
fn check_attachments(request: &ChatRequest) -> Result<(), String> {
    let shown: Vec<&Attachment> = Conversation::new(request).results().flat_map(|r| &r.attachments).collect();
    let chars: usize = shown.iter().map(|attachment| attachment.data.len()).sum();
    if shown.len() > Attachment::COUNT_MAX || chars > Attachment::CHARS_MAX {
        return Err(format!("{} files with {chars} characters are shown", shown.len()));
    }
    Ok(())
}

/// Ids and tools of a turn's calls.
fn calls_of(turn: &AssistantTurn, place: usize) -> Result<Vec<(&str, &str)>, String> {
    if turn.parts.is_empty() {
        return Err(format!("the assistant turn {place} is empty"));
    }
    let mut ids = HashSet::new();
    match turn.tool_calls().find(|call| !ids.insert(&*call.id)) {
        Some(call) => Err(format!("two tool calls of turn {place} have the id '{}'", call.id)),
        None => Ok(turn.tool_calls().map(|call| (&*call.id, &*call.name)).collect()),
    }
}

/// Each call has exactly one result, no result lacks its call, and results come before texts.
fn check_answers(turn: &UserTurn, called: &[(&str, &str)], place: usize) -> Result<(), String> {
    if turn.parts.is_empty() {
        return Err(format!("the user turn {place} is empty"));
    }
    let mut answered = HashSet::new();
    let mut text_seen = false;
    for part in &turn.parts {
        let result = match part {
            UserPart::Text { .. } => {
                text_seen = true;
                continue;
            }
            UserPart::ToolResult(result) => result,
        };
        if text_seen {
            return Err(format!("turn {place} has a tool result behind a text"));
        }
        check_answer(result, called, place)?;
        if !answered.insert(&*result.call_id) {
            return Err(format!("turn {place} answers the call '{}' twice", result.call_id));
        }
    }
    match called.iter().find(|(id, _)| !answered.contains(id)) {
        Some((id, tool)) => Err(format!("turn {place} has no result for the call '{id}' of {tool}")),
        None => Ok(()),
    }
}

fn check_answer(result: &ToolResult, called: &[(&str, &str)], place: usize) -> Result<(), String> {
    match called.iter().find(|(id, _)| *id == &*result.call_id) {
        None => Err(format!(
            "turn {place} has a result for '{}', which the turn before it did not call",
            result.call_id
        )),
        Some((id, _)) if result.is_error && !result.attachments.is_empty() => {
            Err(format!("turn {place} shows files beside the failure of '{id}'"))
        }
        Some((id, tool)) if *tool != &*result.tool => Err(format!(
            "turn {place} answers the call '{id}' of {tool} as if it were one of {}",
            result.tool
        )),
        Some(_) => Ok(()),
    }
}

#[cfg(test)]
#[path = "protocol_tests.rs"]
mod tests;
