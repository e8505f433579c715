//! How long servers may take and how much they may say.

use std::time::Duration;

use codex_task_config::{Environment, McpSettings};

/// Characters of a token, roughly: results are bounded in tokens, as in Claude Code.
const CHARS_PER_TOKEN: usize = 4;

/// Bounds for every server of a hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct McpOptions {
    /// From a server's start to its list of tools.
    pub start_timeout: Duration,
    /// For each call.
    pub call_timeout: Duration,
    /// Characters of one result.
    pub result_chars_max: usize,
    /// How often a server that ended or failed is started again.
    pub restarts_max: u32,
}

impl Default for McpOptions {
    /// Ten seconds to start, a minute for a call, 25,000 tokens, three restarts.
    fn default() -> Self {
        Self {
            start_timeout: Duration::from_secs(10),
            call_timeout: Duration::from_mins(1),
            result_chars_max: 25_000 * CHARS_PER_TOKEN,
            restarts_max: 3,
        }
    }
}

impl McpOptions {
    /// The bounds of the settings; Claude Code's `MCP_TIMEOUT`, `MCP_TOOL_TIMEOUT` (milliseconds) and
    /// `MAX_MCP_OUTPUT_TOKENS` beat them.
    pub fn new(settings: &McpSettings, environment: &Environment) -> Self {
        let number =
            |name: &str| environment.get(name)?.trim().parse::<u64>().ok().filter(|number| *number > 0);
        let length = |name: &str| number(name).map(Duration::from_millis);
        let default = Self::default();
        let tokens = number("MAX_MCP_OUTPUT_TOKENS").and_then(|tokens| usize::try_from(tokens).ok());
        Self {
            start_timeout: length("MCP_TIMEOUT").or(settings.start_timeout).unwrap_or(default.start_timeout),
            call_timeout: length("MCP_TOOL_TIMEOUT")
                .or(settings.call_timeout)
                .unwrap_or(default.call_timeout),
            result_chars_max: tokens
                .map_or(default.result_chars_max, |tokens| tokens.saturating_mul(CHARS_PER_TOKEN)),
            ..default
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_beats_the_settings_and_the_settings_the_defaults() {
        let settings = McpSettings { call_timeout: Some(Duration::from_secs(7)), ..McpSettings::default() };
        let options = |variables: &[(&str, &str)]| {
            McpOptions::new(&settings, &Environment::new("/w", variables.iter().copied()))
        };
        let expected = McpOptions { call_timeout: Duration::from_secs(7), ..McpOptions::default() };
        assert_eq!(options(&[]), expected);
        assert_eq!(options(&[("MCP_TOOL_TIMEOUT", "soon"), ("MCP_TIMEOUT", "0")]), expected);
        let told = options(&[
            ("MCP_TOOL_TIMEOUT", "1500"),
            ("MCP_TIMEOUT", "30000"),
            ("MAX_MCP_OUTPUT_TOKENS", "10"),
        ]);
        let expected = McpOptions {
            start_timeout: Duration::from_secs(30),
            call_timeout: Duration::from_millis(1500),
            result_chars_max: 40,
            ..McpOptions::default()
        };
        assert_eq!(told, expected);
    }
}
