//! What a seed decides: the weather that all tasks have in common, and what becomes of each.

use std::hash::{Hash, Hasher};
use std::time::Duration;

use super::kinship::{child_of, depth_of, parent_of};
use super::script;
use codex_task::{BudgetLimits, Priority};
use codex_task_config::Limits;
use codex_task_providers::scripted::{Fault, Rule};
use codex_task_providers::{ProviderError, WaitingFor};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Longer than any task may take, waiting for a slot included.
pub(super) const NEVER: Duration = Duration::from_hours(12);

/// Times that a task is asked something at most.
pub(super) const SITTINGS_MAX: usize = 3;

/// Everything that goes wrong, drawn anew for each purpose: so that one call more or less changes no other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) seed: u64,
}

/// What all tasks of a seed have in common.
#[derive(Clone, Debug)]
pub(super) struct Weather {
    /// How many of all calls go wrong. Where none does, the script alone decides how each task ends, whatever becomes of
    /// threads, processes and watchers.
    pub(super) illness: f64,
    /// Tasks that may run at once.
    pub(super) at_once: usize,
    pub(super) restarts_max: u32,
    /// Worker threads; none: agents run on the supervisor's own.
    pub(super) workers: usize,
    pub(super) disk: Option<DiskWeather>,
    /// When the process is killed, in each of its lives.
    pub(super) kills: Vec<Duration>,
    /// What all tasks together may take.
    pub(super) limits: BudgetLimits,
    /// Whether agents ask for tasks of their own.
    pub(super) nests: bool,
    /// How long those may take.
    pub(super) patience: Duration,
    /// Whether conversations that have ended go on.
    pub(super) resumes: bool,
    /// Whether the machine is short of memory now and then.
    pub(super) is_pressed: bool,
}

/// How well the journal works.
#[derive(Clone, Copy, Debug)]
pub(super) struct DiskWeather {
    /// The longest that a write takes.
    pub(super) slowest: Duration,
    /// How many of all writes fail.
    pub(super) losing: f64,
    /// Whether it is asked for conversations; otherwise the supervisor remembers them.
    pub(super) recalls: bool,
}

/// What a task is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Its calls go wrong as often as all do.
    Any,
    /// None of its calls goes wrong by itself.
    Fine,
    /// Its calls are refused for good.
    Doomed,
    /// Its agent dies whenever it calls.
    Crashing,
    /// Its calls are never answered.
    Silent,
    /// It waits until all others have ended: what they share is still there to be looked at.
    Anchor,
}

/// What a seed decides for one task.
#[derive(Clone, Copy, Debug)]
pub(super) struct TaskPlan {
    pub(super) fate: Fate,
    pub(super) deadline: Duration,
    pub(super) priority: Priority,
    /// When it is asked for.
    pub(super) arrives: Duration,
    /// How often it is asked something: each time but the first its conversation goes on.
    pub(super) sittings: usize,
    /// What it and those below it may take each time.
    pub(super) tokens_max: Option<u64>,
}

