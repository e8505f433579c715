//! A scenario: rules, and what holds for all of them.

use std::time::Duration;

use codex_task_config::{ModelId, Problem, yaml};
use serde::Deserialize;

use super::Rule;
use crate::ModelLimits;

const USUAL_NAME: &str = "scenario";
/// The model that a scenario has when it names none.
const USUAL_MODEL: &str = "scripted";

/// A scenario for a [`super::ScriptedBackend`].
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "ScenarioForm")]
pub struct Scenario {
    pub(super) name: String,
    pub(super) models: Vec<ModelId>,
    pub(super) limits: Option<ModelLimits>,
    pub(super) first_token: Duration,
    pub(super) between: Duration,
    pub(super) rules: Vec<Rule>,
}

/// Why a scenario cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the scenario cannot be read: {}", .problem.message)]
pub struct ScenarioError {
    /// What is wrong, and where.
    pub problem: Box<Problem>,
}

/// A scenario as files write it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ScenarioForm {
    name: Option<String>,
    #[serde(default)]
    models: Vec<ModelId>,
    limits: Option<LimitsForm>,
    #[serde(default)]
    first_token_ms: u64,
    #[serde(default)]
    between_ms: u64,
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitsForm {
    context_tokens: u64,
    output_tokens: u64,
}

impl Scenario {
    /// A scenario of these rules, without delays.
    pub fn new(rules: impl IntoIterator<Item = Rule>) -> Self {
        Self {
            name: USUAL_NAME.to_owned(),
            models: vec![ModelId::new(USUAL_MODEL)],
            limits: None,
            first_token: Duration::ZERO,
            between: Duration::ZERO,
            rules: rules.into_iter().collect(),
        }
    }

    /// Reads a scenario from YAML.
    ///
    /// # Errors
    /// [`ScenarioError`] with line and column.
    pub fn parse(text: &str) -> Result<Self, ScenarioError> {
        let parsed =
            yaml::parse(text, yaml::Limits::SETTINGS).map_err(|problem| ScenarioError { problem })?;
        Ok(parsed.value)
    }

    /// Sets what errors call the scenario.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets the limits that the backend states for every model.
    #[must_use]
    pub fn with_limits(mut self, limits: ModelLimits) -> Self {
        self.limits = Some(limits);
        self
    }

    /// Sets the waits before the first piece of an answer and between pieces.
    #[must_use]
    pub fn with_delays(mut self, first_token: Duration, between: Duration) -> Self {
        self.first_token = first_token;
        self.between = between;
        self
    }
}

impl From<ScenarioForm> for Scenario {
    fn from(form: ScenarioForm) -> Self {
        let mut scenario = Self::new(form.rules);
        scenario.name = form.name.unwrap_or(scenario.name);
        if !form.models.is_empty() {
            scenario.models = form.models;
        }
        scenario.limits = form.limits.map(|limits| ModelLimits {
            context_tokens: limits.context_tokens,
            output_tokens: limits.output_tokens,
        });
        scenario.first_token = Duration::from_millis(form.first_token_ms);
        scenario.between = Duration::from_millis(form.between_ms);
        scenario
    }
}
