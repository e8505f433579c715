//! A journal in memory that is as slow and as forgetful as the plan says, and the disk behind it that outlives the process.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use codex_task::{JournalError, TaskId, TaskImage, TaskStatus};
use codex_task_actors::{Journal, JournalAck, JournalEntry};
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
    endings: Vec<TaskStatus>,
}

impl Disk {
    /// The task as it can go on; nothing of one that has ended or that was never heard of.
    pub(super) fn image(&self, task: TaskId) -> Option<TaskImage> {
        let records = self.records();
        let record = records.get(&task).filter(|record| record.endings.is_empty())?;
        let mut image = TaskImage::of_admission(&record.admission).expect("it is read as it was written");
        for step in &record.steps {
            image.apply(step).expect("it is read as it was written");
        }
        if let Some(totals) = &record.totals {
            image.set_totals(totals).expect("it is read as it was written");
        }
        Some(image.resumed())
    }

    /// How a task has ended, as often as that was written.
    pub(super) fn endings(&self, task: TaskId) -> Vec<TaskStatus> {
        self.records().get(&task).map(|record| record.endings.clone()).unwrap_or_default()
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
                }
            }
            JournalEntry::Stepped { task, step } => {
                let record = records.get_mut(task).expect("a task is admitted before it does anything");
                let json = step.to_json().expect("JSON");
                let stored: Value = serde_json::from_str(&json).expect("JSON");
                let id = |pointer: &str| stored.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
                record.begun.extend(id("/call_begun"));
                record.done.extend(id("/call_ended/call_id"));
                record.steps.push(json);
                record.totals = step.totals_json().map(|json| json.expect("JSON")).or(record.totals.take());
            }
            JournalEntry::Ended { report } => {
                if let Some(record) = records.get_mut(&report.task) {
                    record.endings.push(report.status());
                }
            }
        }
    }

    fn records(&self) -> MutexGuard<'_, BTreeMap<TaskId, Record>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The journal of one process.
#[derive(Clone)]
pub(super) struct Notebook {
    disk: Disk,
    pages: Arc<Mutex<Pages>>,
    wake: Arc<Notify>,
    progress: Arc<Notify>,
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
            let is_step = matches!(entry, JournalEntry::Stepped { .. });
            let follows_a_gap = is_step && entry.tasks().any(|task| self.pages().lost.contains(&task));
            let written = if follows_a_gap || fails {
                self.pages().lost.extend(entry.tasks());
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
}
