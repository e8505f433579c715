//! From the neutral request to the body of Responses.

use std::borrow::Cow;
use std::fmt::Write as _;

use codex_task_config::{Attachment, AttachmentSupport, MediaType, ModelId};
use sha2::{Digest, Sha256};

use super::FORMAT;
use super::model::ModelFacts;
use super::schema::{SchemaForm, form_of};
use super::wire::{
    Content, InputText, Item, JsonSchema, Output, OutputPart, Reasoning, ResponsesRequest, Role,
    SearchFilters, TextConfig, Tool, ToolEntry, WebSearchTool,
};
use crate::attachments::{DataUrl, Shown, shown};
use crate::dropped::SentParameters;
use crate::raw_object::object_or_empty;
use crate::wire_name::wire_name;
use crate::{AssistantPart, AssistantTurn, ChatRequest, Message, ToolResult, UserPart, UserTurn};

/// Highest temperature that the server accepts.
const TEMPERATURE_MAX: f32 = 2.0;
/// Longest id of a call and longest cache key that the server accepts.
const ID_CHARS_MAX: usize = 64;
/// Reasoning in a form that a server which keeps nothing takes back.
const ENCRYPTED_REASONING: &str = "reasoning.encrypted_content";
/// The pages that a search of the server's found, cited or not.
const SEARCH_SOURCES: &str = "web_search_call.action.sources";
/// What marks a failed tool: the format has no flag for it.
const FAILURE_MARK: &str = "Error: ";

/// The request on the wire. Parts that the model does not accept are left out; [`dropped`] names them.
pub(super) fn to_wire(request: &ChatRequest, attachments: Option<AttachmentSupport>) -> ResponsesRequest<'_> {
    let facts = ModelFacts::of(&request.model);
    let sent = sent_parameters(request, &facts);
    let tools = tools(request);
    let include =
        [facts.reasons().then_some(ENCRYPTED_REASONING), request.search.is_some().then_some(SEARCH_SOURCES)];
    ResponsesRequest {
        model: request.model.as_str(),
        stream: true,
        store: false,
        prompt_cache_key: (!request.cache_key.is_empty()).then(|| bounded_id(&request.cache_key)),
        instructions: Some(&*request.system).filter(|system| !system.trim().is_empty()),
        parallel_tool_calls: (facts.parallel_calls && !tools.is_empty()).then_some(true),
        tools,
        input: input(request, attachments.unwrap_or(facts.attachments)),
        max_output_tokens: sent.max_tokens,
        temperature: sent.temperature,
        reasoning: sent.effort.map(|effort| Reasoning { effort: effort.as_str() }),
        include: include.into_iter().flatten().collect(),
        max_tool_calls: request.search.as_ref().map(|search| search.uses_max),
        text: text_config(request, &facts),
    }
}

/// What is not sent as asked, each as a sentence.
pub(super) fn dropped(request: &ChatRequest) -> Vec<String> {
    let facts = ModelFacts::of(&request.model);
    let mut sentences = sent_parameters(request, &facts).deviations(request);
    if request.output.is_some() && text_config(request, &facts).is_none() {
        sentences.push(format!(
            "the schema of the answer is not accepted by {} and was left out; the answer is checked all the same",
            request.model
        ));
    }
    sentences
}

fn sent_parameters(request: &ChatRequest, facts: &ModelFacts) -> SentParameters {
    let temperature = request.temperature.filter(|_| facts.sampling);
    SentParameters {
        temperature: temperature.map(|asked| asked.clamp(0.0, TEMPERATURE_MAX)),
        effort: request.effort.and_then(|asked| facts.effort(asked)),
        max_tokens: facts.max_tokens(request.max_output_tokens),
    }
}

fn text_config<'a>(request: &'a ChatRequest, facts: &ModelFacts) -> Option<TextConfig<'a>> {
    let output = request.output.as_ref().filter(|_| facts.schemas)?;
    let (schema, strict) = match form_of(&output.schema) {
        SchemaForm::Strict(schema) => (Cow::Owned(schema), true),
        SchemaForm::Loose => (Cow::Borrowed(&*output.schema), false),
        SchemaForm::None => return None,
    };
    Some(TextConfig { format: JsonSchema { name: &output.name, schema, strict } })
}

