//! What comes from outside, whenever the seed says so.

use std::rc::Rc;
use std::time::Duration;

use codex_task::{CancelTask, FailProvider, Observe, RetireWorker, SupervisorCounters, TaskId};
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
    let asleep = life.stage.runtime.events();
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
        0..=2 => cancel(life, dice).await,
        // Whoever waits for that provider has a failed attempt more.
        3 if life.world.weather.illness > 0.0 => {
            let name = if dice.random_bool(0.5) { "scripted" } else { "second" };
            let provider = FailProvider { provider: ProviderName::new(name) };
            supervisor.send(provider).await.expect("it lives");
            note(&format!("the actor of {name} fails"));
        }
        3 | 4 => {
            let was_there = supervisor.send(RetireWorker { index: worker }).await.expect("it lives");
            life.world.has_moved.set(life.world.has_moved.get() || was_there);
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
            let _ = life.stage.runtime.aggregator().try_send(Fail); // the one before may have died for good
            life.aggregator_failed.set(true);
        }
        _ => note("nothing happens"),
    }
}

/// Cancels what a caller has asked for, or something that lives.
async fn cancel(life: &Rc<Life>, dice: &mut StdRng) {
    let world = &life.world;
    let living = life.census.borrow().living();
    let anchor = world.tasks.last().expect("the anchor").id;
    let living: Vec<TaskId> = living.into_iter().filter(|task| *task != anchor).collect();
    let id = if dice.random_bool(0.5) && !living.is_empty() {
        living[dice.random_range(0..living.len())]
    } else {
        world.tasks[dice.random_range(0..world.tasks.len() - 1)].id
    };
    // Before its answer: the task's own may come first.
    let is_first = world.cancelled.borrow_mut().insert(id);
    life.census.borrow_mut().cancel(id);
    let was_there = life.stage.supervisor.send(CancelTask { task: id }).await.expect("it lives");
    let task = world.number_of(id).expect("it lives, or a caller has asked for it");
    world.trace.line(life.began, &format!("task {task} is cancelled: {was_there}"));
    if !was_there {
        life.census.borrow_mut().was_not_there(id);
        if is_first {
            world.cancelled.borrow_mut().remove(&id);
        }
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
