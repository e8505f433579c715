//! From the neutral request to the body of Chat Completions.

use std::borrow::Cow;

use codex_task_config::{Attachment, AttachmentSupport, Effort, MediaType, ModelId};

use super::FORMAT;
use super::answer_form::{AnswerForm, answer_form};
use super::lessons::Lessons;
use super::model::ModelFacts;
use super::wire::{
    AssistantMessage, ChatCompletionsRequest, ContentPart, FunctionSpec, ImageUrl, InlineFile, PlainRole,
    ResultRole, StreamOptions, Tool, WireCall, WireMessage,
};
use crate::attachments::{DataUrl, Shown, shown};
use crate::dropped::SentParameters;
use crate::{
    AssistantPart, AssistantTurn, ChatDialect, ChatRequest, Message, ToolResult, UserPart, UserTurn,
};

/// Highest temperature of this format.
const TEMPERATURE_MAX: f32 = 2.0;
/// Beginnings of results that say by themselves that the tool failed.
const FAILURE_MARKS: &[&str] = &["error", "<tool_use_error>"];
/// Between texts that become one message.
const PARAGRAPH: &str = "\n\n";

/// How a server wants its requests.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    pub(super) dialect: ChatDialect,
    /// Tokens of the context window, from the settings.
    pub(super) context_tokens: Option<u64>,
    /// What its models can be shown beside text, from the settings.
    pub(super) attachments: Option<AttachmentSupport>,
    pub(super) lessons: Lessons,
}

/// The request on the wire. Parts that the model does not accept are left out; [`dropped`] names them.
pub(super) fn to_wire(request: &ChatRequest, style: Style) -> ChatCompletionsRequest<'_> {
    let sent = sent_parameters(request, style);
    let is_official = style.dialect == ChatDialect::OpenAi;
    let has_new_limit_name = is_official != style.lessons.other_limit_name;
    let (response_format, words) = match answer_form(request, style.dialect, style.lessons) {
        AnswerForm::Free => (None, None),
        AnswerForm::Format(format) => (Some(format), None),
        AnswerForm::Words(words) => (None, Some(words)),
    };
    let options = StreamOptions { include_usage: true };
    ChatCompletionsRequest {
        model: request.model.as_str(),
        stream: true,
        stream_options: (!style.lessons.without_stream_options).then_some(options),
        tools: tools(request),
        messages: messages(request, style, words),
        temperature: sent.temperature,
        max_tokens: sent.max_tokens.filter(|_| !has_new_limit_name),
        max_completion_tokens: sent.max_tokens.filter(|_| has_new_limit_name),
        reasoning_effort: sent.effort.map(Effort::as_str),
        response_format,
        prompt_cache_key: Some(&*request.cache_key).filter(|key| is_official && !key.is_empty()),
    }
}

/// What is not sent as asked, each as a sentence.
pub(super) fn dropped(request: &ChatRequest, style: Style) -> Vec<String> {
    sent_parameters(request, style).deviations(request)
}

fn sent_parameters(request: &ChatRequest, style: Style) -> SentParameters {
    let facts = ModelFacts::of(&request.model, style.dialect, style.context_tokens, style.lessons);
    let temperature = request.temperature.filter(|_| facts.sampling);
    SentParameters {
        temperature: temperature.map(|asked| asked.clamp(0.0, TEMPERATURE_MAX)),
        effort: request.effort.and_then(|asked| facts.effort(asked)),
        max_tokens: facts.max_tokens(request.max_output_tokens),
    }
}

/// Sorted by name: their order is part of the cached prefix.
fn tools(request: &ChatRequest) -> Vec<Tool<'_>> {
    let mut specs: Vec<_> = request.tools.iter().collect();
    specs.sort_by_key(|spec| &spec.name);
    specs
        .into_iter()
        .map(|spec| Tool::Function {
            function: FunctionSpec {
                name: &spec.name,
                description: &spec.description,
                parameters: &spec.input_schema,
            },
        })
        .collect()
}

/// The system prompt and the conversation. Texts of one role that follow each other become one message: the templates
/// of many local models refuse two.
fn messages(request: &ChatRequest, style: Style, words: Option<String>) -> Vec<WireMessage<'_>> {
    let facts = ModelFacts::of(&request.model, style.dialect, style.context_tokens, style.lessons);
    let support = style.attachments.unwrap_or(facts.attachments);
    let mut messages = Vec::with_capacity(request.messages.len() + 1);
    messages.extend(system_message(&request.system, style.dialect, words));
    for message in &request.messages {
        match &**message {
            Message::User(turn) => push_user_turn(&mut messages, turn, &request.model, support),
            Message::Assistant(turn) => push_assistant_turn(&mut messages, turn, request),
        }
    }
    messages
}

