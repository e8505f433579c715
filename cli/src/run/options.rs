//! What of a run's options must be the same when it is resumed: kept with its record.

use codex_task::{BudgetLimits, Environment, PermissionMode, Runtime, RuntimeBuilder};
use codex_task_config::{SandboxMode, SettingsOverrides};
use serde::{Deserialize, Serialize};

use super::args::{SessionArgs, trust};
use crate::telemetry;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct RunOptions {
    provider: Option<String>,
    concurrency: Option<usize>,
    permission_mode: Option<PermissionMode>,
    sandbox: Option<SandboxMode>,
    allow: Vec<String>,
    allow_of_repository: Vec<String>,
    deny: Vec<String>,
    trust: bool,
    agents: Option<String>,
    limits: BudgetLimits,
}

impl RunOptions {
    /// As the arguments say.
    pub(crate) fn of(args: &SessionArgs) -> Self {
        Self {
            provider: args.provider.clone(),
            concurrency: args.concurrency,
            permission_mode: args.permission_mode,
            sandbox: args.sandbox,
            allow: args.allow.clone(),
            allow_of_repository: Vec::new(),
            deny: args.deny.clone(),
            trust: args.trust,
            agents: args.agents.clone(),
            limits: BudgetLimits {
                cost_max: args.max_cost,
                tokens_max: args.max_tokens,
                calls_max: args.max_calls,
                time_max: args.run_timeout,
            },
        }
    }

    /// Those of a server.
    pub(crate) fn of_server(mode: Option<PermissionMode>, trust: bool) -> Self {
        Self { permission_mode: mode, trust, ..Self::default() }
    }

    /// The same, with more rules that allow.
    #[must_use]
    pub(crate) fn allowing(mut self, rules: impl IntoIterator<Item = String>) -> Self {
        self.allow.extend(rules);
        self
    }

    /// The same, with more rules that allow, from a file of the repository.
    #[must_use]
    pub(crate) fn allowing_as_repository(mut self, rules: impl IntoIterator<Item = String>) -> Self {
        self.allow_of_repository.extend(rules);
        self
    }

    /// As a run's record has them. A text that cannot be read grants nothing: it may have narrowed what the settings
    /// allow.
    pub(crate) fn read(text: &str) -> Self {
        let narrow = || Self { sandbox: Some(SandboxMode::ReadOnly), ..Self::default() };
        serde_json::from_str(text).unwrap_or_else(|_| narrow())
    }

    /// For a run's record.
    pub(crate) fn written(&self) -> String {
        // Texts and numbers are always JSON.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Settings that beat every file.
    pub(crate) fn overrides(&self) -> SettingsOverrides {
        SettingsOverrides {
            provider: self.provider.clone(),
            max_concurrent: self.concurrency,
            budget: self.limits,
            permission_mode: self.permission_mode,
            sandbox: self.sandbox,
            allow: self.allow.clone(),
            allow_of_repository: self.allow_of_repository.clone(),
            deny: self.deny.clone(),
            trust: trust(self.trust),
            ..SettingsOverrides::default()
        }
    }

    /// A runtime with these options.
    pub(crate) fn builder(&self, environment: &Environment) -> RuntimeBuilder {
        let builder = Runtime::builder().environment(environment.clone()).overrides(self.overrides());
        telemetry::as_configured(match &self.agents {
            Some(json) => builder.agents_json(json),
            None => builder,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_come_back_from_a_record_and_a_broken_record_grants_nothing() {
        let options = RunOptions {
            permission_mode: Some(PermissionMode::AcceptEdits),
            allow: vec!["Bash(cargo test:*)".into()],
            ..RunOptions::default()
        };
        assert_eq!(RunOptions::read(&options.written()), options);
        let narrow = RunOptions { sandbox: Some(SandboxMode::ReadOnly), ..RunOptions::default() };
        assert_eq!(RunOptions::read("{"), narrow);
        assert_eq!(RunOptions::read(r#"{"sandbox": "none"}"#), narrow);
        assert_eq!(RunOptions::read(r#"{"permission_mode": "whatever"}"#), narrow);
        assert_eq!(
            RunOptions::read(r#"{"permission_mode": "plan"}"#).permission_mode,
            Some(PermissionMode::Plan)
        );
        assert_eq!(RunOptions::read("{}"), RunOptions::default());
    }
}
