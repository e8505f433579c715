//! Structured output: as the server's own feature where that leaves tools usable, else as words for the model.

use std::borrow::Cow;

use super::lessons::Lessons;
use super::wire::{JsonSchema, ResponseFormat};
use crate::openai::{SchemaForm, form_of};
use crate::{ChatDialect, ChatRequest, OutputSchema};

/// How the model is told which form its answer must have.
#[derive(Debug)]
pub(super) enum AnswerForm<'a> {
    /// Any.
    Free,
    /// By `response_format`.
    Format(ResponseFormat<'a>),
    /// By a paragraph of the system prompt.
    Words(String),
}

/// Chooses the way. Servers other than OpenAI's constrain every answer to the schema from its first token on, so that
/// no tool can be called any more: while tools are offered, the schema is explained instead.
pub(super) fn answer_form(request: &ChatRequest, dialect: ChatDialect, lessons: Lessons) -> AnswerForm<'_> {
    let Some(output) = &request.output else { return AnswerForm::Free };
    let is_usable = request.tools.is_empty() || dialect == ChatDialect::OpenAi;
    let usable = Some(output).filter(|_| is_usable && !lessons.without_response_format);
    match usable.and_then(|output| json_schema(output, dialect)) {
        Some(json_schema) => AnswerForm::Format(ResponseFormat::JsonSchema { json_schema }),
        None => AnswerForm::Words(format!(
            "Your final answer must be one JSON value that follows this JSON schema, without any text or code fence \
             around it:\n{}",
            output.schema
        )),
    }
}

/// Local servers turn the schema as it is into a grammar; hosted ones follow OpenAI's rules, by which some schemas
/// cannot be sent at all.
fn json_schema(output: &OutputSchema, dialect: ChatDialect) -> Option<JsonSchema<'_>> {
    let as_it_is = Cow::Borrowed(&*output.schema);
    let (schema, strict) = match dialect {
        ChatDialect::Local => (as_it_is, true),
        ChatDialect::OpenAi | ChatDialect::Compatible => match form_of(&output.schema) {
            SchemaForm::Strict(schema) => (Cow::Owned(schema), true),
            SchemaForm::Loose => (as_it_is, false),
            SchemaForm::None => return None,
        },
    };
    Some(JsonSchema { name: &output.name, schema, strict })
}
