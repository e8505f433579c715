//! What each task is to do, and what the servers answer it. Everything that a server must know stands in the prompt.

use std::time::Duration;

use codex_task::RunTask;
use codex_task_tests::{Call, Dice, Fault, Misfortune, Place, Turn};
use serde_json::json;

/// How every prompt begins.
const MARK: &str = "soak errand ";
/// Steps of an errand at most.
const STEPS_MAX: u64 = 4;
/// Time of a task that no server ever finishes answering.
pub(crate) const LATE_TIMEOUT: Duration = Duration::from_millis(1_500);
/// Time of every other task: enough for every fault.
const TIMEOUT: Duration = Duration::from_mins(5);
/// Agents whose first server only spoils some of its answers.
const WELL_AGENTS: [&str; 4] = ["anthropic", "openai", "chat", "gemini"];

/// How a task should end, whatever goes wrong with its answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// With its report.
    Works,
    /// With its report, though a tool panics on the way.
    Panics,
    /// As failed: no server takes the request.
    Refused,
    /// By its deadline: no server finishes its answer.
    Late,
    /// As cancelled, unless it is quicker.
    Cancelled,
}

/// A task.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Errand {
    pub(crate) number: u64,
    pub(crate) kind: Kind,
    /// Tool calls before the report.
    pub(crate) steps: u64,
}

/// How a step is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// By the ledger.
    Entry,
    /// By the ledger, which panics after it.
    Panic,
    /// By a command.
    Command,
}

impl Errand {
    /// The errand of this number.
    pub(crate) fn of(seed: u64, number: u64) -> Self {
        let mut dice = Dice::new(seed).of(number);
        let kind = match dice.below(100) {
            0..=1 => Kind::Panics,
            2..=3 => Kind::Refused,
            4..=5 => Kind::Late,
            6..=7 => Kind::Cancelled,
            _ => Kind::Works,
        };
        Self { number, kind, steps: dice.below(STEPS_MAX + 1) }
    }

    /// The task that asks for it.
    pub(crate) fn task(self, seed: u64) -> RunTask<String> {
        let mut dice = Dice::new(seed).of(!self.number);
        // One of them first asks a server that does not take its key, another one where nobody listens.
        let agent = match dice.below(50) {
            0 => "locked",
            1 => "nobody",
            _ => dice.one_of(&WELL_AGENTS).unwrap_or("chat"),
        };
        let prompt = format!("{MARK}{} {:?} {}.", self.number, self.kind, self.steps);
        let timeout = if self.kind == Kind::Late { LATE_TIMEOUT } else { TIMEOUT };
        RunTask::new(agent, prompt).timeout(timeout)
    }

    /// What its task reports.
    pub(crate) fn report(self) -> String {
        format!("errand {} is done, äöü 漢字 and all", self.number)
    }

    /// The name under which the effect of a step is booked: the same for each attempt at it.
    pub(crate) fn key(self, step: u64) -> String {
        format!("{}-{step}", self.number)
    }

    /// How a step is done.
    pub(crate) fn step(self, step: u64) -> Step {
        let mut dice = Dice::new(self.number).of(step);
        match (self.kind, dice.below(20)) {
            (Kind::Panics, _) if step == 0 => Step::Panic,
            (Kind::Works, 0) => Step::Command,
            _ => Step::Entry,
        }
    }

    /// The errand that a request is about.
    fn of_call(call: &Call) -> Option<Self> {
        let request = call.everything();
        let (_, rest) = request.split_once(MARK)?;
        let mut words = rest.split('.').next()?.split(' ');
        let number = words.next()?.parse().ok()?;
        let name = words.next()?;
        let all = [Kind::Works, Kind::Panics, Kind::Refused, Kind::Late, Kind::Cancelled];
        let kind = all.into_iter().find(|kind| format!("{kind:?}") == name)?;
        Some(Self { number, kind, steps: words.next()?.parse().ok()? })
    }
}

/// What a server answers, and how it spoils it.
pub(crate) fn answer(call: &Call, misfortune: Misfortune) -> Turn {
    let Some(errand) = Errand::of_call(call) else { return Turn::default().with(Fault::status(400)) };
    let think = Duration::from_millis(50 + Dice::new(misfortune.seed).of(!(call.nth as u64)).below(150));
    let done = call.tool_results().len() as u64;
    let turn = if done < errand.steps { call_of(errand, done) } else { Turn::text(errand.report()) };
    let fault = match (misfortune.of(call.format, call.nth), errand.kind) {
        (_, Kind::Late) => Fault::StallsAt(Place::PerMille(500)),
        (fault, Kind::Refused) if fault.may_deliver() => Fault::status(400),
        (fault, _) => fault,
    };
    turn.with(fault).after(think)
}

fn call_of(errand: Errand, step: u64) -> Turn {
    let key = errand.key(step);
    match errand.step(step) {
        Step::Entry => Turn::tool("Ledger", json!({"key": key})),
        Step::Panic => Turn::tool("Ledger", json!({"key": key, "panic": true})),
        Step::Command => Turn::tool("Bash", json!({"command": format!("echo {key} >> effects")})),
    }
}
