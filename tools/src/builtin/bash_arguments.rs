//! What Bash is told, whichever shell runs it.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::arguments::{typed, whole};
use super::schema::{Kind, Schema};
use crate::ToolError;

const TIMEOUT_DEFAULT_MS: u64 = 120_000;
const TIMEOUT_MAX_MS: u64 = 600_000;

/// The arguments of one call.
#[derive(Debug, Deserialize)]
pub(super) struct BashArguments {
    pub(super) command: String,
    #[serde(default, deserialize_with = "whole")]
    timeout: Option<u64>,
    #[serde(default)]
    pub(super) run_in_background: bool,
}

impl BashArguments {
    pub(super) fn of(arguments: &Value) -> Result<Self, ToolError> {
        typed("Bash", arguments)
    }

    /// The time that the command has.
    pub(super) fn time_max(&self) -> Duration {
        Duration::from_millis(self.timeout.unwrap_or(TIMEOUT_DEFAULT_MS).min(TIMEOUT_MAX_MS))
    }
}

/// The arguments that every Bash takes.
pub(super) fn schema() -> Schema {
    Schema::default()
        .required("command", Kind::Text, "The command line")
        .optional("timeout", Kind::WholeFrom(1), "Milliseconds, at most 600000; 120000 by default")
        .optional("description", Kind::Text, "What the command does, in 5 to 10 words")
}
