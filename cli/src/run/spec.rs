//! One task as it is asked for, whichever way it was written: on the command line, in a file, as `Task(...)`.

use std::time::Duration;

use codex_task::{
    BudgetLimits, Conversation, Isolation, Lineage, MicroUsd, ModelChoice, Priority, RunId, TaskId,
    TaskRequest,
};
use codex_task_config::{Effort, USUAL_AGENT, parse_duration};
use codex_task_providers::OutputSchema;
use serde_json::Value;

/// Keys that a task can have, in the order in which errors list them.
pub(super) const KEYS: [&str; 13] = [
    "subagent_type",
    "prompt",
    "description",
    "model",
    "effort",
    "timeout",
    "max_turns",
    "max_cost",
    "max_tokens",
    "priority",
    "resume",
    "isolation",
    "agent",
];
/// Keys of Claude Code's Task tool that change nothing here yet.
const KEYS_NOT_USED: [&str; 2] = ["run_in_background", "name"];

/// A task, as far as it was said.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct TaskSpec {
    pub(super) agent: Option<String>,
    pub(super) prompt: Option<String>,
    pub(super) description: Option<String>,
    pub(super) model: Option<String>,
    pub(super) effort: Option<Effort>,
    pub(super) timeout: Option<Duration>,
    pub(super) turns_max: Option<u32>,
    pub(super) cost_max: Option<MicroUsd>,
    pub(super) tokens_max: Option<u64>,
    pub(super) priority: Option<Priority>,
    /// The task whose conversation goes on.
    pub(super) resume: Option<TaskId>,
    pub(super) isolation: Option<Isolation>,
}

/// What became of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// It was taken.
    Taken,
    /// Claude Code has it; it changes nothing here yet.
    NotUsedYet,
    /// Nobody has it.
    Unknown,
}

impl TaskSpec {
    /// Takes one key with its value; `null` is as good as absent.
    ///
    /// # Errors
    /// A sentence that says what the value should be.
    pub(super) fn set(&mut self, key: &str, value: &Value) -> Result<Key, String> {
        if value.is_null() && KEYS.contains(&key) {
            return Ok(Key::Taken);
        }
        match key {
            "subagent_type" | "agent" => self.agent = Some(text(value)?),
            "prompt" => self.prompt = Some(text(value)?),
            "description" => self.description = Some(text(value)?),
            "model" => self.model = Some(text(value)?),
            "effort" => self.effort = Some(effort(&text(value)?)?),
            "timeout" => self.timeout = Some(parse_duration(&text_or_number(value)?)?),
            "max_turns" => self.turns_max = Some(turns(&text_or_number(value)?)?),
            "max_cost" => self.cost_max = Some(dollars(&text_or_number(value)?)?),
            "max_tokens" => self.tokens_max = Some(tokens(&text_or_number(value)?)?),
            "priority" => self.priority = Some(priority(&text(value)?)?),
            "resume" => self.resume = Some(task_id(&text(value)?)?),
            "isolation" => self.isolation = Some(isolation(&text(value)?)?),
            key if KEYS_NOT_USED.contains(&key) => return Ok(Key::NotUsedYet),
            _ => return Ok(Key::Unknown),
        }
        Ok(Key::Taken)
    }

    /// The same task with what `defaults` say about things that it leaves open.
    #[must_use]
    pub(super) fn or(self, defaults: &Self) -> Self {
        Self {
            agent: self.agent.or_else(|| defaults.agent.clone()),
            prompt: self.prompt.or_else(|| defaults.prompt.clone()),
            description: self.description.or_else(|| defaults.description.clone()),
            model: self.model.or_else(|| defaults.model.clone()),
            effort: self.effort.or(defaults.effort),
            timeout: self.timeout.or(defaults.timeout),
            turns_max: self.turns_max.or(defaults.turns_max),
            cost_max: self.cost_max.or(defaults.cost_max),
            tokens_max: self.tokens_max.or(defaults.tokens_max),
            priority: self.priority.or(defaults.priority),
            resume: self.resume.or(defaults.resume),
            isolation: self.isolation.or(defaults.isolation),
        }
    }

    /// What the runtime is asked for.
    pub(crate) fn into_request(self, run: RunId, output: Option<OutputSchema>) -> TaskRequest {
        TaskRequest {
            id: self.resume.unwrap_or_else(TaskId::new),
            run,
            subagent_type: self.agent.as_deref().unwrap_or(USUAL_AGENT).trim().into(),
            prompt: self.prompt.unwrap_or_default().into(),
            preface: Vec::new(),
            description: self.description,
            model: self.model.as_deref().map(ModelChoice::parse),
            provider: None,
            effort: self.effort,
            timeout: self.timeout,
            turns_max: self.turns_max,
            cost_max: self.cost_max,
            tokens_max: self.tokens_max,
            run_limits: BudgetLimits::NONE,
            permission_mode: None,
            sandbox: None,
            priority: self.priority.unwrap_or_default(),
            tainted_by: Vec::new(),
            conversation: if self.resume.is_some() { Conversation::Resumed } else { Conversation::New },
            isolation: self.isolation,
            output,
            lineage: Lineage::default(),
            ballot: None,
        }
    }
}

