//! What is told of a session to programs that watch it, and where. Only the user's own files say so.

use std::path::Path;

use super::file::TelemetryFile;
use crate::{Problem, RuleScope, yaml};

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TelemetrySettings {
    /// The OTLP server that spans are sent to, without `/v1/traces`. The standard `OTEL_*` variables come before it.
    pub otlp_endpoint: Option<String>,
    /// Whether prompts, reports and arguments of tools are told too.
    pub content: bool,
}

impl TelemetrySettings {
    /// Takes what a file says. Of a repository's it takes nothing: where a session is watched from is not its business.
    pub(super) fn take(
        &mut self,
        file: TelemetryFile,
        scope: RuleScope,
        path: &Path,
        outline: &yaml::Outline,
    ) -> Option<Problem> {
        let TelemetryFile { otlp_endpoint, content } = file;
        if scope.is_repository() {
            let at = outline.position(&["telemetry"])?;
            let problem = Problem::warning("'telemetry' is ignored in a project's file");
            let problem = problem.with_help("set it in your own config.yaml").in_file(path);
            return Some(problem.at(at.line, at.column, at.length));
        }
        self.otlp_endpoint = otlp_endpoint.or(self.otlp_endpoint.take());
        self.content = content.unwrap_or(self.content);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Settings, SettingsOverrides};
    use super::*;
    use crate::{Environment, FolderTrust};

    #[test]
    fn only_the_user_says_what_is_told_and_where_whoever_trusts_the_repository() {
        let dir = tempfile::tempdir().expect("a folder");
        let of_user = "telemetry: {otlp_endpoint: 'http://127.0.0.1:4318', content: false}\n";
        let of_repository = "telemetry:\n  otlp_endpoint: https://elsewhere.example\n  content: true\n";
        let of_claude = r#"{"env": {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://elsewhere.example"}}"#;
        for (path, text) in [
            ("home/.config/codex-task/config.yaml", of_user),
            ("repo/codex-task.yaml", of_repository),
            ("repo/.claude/settings.json", of_claude),
        ] {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
            std::fs::write(path, text).expect("a file");
        }
        let home = dir.path().join("home").to_string_lossy().into_owned();
        let environment = Environment::new(dir.path().join("repo"), [("HOME", home)]);
        let overrides = SettingsOverrides { trust: FolderTrust::Trusted, ..SettingsOverrides::default() };
        let loaded = Settings::load_with_managed(&environment, &overrides, &dir.path().join("none"));
        let expected =
            TelemetrySettings { otlp_endpoint: Some("http://127.0.0.1:4318".to_owned()), content: false };
        assert_eq!(loaded.settings.telemetry, expected);
        assert_eq!(loaded.environment.get("OTEL_EXPORTER_OTLP_ENDPOINT"), None);
        let said: Vec<String> = loaded.problems.iter().map(|problem| problem.message.clone()).collect();
        for words in
            ["'telemetry' is ignored in a project's file", "env.OTEL_EXPORTER_OTLP_ENDPOINT is ignored"]
        {
            assert!(said.iter().any(|message| message.contains(words)), "{words} is not in {said:?}");
        }
    }
}
