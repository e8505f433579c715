//! The trail of one session, as those see it who tell it what happens.

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use codex_task_actors::{Audit, AuditAck, AuditError, AuditRecord};
use codex_task_config::{AgentRegistry, Environment, Settings, WallClock};
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::oneshot;
use tokio::time::Instant;
use uuid::Uuid;

use super::agents::AgentBook;
use super::anchor::HeadFile;
use super::batch::{Command, Entry, What};
use super::line::{Chain, Stamp};
use super::opening::SessionOpening;
use super::place::AuditPlace;
use super::redact::Redactor;
use super::retention::Keeping;
use super::segment::Segment;
use super::writer::{Shared, Writer};

/// Records that may wait for the writer before agents have to.
const BACKLOG_MAX: usize = 4_096;

/// What a trail is begun with.
#[derive(Clone, Debug)]
pub struct AuditOptions<'a> {
    /// Where it is.
    pub place: AuditPlace,
    /// The file of the records of the runs that the trails there are about; there may be none.
    pub records: Option<PathBuf>,
    /// The session's settings; they also say how long other trails there are kept.
    pub settings: &'a Settings,
    /// Where the values of keys are looked up that must not be written.
    pub environment: &'a Environment,
    /// What is told first.
    pub opening: SessionOpening,
}

/// Writes down what a session does. Dropping it writes what is there and ends its thread, without waiting;
/// [`AuditTrail::close`] waits.
pub struct AuditTrail {
    session: Arc<str>,
    clock: Clock,
    commands: Sender<Command>,
    shared: Arc<Shared>,
    /// Taken by whoever closes first.
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// Tells the time as trails do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    began: Instant,
    began_at: Timestamp,
}

impl Clock {
    pub(super) fn start() -> Self {
        Self { began: Instant::now(), began_at: WallClock::now() }
    }

    /// The session's beginning.
    pub(super) fn beginning(&self) -> Stamp {
        Stamp { at: self.began_at, mono_ns: 0 }
    }

    pub(super) fn now(&self) -> Stamp {
        let mono_ns = u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        Stamp { at: WallClock::now(), mono_ns }
    }
}

impl AuditTrail {
    /// Begins the trail of a session.
    ///
    /// # Errors
    /// [`AuditError`]: there is no place to write to.
    pub fn start(options: AuditOptions<'_>) -> Result<Self, AuditError> {
        let AuditOptions { place, records, settings, environment, opening } = options;
        let session: Arc<str> = Uuid::now_v7().to_string().into();
        let chain = Chain::new(Arc::clone(&session));
        let unwritable =
            |error: std::io::Error| AuditError { detail: format!("{}: {error}", place.trails().display()) };
        place.make().map_err(unwritable)?;
        let head = HeadFile::create(&place.head(&session), &chain).map_err(unwritable)?;
        let segment = Segment::create(&place, &session, 1).map_err(unwritable)?;
        let redactor = Redactor::new(settings.audit.texts, environment.clone(), opening.keys());
        let lines = opening.lines(settings, &redactor);
        let (commands, received) = mpsc::channel();
        let (shared, clock) = (Arc::<Shared>::default(), Clock::start());
        let writer = Writer {
            commands: received,
            shared: Arc::clone(&shared),
            place: place.clone(),
            clock,
            redactor,
            chain,
            segment: Ok(segment),
            number: 1,
            head,
            agents: AgentBook::default(),
            keeping: Keeping::new(settings.retention, records),
            lost: 0,
        };
        let thread = std::thread::Builder::new()
            .name("codex-task-audit".to_owned())
            .spawn(move || writer.run(lines))
            .map_err(unwritable)?;
        Ok(Self { session, clock, commands, shared, thread: Mutex::new(Some(thread)) })
    }

    /// The session's name: that of its files.
    pub fn session(&self) -> &str {
        &self.session
    }

    /// The first record that could not be written, since the start.
    pub fn failure(&self) -> Option<AuditError> {
        self.shared.failure()
    }

    /// Writes down which agents there are, or what of them has changed since the last time.
    pub fn agents(&self, registry: &Arc<AgentRegistry>) {
        self.send(What::Agents(Arc::clone(registry)), None);
    }

    /// Waits until everything so far is on disk, or is known to be lost.
    pub async fn flush(&self) {
        let (done, flushed) = oneshot::channel();
        if self.commands.send(Command::Flush(done)).is_ok() {
            let _ = flushed.await; // a writer that ended has written all it could
        }
    }

    /// Writes what is there, and that the session has ended. Blocks the calling thread.
    pub fn close(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = self.commands.send(Command::Close); // a writer that ended needs no word
            let _ = thread.join(); // it does not panic
        }
    }

    fn send(&self, what: What, ack: Option<AuditAck>) {
        self.shared.backlog.fetch_add(1, Ordering::AcqRel);
        let entry = Entry { stamp: self.clock.now(), what, ack };
        if self.commands.send(Command::Record(entry)).is_err() {
            // Its acknowledgement is dropped with it, which says that the trail is closed.
            self.shared.backlog.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

impl Audit for AuditTrail {
    fn record(&self, record: AuditRecord) {
        self.send(What::Task(record), None);
    }

    fn record_durably(&self, record: AuditRecord, ack: AuditAck) {
        self.send(What::Task(record), Some(ack));
    }

    fn is_failing(&self) -> bool {
        self.shared.is_failing()
    }

    fn room(&self) -> BoxFuture<'static, ()> {
        let shared = Arc::clone(&self.shared);
        Box::pin(async move {
            loop {
                let mut progress = std::pin::pin!(shared.progress.notified());
                // Before the look, so that a write in between is not missed.
                progress.as_mut().enable();
                if shared.backlog.load(Ordering::Acquire) <= BACKLOG_MAX {
                    return;
                }
                progress.await;
            }
        })
    }
}

impl Drop for AuditTrail {
    fn drop(&mut self) {
        let _ = self.commands.send(Command::Close); // a writer that ended needs no word
    }
}
