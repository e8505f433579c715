//! A journal that keeps everything in memory, and is asked for conversations in vain until a story lets it answer.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use codex_task::{JournalError, TaskError, TaskId, TaskImage, TaskRequest};
use codex_task_actors::{Journal, JournalAck, JournalEntry};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use tokio_util::sync::CancellationToken;

/// See the module.
#[derive(Clone, Default)]
pub(crate) struct KeptJournal {
    tasks: Arc<Mutex<BTreeMap<TaskId, Kept>>>,
    /// Lets it answer.
    pub(crate) answers: CancellationToken,
}

#[derive(Default)]
struct Kept {
    admission: String,
    steps: Vec<String>,
    has_ended: bool,
}

impl KeptJournal {
    /// The tasks that have not ended, the oldest first, as another process would go on with them.
    pub(crate) fn unfinished(&self) -> Vec<TaskImage> {
        let tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.values().filter(|task| !task.has_ended).map(Kept::image).collect()
    }
}

impl Kept {
    fn image(&self) -> TaskImage {
        let mut image = TaskImage::of_admission(&self.admission).expect("it is read as it was written");
        self.steps.iter().for_each(|step| image.apply(step).expect("it is read as it was written"));
        image
    }
}

impl Journal for KeptJournal {
    fn record(&self, entry: JournalEntry) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        match entry {
            JournalEntry::Admitted(admissions) => {
                for admission in admissions {
                    let json = serde_json::to_string(&admission).expect("JSON");
                    tasks.insert(admission.request.id, Kept { admission: json, ..Kept::default() });
                }
            }
            JournalEntry::Stepped { task, step } => {
                tasks.entry(task).or_default().steps.push(step.to_json().expect("JSON"));
            }
            JournalEntry::Ended { report } => tasks.entry(report.task).or_default().has_ended = true,
        }
    }

    fn record_durably(&self, entry: JournalEntry, ack: JournalAck) {
        self.record(entry);
        let _ = ack.send(Ok(())); // an agent that left needs no answer
    }

    fn room(&self, _task: TaskId) -> BoxFuture<'static, Result<(), JournalError>> {
        ready(Ok(())).boxed()
    }

    fn recalls(&self) -> bool {
        true
    }

    fn recall(&self, request: TaskRequest) -> BoxFuture<'static, Result<Option<TaskImage>, TaskError>> {
        let kept = self.clone();
        async move {
            kept.answers.cancelled().await;
            let mut tasks = kept.tasks.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(task) = tasks.get_mut(&request.id) else { return Ok(None) };
            if !task.has_ended {
                return Err(TaskError::StillRunning { task: request.id });
            }
            task.has_ended = false;
            let prompt = Arc::clone(&request.prompt);
            Ok(Some(task.image().asked_for(request).with_prompt(None, &prompt).0))
        }
        .boxed()
    }
}
