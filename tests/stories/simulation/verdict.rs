//! What must be true of each ending.

use std::time::Duration;

use codex_task::{BudgetLimits, Outcome, TaskError, TaskId, TaskReport, TaskStatus};
use codex_task_actors::Spent;

use super::kinship::{above, parent_of};
use super::plan::Fate;
use super::script::{is_left_alone, report};
use super::world::World;

/// How long after its deadline a task may end.
const GRACE: Duration = Duration::from_secs(1);
/// The same where a worker has stalled: then the supervisor ends what its agent cannot end itself.
const GRACE_OF_STALLED: Duration = Duration::from_secs(2);

/// How long after its deadline a task may end in this world.
pub(super) fn grace(world: &World) -> Duration {
    if world.has_stalled.get() { GRACE_OF_STALLED } else { GRACE }
}

/// What is wrong with the ending of a task: that it has come too late, or that nothing has led to it.
pub(super) fn wrong_ending(world: &World, task: usize, report: &TaskReport) -> Option<String> {
    let plan = world.plan.task(task);
    let took = report.timing.total.saturating_sub(report.timing.queued);
    if took > plan.deadline + grace(world) {
        return Some(format!("it took {took:?} of {:?}", plan.deadline));
    }
    let is_right = is_right(world, task, report);
    (!is_right)
        .then(|| format!("of fate {:?} it ends so: {:?}, {:?}", plan.fate, report.outcome, report.notes))
}

/// Whether a task may end so. Where nothing goes wrong by chance, only one ending is left to each, or its cancelling.
fn is_right(world: &World, task: usize, ended: &TaskReport) -> bool {
    let (weather, plan) = (&world.weather, world.plan.task(task));
    let (fate, is_ill) = (plan.fate, weather.illness > 0.0);
    match &ended.outcome {
        Outcome::Completed(text) => {
            let may_complete = matches!(fate, Fate::Any | Fate::Fine | Fate::Anchor);
            may_complete && (0..plan.sittings).any(|sitting| *text == report(task, sitting))
        }
        Outcome::Cancelled { .. } => world.cancelled.borrow().contains(&ended.task) || is_left(world, task),
        Outcome::TimedOut { after, .. } => match parent_of(task) {
            None => *after == plan.deadline && (is_ill || fate == Fate::Silent),
            Some(_) => *after <= plan.deadline && is_ill,
        },
        Outcome::Crashed { restarts, .. } => {
            let may_crash = fate == Fate::Crashing || (is_ill && fate != Fate::Anchor);
            may_crash && *restarts >= weather.restarts_max && ended.restarts == *restarts
        }
        Outcome::Failed { error, .. } => match error {
            TaskError::AllRoutesFailed { attempts } => {
                !attempts.is_empty() && (is_ill || fate == Fate::Doomed)
            }
            TaskError::Journal(_) | TaskError::StillRunning { .. } | TaskError::NoTranscript { .. } => {
                forgets(world)
            }
            TaskError::CallLimit { .. } => weather.limits.calls_max.is_some(),
            TaskError::TokenLimit { limit } => {
                let of_family = above(task).chain([task]).filter_map(|task| world.plan.task(task).tokens_max);
                of_family.chain(weather.limits.tokens_max).any(|most| most == *limit)
            }
            _ => false,
        },
    }
}

/// Whether the agent that has asked for a task may have left it: it has ended, or its actor has died.
fn is_left(world: &World, task: usize) -> bool {
    if parent_of(task).is_none() {
        return false;
    }
    let may_die = world.weather.illness > 0.0 || world.has_moved.get() || world.has_stalled.get();
    let family = || above(task).chain([task]);
    let is_cancelled = |task| world.id_of(task).is_some_and(|id| world.cancelled.borrow().contains(&id));
    may_die || family().any(|task| is_left_alone(world.plan, task) || is_cancelled(task))
}

/// Whether the disk loses something now and then.
pub(super) fn forgets(world: &World) -> bool {
    world.weather.disk.is_some_and(|disk| disk.losing > 0.0)
}

/// What is wrong with what was taken of a budget.
pub(super) fn overspent(limits: BudgetLimits, taken: Spent) -> Option<String> {
    let calls = limits.calls_max.is_some_and(|most| taken.calls > most);
    let tokens = limits.tokens_max.is_some_and(|most| taken.tokens > most);
    (calls || tokens).then(|| format!("{taken:?} of {limits:?}"))
}

/// Panics when the disk does not say of each task what its caller was told.
pub(super) fn check_disk(world: &World) {
    let nested = world.nested();
    let tasks = world.tasks.iter().map(|task| (task.index, task.id)).chain(nested);
    tasks.for_each(|(task, id)| check_record(world, task, id));
}

/// What was told of sittings that the record can know of: one that is cancelled while its conversation is still looked for
/// may never reach it.
fn begun_of(reports: &[TaskReport], written: &[TaskStatus]) -> Vec<TaskStatus> {
    let mut unwritten = reports.len().saturating_sub(written.len());
    let mut is_begun = |report: &&TaskReport| {
        let may_be_unknown = report.status() == TaskStatus::Cancelled && report.turns == 0;
        let is_unknown = may_be_unknown && unwritten > 0;
        unwritten -= usize::from(is_unknown);
        !is_unknown
    };
    reports.iter().filter(|report| is_begun(report)).map(TaskReport::status).collect()
}

fn check_record(world: &World, task: usize, id: TaskId) {
    let Some(disk) = &world.disk else { return };
    let name = format!("seed {}, task {task}", world.plan.seed);
    let plan = world.plan.task(task);
    let reports = world.reports.borrow();
    let reports = reports.get(&id).map(Vec::as_slice).unwrap_or_default();
    let told: Vec<TaskStatus> = reports.iter().map(TaskReport::status).collect();
    let (written, is_killed) = (disk.endings(id), !world.weather.kills.is_empty());
    assert!(written.len() <= plan.sittings, "{name}: written too often: {written:?}");
    let has_died = is_killed || world.weather.workers > 0;
    let is_whole =
        |report: &TaskReport| report.restarts == 0 && matches!(report.outcome, Outcome::Completed(_));
    if !has_died && !forgets(world) && reports.iter().all(is_whole) {
        let open = disk.open_calls(id);
        assert!(open.is_empty(), "{name}: the ends of {open:?} are not written");
    }
    // A process that is killed between writing and telling has told nobody.
    let is_told = is_killed || forgets(world) || written == begun_of(reports, &written);
    assert!(is_told, "{name}: {written:?} is written, {told:?} was told");
    let must_end = !is_killed || parent_of(task).is_none();
    assert!(
        !must_end || !written.is_empty() || forgets(world),
        "{name}: its ending is not written: {told:?}"
    );
}
