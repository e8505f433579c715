//! The form that reports must have, from a file.

use std::fs;
use std::path::Path;

use codex_task_providers::OutputSchema;
use serde_json::Value;

use crate::fault::Fault;
use crate::host::Host;

/// Longest name that providers take.
const NAME_CHARS_MAX: usize = 64;

/// Reads a JSON schema.
pub(super) fn read(file: &Path, host: &Host) -> Result<OutputSchema, Fault> {
    let text = fs::read_to_string(host.environment.cwd().join(file))
        .map_err(|error| Fault::file("cannot read the schema", file, &error))?;
    let wrong = |cause: String| {
        Fault::new(format!("'{}' is no JSON schema", file.display())).because(cause).suggest(
            "write for example {\"type\": \"object\", \"properties\": {\"passed\": {\"type\": \"boolean\"}}}",
        )
    };
    let schema: Value = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    let Value::Object(keys) = &schema else {
        return Err(wrong("a JSON object is needed".to_owned()));
    };
    let title = keys.get("title").and_then(Value::as_str).unwrap_or("report");
    let allowed = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let name: String = title.chars().map(allowed).take(NAME_CHARS_MAX).collect();
    Ok(OutputSchema { name: name.into(), schema: schema.into() })
}
