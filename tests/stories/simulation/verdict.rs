//! What must be true of each ending.

use std::time::Duration;

use codex_task::{Outcome, TaskError, TaskReport};

use super::plan::{ANSWER, Fate};
use super::world::{SimTask, World};

/// How long after its deadline a task may end.
const GRACE: Duration = Duration::from_secs(1);
/// The same where a worker has stalled: then the supervisor ends what its agent cannot end itself.
const GRACE_OF_STALLED: Duration = Duration::from_secs(2);

/// Panics when a task has not ended in time, or in a way that nothing has led to.
pub(super) fn check(world: &World, task: &SimTask, report: &TaskReport, waited: Duration) {
    let seed = world.plan.seed;
    let name = format!("seed {seed}, task {}", task.index);
    let took = report.timing.total.saturating_sub(report.timing.queued);
    let grace = if world.has_stalled.get() { GRACE_OF_STALLED } else { GRACE };
    assert!(took <= task.plan.deadline + grace, "{name}: {took:?} of {:?}", task.plan.deadline);
    assert!(report.timing.total <= waited, "{name}: {:?} in {waited:?}", report.timing);
    assert_eq!(report.task, task.id, "{name}: an answer of another task");
    let is_right = is_right(world, task, report);
    assert!(
        is_right,
        "{name} of fate {:?} ends so: {:?}, {:?}",
        task.plan.fate, report.outcome, report.notes
    );
}

/// Whether a task may end so. Where nothing goes wrong by chance, only one ending is left to each, or its cancelling.
fn is_right(world: &World, task: &SimTask, report: &TaskReport) -> bool {
    let weather = &world.weather;
    let (fate, is_ill) = (task.plan.fate, weather.illness > 0.0);
    match &report.outcome {
        Outcome::Completed(text) => text == ANSWER && matches!(fate, Fate::Any | Fate::Fine | Fate::Anchor),
        Outcome::Cancelled { .. } => world.cancelled.borrow().contains(&task.id),
        Outcome::TimedOut { after, .. } => *after == task.plan.deadline && (is_ill || fate == Fate::Silent),
        Outcome::Crashed { restarts, .. } => {
            let may_crash = fate == Fate::Crashing || (is_ill && fate != Fate::Anchor);
            may_crash && *restarts >= weather.restarts_max && report.restarts == *restarts
        }
        Outcome::Failed { error, .. } => match error {
            TaskError::AllRoutesFailed { attempts } => {
                !attempts.is_empty() && (is_ill || fate == Fate::Doomed)
            }
            TaskError::Journal(_) => weather.disk.is_some_and(|disk| disk.losing > 0.0),
            TaskError::CallLimit { .. } => weather.limits.calls_max.is_some(),
            TaskError::TokenLimit { .. } => weather.limits.tokens_max.is_some(),
            _ => false,
        },
    }
}

/// Panics when the disk does not say of each task what its caller was told.
pub(super) fn check_disk(world: &World) {
    let Some(disk) = &world.disk else { return };
    let seed = world.plan.seed;
    let forgets = world.weather.disk.is_some_and(|disk| disk.losing > 0.0);
    for task in &world.tasks {
        let (endings, index) = (disk.endings(task.id), task.index);
        assert!(endings.len() <= 1, "seed {seed}, task {index}: written twice: {endings:?}");
        let told = world.reports.borrow().get(&task.id).map(TaskReport::status);
        let has_died = !world.weather.kills.is_empty() || world.weather.workers > 0;
        let is_whole =
            |report: &TaskReport| report.restarts == 0 && matches!(report.outcome, Outcome::Completed(_));
        if !has_died && !forgets && world.reports.borrow().get(&task.id).is_some_and(is_whole) {
            let open = disk.open_calls(task.id);
            assert!(open.is_empty(), "seed {seed}, task {index}: the ends of {open:?} are not written");
        }
        match endings.first() {
            // A process that is killed between writing and telling has told nobody.
            Some(written) => assert!(
                told.is_none_or(|told| told == *written) || !world.weather.kills.is_empty(),
                "seed {seed}, task {index}: {written:?} is written, {told:?} was told"
            ),
            None => assert!(forgets, "seed {seed}, task {index}: its ending is not written: {told:?}"),
        }
    }
}
