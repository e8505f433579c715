//! Tool calls that a rule makes.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::conversation::Conversation;
use super::{Template, TemplateError};

/// A tool call that a rule makes.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "CallForm")]
pub struct ScriptedCall {
    pub(super) tool: String,
    pub(super) id: Option<String>,
    arguments: Arguments,
    pub(super) must_be_offered: bool,
}

/// A call as files write it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CallForm {
    tool: String,
    id: Option<String>,
    arguments: Option<Map<String, Value>>,
    raw_arguments: Option<String>,
    #[serde(default = "yes")]
    offered: bool,
}

#[derive(Clone, Debug)]
enum Arguments {
    /// An object whose texts are templates.
    Object(Vec<(String, Argument)>),
    /// Sent as it stands: for arguments that are no JSON.
    Raw(String),
}

#[derive(Clone, Debug)]
enum Argument {
    Text(Template),
    List(Vec<Argument>),
    Object(Vec<(String, Argument)>),
    Other(Value),
}

/// Why a call cannot stand in a scenario.
#[derive(Debug, thiserror::Error)]
enum CallError {
    #[error("a call has either arguments or raw_arguments")]
    TwoArguments,
    #[error(transparent)]
    Template(#[from] TemplateError),
}

impl ScriptedCall {
    /// Calls a tool; the arguments are sent as they stand. Anything but an object is sent too, and is broken.
    pub fn new(tool: impl Into<String>, arguments: &Value) -> Self {
        Self {
            tool: tool.into(),
            id: None,
            arguments: Arguments::Raw(arguments.to_string()),
            must_be_offered: true,
        }
    }

    /// Calls a tool with text instead of JSON, for example JSON that was cut off.
    pub fn raw(tool: impl Into<String>, arguments: impl Into<String>) -> Self {
        Self {
            tool: tool.into(),
            id: None,
            arguments: Arguments::Raw(arguments.into()),
            must_be_offered: true,
        }
    }

    /// Calls a tool with arguments whose texts are templates.
    ///
    /// # Errors
    /// The first text that is no template.
    pub fn template(tool: impl Into<String>, arguments: Map<String, Value>) -> Result<Self, TemplateError> {
        Ok(Self {
            tool: tool.into(),
            id: None,
            arguments: Arguments::Object(object(arguments)?),
            must_be_offered: true,
        })
    }

    /// Gives the call an id instead of `call_<turn>_<place>`.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Allows the tool to be one that is not offered, as models sometimes invent one.
    #[must_use]
    pub fn not_offered(mut self) -> Self {
        self.must_be_offered = false;
        self
    }

    /// The arguments as the model would write them.
    pub(super) fn arguments(&self, conversation: Conversation<'_>) -> Result<String, String> {
        match &self.arguments {
            Arguments::Raw(text) => Ok(text.clone()),
            Arguments::Object(fields) => Ok(filled_object(fields, conversation)?.to_string()),
        }
    }
}

impl TryFrom<CallForm> for ScriptedCall {
    type Error = CallError;

    fn try_from(form: CallForm) -> Result<Self, CallError> {
        let arguments = match (form.arguments, form.raw_arguments) {
            (Some(_), Some(_)) => return Err(CallError::TwoArguments),
            (None, Some(text)) => Arguments::Raw(text),
            (arguments, None) => Arguments::Object(object(arguments.unwrap_or_default())?),
        };
        Ok(Self { tool: form.tool, id: form.id, arguments, must_be_offered: form.offered })
    }
}

fn yes() -> bool {
    true
}

fn object(fields: Map<String, Value>) -> Result<Vec<(String, Argument)>, TemplateError> {
    fields.into_iter().map(|(name, value)| Ok((name, argument(value)?))).collect()
}

fn argument(value: Value) -> Result<Argument, TemplateError> {
    Ok(match value {
        Value::String(text) => Argument::Text(Template::parse(&text)?),
        Value::Array(values) => Argument::List(values.into_iter().map(argument).collect::<Result<_, _>>()?),
        Value::Object(fields) => Argument::Object(object(fields)?),
        other @ (Value::Null | Value::Bool(_) | Value::Number(_)) => Argument::Other(other),
    })
}

fn filled(argument: &Argument, conversation: Conversation<'_>) -> Result<Value, String> {
    Ok(match argument {
        Argument::Text(template) => Value::String(template.render(conversation)?),
        Argument::List(values) => {
            Value::Array(values.iter().map(|value| filled(value, conversation)).collect::<Result<_, _>>()?)
        }
        Argument::Object(fields) => filled_object(fields, conversation)?,
        Argument::Other(value) => value.clone(),
    })
}

fn filled_object(fields: &[(String, Argument)], conversation: Conversation<'_>) -> Result<Value, String> {
    let filled = |(name, value): &(String, Argument)| Ok((name.clone(), filled(value, conversation)?));
    Ok(Value::Object(fields.iter().map(filled).collect::<Result<_, String>>()?))
}
