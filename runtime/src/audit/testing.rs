//! Trails for tests: in a folder of their own, written by the real writer without a thread.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc;

use codex_task_actors::{AuditError, AuditEvent, AuditRecord, AuditSubject, RunId, TaskId};
use codex_task_config::{AuditTexts, Environment, Retention};
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::agents::AgentBook;
use super::anchor::{AuditHead, HeadFile};
use super::batch::{Batch, Entry, What};
use super::line::Chain;
use super::place::AuditPlace;
use super::redact::Redactor;
use super::retention::Keeping;
use super::segment::Segment;
use super::trail::Clock;
use super::verify::{AuditReport, verify};
use super::walk::AuditFault;
use super::writer::{Shared, Writer};

/// A trail and its writer.
pub(super) struct Bench {
    pub(super) folder: TempDir,
    pub(super) place: AuditPlace,
    pub(super) writer: Writer,
    pub(super) shared: Arc<Shared>,
}

impl Bench {
    /// A session that has written its first line.
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self::session_in(folder, "session")
    }

    pub(super) fn session_in(folder: TempDir, session: &str) -> Self {
        let place = AuditPlace::below(folder.path());
        place.make().expect("folders");
        let chain = Chain::new(session.into());
        let environment = Environment::new("/", std::iter::empty::<(String, String)>());
        let (_, commands) = mpsc::channel();
        let shared = Arc::<Shared>::default();
        let mut writer = Writer {
            commands,
            shared: Arc::clone(&shared),
            place: place.clone(),
            clock: Clock::start(),
            redactor: Redactor::new(AuditTexts::Hashed, environment, Vec::new()),
            head: HeadFile::create(&place.head(session), &chain).expect("a head"),
            segment: Ok(Segment::create(&place, session, 1).expect("a file")),
            chain,
            number: 1,
            agents: AgentBook::default(),
            keeping: Keeping::new(Retention::default(), None),
            lost: 0,
        };
        writer.begin(vec![("session", super::line::Fields::new())]);
        Self { folder, place, writer, shared }
    }

    /// Tells of so many things, each on its own. Says whether the last one is on disk.
    pub(super) fn tell(&mut self, count: usize) -> Result<(), AuditError> {
        let subject = Arc::new(AuditSubject {
            task: TaskId::new(),
            run: RunId::new(),
            parent: None,
            agent: "worker".into(),
            agent_file_sha256: None,
        });
        let mut written = Ok(());
        for _ in 0..count {
            let record = AuditRecord { subject: Arc::clone(&subject), event: AuditEvent::CancelAsked };
            let (ack, mut kept) = oneshot::channel();
            let entry = Entry { stamp: self.writer.clock.now(), what: What::Task(record), ack: Some(ack) };
            self.writer.take(Batch { entries: vec![entry], ..Batch::default() });
            written = kept.try_recv().expect("it was told");
        }
        written
    }

    /// The session's end.
    pub(super) fn end(&mut self) {
        self.writer.take(Batch { closes: true, ..Batch::default() });
    }

    pub(super) fn file(&self, number: u32) -> PathBuf {
        self.place.segment(&self.writer.chain.session, number)
    }

    pub(super) fn text(&self) -> String {
        fs::read_to_string(self.file(1)).expect("a file")
    }

    pub(super) fn verify(&self) -> AuditReport {
        self.verify_with(&[])
    }

    pub(super) fn verify_with(&self, anchors: &[AuditHead]) -> AuditReport {
        verify(&self.place, anchors).expect("it can be read")
    }

    /// The first fault of the first session, with its line.
    pub(super) fn fault(&self) -> Option<(Option<usize>, AuditFault)> {
        self.verify().sessions.into_iter().next()?.fault.map(|place| (place.line, place.fault))
    }
}
