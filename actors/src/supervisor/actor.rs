//! The supervisor owns the table of tasks, the queue, the restart histories and the last checkpoint of each agent, and
//! knows how long tasks took so far; it never owns an agent. It decides who runs and what happens to the dead. It does not talk to providers or tools. The
//! runtime starts it first and stops it last.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix::Context;
use codex_task_config::ProviderName;
use serde::Serialize;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tracing::debug;

use super::history::History;
use super::planner::{Planned, Planner};
use super::pressure::{RunningLimit, Shortage};
use super::record::Beginning;
use super::restart::{RestartHistory, RestartPolicy};
use super::resume::Recalling;
use super::services::Services;
use super::slots::{SlotKey, Slots};
use super::table::{BoardEntry, BoardState, TaskBoard, TaskEntry, TaskState};
use super::transcripts::Transcripts;
use super::workers::{WorkerFactory, Workers};
use crate::aggregator::{AggregatorActor, EventBus, TaskEnded, Teller};
use crate::audit::{AuditEvent, TaskSpawn};
use crate::budget::Budget;
use crate::dice::Dice;
use crate::journal::{Admission, Journal, JournalEntry, TaskImage};
use crate::own_addr::OwnAddr;
use crate::seat::Seat;
use crate::subagent::{AgentContext, DeathWatch, Seed, Steps, StopSignal, SubagentActor, Tally};
use crate::task::{
    Outcome, RunId, TaskError, TaskEvent, TaskEventKind, TaskId, TaskReport, TaskRequest, TaskTiming,
};

/// See the module.
pub struct SupervisorActor {
    pub(super) services: Arc<Services>,
    pub(super) planner: Planner,
    /// In the order in which they were made.
    pub(super) tasks: BTreeMap<TaskId, Box<TaskEntry>>,
    /// Restarts of provider actors.
    pub(super) gate_restarts: HashMap<ProviderName, RestartHistory>,
    /// Restarts of the aggregator.
    pub(super) aggregator_restarts: RestartHistory,
    /// The budgets of runs that have tasks.
    pub(super) runs: HashMap<RunId, Arc<Budget>>,
    pub(super) slots: Slots,
    /// Tasks that may hold a slot, at each depth.
    pub(super) limit: RunningLimit,
    /// Whether somebody looks at the machine just now.
    pub(super) looking: bool,
    /// Number of the last incarnation of any task. Never used twice: an id may come again after its task has ended,
    /// and what its old agent still says must not be taken for the new one's.
    pub(super) generation: u64,
    pub(super) workers: Workers,
    /// What all jitter of the runtime comes from.
    pub(super) dice: Dice,
    pub(super) worker_count: usize,
    pub(super) aggregator: Seat<AggregatorActor>,
    pub(super) events: EventBus,
    pub(super) board: TaskBoard,
    history: History,
    /// Set while the runtime shuts down: no new tasks, and somebody waits for the old ones.
    pub(super) drained: Option<Vec<oneshot::Sender<()>>>,
    pub(super) counters: SupervisorCounters,
    /// Where what happens is written down, if anywhere.
    pub(super) journal: Option<Arc<dyn Journal>>,
    /// Beginnings that are written down together; see [`super::RunTasks`].
    pub(super) admissions: Option<Vec<Admission>>,
    /// Conversations that may be gone on with, where the journal remembers none.
    pub(super) transcripts: Transcripts,
    /// Tasks whose conversation the journal looks for.
    pub(super) recalling: Recalling,
    own: OwnAddr<Self>,
}

