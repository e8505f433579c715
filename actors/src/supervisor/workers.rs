//! The Arbiters that subagents run on: fault domains. One that dies is replaced, and its agents move.

use actix::{Actor, Addr, Message};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::SupervisorActor;
use super::pulse::Pulse;
use crate::subagent::SubagentActor;

/// Where agents run: an Arbiter's thread, or in a simulation something that dies and stalls like one.
pub trait WorkerHost: Send {
    /// Runs this there as soon as it takes a turn. One that has ended drops it; returns whether it was taken.
    fn run(&self, start: Box<dyn FnOnce() + Send>) -> bool;

    /// Asks it to end, with everything that runs there. Returns whether it was still there.
    fn stop(&self) -> bool;

    /// Whether all of them end now, the supervisor too: then one that has ended is not missed.
    fn is_ending(&self) -> bool;
}

/// Makes a new worker Arbiter; whoever gives the factory joins their threads in the end.
pub type WorkerFactory = Box<dyn FnMut() -> Box<dyn WorkerHost> + Send>;

/// Ends a worker Arbiter as if its thread had died: its agents move to others. For tests and for operators who want
/// to see it happen. Replies whether there was such a worker.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "bool")]
pub struct RetireWorker {
    /// Number of the worker, from 0.
    pub index: usize,
}

/// A worker Arbiter has ended.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct WorkerGone {
    pub(crate) index: usize,
    pub(crate) epoch: u64,
}

/// Where one agent runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    index: usize,
    epoch: u64,
}

struct Worker {
    host: Box<dyn WorkerHost>,
    epoch: u64,
    agents: usize,
    pulse: Pulse,
}

/// All workers. Without any, agents run on the supervisor's own Arbiter: for tests on one clock.
pub(crate) struct Workers {
    slots: Vec<Worker>,
    make: Option<WorkerFactory>,
    epoch: u64,
    /// Workers end with the supervisor; their canaries then have nothing to tell.
    closing: CancellationToken,
}

impl Workers {
    pub(crate) fn new(make: Option<WorkerFactory>) -> Self {
        Self { slots: Vec::new(), make, epoch: 0, closing: CancellationToken::new() }
    }

    /// Starts `count` workers.
    pub(crate) fn start(&mut self, count: usize, supervisor: &Addr<SupervisorActor>) {
        for index in 0..count {
            if let Some(worker) = self.make_worker(index, supervisor) {
                self.slots.push(worker);
            }
        }
    }

    /// Starts an agent on the worker with the fewest, if possible one that answers.
    pub(crate) fn place(&mut self, agent: SubagentActor) -> Option<Place> {
        let load = |worker: &Worker| (worker.pulse.is_late(), worker.agents);
        let least = self.slots.iter_mut().enumerate().min_by_key(|(_, worker)| load(worker));
        let Some((index, worker)) = least else {
            agent.start();
            return None;
        };
        worker.agents += 1;
        // One that has ended drops the agent, whose death watch tells.
        worker.host.run(Box::new(move || drop(agent.start())));
        Some(Place { index, epoch: worker.epoch })
    }

    /// An agent has left its place.
    pub(crate) fn leave(&mut self, place: Option<Place>) {
        let worker = place.and_then(|p| self.slots.get_mut(p.index).filter(|worker| worker.epoch == p.epoch));
        if let Some(worker) = worker {
            worker.agents = worker.agents.saturating_sub(1);
        }
    }

    /// Whether all of them end now.
    pub(crate) fn are_ending(&self) -> bool {
        self.slots.iter().any(|worker| worker.host.is_ending())
    }

    /// Replaces a worker that has ended, unless all of them do; an old notice about one that was replaced already changes
    /// nothing.
    pub(crate) fn replace(&mut self, gone: WorkerGone, supervisor: &Addr<SupervisorActor>) {
        let Some(worker) = self.slots.get(gone.index).filter(|worker| worker.epoch == gone.epoch) else {
            return;
        };
        if worker.host.is_ending() {
            debug!(worker = gone.index, "a worker Arbiter ended with its runtime");
            return;
        }
        warn!(worker = gone.index, "a worker Arbiter ended; its agents move");
        self.renew(gone.index, supervisor);
    }

    fn renew(&mut self, index: usize, supervisor: &Addr<SupervisorActor>) {
        let fresh = self.make_worker(index, supervisor);
        if let (Some(slot), Some(fresh)) = (self.slots.get_mut(index), fresh) {
            *slot = fresh;
        }
    }

    /// Looks whether the workers still answer. Replaces those that do not, and tells where agents are stranded.
    pub(crate) fn look(&mut self, now: Instant, supervisor: &Addr<SupervisorActor>) -> Vec<Place> {
        let mut blocked = Vec::new();
        for (index, worker) in self.slots.iter_mut().enumerate() {
            // A worker without agents has nobody to keep waiting, unless it owes an answer.
            if worker.agents > 0 || worker.pulse.is_open() {
                worker.pulse.look(now, &*worker.host);
            }
            if worker.pulse.is_blocked() {
                blocked.push(Place { index, epoch: worker.epoch });
            }
        }
        for place in &blocked {
            warn!(worker = place.index, "a worker Arbiter is blocked; its agents move");
            self.retire(place.index); // takes effect when it returns from whatever blocks it
            self.renew(place.index, supervisor);
        }
        blocked
    }

    /// Ends one worker on purpose.
    pub(crate) fn retire(&mut self, index: usize) -> bool {
        self.slots.get(index).is_some_and(|worker| worker.host.stop())
    }

    fn make_worker(&mut self, index: usize, supervisor: &Addr<SupervisorActor>) -> Option<Worker> {
        let host = self.make.as_mut()?();
        self.epoch += 1;
        let canary = Canary {
            index,
            epoch: self.epoch,
            supervisor: supervisor.clone(),
            closing: self.closing.clone(),
        };
        let sing = async move {
            let _canary = canary;
            std::future::pending::<()>().await;
        };
        host.run(Box::new(move || drop(actix::spawn(sing))));
        Some(Worker { host, epoch: self.epoch, agents: 0, pulse: Pulse::new() })
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.closing.cancel();
    }
}

/// Lives on a worker as long as the worker lives.
struct Canary {
    index: usize,
    epoch: u64,
    supervisor: Addr<SupervisorActor>,
    closing: CancellationToken,
}

impl Drop for Canary {
    #[expect(clippy::disallowed_methods, reason = "a lifecycle event that a full mailbox must not refuse")]
    fn drop(&mut self) {
        if !self.closing.is_cancelled() {
            self.supervisor.do_send(WorkerGone { index: self.index, epoch: self.epoch });
        }
    }
}
