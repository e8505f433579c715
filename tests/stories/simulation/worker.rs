//! Workers on the simulation's own thread and clock, which die and stall like the Arbiters of a runtime.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use codex_task_actors::{RetireWorker, RunTask, WorkerFactory, WorkerHost};
use codex_task_providers::scripted::{Fault, Rule};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::LocalSet;
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::harness::{OneClock, Setup, agent, agents, scripted, wait_until};

/// Turns that a worker takes after it was asked to end: whoever wakes up then may still do something.
const LAST_TURNS: usize = 16;

type Job = Box<dyn FnOnce() + Send>;
/// Until when a worker takes no turn.
type Stall = Arc<Mutex<Option<Instant>>>;

/// All workers that were made, the dead ones too.
#[derive(Clone, Default)]
pub(super) struct WorkerPool {
    stalls: Arc<Mutex<Vec<Stall>>>,
    ending: CancellationToken,
}

impl WorkerPool {
    pub(super) fn factory(&self) -> WorkerFactory {
        let pool = self.clone();
        Box::new(move || Box::new(pool.make()))
    }

    /// The `nth` of the youngest workers takes no turn for so long.
    pub(super) fn stall(&self, nth: usize, time: Duration) {
        let stalls = self.stalls.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(stall) = stalls.iter().rev().nth(nth) {
            *stall.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + time);
        }
    }

    fn make(&self) -> SimWorker {
        let (jobs, to_do) = unbounded_channel();
        let (stop, stall) = (CancellationToken::new(), Stall::default());
        self.stalls.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&stall));
        drop(actix::spawn(work(to_do, stop.clone(), stall)));
        SimWorker { jobs, stop, ending: self.ending.clone() }
    }
}

struct SimWorker {
    jobs: UnboundedSender<Job>,
    stop: CancellationToken,
    ending: CancellationToken,
}

impl WorkerHost for SimWorker {
    fn run(&self, start: Job) -> bool {
        self.jobs.send(start).is_ok()
    }

    fn stop(&self) -> bool {
        self.stop.cancel();
        !self.jobs.is_closed()
    }

    fn is_ending(&self) -> bool {
        self.ending.is_cancelled()
    }
}

/// Everything that runs on a worker, in a set of its own that ends with it.
async fn work(mut to_do: UnboundedReceiver<Job>, stop: CancellationToken, stall: Stall) {
    let everything = LocalSet::new();
    let mut turns = pin!(everything.run_until(async {
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                job = to_do.recv() => match job {
                    Some(job) => job(),
                    None => break,
                },
            }
        }
        for _ in 0..LAST_TURNS {
            tokio::task::yield_now().await;
        }
    }));
    let mut alarm = None;
    poll_fn(|context| {
        if is_stalled(&stall, &mut alarm, context) { Poll::Pending } else { turns.as_mut().poll(context) }
    })
    .await;
}

fn is_stalled(stall: &Stall, alarm: &mut Option<Pin<Box<Sleep>>>, context: &mut Context<'_>) -> bool {
    let until = *stall.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(until) = until.filter(|until| *until > Instant::now()) else { return false };
    let mut sleep = Box::pin(sleep_until(until));
    let is_pending = sleep.as_mut().poll(context).is_pending();
    *alarm = Some(sleep);
    is_pending
}

#[actix::test]
async fn a_worker_that_ends_is_replaced_and_its_agents_move_unless_everything_ends() {
    tokio::time::pause();
    let pool = WorkerPool::default();
    let mut setup = Setup::new(agents([agent("worker")]), scripted([Rule::fault(Fault::hang())]));
    setup.workers = Some((1, pool.factory()));
    let clock = OneClock::start(setup);
    let made = || pool.stalls.lock().unwrap_or_else(PoisonError::into_inner).len();
    let lose = async || {
        clock.supervisor.send(RetireWorker { index: 0 }).await.expect("the supervisor lives");
        tokio::time::sleep(Duration::from_secs(1)).await;
    };
    wait_until("there is one", || made() == 1).await;
    let running = clock.supervisor.send(RunTask::<String>::new("worker", "go"));
    let running = tokio_util::task::AbortOnDropHandle::new(tokio::task::spawn_local(running));
    lose().await;
    assert_eq!((made(), clock.counters().await.moved), (2, 1), "nobody has expected its end");
    pool.ending.cancel();
    lose().await;
    assert_eq!((made(), clock.counters().await.moved), (2, 1));
    drop(running);
}
