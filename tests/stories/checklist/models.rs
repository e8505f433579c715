//! Rows 23 and 24: which model an agent gets. The table is column C of the measurements.

use codex_task_config::SettingsOverrides;
use codex_task_tests::{Call, Reply};

use super::{Stage, agent_file, project, with};

/// Variables, the session's model, the file's, the call's, and what the vendor is asked for.
type Row = (
    &'static [(&'static str, &'static str)],
    Option<&'static str>,
    &'static str,
    Option<&'static str>,
    &'static str,
);

const SONNET: &str = "claude-sonnet-5-5";
const OPUS: &str = "claude-opus-5-5";
const HAIKU: &str = "claude-haiku-5-5";

async fn check(rows: &[Row]) {
    for (variables, session, file, call, expected) in rows {
        let mut project = project();
        for (name, value) in *variables {
            project.variable(name, *value);
        }
        let line = if file.is_empty() { String::new() } else { format!("model: {file}\n") };
        project.agent_file("worker", &agent_file("worker", &line));
        let overrides =
            SettingsOverrides { model: session.map(str::to_owned), ..SettingsOverrides::default() };
        let stage = Stage::with(project, |_| Reply::text("done"), |builder| builder.overrides(overrides));
        let answer = stage.ask(&with("model", call.map_or(serde_json::Value::Null, Into::into))).await;
        assert!(!answer.is_error, "{answer:?}");
        let models: Vec<String> = stage.mock.calls().iter().map(Call::model).collect();
        assert_eq!(models, [*expected], "file {file:?}, call {call:?}, session {session:?}, {variables:?}");
    }
}

#[tokio::test]
async fn row_23_aliases_ids_and_inherit_and_the_call_beats_the_file() {
    const HOUSE: &[(&str, &str)] = &[("ANTHROPIC_DEFAULT_SONNET_MODEL", "claude-sonnet-4-5")];
    check(&[
        (&[], Some("opus"), "", None, OPUS),
        (&[], Some("opus"), "inherit", None, OPUS),
        (&[], None, "sonnet", None, SONNET),
        (&[], None, "opus", None, OPUS),
        (&[], None, "haiku", None, HAIKU),
        (&[], None, "Sonnet", None, SONNET),
        (&[], None, "sonnet[1m]", None, SONNET),
        (&[], None, "claude-3-7-sonnet-20250219", None, "claude-3-7-sonnet-20250219"),
        (&[], Some("opus"), "haiku", None, HAIKU),
        (&[], None, "haiku", Some("opus"), OPUS),
        (&[], Some("sonnet"), "haiku", Some("claude-opus-4-5"), "claude-opus-4-5"),
        (HOUSE, None, "sonnet", None, "claude-sonnet-4-5"),
    ])
    .await;
}

#[tokio::test]
async fn row_24_the_variable_for_subagents_is_a_default_unless_it_is_forced() {
    const DEFAULT: &[(&str, &str)] = &[("CLAUDE_CODE_SUBAGENT_MODEL", "haiku")];
    const FORCED: &[(&str, &str)] =
        &[("CLAUDE_CODE_SUBAGENT_MODEL", "haiku"), ("CLAUDE_CODE_SUBAGENT_MODEL_FORCE", "1")];
    check(&[
        (DEFAULT, None, "", None, HAIKU),
        (DEFAULT, None, "sonnet", None, SONNET),
        (DEFAULT, None, "sonnet", Some("opus"), OPUS),
        (FORCED, None, "", None, HAIKU),
        (FORCED, None, "sonnet", None, HAIKU),
        (FORCED, None, "sonnet", Some("opus"), HAIKU),
    ])
    .await;
}
