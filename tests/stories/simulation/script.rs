//! What is said: by callers, and by models that are well.

use codex_task_providers::scripted::{Rule, ScriptedCall};
use rand::RngExt;
use serde_json::json;

use super::kinship::parent_of;
use super::plan::{Fate, Plan, Progress};

/// Before the number of a task, in its prompt.
pub(super) const TASK: &str = "simulated task ";
/// Before the number of a sitting, in the prompt that a conversation goes on with.
pub(super) const SITTING: &str = "and now sitting ";
/// Agents that callers ask for, and those that agents do.
pub(super) const WORKER: &str = "worker";
pub(super) const HELPER: &str = "helper";

/// What agents call, effects most of the time.
const TOOLS: [&str; 8] = ["Change", "Change", "Change", "Look", "Burst", "Dawdle", "Stumble", "Trip"];

const ANSWER: &str = "all of it is done, and this is the report of task ";

/// A task's prompt, by which its calls are told from others'.
pub(super) fn prompt(task: usize) -> String {
    format!("{TASK}{task}.")
}

/// The prompt with which it goes on.
pub(super) fn next_prompt(sitting: usize) -> String {
    format!("{SITTING}{sitting}.")
}

/// Which sitting a prompt begins.
pub(super) fn sitting_asked_by(prompt: &str) -> usize {
    let number = prompt.strip_prefix(SITTING).and_then(|rest| rest.strip_suffix('.'));
    number.map_or(0, |number| number.parse().expect("a number"))
}

/// What a task reports in the end. No report is the beginning of another one.
pub(super) fn report(task: usize, sitting: usize) -> String {
    format!("{ANSWER}{task}, sitting {sitting}.")
}

/// Some turns of tool calls, then the report.
pub(super) fn answer(plan: Plan, task: usize, fate: Fate, at: Progress) -> Rule {
    if fate == Fate::Anchor {
        let hold = || Rule::text("I hold on.").and_call(ScriptedCall::new("Hold", &json!({})));
        return if at.turn == 0 { hold() } else { Rule::text(report(task, 0)) };
    }
    let turns = plan.dice("turns", task * 10 + at.sitting).random_range(0..=4);
    if at.turn >= turns {
        return Rule::text(report(task, at.sitting));
    }
    let mut dice = plan.dice("calls", task * 1_000 + at.sitting * 100 + at.turn);
    (0..dice.random_range(1..=3)).fold(Rule::text("I go on."), |rule, part| {
        let key = format!("task {task} sitting {} turn {} part {part}", at.sitting, at.turn);
        let tool = TOOLS[dice.random_range(0..TOOLS.len())];
        let child = plan.child(task, at, part).map(|child| ScriptedCall::new("Task", &request(plan, child)));
        let call = child.unwrap_or_else(|| ScriptedCall::new(tool, &json!({"key": key})));
        rule.and_call(call.with_id(key))
    })
}

/// How an agent asks for a task.
fn request(plan: Plan, child: usize) -> serde_json::Value {
    json!({
        "description": format!("{TASK}{child}"),
        "prompt": prompt(child),
        "subagent_type": HELPER,
        "run_in_background": is_left_alone(plan, child),
    })
}

/// Whether an agent does not wait for the task that it asks for.
pub(super) fn is_left_alone(plan: Plan, task: usize) -> bool {
    parent_of(task).is_some() && plan.dice("background", task).random_bool(0.2)
}