fn system_message(system: &str, dialect: ChatDialect, words: Option<String>) -> Option<WireMessage<'_>> {
    let role = match dialect {
        ChatDialect::OpenAi => PlainRole::Developer,
        ChatDialect::Compatible | ChatDialect::Local => PlainRole::System,
    };
    let content = match words {
        Some(words) if system.trim().is_empty() => Cow::Owned(words),
        Some(words) => Cow::Owned(format!("{system}{PARAGRAPH}{words}")),
        None if system.trim().is_empty() => return None,
        None => Cow::Borrowed(system),
    };
    Some(WireMessage::Plain { role, content })
}

/// Results first: they must follow the calls at once. They are text alone; what they show follows as if the user
/// showed it.
fn push_user_turn<'a>(
    messages: &mut Vec<WireMessage<'a>>,
    turn: &'a UserTurn,
    model: &ModelId,
    support: AttachmentSupport,
) {
    let mut pictures = Vec::new();
    for part in &turn.parts {
        if let UserPart::ToolResult(result) = part {
            let Shown { text, attachments } = shown(result, model, |kind| support.takes(kind));
            pictures.extend(attachments.into_iter().flat_map(|attachment| show(attachment, result)));
            let (role, content) = (ResultRole::Tool, result_text(text, result.is_error));
            messages.push(WireMessage::Result { role, tool_call_id: &result.call_id, content });
        }
    }
    if !pictures.is_empty() {
        messages.push(WireMessage::Shown { role: PlainRole::User, content: pictures });
    }
    let texts = turn.parts.iter().filter_map(|part| match part {
        UserPart::Text { text } if !text.trim().is_empty() => Some(&**text),
        UserPart::Text { .. } | UserPart::ToolResult(_) => None,
    });
    for text in texts {
        match messages.last_mut() {
            Some(WireMessage::Plain { role: PlainRole::User, content }) => append(content, text.into()),
            Some(WireMessage::Shown { content, .. }) => content.push(ContentPart::Text { text: text.into() }),
            _ => messages.push(WireMessage::Plain { role: PlainRole::User, content: text.into() }),
        }
    }
}

/// An attachment behind a line that says which result it belongs to.
fn show<'a>(attachment: &'a Attachment, result: &ToolResult) -> [ContentPart<'a>; 2] {
    let Attachment { name, .. } = attachment;
    let label = format!("{name}, which the call {} of {} shows:", result.call_id, result.tool);
    let url = DataUrl(attachment);
    let file = match attachment.media_type {
        MediaType::Pdf => ContentPart::File { file: InlineFile { filename: name, file_data: url } },
        MediaType::Png | MediaType::Jpeg | MediaType::Gif | MediaType::Webp => {
            ContentPart::ImageUrl { image_url: ImageUrl { url } }
        }
    };
    [ContentPart::Text { text: label.into() }, file]
}

/// The format has no flag for failure: the text must say it.
fn result_text(text: Cow<'_, str>, is_error: bool) -> Cow<'_, str> {
    let says_so = FAILURE_MARKS.iter().any(|mark| {
        text.trim_start().get(..mark.len()).is_some_and(|start| start.eq_ignore_ascii_case(mark))
    });
    if is_error && !says_so { Cow::Owned(format!("Error: {text}")) } else { text }
}

/// The turn as this very model wrote it, or its neutral form for any other.
fn push_assistant_turn<'a>(
    messages: &mut Vec<WireMessage<'a>>,
    turn: &'a AssistantTurn,
    request: &ChatRequest,
) {
    if let Some([message]) = turn.state_for(FORMAT, &request.model) {
        messages.push(WireMessage::Echo(message));
        return;
    }
    let mut message = AssistantMessage::new("");
    for part in &turn.parts {
        match part {
            AssistantPart::Text { text } if text.trim().is_empty() => {}
            AssistantPart::Text { text } => append(&mut message.content, text.into()),
            AssistantPart::ToolCall(call) => {
                message.tool_calls.push(WireCall::new(&call.id, &call.name, &call.arguments));
            }
        }
    }
    match messages.last_mut() {
        _ if message.content.is_empty() && message.tool_calls.is_empty() => {}
        Some(WireMessage::Assistant(last)) => {
            append(&mut last.content, message.content);
            last.tool_calls.extend(message.tool_calls);
        }
        _ => messages.push(WireMessage::Assistant(message)),
    }
}

fn append<'a>(content: &mut Cow<'a, str>, text: Cow<'a, str>) {
    if content.is_empty() {
        *content = text;
    } else if !text.is_empty() {
        let content = content.to_mut();
        content.push_str(PARAGRAPH);
        content.push_str(&text);
    }
}

#[cfg(test)]
#[path = "encode_tests.rs"]
mod tests;