/// What the supervisor has seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SupervisorCounters {
    /// Tasks that hold a slot now.
    pub running: usize,
    /// Tasks that wait for one.
    pub queued: usize,
    /// Tasks that may hold one now: fewer than configured while the machine is short of something.
    pub running_max: usize,
    /// What the machine was shortest of at the last look; it is looked at while tasks wait.
    pub shortage: Shortage,
    /// Model calls under way that budgets with limits hold something for.
    pub promised: u64,
    /// Tasks that were taken.
    pub admitted: u64,
    /// Tasks that could not begin.
    pub refused: u64,
    /// Restarts after a panic.
    pub restarted: u64,
    /// Agents that lost their Arbiter and moved.
    pub moved: u64,
    /// Agents that were given up because they did not stop.
    pub given_up: u64,
    /// Restarts of provider actors that had died.
    pub gates_restarted: u64,
    /// Provider actors that died too often: calls to their providers fail.
    pub gates_given_up: u64,
    /// Restarts of the aggregator, which had died.
    pub aggregators_restarted: u64,
    /// Aggregators that died too often: runs cannot be collected any longer.
    pub aggregators_given_up: u64,
    /// Messages of incarnations that were no longer current.
    pub stale: u64,
}

impl SupervisorActor {
    /// A supervisor that starts `worker_count` worker Arbiters; without a factory agents run on its own.
    pub fn new(
        services: Arc<Services>,
        aggregator: Seat<AggregatorActor>,
        events: EventBus,
        board: TaskBoard,
        worker_count: usize,
        workers: Option<WorkerFactory>,
    ) -> Self {
        let limits = services.settings.limits;
        let first_look = services.pressure.sample();
        let limit = RunningLimit::new(limits.min_concurrent, limits.max_concurrent, &first_look);
        Self {
            planner: Planner::new(Arc::clone(&services), events.clone()),
            slots: Slots::new(limit.now()),
            services,
            tasks: BTreeMap::new(),
            gate_restarts: HashMap::new(),
            aggregator_restarts: RestartHistory::default(),
            runs: HashMap::new(),
            limit,
            looking: false,
            generation: 0,
            workers: Workers::new(workers),
            dice: Dice::new(),
            worker_count,
            aggregator,
            events,
            board,
            history: History::default(),
            drained: None,
            counters: SupervisorCounters::default(),
            journal: None,
            admissions: None,
            transcripts: Transcripts::default(),
            recalling: Recalling::default(),
            own: OwnAddr::default(),
        }
    }

    /// Writes down what happens from now on.
    #[must_use]
    pub fn with_journal(mut self, journal: Arc<dyn Journal>) -> Self {
        self.journal = Some(journal);
        self
    }

    /// Draws all jitter from these dice: whoever seeds them sees the same again.
    #[must_use]
    pub fn with_dice(mut self, dice: Dice) -> Self {
        self.dice = dice;
        self
    }

    /// Takes a task; the receiver gets its report exactly once.
    pub(super) fn admit(
        &mut self,
        beginning: Beginning,
        ctx: &mut Context<Self>,
    ) -> oneshot::Receiver<Arc<TaskReport>> {
        let (reply, report) = oneshot::channel();
        self.admit_to(beginning, reply, ctx);
        report
    }

    /// As [`Self::admit`], for a caller who waits already. Gives the report of a task that could not begin.
    pub(super) fn admit_to(
        &mut self,
        beginning: Beginning,
        reply: oneshot::Sender<Arc<TaskReport>>,
        ctx: &mut Context<Self>,
    ) -> Option<Arc<TaskReport>> {
        let stop = StopSignal::default();
        let request = beginning.request();
        if self.tasks.contains_key(&request.id) {
            return Some(self.refuse(request, TaskError::DuplicateTask, reply));
        }
        let budget = self.budget_of(&beginning);
        let planned = self.planner.plan(request, &stop, &budget.budget);
        let Planned { plan, tools, opening, audit } = match planned {
            Ok(planned) => planned,
            Err(error) => return Some(self.refuse(request, error, reply)),
        };
        let is_resumed = beginning.is_resumed();
        let (request, opening, checkpoint) = self.begin(beginning, &plan, opening);
        audit.record(|| TaskSpawn::event(&request, is_resumed, &plan, &tools));
        self.counters.admitted += 1;
        let (task, run) = (request.id, request.run);
        self.join_budget(run, &budget);
        let (agent, description) = (Arc::clone(&request.subagent_type), request.description.clone());
        self.board.insert(task, BoardEntry { run, agent, description, state: BoardState::Queued });
        if let Some(position) = self.slots.push(SlotKey::of(&request), task) {
            self.publish(&request, || TaskEventKind::Queued {
                position,
                description: request.description.clone(),
            });
        }
        let entry = TaskEntry {
            request,
            plan,
            tools,
            stop,
            state: TaskState::Queued,
            checkpoint,
            opening,
            restarts: RestartHistory::default(),
            generation: 0,
            acting: Arc::default(),
            admitted: Instant::now(),
            started: None,
            budget: budget.budget,
            deadline: budget.deadline,
            stopping_since: None,
            children: Vec::new(),
            reply,
            audit,
        };
        self.join_parent(&entry.request);
        self.tasks.insert(task, Box::new(entry));
        self.dispatch(ctx);
        None
    }