/// An amount of dollars: `2`, `0.50`, `$2.50`.
pub(super) fn dollars(text: &str) -> Result<MicroUsd, String> {
    let number = text.trim().trim_start_matches('$').parse::<f64>().ok();
    match number.filter(|number| number.is_finite() && *number > 0.0) {
        Some(number) => Ok(MicroUsd::from(number)),
        None => Err(format!("'{text}' is no amount of dollars; write for example 0.50")),
    }
}

/// A number of turns.
pub(crate) fn turns(text: &str) -> Result<u32, String> {
    text.trim()
        .parse()
        .ok()
        .filter(|turns| *turns > 0)
        .ok_or_else(|| format!("'{text}' is no number of turns, which begin at 1"))
}

/// A number of tokens: `50000`, `50_000`, `50k`, `2M`.
pub(super) fn tokens(text: &str) -> Result<u64, String> {
    let plain = text.trim().replace(['_', ','], "");
    let (digits, unit) = match plain.strip_suffix(['k', 'K']) {
        Some(digits) => (digits, 1_000),
        None => plain.strip_suffix(['m', 'M']).map_or((plain.as_str(), 1), |digits| (digits, 1_000_000)),
    };
    let tokens = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
    tokens
        .filter(|tokens| *tokens > 0)
        .ok_or_else(|| format!("'{text}' is no number of tokens; write for example 50000 or 50k"))
}

/// A number of model calls.
pub(super) fn calls(text: &str) -> Result<u64, String> {
    let calls = text.trim().parse().ok().filter(|calls| *calls > 0);
    calls.ok_or_else(|| format!("'{text}' is no number of calls, which begin at 1"))
}

fn effort(text: &str) -> Result<Effort, String> {
    Effort::parse(text).ok_or_else(|| format!("'{text}' is no effort: low, medium, high, xhigh or max"))
}

fn priority(text: &str) -> Result<Priority, String> {
    match text {
        "low" => Ok(Priority::Low),
        "normal" => Ok(Priority::Normal),
        "high" => Ok(Priority::High),
        other => Err(format!("'{other}' is no priority: low, normal or high")),
    }
}

fn task_id(text: &str) -> Result<TaskId, String> {
    text.trim().parse().map_err(|_| format!("'{text}' is no id of a task; --json and --jsonl show them"))
}

/// Reads how a task is kept apart.
pub(super) fn isolation(text: &str) -> Result<Isolation, String> {
    Isolation::parse(text).ok_or_else(|| format!("'{text}' is no isolation: {}", Isolation::WORDS.join(", ")))
}

fn text(value: &Value) -> Result<String, String> {
    value.as_str().map(str::to_owned).ok_or_else(|| format!("a text is needed, not {}", kind(value)))
}

fn text_or_number(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        other => Err(format!("a number or a text is needed, not {}", kind(other))),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "keys and values",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn set(key: &str, value: &Value) -> Result<(Key, TaskSpec), String> {
        let mut spec = TaskSpec::default();
        spec.set(key, value).map(|key| (key, spec))
    }

    #[test]
    fn numbers_may_be_written_as_numbers_or_as_texts() {
        for (key, value) in [("timeout", json!(90)), ("timeout", json!("90s")), ("timeout", json!("1m30s"))] {
            let (_, spec) = set(key, &value).expect("a length of time");
            assert_eq!(spec.timeout, Some(Duration::from_secs(90)), "{value}");
        }
        assert_eq!(set("max_cost", &json!("$0.5")).expect("money").1.cost_max, Some(MicroUsd(500_000)));
        for (value, tokens) in [(json!(500), 500), (json!("50k"), 50_000), (json!("1_000_000"), 1_000_000)] {
            assert_eq!(set("max_tokens", &value).expect("tokens").1.tokens_max, Some(tokens), "{value}");
        }
        assert_eq!(set("max_turns", &json!(3)).expect("turns").1.turns_max, Some(3));
    }

    #[test]
    fn a_wrong_value_is_refused_with_what_is_needed() {
        for (key, value) in [
            ("prompt", json!(7)),
            ("timeout", json!("soon")),
            ("max_cost", json!(-1)),
            ("max_turns", json!(0)),
            ("max_tokens", json!("many")),
            ("max_tokens", json!("99999999999999999999M")),
            ("effort", json!("much")),
            ("priority", json!("urgent")),
            ("resume", json!("zzz")),
            ("isolation", json!("remote")),
        ] {
            assert!(set(key, &value).is_err(), "{key}: {value}");
        }
    }

    #[test]
    fn keys_are_taken_put_off_or_unknown() {
        let of = |key: &str| set(key, &json!("x")).map(|(key, _)| key);
        assert_eq!(of("agent"), Ok(Key::Taken));
        assert_eq!(of("name"), Ok(Key::NotUsedYet));
        assert_eq!(of("promt"), Ok(Key::Unknown));
        assert_eq!(set("model", &Value::Null), Ok((Key::Taken, TaskSpec::default())));
    }
}
