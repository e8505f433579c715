//! A journal in memory that is as slow and as forgetful as the plan says, and the disk behind it that outlives the process.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use codex_task::{
    JournalError, Outcome, RunId, TaskError, TaskId, TaskImage, TaskReport, TaskRequest, TaskStatus,
};
use codex_task_actors::{Admission, Journal, JournalAck, JournalEntry, JournalStep, Spent, Taken, Tallied};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::Value;
use tokio::sync::Notify;

use super::plan::DiskWeather;

/// Entries in memory beyond which agents wait.
const ROOM: usize = 8;

/// What is safe from the end of a process.
#[derive(Clone, Default)]
pub(super) struct Disk(Arc<Mutex<BTreeMap<TaskId, Record>>>);

/// What the disk has of a task.
#[derive(Default)]
struct Record {
    admission: String,
    steps: Vec<String>,
    totals: Option<String>,
    /// Calls with effects that have begun, and those whose end was seen.
    begun: BTreeSet<String>,
    done: BTreeSet<String>,
    /// Each time that it was asked something.
    sittings: Vec<Sitting>,
    /// Whether it has not ended, or goes on again.
    is_open: bool,
    /// Whether nobody works on it, although it has not ended: its steps could not be kept.
    is_given_back: bool,
}

/// What became of a task one time that it was asked something.
#[derive(Clone, Debug)]
struct Sitting {
    run: RunId,
    parent: Option<TaskId>,
    spent: Spent,
    /// How it has ended, where it has.
    status: Option<TaskStatus>,
    /// What it reported, where it did.
    result: Option<String>,
}

impl Record {
    fn image(&self) -> TaskImage {
        let mut image = TaskImage::of_admission(&self.admission).expect("it is read as it was written");
        for step in &self.steps {
            image.apply(step).expect("it is read as it was written");
        }
        if let Some(totals) = &self.totals {
            image.set_totals(totals).expect("it is read as it was written");
        }
        image
    }

    fn begin(&mut self, request: &TaskRequest) {
        let (run, parent) = (request.run, request.lineage.parent);
        self.sittings.push(Sitting { run, parent, spent: Spent::default(), status: None, result: None });
        (self.is_open, self.is_given_back) = (true, false);
    }

    fn end(&mut self, report: &TaskReport) {
        if let Outcome::Failed { error: TaskError::Journal(_), .. } = &report.outcome {
            self.is_given_back = true;
            return;
        }
        let sitting = self.sittings.last_mut().expect("it has begun");
        sitting.status = Some(report.status());
        sitting.spent = spent(report);
        if let Outcome::Completed(text) = &report.outcome {
            sitting.result = Some(text.clone());
        }
        self.is_open = false;
    }

    fn add(&mut self, step: &JournalStep) {
        let json = step.to_json().expect("JSON");
        let stored: Value = serde_json::from_str(&json).expect("JSON");
        let id = |pointer: &str| stored.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        self.begun.extend(id("/call_begun"));
        self.done.extend(id("/call_ended/call_id"));
        self.steps.push(json);
        self.totals = step.totals_json().map(|json| json.expect("JSON")).or(self.totals.take());
        if let Some(Tallied { turns, usage, .. }) = step.tallied() {
            let sitting = self.sittings.last_mut().expect("it has begun");
            sitting.spent = Spent { calls: turns.into(), tokens: usage.total_tokens(), ..Spent::default() };
        }
    }
}

impl Disk {
    /// The tasks that have not ended, the oldest first, as they can go on.
    pub(super) fn unfinished(&self) -> Vec<TaskImage> {
        let records = self.records();
        let open = records.iter().filter(|(_, record)| record.is_open);
        let resumed = open.map(|(task, record)| {
            let image = record.image();
            let of_run = image.request().run;
            let run = spent_of(&records, |_, sitting| sitting.run == of_run);
            let last = record.sittings.last().expect("it has begun");
            let tree = spent_of(&records, |other, sitting| {
                let is_own = std::ptr::eq(sitting, last);
                is_own || (is_below(&records, other, *task) && sitting.run == of_run)
            });
            image.resumed().with_taken(Taken { run, tree })
        });
        resumed.collect()
    }

