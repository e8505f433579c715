//! What a seed decides.

use std::hash::{Hash, Hasher};
use std::time::Duration;

use codex_task_providers::scripted::{Fault, Rule, ScriptedCall};
use codex_task_providers::{ProviderError, WaitingFor};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;

/// What every task reports in the end.
pub(super) const ANSWER: &str = "all of it is done, and this is the report";

/// The prompt of a task, by which its calls are told from others'.
pub(super) fn prompt(task: usize) -> String {
    format!("simulated task {task}.")
}

/// Everything that goes wrong, drawn anew for each purpose: so that one call more or less changes no other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    seed: u64,
}

impl Plan {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// Dice that always fall the same for the same purpose.
    pub(super) fn dice(self, purpose: &str, nth: usize) -> StdRng {
        // This hasher has the same keys in every process.
        let mut hasher = std::hash::DefaultHasher::new();
        (self.seed, purpose, nth).hash(&mut hasher);
        StdRng::seed_from_u64(hasher.finish())
    }

    /// How the `nth` call of a task goes, whose conversation has so many answers.
    pub(super) fn call(self, prompt: &str, nth: usize, turn: usize) -> Rule {
        // How ill everything is differs from seed to seed.
        let illness = self.dice("illness", 0).random_range(0.0..=0.7);
        let mut dice = self.dice(prompt, nth);
        let rule = self.answer(prompt, turn).with_delays(
            Duration::from_millis(dice.random_range(0..=3_000)),
            Duration::from_millis(dice.random_range(0..=50)),
        );
        if !dice.random_bool(illness) {
            return rule;
        }
        let fault = fault(&mut dice);
        if dice.random_bool(0.5) {
            rule.with_fault(fault)
        } else {
            let bytes = dice.random_range(0..=80);
            rule.with_fault(fault.after_bytes(bytes))
        }
    }

    /// What a model that is well says: some turns of tool calls, then the report.
    fn answer(self, prompt: &str, turn: usize) -> Rule {
        let mut dice = self.dice(&format!("answers of {prompt}"), 0);
        if turn >= dice.random_range(0..=4) {
            return Rule::text(ANSWER);
        }
        let mut dice = self.dice(&format!("calls of {prompt}"), turn);
        (0..dice.random_range(1..=3)).fold(Rule::text("I go on."), |rule, call| {
            let tool = ["Change", "Change", "Change", "Look", "Burst", "Dawdle"][dice.random_range(0..6)];
            rule.and_call(ScriptedCall::new(
                tool,
                &json!({"key": format!("{prompt} turn {turn} call {call}")}),
            ))
        })
    }
}

fn fault(dice: &mut StdRng) -> Fault {
    let detail = || "as the seed says".to_owned();
    let host = || "scripted".to_owned();
    let hint = dice.random_bool(0.4).then(|| Duration::from_millis(dice.random_range(0..=40_000)));
    let error = match dice.random_range(0..14) {
        0 => ProviderError::RateLimited { retry_after: hint, detail: detail() },
        1 | 2 => ProviderError::Overloaded { retry_after: hint, detail: detail() },
        3 | 4 => ProviderError::Server { status: 500, retry_after: hint, detail: detail() },
        5 => ProviderError::Unreachable { host: host(), detail: detail() },
        6 => ProviderError::Timeout { waiting_for: WaitingFor::NextEvent, after: Duration::from_mins(5) },
        7 | 8 => ProviderError::BrokenStream { detail: detail() },
        9 => ProviderError::Protocol { detail: detail() },
        10 => [
            ProviderError::QuotaExhausted { detail: detail() },
            ProviderError::InvalidRequest { status: 400, detail: detail() },
            ProviderError::ContextTooLong { detail: detail() },
            ProviderError::ModelNotFound { model: "scripted-1".to_owned(), detail: detail() },
        ][dice.random_range(0..4)]
        .clone(),
        11 => return Fault::hang(),
        _ => return Fault::panic(),
    };
    Fault::error(error)
}