    /// Starts waiting tasks while there are free slots.
    pub(super) fn dispatch(&mut self, ctx: &mut Context<Self>) {
        while let Some(task) = self.slots.take() {
            self.announce_start(task);
            self.incarnate(task, ctx);
        }
    }

    /// Before anything else is heard of the task.
    fn announce_start(&self, task: TaskId) {
        let Some(entry) = self.tasks.get(&task) else { return };
        self.publish(&entry.request, || TaskEventKind::Started {
            description: entry.request.description.clone(),
            prompt: Arc::clone(&entry.request.prompt),
            expected: self.history.expected(&entry.request.subagent_type),
        });
    }

    /// Starts the next incarnation of a task from its checkpoint.
    pub(super) fn incarnate(&mut self, task: TaskId, ctx: &mut Context<Self>) {
        let Some(entry) = self.tasks.get_mut(&task) else { return };
        let own = self.own.get(ctx);
        self.generation += 1;
        entry.generation = self.generation;
        entry.acting.store(self.generation, Ordering::SeqCst);
        let now = Instant::now();
        let started = *entry.started.get_or_insert(now);
        let context = AgentContext {
            task,
            plan: Arc::clone(&entry.plan),
            tools: Arc::clone(&entry.tools),
            priority: entry.request.priority,
            stop: entry.stop.clone(),
            started,
            budget: Arc::clone(&entry.budget),
            deadline: entry.deadline,
            io: self.services.io.clone(),
            teller: Teller::of(&entry.request, &self.events),
            steps: Steps {
                task,
                generation: entry.generation,
                acting: Arc::clone(&entry.acting),
                stop: entry.stop.clone(),
                supervisor: Arc::clone(&own),
                journal: self.journal.clone(),
            },
            audit: entry.audit.clone(),
        };
        let seed = Seed {
            context,
            opening: Arc::clone(&entry.opening),
            checkpoint: entry.checkpoint.clone(),
            dice: self.dice.split(),
        };
        let watch = DeathWatch::new(task, entry.generation, own);
        let place = self.workers.place(SubagentActor::new(seed, watch));
        entry.state = TaskState::Running { place };
        let restarts = entry.restarts.total();
        if let Some(mut shown) = self.board.get_mut(&task) {
            shown.state = BoardState::Running { since: started, restarts };
        }
    }

    /// Starts the incarnation after one that died, unless the task has ended since.
    pub(super) fn restart(&mut self, task: TaskId, died: u64, ctx: &mut Context<Self>) {
        let entry = self.tasks.get(&task);
        if entry.is_some_and(|e| e.generation == died && matches!(e.state, TaskState::Restarting)) {
            self.incarnate(task, ctx);
        }
    }