/// Sorted by name: their order is part of the cached prefix.
fn tools(request: &ChatRequest) -> Vec<ToolEntry<'_>> {
    let mut tools: Vec<Tool<'_>> = request
        .tools
        .iter()
        .map(|spec| Tool {
            name: &spec.name,
            description: &spec.description,
            parameters: &spec.input_schema,
            strict: false,
        })
        .collect();
    tools.sort_by_key(|tool| tool.name);
    let search = request.search.as_ref().map(|search| {
        let allowed_domains = &*search.allowed_domains;
        let filters = (!allowed_domains.is_empty()).then_some(SearchFilters { allowed_domains });
        ToolEntry::WebSearch(WebSearchTool { filters })
    });
    tools.into_iter().map(ToolEntry::Ours).chain(search).collect()
}

/// The conversation, flat. Texts of the user that follow each other become one message: the templates of local models
/// want roles to alternate.
fn input(request: &ChatRequest, support: AttachmentSupport) -> Vec<Item<'_>> {
    let mut items = Vec::with_capacity(request.messages.len() * 2);
    for message in &request.messages {
        match &**message {
            Message::User(turn) => push_user(turn, &request.model, support, &mut items),
            Message::Assistant(turn) => push_assistant(turn, request, &mut items),
        }
    }
    items
}

fn push_user<'a>(turn: &'a UserTurn, model: &ModelId, support: AttachmentSupport, items: &mut Vec<Item<'a>>) {
    // Results first: the templates of local models want them right behind their calls.
    items.extend(turn.parts.iter().filter_map(|part| match part {
        UserPart::ToolResult(result) => Some(call_output(result, model, support)),
        UserPart::Text { .. } => None,
    }));
    for part in &turn.parts {
        match part {
            UserPart::Text { text } if !text.trim().is_empty() => push_text(text, items),
            UserPart::Text { .. } | UserPart::ToolResult(_) => {}
        }
    }
}

fn push_text<'a>(text: &'a str, items: &mut Vec<Item<'a>>) {
    if let Some(Item::Message { role: Role::User, content: Content::Parts(parts) }) = items.last_mut() {
        parts.push(InputText { text });
    } else {
        let content = Content::Parts(vec![InputText { text }]);
        items.push(Item::Message { role: Role::User, content });
    }
}

fn call_output<'a>(result: &'a ToolResult, model: &ModelId, support: AttachmentSupport) -> Item<'a> {
    let Shown { text, attachments } = shown(result, model, |kind| support.takes(kind));
    let text = if result.is_error && !text.starts_with(FAILURE_MARK) {
        Cow::Owned(format!("{FAILURE_MARK}{text}"))
    } else {
        text
    };
    let output = if attachments.is_empty() {
        Output::Text(text)
    } else {
        let text = OutputPart::Text { text };
        Output::Parts([text].into_iter().chain(attachments.into_iter().map(output_part)).collect())
    };
    Item::FunctionCallOutput { call_id: bounded_id(&result.call_id), output }
}

fn output_part(attachment: &Attachment) -> OutputPart<'_> {
    let url = DataUrl(attachment);
    match attachment.media_type {
        MediaType::Pdf => OutputPart::File { filename: &attachment.name, file_data: url },
        MediaType::Png | MediaType::Jpeg | MediaType::Gif | MediaType::Webp => {
            OutputPart::Image { image_url: url }
        }
    }
}

/// The turn as this very model wrote it, or its neutral form for any other.
fn push_assistant<'a>(turn: &'a AssistantTurn, request: &ChatRequest, items: &mut Vec<Item<'a>>) {
    match turn.state_for(FORMAT, &request.model) {
        Some(echo) if !echo.is_empty() => items.extend(echo.iter().map(|item| Item::Echo(item))),
        Some(_) | None => items.extend(turn.parts.iter().filter_map(neutral_item)),
    }
}

fn neutral_item(part: &AssistantPart) -> Option<Item<'_>> {
    match part {
        AssistantPart::Text { text } => (!text.trim().is_empty())
            .then_some(Item::Message { role: Role::Assistant, content: Content::Text(text) }),
        AssistantPart::ToolCall(call) => Some(Item::FunctionCall {
            call_id: bounded_id(&call.id),
            name: wire_name(&call.name),
            arguments: object_or_empty(&call.arguments).get(),
        }),
    }
}

/// An id that the server accepts. Longer ones, as some gateways make them, are hashed; a call and its result pass
/// through here alike, so they still match.
fn bounded_id(id: &str) -> Cow<'_, str> {
    if id.chars().count() <= ID_CHARS_MAX {
        return Cow::Borrowed(id);
    }
    let mut bounded = String::from("call_");
    for byte in Sha256::digest(id).iter().take(16) {
        // Writing to a String cannot fail.
        let _ = write!(bounded, "{byte:02x}");
    }
    Cow::Owned(bounded)
}

#[cfg(test)]
#[path = "encode_tests.rs"]
mod tests;
