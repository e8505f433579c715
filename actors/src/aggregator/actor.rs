//! The aggregator correlates endings by run and answers `CollectRun` when all of a run's tasks have ended, failed ones
//! included. It decides nothing and holds no task up; the supervisor starts and outlives it.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use actix::{Actor, Context, Handler, Message, MessageResult, ResponseFuture};
use serde::Serialize;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::messages::{Fail, Observe};
use crate::task::{Outcome, RunId, RunReport, TaskId, TaskReport};

/// See the module.
pub struct AggregatorActor {
    /// Runs that somebody opened and nobody has collected yet.
    runs: HashMap<RunId, OpenedRun>,
    counters: AggregatorCounters,
}

/// What the aggregator has seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AggregatorCounters {
    /// Tasks that ended.
    pub ended: u64,
    /// Tasks that completed; counted in `ended` too.
    pub completed: u64,
    /// Runs that wait to be collected.
    pub runs_open: usize,
}

/// Opens a run: its tasks are kept until [`CollectRun`]. Tasks of runs that nobody opened are not kept.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct OpenRun {
    /// The run.
    pub run: RunId,
    /// Its tasks, in the order in which the report will list them.
    pub tasks: Vec<TaskId>,
}

/// Waits until every task of an opened run has ended, and takes the results: a second call finds nothing.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "Result<RunReport, RunUnknown>")]
pub struct CollectRun {
    /// The run.
    pub run: RunId,
}

/// Forgets an opened run that nobody will collect.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct CloseRun {
    /// The run.
    pub run: RunId,
}

/// The run was never opened, or was collected before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("run {0} is not open")]
pub struct RunUnknown(pub RunId);

/// A task has ended.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct TaskEnded {
    pub(crate) report: Arc<TaskReport>,
}

struct OpenedRun {
    order: Vec<TaskId>,
    /// Tasks that have not ended.
    missing: usize,
    /// For each task its report. An id that was asked for twice has two: the second call was refused.
    ended: HashMap<TaskId, VecDeque<Arc<TaskReport>>>,
    /// Tasks of the run that its tasks have started.
    nested: Vec<Arc<TaskReport>>,
    opened: Instant,
    collectors: Vec<oneshot::Sender<RunReport>>,
}

impl OpenedRun {
    fn new(order: Vec<TaskId>) -> Self {
        let ended = order.iter().map(|task| (*task, VecDeque::new())).collect();
        let (opened, collectors) = (Instant::now(), Vec::new());
        Self { missing: order.len(), order, ended, nested: Vec::new(), opened, collectors }
    }

    /// Takes the report of a task.
    fn add(&mut self, report: Arc<TaskReport>) {
        if let Some(reports) = self.ended.get_mut(&report.task) {
            reports.push_back(report);
            self.missing = self.missing.saturating_sub(1);
        } else {
            self.nested.push(report);
        }
    }

    fn into_report(mut self, run: RunId) -> (RunReport, Vec<oneshot::Sender<RunReport>>) {
        let next = |task: &TaskId| self.ended.get_mut(task)?.pop_front();
        let tasks = self.order.iter().filter_map(next).collect();
        let total = self.opened.elapsed();
        (RunReport { run, tasks, nested: self.nested, total }, self.collectors)
    }
}

impl AggregatorActor {
    /// An aggregator that has seen nothing yet.
    #[expect(clippy::new_without_default, reason = "an actor is started, never a default value")]
    pub fn new() -> Self {
        Self { runs: HashMap::new(), counters: AggregatorCounters::default() }
    }

    /// Answers the collectors of a run whose last task has ended.
    fn close_if_complete(&mut self, run: RunId) {
        if !self.runs.get(&run).is_some_and(|opened| opened.missing == 0 && !opened.collectors.is_empty()) {
            return;
        }
        if let Some(opened) = self.runs.remove(&run) {
            let (report, collectors) = opened.into_report(run);
            for collector in collectors {
                let _ = collector.send(report.clone()); // a collector that left needs no answer
            }
        }
    }
}

impl Actor for AggregatorActor {
    type Context = Context<Self>;
}

impl Handler<OpenRun> for AggregatorActor {
    type Result = ();

    fn handle(&mut self, open: OpenRun, _: &mut Self::Context) {
        self.runs.entry(open.run).or_insert_with(|| OpenedRun::new(open.tasks));
    }
}

impl Handler<CloseRun> for AggregatorActor {
    type Result = ();

    fn handle(&mut self, CloseRun { run }: CloseRun, _: &mut Self::Context) {
        self.runs.remove(&run);
    }
}

impl Handler<CollectRun> for AggregatorActor {
    type Result = ResponseFuture<Result<RunReport, RunUnknown>>;

