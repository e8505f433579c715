//! From the neutral request to the body of Messages.

use codex_task_config::{AttachmentSupport, MediaType, ModelId};

use super::FORMAT;
use super::caching::{CacheLifetime, set_breakpoints};
use super::model::{ModelFacts, ThinkingMode};
use super::schema::DIALECT;
use super::wire::{
    Block, MessagesRequest, OutputConfig, OutputFormat, ResultBlock, ResultContent, Role, Source, Thinking,
    Tool, ToolEntry, WebSearchTool, WireMessage,
};
use crate::attachments::{Shown, shown};
use crate::dropped::SentParameters;
use crate::raw_object::object_or_empty;
use crate::wire_name::wire_name;
use crate::{AssistantPart, AssistantTurn, ChatRequest, Message, UserPart};

/// Highest temperature that the server accepts.
const TEMPERATURE_MAX: f32 = 1.0;

/// The request on the wire. Parts that the model does not accept are left out; [`dropped`] names them.
pub(super) fn to_wire(
    request: &ChatRequest,
    lifetime: CacheLifetime,
    attachments: Option<AttachmentSupport>,
) -> MessagesRequest<'_> {
    let facts = ModelFacts::of(&request.model);
    let temperature = temperature(request, &facts);
    let effort = request.effort.and_then(|effort| facts.effort(effort));
    // Models that need to be told to think refuse a temperature while they do.
    let thinks = effort.is_some() && facts.thinking == ThinkingMode::Adaptive && temperature.is_none();
    let format = request.output.as_ref();
    let format = format.map(|output| OutputFormat::JsonSchema { schema: DIALECT.adapt(&output.schema) });
    let output_config = OutputConfig { effort: effort.map(codex_task_config::Effort::as_str), format };
    let mut wire = MessagesRequest {
        model: request.model.as_str(),
        max_tokens: facts.max_tokens(request.max_output_tokens),
        stream: true,
        tools: tools(request),
        system: text_block(&request.system).into_iter().collect(),
        messages: messages(request, attachments.unwrap_or(facts.attachments)),
        temperature,
        thinking: thinks.then_some(Thinking::Adaptive),
        output_config: Some(output_config)
            .filter(|config| *config != OutputConfig { effort: None, format: None }),
    };
    set_breakpoints(&mut wire, lifetime);
    wire
}

/// What is not sent as asked, each as a sentence.
pub(super) fn dropped(request: &ChatRequest) -> Vec<String> {
    let facts = ModelFacts::of(&request.model);
    let sent = SentParameters {
        temperature: temperature(request, &facts),
        effort: request.effort.and_then(|asked| facts.effort(asked)),
        max_tokens: Some(facts.max_tokens(request.max_output_tokens)),
    };
    sent.deviations(request)
}

fn temperature(request: &ChatRequest, facts: &ModelFacts) -> Option<f32> {
    request.temperature.filter(|_| facts.sampling).map(|asked| asked.clamp(0.0, TEMPERATURE_MAX))
}

/// Sorted by name: their order is part of the cached prefix.
fn tools(request: &ChatRequest) -> Vec<ToolEntry<'_>> {
    let mut tools: Vec<Tool<'_>> = request
        .tools
        .iter()
        .map(|spec| Tool {
            name: &spec.name,
            description: &spec.description,
            input_schema: &spec.input_schema,
            cache_control: None,
        })
        .collect();
    tools.sort_by_key(|tool| tool.name);
    let search = request.search.as_ref().map(|search| {
        ToolEntry::WebSearch(WebSearchTool {
            name: "web_search",
            max_uses: search.uses_max,
            allowed_domains: &search.allowed_domains,
            // The server takes one of the two lists.
            blocked_domains: if search.allowed_domains.is_empty() { &search.blocked_domains } else { &[] },
        })
    });
    tools.into_iter().map(ToolEntry::Ours).chain(search).collect()
}

/// The conversation with strictly alternating roles: neighbours of one role become one message.
fn messages(request: &ChatRequest, support: AttachmentSupport) -> Vec<WireMessage<'_>> {
    let mut messages: Vec<WireMessage<'_>> = Vec::with_capacity(request.messages.len());
    for message in &request.messages {
        let (role, content) = match &**message {
            Message::User(turn) => {
                let blocks = turn.parts.iter().filter_map(|part| user_block(part, &request.model, support));
                (Role::User, blocks.collect())
            }
            Message::Assistant(turn) => (Role::Assistant, assistant_blocks(turn, request)),
        };
        match messages.last_mut() {
            _ if content.is_empty() => {}
            Some(last) if last.role == role => last.content.extend(content),
            Some(_) | None => messages.push(WireMessage { role, content }),
        }
    }
    for message in messages.iter_mut().filter(|message| message.role == Role::User) {
        // The server wants results before anything else; the sort is stable.
        message.content.sort_by_key(|block| !matches!(block, Block::ToolResult { .. }));
    }
    messages
}

fn user_block<'a>(part: &'a UserPart, model: &ModelId, support: AttachmentSupport) -> Option<Block<'a>> {
    match part {
        UserPart::Text { text } => text_block(text),
        UserPart::ToolResult(result) => Some(Block::ToolResult {
            tool_use_id: wire_name(&result.call_id),
            content: result_content(shown(result, model, |kind| support.takes(kind))),
            is_error: result.is_error,
            cache_control: None,
        }),
    }
}

/// The text first: it says what is shown. The server refuses texts of white space here too.
fn result_content(shown: Shown<'_>) -> ResultContent<'_> {
    if shown.attachments.is_empty() {
        return ResultContent::Text(shown.text);
    }
    let text = (!shown.text.trim().is_empty()).then_some(ResultBlock::Text { text: shown.text });
    let files = shown.attachments.into_iter().map(|attachment| {
        let source = Source { media_type: attachment.media_type, data: &attachment.data };
        match attachment.media_type {
            MediaType::Pdf => ResultBlock::Document { source, title: &attachment.name },
            MediaType::Png | MediaType::Jpeg | MediaType::Gif | MediaType::Webp => {
                ResultBlock::Image { source }
            }
        }
    });
    ResultContent::Blocks(text.into_iter().chain(files).collect())
}

/// The turn as this very model wrote it, or its neutral form for any other.
fn assistant_blocks<'a>(turn: &'a AssistantTurn, request: &ChatRequest) -> Vec<Block<'a>> {
    match turn.state_for(FORMAT, &request.model) {
        Some(items) if !items.is_empty() => items.iter().map(|item| Block::Echo(item)).collect(),
        Some(_) | None => turn.parts.iter().filter_map(neutral_block).collect(),
    }
}

fn neutral_block(part: &AssistantPart) -> Option<Block<'_>> {
    match part {
        AssistantPart::Text { text } => text_block(text),
        AssistantPart::ToolCall(call) => Some(Block::ToolUse {
            id: wire_name(&call.id),
            name: wire_name(&call.name),
            input: object_or_empty(&call.arguments),
        }),
    }
}

/// The server refuses texts that are empty or only white space.
fn text_block(text: &str) -> Option<Block<'_>> {
    (!text.trim().is_empty()).then_some(Block::Text { text, cache_control: None })
}

#[cfg(test)]
#[path = "encode_tests.rs"]
mod tests;
