//! One tool as a server offers it.

use codex_task_config::{McpServerName, ToolName};
use rmcp::model::Tool as WireTool;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::schema;
use crate::visible::{first_chars, visible, visible_line};
use crate::{RemoteChanges, ToolDefinition};

/// Characters of a description, as in Claude Code.
const DESCRIPTION_CHARS_MAX: usize = 2_048;
/// Characters of a refused name that are shown.
const NAME_CHARS_MAX: usize = 80;

/// SHA-256 of all that a model is told about a tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pin([u8; 32]);

/// A tool that can be offered to a model.
#[derive(Clone, Debug)]
pub(super) struct Offer {
    /// What the model is told.
    pub(super) definition: ToolDefinition,
    /// What the server calls it.
    pub(super) wire_name: String,
    /// What the server says about its effects.
    pub(super) changes: RemoteChanges,
    /// What must not change.
    pub(super) pin: Pin,
}

impl Offer {
    /// Takes what a server says about one of its tools.
    ///
    /// # Errors
    /// Why the tool is left out, with its name.
    pub(super) fn new(server: &McpServerName, tool: &WireTool) -> Result<Self, String> {
        let left_out = |reason: &str| format!("{}: {reason}", visible_line(&tool.name, NAME_CHARS_MAX));
        let name =
            server.tool(&tool.name).ok_or_else(|| left_out("its full name is longer than 64 characters"))?;
        let description = tool.description.as_deref().unwrap_or_default();
        let input_schema = schema::shown(&tool.input_schema).map_err(|reason| left_out(&reason))?;
        let says_read_only = tool.annotations.as_ref().and_then(|hints| hints.read_only_hint) == Some(true);
        Ok(Self {
            definition: ToolDefinition {
                name,
                description: shown_description(description).into(),
                input_schema: input_schema.into(),
            },
            wire_name: tool.name.to_string(),
            changes: if says_read_only { RemoteChanges::SaysNone } else { RemoteChanges::Possible },
            pin: Pin::of(&tool.name, description, &Value::Object(tool.input_schema.as_ref().clone())),
        })
    }

    /// The name by which a model calls it.
    pub(super) fn name(&self) -> &ToolName {
        &self.definition.name
    }
}

fn shown_description(description: &str) -> String {
    let kept = first_chars(description, DESCRIPTION_CHARS_MAX);
    let cut = if kept.len() < description.len() { "…" } else { "" };
    format!("{}{cut}", visible(kept.trim()))
}

impl Pin {
    fn of(name: &str, description: &str, schema: &Value) -> Self {
        let mut hash = Sha256::new();
        for part in [name, description, &schema::canonical(schema)] {
            // Lengths keep the parts apart.
            hash.update(part.len().to_le_bytes());
            hash.update(part.as_bytes());
        }
        Self(hash.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    pub(super) fn offer(value: Value) -> Result<Offer, String> {
        let tool: WireTool = serde_json::from_value(value).unwrap();
        Offer::new(&McpServerName::parse("srv").unwrap(), &tool)
    }

    #[test]
    fn a_tool_is_offered_under_its_servers_name_with_nothing_hidden() {
        let offer = offer(json!({
            "name": "Read",
            "description": format!("Reads.\u{202e}{}", "x".repeat(3000)),
            "inputSchema": {"type": "object"},
            "annotations": {"readOnlyHint": true}
        }))
        .unwrap();
        assert_eq!((offer.name().as_str(), offer.wire_name.as_str()), ("mcp__srv__Read", "Read"));
        assert!(offer.definition.description.starts_with("Reads.\\u{202e}x"));
        assert!(offer.definition.description.ends_with("x…"));
        assert_eq!(offer.changes, RemoteChanges::SaysNone);
    }

    #[test]
    fn a_tool_that_no_provider_would_take_is_left_out_with_the_reason() {
        let long = offer(json!({"name": "x".repeat(100), "inputSchema": {}})).unwrap_err();
        assert!(long.ends_with("…: its full name is longer than 64 characters"), "{long}");
        let odd = offer(json!({"name": "a\u{1b}", "inputSchema": {"type": "array"}})).unwrap_err();
        assert_eq!(odd, "a\\u{1b}: its schema is not one of an object");
    }

    #[test]
    fn a_pin_changes_with_each_part_and_with_nothing_else() {
        let pin = |name: &str, description: &str, schema: Value| {
            offer(json!({"name": name, "description": description, "inputSchema": schema})).unwrap().pin
        };
        let first = pin("a", "d", json!({"type": "object", "properties": {"x": {}, "y": {}}}));
        assert_eq!(first, pin("a", "d", json!({"properties": {"y": {}, "x": {}}, "type": "object"})));
        assert_ne!(first, pin("b", "d", json!({"type": "object", "properties": {"x": {}, "y": {}}})));
        assert_ne!(first, pin("a", "d.", json!({"type": "object", "properties": {"x": {}, "y": {}}})));
        assert_ne!(first, pin("a", "d", json!({"type": "object", "properties": {"x": {}}})));
        assert_ne!(pin("a", "bc", json!({})), pin("ab", "c", json!({})));
    }
}
