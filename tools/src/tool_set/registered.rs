//! A tool with its schema compiled, and Claude Code's words for arguments that break it.

use std::fmt::Write as _;
use std::sync::{Arc, OnceLock};

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{ValidationError, Validator};
use serde_json::Value;

use crate::{Tool, ToolError};

/// Issues of one call that are listed.
const ISSUES_MAX: usize = 10;

/// A tool in a toolbox. The schema is compiled at the first call and shared by all agents.
pub(super) struct Registered {
    pub(super) tool: Arc<dyn Tool>,
    validator: OnceLock<Result<Validator, String>>,
}

impl Registered {
    pub(super) fn new(tool: Arc<dyn Tool>) -> Self {
        Self { tool, validator: OnceLock::new() }
    }

    /// Reads and checks the arguments that a model sent; nothing at all is `{}`.
    ///
    /// # Errors
    /// [`ToolError::Input`] with one line for each issue.
    pub(super) fn arguments(&self, text: &str) -> Result<Value, ToolError> {
        let text = if text.trim().is_empty() { "{}" } else { text };
        let arguments: Value = serde_json::from_str(text)
            .map_err(|error| self.invalid(&[format!("The arguments are not valid JSON: {error}")]))?;
        if !arguments.is_object() {
            let kind = type_of(&arguments);
            return Err(
                self.invalid(&[format!("The arguments must be an `object` but are provided as `{kind}`")])
            );
        }
        if !self.tool.is_checked_by_schema() {
            return Ok(arguments);
        }
        let validator = self.validator.get_or_init(|| {
            let schema: Value = serde_json::from_str(self.tool.definition().input_schema.get())
                .map_err(|error| error.to_string())?;
            jsonschema::validator_for(&schema).map_err(|error| error.to_string())
        });
        let validator = validator.as_ref().map_err(|error| {
            ToolError::Failed(format!("{} has a broken schema: {error}", self.tool.definition().name))
        })?;
        let mut issues: Vec<String> =
            validator.iter_errors(&arguments).flat_map(|error| issues_of(&error)).collect();
        if issues.is_empty() {
            return Ok(arguments);
        }
        issues.truncate(ISSUES_MAX);
        Err(self.invalid(&issues))
    }

    fn invalid(&self, issues: &[String]) -> ToolError {
        let noun = if issues.len() == 1 { "issue" } else { "issues" };
        let name = &self.tool.definition().name;
        let issues = issues.join("\n");
        ToolError::Input(format!(
            "InputValidationError: {name} failed due to the following {noun}:\n{issues}"
        ))
    }
}

fn issues_of(error: &ValidationError<'_>) -> Vec<String> {
    let place = place_of(error);
    let inside = |name: &str| if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") };
    match error.kind() {
        ValidationErrorKind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            vec![format!("The required parameter `{}` is missing", inside(name))]
        }
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => unexpected
            .iter()
            .map(|name| format!("An unexpected parameter `{}` was provided", inside(name)))
            .collect(),
        ValidationErrorKind::Type { kind } => {
            let provided = type_of(error.instance());
            let expected = match kind {
                TypeKind::Single(kind) => plain_type(&kind.to_string()).to_owned(),
                TypeKind::Multiple(kinds) => {
                    let names: Vec<String> =
                        kinds.iter().map(|kind| plain_type(&kind.to_string()).to_owned()).collect();
                    names.join(" | ")
                }
            };
            vec![format!(
                "The parameter `{place}` type is expected as `{expected}` but provided as `{provided}`"
            )]
        }
        _ => vec![format!("The parameter `{place}` is not valid: {error}")],
    }
}

/// `todos[0].content` for `/todos/0/content`.
fn place_of(error: &ValidationError<'_>) -> String {
    let mut place = String::new();
    for segment in error.instance_path().as_str().split('/').skip(1) {
        let segment = segment.replace("~1", "/").replace("~0", "~");
        let written = match segment.parse::<usize>() {
            Ok(index) => write!(place, "[{index}]"),
            Err(_) if place.is_empty() => write!(place, "{segment}"),
            Err(_) => write!(place, ".{segment}"),
        };
        debug_assert!(written.is_ok(), "writing to a string cannot fail");
    }
    place
}

/// Models know one kind of number.
fn plain_type(name: &str) -> &str {
    if name == "integer" { "number" } else { name }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