    fn handle(&mut self, CollectRun { run }: CollectRun, _: &mut Self::Context) -> Self::Result {
        let Some(opened) = self.runs.get_mut(&run) else {
            return Box::pin(async move { Err(RunUnknown(run)) });
        };
        let (collector, report) = oneshot::channel();
        opened.collectors.push(collector);
        self.close_if_complete(run);
        Box::pin(async move { report.await.map_err(|_| RunUnknown(run)) })
    }
}

impl Handler<TaskEnded> for AggregatorActor {
    type Result = ();

    fn handle(&mut self, TaskEnded { report }: TaskEnded, _: &mut Self::Context) {
        self.counters.ended += 1;
        if matches!(report.outcome, Outcome::Completed(_)) {
            self.counters.completed += 1;
        }
        let run = report.run;
        if let Some(opened) = self.runs.get_mut(&run) {
            opened.add(report);
            self.close_if_complete(run);
        }
    }
}

impl Handler<Fail> for AggregatorActor {
    type Result = ();

    #[expect(clippy::panic, reason = "that is what it is for")]
    fn handle(&mut self, _: Fail, _: &mut Self::Context) {
        panic!("the aggregator was asked to fail");
    }
}

impl Handler<Observe<AggregatorCounters>> for AggregatorActor {
    type Result = MessageResult<Observe<AggregatorCounters>>;

    fn handle(&mut self, _: Observe<AggregatorCounters>, _: &mut Self::Context) -> Self::Result {
        MessageResult(AggregatorCounters { runs_open: self.runs.len(), ..self.counters.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::TaskError;

    fn ended(run: RunId, task: TaskId, outcome: Outcome) -> TaskEnded {
        TaskEnded { report: Arc::new(TaskReport::new(task, run, "a".into(), outcome)) }
    }

    #[actix::test]
    async fn a_run_is_answered_when_its_last_task_ends_in_the_order_it_was_opened_with() {
        let aggregator = AggregatorActor::new().start();
        let (run, first, second) = (RunId::new(), TaskId::new(), TaskId::new());
        aggregator.send(OpenRun { run, tasks: vec![first, second] }).await.expect("alive");
        aggregator.send(ended(run, second, Outcome::Completed("2".into()))).await.expect("alive");
        let collected = tokio::task::spawn_local(aggregator.send(CollectRun { run }));
        let failed = Outcome::Failed { error: TaskError::EmptyAnswer, partial: None };
        aggregator.send(ended(run, first, failed.clone())).await.expect("alive");
        let report = collected.await.expect("no panic").expect("alive").expect("the run is open");
        let outcomes: Vec<_> = report.tasks.iter().map(|task| task.outcome.clone()).collect();
        assert_eq!(outcomes, [failed, Outcome::Completed("2".into())]);
        assert_eq!(
            aggregator.send(CollectRun { run }).await.expect("alive").map(|_| ()),
            Err(RunUnknown(run))
        );
        let counters = aggregator.send(Observe::new()).await.expect("alive");
        assert_eq!(counters, AggregatorCounters { ended: 2, completed: 1, runs_open: 0 });
    }

    #[actix::test]
    async fn an_id_that_was_asked_for_twice_has_two_places_and_strangers_have_none() {
        let aggregator = AggregatorActor::new().start();
        let (run, task) = (RunId::new(), TaskId::new());
        aggregator.send(OpenRun { run, tasks: vec![task, task] }).await.expect("alive");
        let collected = tokio::task::spawn_local(aggregator.send(CollectRun { run }));
        aggregator.send(ended(run, TaskId::new(), Outcome::Completed("x".into()))).await.expect("alive");
        let refused = Outcome::Failed { error: TaskError::DuplicateTask, partial: None };
        aggregator.send(ended(run, task, refused.clone())).await.expect("alive");
        aggregator.send(ended(run, task, Outcome::Completed("1".into()))).await.expect("alive");
        let report = collected.await.expect("no panic").expect("alive").expect("the run is open");
        let outcomes: Vec<_> = report.tasks.iter().map(|task| task.outcome.clone()).collect();
        assert_eq!(outcomes, [refused, Outcome::Completed("1".into())]);
    }

    #[actix::test]
    async fn a_run_that_was_closed_is_not_kept() {
        let aggregator = AggregatorActor::new().start();
        let run = RunId::new();
        aggregator.send(OpenRun { run, tasks: vec![TaskId::new()] }).await.expect("alive");
        aggregator.send(CloseRun { run }).await.expect("alive");
        assert_eq!(aggregator.send(Observe::new()).await.expect("alive").runs_open, 0);
    }

    #[actix::test]
    async fn tasks_of_a_run_that_nobody_opened_are_not_kept() {
        let aggregator = AggregatorActor::new().start();
        let run = RunId::new();
        aggregator.send(ended(run, TaskId::new(), Outcome::Completed(String::new()))).await.expect("alive");
        assert_eq!(
            aggregator.send(CollectRun { run }).await.expect("alive").map(|_| ()),
            Err(RunUnknown(run))
        );
    }
}