    /// What the tasks of a run have taken that have ended.
    pub(super) fn spent_by_ended(&self, run: RunId) -> Spent {
        spent_of(&self.records(), |_, sitting| sitting.run == run && sitting.status.is_some())
    }

    /// All reports of tasks.
    pub(super) fn results(&self) -> Vec<(TaskId, String)> {
        let records = self.records();
        let of_task = |(task, record): (&TaskId, &Record)| {
            let results = record.sittings.iter().filter_map(|sitting| sitting.result.clone());
            results.map(|result| (*task, result)).collect::<Vec<_>>()
        };
        records.iter().flat_map(of_task).collect()
    }

    /// Goes on with a conversation.
    fn reopen(&self, request: &TaskRequest) -> Result<Option<TaskImage>, TaskError> {
        let mut records = self.records();
        let Some(record) = records.get_mut(&request.id) else { return Ok(None) };
        if record.is_open && !record.is_given_back {
            return Err(TaskError::StillRunning { task: request.id });
        }
        let last = record.sittings.last().and_then(|sitting| sitting.result.clone());
        let image = record.image().asked_for(request.clone());
        let first: Admission = serde_json::from_str(&record.admission).expect("JSON");
        let asked = first.asked_anew(Arc::clone(image.request()));
        let (image, steps) = image.with_prompt(last.as_deref(), &request.prompt);
        record.admission = serde_json::to_string(&asked).expect("JSON");
        record.totals = None;
        record.begin(request);
        for step in &steps {
            record.add(step);
        }
        Ok(Some(image))
    }

    /// How a task has ended, as often as that was written.
    pub(super) fn endings(&self, task: TaskId) -> Vec<TaskStatus> {
        let records = self.records();
        let sittings = records.get(&task).map(|record| record.sittings.as_slice()).unwrap_or_default();
        sittings.iter().filter_map(|sitting| sitting.status).collect()
    }

    /// Times that a task has come to an end, also to one of which only its caller was told.
    pub(super) fn sat(&self, task: TaskId) -> usize {
        let records = self.records();
        records.get(&task).map_or(0, |record| record.sittings.len() - usize::from(record.is_open))
    }

    /// Whether a call is known to have begun.
    pub(super) fn has_begun(&self, call: &str) -> bool {
        self.records().values().any(|record| record.begun.contains(call))
    }

    /// Calls of a task that have begun and whose end nobody has seen.
    pub(super) fn open_calls(&self, task: TaskId) -> Vec<String> {
        let records = self.records();
        let record = records.get(&task);
        record.map(|record| record.begun.difference(&record.done).cloned().collect()).unwrap_or_default()
    }

    fn write(&self, entry: &JournalEntry) {
        let mut records = self.records();
        match entry {
            JournalEntry::Admitted(admissions) => {
                for admission in admissions {
                    let record = records.entry(admission.request.id).or_default();
                    record.admission = serde_json::to_string(admission).expect("JSON");
                    record.steps.clear();
                    record.totals = None;
                    record.begin(&admission.request);
                }
            }
            JournalEntry::Stepped { task, step } => {
                records.get_mut(task).expect("a task is admitted before it does anything").add(step);
            }
            JournalEntry::Ended { report } => {
                if let Some(record) = records.get_mut(&report.task) {
                    record.end(report);
                }
            }
        }
    }