    /// Ends a task: reports, replies, frees its slot.
    pub(super) fn finish(
        &mut self,
        task: TaskId,
        outcome: Outcome,
        mut tally: Tally,
        ctx: &mut Context<Self>,
    ) {
        let Some(entry) = self.tasks.remove(&task) else { return };
        self.board.remove(&task);
        self.leave_budget(entry.request.run, &entry.budget);
        // Also when an abandoned incarnation still holds the session.
        entry.tools.session().close();
        // Of a turn that was cut off as well: the agent has not told of it.
        tally.allowed.extend(entry.tools.session().grants.take());
        let slot = SlotKey::of(&entry.request);
        match entry.state {
            TaskState::Queued => self.slots.remove(slot, task),
            TaskState::Running { place } => {
                self.workers.leave(place);
                self.slots.leave(slot);
            }
            TaskState::Restarting => self.slots.leave(slot),
        }
        if let (Some(place), Outcome::Crashed { .. }) = (&entry.plan.isolation, &outcome)
            && let Some(left) = place.whereabouts()
        {
            // It is left, and looked at, when the plan is dropped.
            tally.notes.insert(format!("its changes, if there are any, are in {}", left.path.display()));
        }
        let total = entry.admitted.elapsed();
        let ran = entry.started.map_or(Duration::ZERO, |started| started.elapsed());
        let timing = TaskTiming {
            queued: total.saturating_sub(ran),
            first_token: tally.first_token,
            model: tally.model_time,
            tools: tally.tool_time,
            total,
        };
        let report = Arc::new(report(&entry.request, outcome, tally, timing, entry.restarts.total()));
        debug!(task_id = %task, status = ?report.status(), "task ended");
        if matches!(report.outcome, Outcome::Completed(_)) {
            self.history.add(&report.agent, ran);
        }
        self.record(|| JournalEntry::Ended { report: Arc::clone(&report) });
        entry.audit.record(|| AuditEvent::TaskEnded(Arc::clone(&report)));
        self.aggregator.tell(TaskEnded { report: Arc::clone(&report) });
        self.publish(&entry.request, || TaskEventKind::Finished(Arc::clone(&report)));
        let TaskEntry { request, plan, opening, checkpoint, children, reply, .. } = *entry;
        self.keep_transcript(
            TaskImage { request, prefix: Arc::clone(&plan.cache_key), opening, checkpoint, taken: None },
            &report,
        );
        let _ = reply.send(report); // a caller that left needs no answer
        self.cancel_children(task, children, ctx);
        self.dispatch(ctx);
        self.tell_if_drained();
    }

    pub(super) fn publish(&self, request: &TaskRequest, kind: impl FnOnce() -> TaskEventKind) {
        self.events.publish(|| TaskEvent::of(request, kind()));
    }

    /// The current incarnation of a task, if a message is from it.
    pub(super) fn current(&mut self, task: TaskId, generation: u64) -> Option<&mut TaskEntry> {
        let entry = self.tasks.get_mut(&task).filter(|entry| entry.generation == generation);
        if entry.is_none() {
            self.counters.stale += 1;
        }
        entry.map(Box::as_mut)
    }

    pub(super) fn tell_if_drained(&mut self) {
        if self.tasks.is_empty()
            && self.recalling.is_empty()
            && let Some(waiting) = &mut self.drained
        {
            for waiter in waiting.drain(..) {
                let _ = waiter.send(()); // whoever left needs no answer
            }
        }
    }

    pub(super) fn restart_policy(&self) -> RestartPolicy {
        self.services.restart_policy
    }
}

pub(super) fn report(
    request: &TaskRequest,
    outcome: Outcome,
    tally: Tally,
    timing: TaskTiming,
    restarts: u32,
) -> TaskReport {
    TaskReport {
        task: request.id,
        run: request.run,
        agent: Arc::clone(&request.subagent_type),
        description: request.description.clone(),
        outcome,
        cost: tally.total_cost(),
        cache_saved: tally.cache_saved,
        attempts: tally.attempts,
        provider: tally.provider,
        model: tally.model,
        usage: tally.usage,
        timing,
        turns: tally.turns,
        tool_calls: tally.tool_calls,
        restarts,
        notes: tally.notes.into_iter().collect(),
        allowed: tally.allowed.into_iter().collect(),
        tainted_by: tally.tainted_by.into_iter().collect(),
        worktree: tally.worktree,
    }
}
