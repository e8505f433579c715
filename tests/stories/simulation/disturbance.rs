//! What comes from outside, whenever the seed says so.

use std::rc::Rc;
use std::time::Duration;

use codex_task::{CancelTask, FailProvider, Observe, RetireWorker, SupervisorCounters};
use codex_task_actors::Fail;
use codex_task_config::ProviderName;
use rand::RngExt;
use rand::rngs::StdRng;

use super::life::Life;

/// The longest that a worker takes no turn.
pub(super) const STALL_MAX: Duration = Duration::from_secs(9);
/// Questions at once that no mailbox has room for.
const FLOOD: usize = 100;

/// Disturbs everything a few times.
pub(super) async fn disturb(life: &Rc<Life>) {
    let mut dice = life.world.plan.dice("disturbance", life.nth);
    // Somebody who watches and never reads: nobody waits for him.
    let asleep = life.stage.events.watch();
    for _ in 0..dice.random_range(0..=7) {
        tokio::time::sleep(Duration::from_millis(dice.random_range(0..=6_000))).await;
        once(life, &mut dice).await;
    }
    drop(asleep);
}

async fn once(life: &Rc<Life>, dice: &mut StdRng) {
    let note = |what: &str| life.world.trace.line(life.began, what);
    let supervisor = &life.stage.supervisor;
    let worker = dice.random_range(0..life.world.weather.workers.max(1));
    match dice.random_range(0..9) {
        0..=2 => {
            let task = &life.world.tasks[dice.random_range(0..life.world.tasks.len() - 1)];
            // Before its answer: the task's own may come first.
            let is_first = life.world.cancelled.borrow_mut().insert(task.id);
            let was_there = supervisor.send(CancelTask { task: task.id }).await.expect("it lives");
            note(&format!("task {} is cancelled: {was_there}", task.index));
            if is_first && !was_there {
                life.world.cancelled.borrow_mut().remove(&task.id);
            }
        }
        // Whoever waits for that provider has a failed attempt more.
        3 if life.world.weather.illness > 0.0 => {
            let name = if dice.random_bool(0.5) { "scripted" } else { "second" };
            let provider = FailProvider { provider: ProviderName::new(name) };
            supervisor.send(provider).await.expect("it lives");
            note(&format!("the actor of {name} fails"));
        }
        3 | 4 => {
            let was_there = supervisor.send(RetireWorker { index: worker }).await.expect("it lives");
            note(&format!("worker {worker} dies: {was_there}"));
        }
        5 => {
            let time = Duration::from_millis(dice.random_range(1..=9_000)).min(STALL_MAX);
            life.pool.stall(worker, time);
            life.world.has_stalled.set(true);
            note(&format!("worker {worker} stalls for {time:?}"));
        }
        6 => {
            note("its mailbox is flooded");
            flood(life);
        }
        7 => {
            note("the aggregator fails");
            life.stage.aggregator.tell(Fail);
            *life.aggregator_failed.borrow_mut() = true;
        }
        _ => note("nothing happens"),
    }
}

/// More questions than the supervisor's mailbox has room for; each is answered.
fn flood(life: &Rc<Life>) {
    let observe = Observe::<SupervisorCounters>::new;
    while life.stage.supervisor.try_send(observe()).is_ok() {}
    for _ in 0..FLOOD {
        let answer = life.stage.supervisor.send(observe());
        drop(actix::spawn(async move { answer.await.expect("it lives") }));
    }
}