    fn records(&self) -> MutexGuard<'_, BTreeMap<TaskId, Record>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a task has taken.
pub(super) fn spent(report: &TaskReport) -> Spent {
    let (calls, tokens) = (u64::from(report.turns), report.usage.total_tokens());
    Spent { calls, tokens, ..Spent::default() }
}

fn spent_of(records: &BTreeMap<TaskId, Record>, counts: impl Fn(TaskId, &Sitting) -> bool) -> Spent {
    let of_task = |(task, record): (&TaskId, &Record)| {
        let counted = record.sittings.iter().filter(|sitting| counts(*task, sitting));
        counted.map(|sitting| sitting.spent).fold(Spent::default(), Spent::plus)
    };
    records.iter().map(of_task).fold(Spent::default(), Spent::plus)
}

/// Whether the agent of a task has asked for another one, or one that it has asked for.
fn is_below(records: &BTreeMap<TaskId, Record>, other: TaskId, task: TaskId) -> bool {
    let parent_of = |task: &TaskId| records.get(task)?.sittings.last()?.parent;
    std::iter::successors(parent_of(&other), parent_of).any(|above| above == task)
}

/// The journal of one process.
#[derive(Clone)]
pub(super) struct Notebook {
    disk: Disk,
    pages: Arc<Mutex<Pages>>,
    wake: Arc<Notify>,
    progress: Arc<Notify>,
    recalls: bool,
}

/// What a process has in memory.
#[derive(Default)]
struct Pages {
    entries: Vec<(JournalEntry, Option<JournalAck>)>,
    /// Tasks of which something was lost.
    lost: BTreeSet<TaskId>,
}

impl Notebook {
    /// A journal that writes for as long as its process lives.
    pub(super) fn start(disk: &Disk, weather: DiskWeather, dice: StdRng) -> Self {
        let notebook = Self {
            disk: disk.clone(),
            pages: Arc::default(),
            wake: Arc::default(),
            progress: Arc::default(),
            recalls: weather.recalls,
        };
        drop(actix::spawn(notebook.clone().keep_writing(weather, dice)));
        notebook
    }

    async fn keep_writing(self, weather: DiskWeather, mut dice: StdRng) {
        loop {
            self.wake.notified().await;
            let slowest = u64::try_from(weather.slowest.as_millis()).expect("a short time");
            tokio::time::sleep(Duration::from_millis(dice.random_range(0..=slowest))).await;
            self.write(dice.random_bool(weather.losing));
            self.progress.notify_waiters();
        }
    }

    /// One transaction: all of what is in memory, or nothing.
    fn write(&self, fails: bool) {
        let entries = std::mem::take(&mut self.pages().entries);
        for (entry, ack) in entries {
            if let JournalEntry::Ended { report } = &entry {
                self.pages().lost.remove(&report.task); // it needs no steps
            }
            let is_step = matches!(entry, JournalEntry::Stepped { .. });
            let follows_a_gap = is_step && entry.tasks().any(|task| self.pages().lost.contains(&task));
            let written = if follows_a_gap || fails {
                if !matches!(entry, JournalEntry::Ended { .. }) {
                    self.pages().lost.extend(entry.tasks());
                }
                Err(JournalError { detail: "the disk is full".to_owned() })
            } else {
                self.disk.write(&entry);
                Ok(())
            };
            if let Some(ack) = ack {
                let _ = ack.send(written); // an agent that left needs no answer
            }
        }
    }

    fn take(&self, entry: JournalEntry, ack: Option<JournalAck>) {
        self.pages().entries.push((entry, ack));
        self.wake.notify_one();
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Journal for Notebook {
    fn record(&self, entry: JournalEntry) {
        self.take(entry, None);
    }

    fn record_durably(&self, entry: JournalEntry, ack: JournalAck) {
        self.take(entry, Some(ack));
    }

    fn room(&self, task: TaskId) -> BoxFuture<'static, Result<(), JournalError>> {
        let notebook = self.clone();
        async move {
            loop {
                let progress = notebook.progress.notified();
                {
                    let pages = notebook.pages();
                    if pages.lost.contains(&task) {
                        return Err(JournalError { detail: "the disk was full".to_owned() });
                    }
                    if pages.entries.len() <= ROOM {
                        return Ok(());
                    }
                }
                progress.await;
            }
        }
        .boxed()
    }

    fn recalls(&self) -> bool {
        self.recalls
    }

    fn recall(&self, request: TaskRequest) -> BoxFuture<'static, Result<Option<TaskImage>, TaskError>> {
        let notebook = self.clone();
        async move {
            loop {
                let progress = notebook.progress.notified();
                if notebook.pages().entries.is_empty() {
                    return notebook.disk.reopen(&request);
                }
                progress.await;
            }
        }
        .boxed()
    }
}