/// Where a conversation stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Progress {
    /// Which time it is asked something, from 0.
    pub(super) sitting: usize,
    /// Answers since.
    pub(super) turn: usize,
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

    pub(super) fn weather(self) -> Weather {
        let mut dice = self.dice("weather", 0);
        let illness = if dice.random_bool(0.25) { 0.0 } else { dice.random_range(0.02..=0.7) };
        let is_ill = illness > 0.0;
        let disk = dice.random_bool(0.7).then(|| DiskWeather {
            slowest: Duration::from_millis(if dice.random_bool(0.5) { 30 } else { 8_000 }),
            losing: if is_ill && dice.random_bool(0.3) { 0.05 } else { 0.0 },
            recalls: dice.random_bool(0.7),
        });
        let kills = if disk.is_some() { dice.random_range(0..=3_usize).saturating_sub(1) } else { 0 };
        let kills = (0..kills).map(|_| Duration::from_millis(dice.random_range(1..=30_000))).collect();
        let is_limited = is_ill && dice.random_bool(0.4);
        let limits = BudgetLimits {
            calls_max: is_limited.then(|| dice.random_range(3..=40)),
            tokens_max: (is_limited && dice.random_bool(0.5)).then(|| dice.random_range(20_000..=200_000)),
            ..BudgetLimits::NONE
        };
        let patience =
            if is_ill { Duration::from_millis(dice.random_range(2_000..=60_000)) } else { NEVER / 12 };
        Weather {
            nests: dice.random_bool(0.4),
            patience,
            resumes: dice.random_bool(0.3),
            is_pressed: dice.random_bool(0.3),
            illness,
            at_once: dice.random_range(1..=8),
            restarts_max: dice.random_range(0..=3),
            workers: dice.random_range(0..=3),
            disk,
            kills,
            limits,
        }
    }

    /// The tasks; the last one is the anchor.
    pub(super) fn tasks(self) -> Vec<TaskPlan> {
        let mut dice = self.dice("tasks", 0);
        let weather = self.weather();
        let is_ill = weather.illness > 0.0;
        let count = dice.random_range(2..=10);
        let mut tasks: Vec<TaskPlan> = (0..count)
            .map(|_| {
                let fate = match dice.random_range(0..12) {
                    0 | 1 => Fate::Fine,
                    2 => Fate::Doomed,
                    3 => Fate::Crashing,
                    4 => Fate::Silent,
                    _ => Fate::Any,
                };
                let short = Duration::from_millis(dice.random_range(500..=45_000));
                // Where the script alone decides, time must not.
                let deadline = if is_ill || fate == Fate::Silent { short } else { NEVER / 12 };
                let late = dice.random_bool(0.3);
                let arrives = Duration::from_millis(if late { dice.random_range(0..=8_000) } else { 0 });
                let priority = [Priority::Low, Priority::Normal, Priority::High][dice.random_range(0..3)];
                let sittings = if weather.resumes { dice.random_range(1..=SITTINGS_MAX) } else { 1 };
                let is_limited = weather.nests && is_ill && dice.random_bool(0.3);
                let tokens_max = is_limited.then(|| dice.random_range(20_000..=60_000));
                TaskPlan { fate, deadline, priority, arrives, sittings, tokens_max }
            })
            .collect();
        tasks.push(TaskPlan {
            fate: Fate::Anchor,
            deadline: NEVER * 2,
            priority: Priority::High,
            arrives: Duration::ZERO,
            sittings: 1,
            tokens_max: None,
        });
        tasks
    }

    /// What a task is like, also one that an agent asks for.
    pub(super) fn task(self, task: usize) -> TaskPlan {
        if parent_of(task).is_none() {
            let found = self.tasks().get(task).copied();
            return found.unwrap_or_else(|| panic!("nobody has asked for task {task}"));
        }
        let (mut dice, weather) = (self.dice("child", task), self.weather());
        let fate = match dice.random_range(0..12) {
            0 | 1 => Fate::Fine,
            2 => Fate::Doomed,
            3 => Fate::Crashing,
            // Where the script alone decides, nobody may make his parent late.
            4 if weather.illness > 0.0 => Fate::Silent,
            _ => Fate::Any,
        };
        TaskPlan {
            fate,
            deadline: weather.patience,
            priority: Priority::Normal,
            arrives: Duration::ZERO,
            sittings: 1,
            tokens_max: None,
        }
    }

    /// The task that a call asks for, if it asks for one.
    pub(super) fn child(self, task: usize, at: Progress, part: usize) -> Option<usize> {
        let deepest = usize::try_from(Limits::DEPTH_MAX).expect("a small number");
        let mut dice = self.dice("asks", child_of(task, at.sitting, at.turn, part));
        let asks = self.weather().nests && depth_of(task) < deepest && dice.random_bool(0.25);
        asks.then(|| child_of(task, at.sitting, at.turn, part))
    }

    /// How the `nth` call of a task goes that has come so far.
    pub(super) fn call(self, task: usize, nth: usize, at: Progress) -> Rule {
        let fate = self.task(task).fate;
        let mut dice = self.dice("call", task * 10_000 + nth);
        let rule = script::answer(self, task, fate, at).with_delays(
            Duration::from_millis(dice.random_range(0..=3_000)),
            Duration::from_millis(dice.random_range(0..=50)),
        );
        let fault = match fate {
            Fate::Fine | Fate::Anchor => return rule,
            Fate::Any if !dice.random_bool(self.weather().illness) => return rule,
            Fate::Any => fault(&mut dice),
            Fate::Doomed => {
                Fault::error(ProviderError::InvalidRequest { status: 400, detail: "never".to_owned() })
            }
            Fate::Crashing => Fault::panic(),
            Fate::Silent => Fault::hang(),
        };
        if dice.random_bool(0.5) {
            rule.with_fault(fault)
        } else {
            rule.with_fault(fault.after_bytes(dice.random_range(0..=80)))
        }
    }
}

fn fault(dice: &mut StdRng) -> Fault {
    let detail = || "as the seed says".to_owned();
    let host = || "scripted".to_owned();
    let hint = dice.random_bool(0.4).then(|| Duration::from_millis(dice.random_range(0..=40_000)));
    let error = match dice.random_range(0..15) {
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
            ProviderError::ReasoningState { detail: detail() },
            ProviderError::ModelNotFound { model: "scripted-1".to_owned(), detail: detail() },
        ][dice.random_range(0..4)]
        .clone(),
        11 => ProviderError::ContextTooLong { detail: detail() },
        12 => return Fault::hang(),
        _ => return Fault::panic(),
    };
    Fault::error(error)
}
