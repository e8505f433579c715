//! The one thread that writes a trail.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use codex_task_actors::{AuditAck, AuditError};
use serde_json::json;
use tokio::sync::Notify;
use tracing::{error, warn};

use super::agents::AgentBook;
use super::anchor::HeadFile;
use super::batch::{Batch, Command, Entry, What};
use super::fields::{self, object};
use super::line::{Chain, Fields, Stamp};
use super::place::AuditPlace;
use super::redact::Redactor;
use super::retention::{Doomed, Keeping};
use super::segment::{Reason, Segment, Usability};
use super::trail::Clock;

/// Quiet after which trails that need not be kept are looked for: after the journal has looked for such runs.
const QUIET: Duration = Duration::from_millis(200);
/// How often the writer looks whether that is due again.
const IDLE_MAX: Duration = Duration::from_mins(5);

/// A line without what ties it to the chain.
type Unsealed = (Stamp, &'static str, Fields);

/// What the writer and those who give it work share.
#[derive(Default)]
pub(super) struct Shared {
    /// Records that are not written yet.
    pub(super) backlog: AtomicUsize,
    /// Told after each write.
    pub(super) progress: Notify,
    /// Whether the last write failed.
    is_failing: AtomicBool,
    /// The first failure, for whoever asks. Held for a copy only.
    failure: Mutex<Option<AuditError>>,
}

impl Shared {
    pub(super) fn is_failing(&self) -> bool {
        self.is_failing.load(Ordering::Acquire)
    }

    pub(super) fn failure(&self) -> Option<AuditError> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, written: &Result<(), AuditError>) {
        let was_failing = self.is_failing.swap(written.is_err(), Ordering::AcqRel);
        if let Err(error) = written {
            if !was_failing {
                error!(%error, "no tool runs until the audit trail can be written again");
            }
            self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| error.clone());
        }
    }
}

/// See the module.
pub(super) struct Writer {
    pub(super) commands: Receiver<Command>,
    pub(super) shared: Arc<Shared>,
    pub(super) place: AuditPlace,
    pub(super) clock: Clock,
    pub(super) redactor: Redactor,
    pub(super) chain: Chain,
    /// The file that is written to; `None` when the last one is of no more use, with the reason.
    pub(super) segment: Result<Segment, Reason>,
    /// Number of the file that was made last.
    pub(super) number: u32,
    pub(super) head: HeadFile,
    pub(super) agents: AgentBook,
    pub(super) keeping: Keeping,
    /// Lines that could not be written since the last that could.
    pub(super) lost: u64,
}

impl Writer {
    /// Writes until it is told to end, or nobody is left who could tell.
    pub(super) fn run(mut self, opening: Vec<(&'static str, Fields)>) {
        self.begin(opening);
        loop {
            let batch = Batch::gather(&self.commands, if self.keeping.is_due() { QUIET } else { IDLE_MAX });
            let closes = batch.as_ref().is_some_and(|batch| batch.closes);
            // When nobody waits for a line, at the end at the latest.
            if self.keeping.is_due() && (batch.is_none() || closes) {
                self.tidy();
            }
            if let Some(batch) = batch {
                self.take(batch);
            }
            if closes {
                break;
            }
        }
    }

    /// The session's first lines.
    pub(super) fn begin(&mut self, opening: Vec<(&'static str, Fields)>) {
        let stamp = self.clock.beginning();
        // What is lost of them is told as a gap.
        let _ = self.write(opening.into_iter().map(|(event, fields)| (stamp, event, fields)).collect());
    }

    /// Deletes trails that need not be kept, once that is on disk.
    pub(super) fn tidy(&mut self) {
        let doomed = self.keeping.doomed(&self.place, &self.chain.session);
        let now = self.clock.now();
        let lines = doomed.iter().map(Doomed::line).map(|(event, fields)| (now, event, fields));
        if !doomed.is_empty() && self.write(lines.collect()).is_ok() {
            self.keeping.delete(&doomed);
        }
    }

    /// Writes one batch and tells everybody who waits what came of it.
    pub(super) fn take(&mut self, batch: Batch) {
        let (count, mut acks) = (batch.entries.len(), Vec::new());
        let mut lines = Vec::with_capacity(count + 1);
        for entry in batch.entries {
            self.unseal(entry, &mut lines, &mut acks);
        }
        if batch.closes {
            lines.push((self.clock.now(), "session_end", Fields::new()));
        }
        let written = if lines.is_empty() { Ok(()) } else { self.write(lines) };
        for ack in acks {
            let _ = ack.send(written.clone()); // an agent that left needs no answer
        }
        self.shared.backlog.fetch_sub(count, Ordering::AcqRel);
        self.shared.progress.notify_waiters();
        for flushed in batch.flushes {
            let _ = flushed.send(()); // whoever left needs no answer
        }
    }

    fn unseal(&mut self, entry: Entry, lines: &mut Vec<Unsealed>, acks: &mut Vec<AuditAck>) {
        match entry.what {
            What::Task(record) => {
                let (event, fields) = fields::of_task(&record.subject, &record.event, &self.redactor);
                lines.push((entry.stamp, event, fields));
            }
            What::Agents(registry) => {
                let told = self.agents.lines(&registry, &self.redactor);
                lines.extend(told.into_iter().map(|(event, fields)| (entry.stamp, event, fields)));
            }
        }
        acks.extend(entry.ack);
    }

    /// Writes lines, all of them or none, and waits for the disk.
    fn write(&mut self, lines: Vec<Unsealed>) -> Result<(), AuditError> {
        let count = lines.len() as u64;
        let before = self.chain.clone();
        let written = self.append(lines).map_err(|error| {
            let path = self.segment.as_ref().map_or(self.place.trails(), |segment| segment.path());
            AuditError { detail: format!("{}: {error}", path.display()) }
        });
        match &written {
            Ok(()) => self.lost = 0,
            Err(_) if self.chain.seq == before.seq => self.lost += count,
            // They are in the file; nobody knows whether they are on the disk.
            Err(_) => {}
        }
        self.shared.note(&written);
        written
    }

    fn append(&mut self, lines: Vec<Unsealed>) -> io::Result<()> {
        self.open_segment()?;
        let mut chain = self.chain.clone();
        let mut text = String::new();
        if self.lost > 0 {
            let gap = object(json!({ "lost": self.lost }));
            text += &chain.seal(self.clock.now(), "gap", gap)?;
        }
        for (stamp, event, fields) in lines {
            text += &chain.seal(stamp, event, fields)?;
        }
        self.append_sealed(&text, chain)
    }

    /// Makes sure that there is a file to append to: this session's own, as it was left.
    fn open_segment(&mut self) -> io::Result<()> {
        let reason = match &self.segment {
            Ok(segment) if segment.is_full() => Reason::Full,
            Ok(segment) => match segment.interference() {
                None => return Ok(()),
                Some(reason) => reason,
            },
            Err(reason) => *reason,
        };
        if reason != Reason::Full {
            warn!(reason = reason.as_str(), "the audit trail goes on in another file");
        }
        self.segment = Err(reason);
        let segment = Segment::create(&self.place, &self.chain.session, self.number + 1)?;
        self.number += 1;
        let (path, before) = (segment.path().clone(), self.chain.seq);
        self.segment = Ok(segment);
        let mut chain = self.chain.clone();
        let told = object(json!({
            "segment": self.number,
            "reason": reason.as_str(),
            "previous_seq": chain.seq,
        }));
        let line = chain.seal(self.clock.now(), "segment", told)?;
        let opened = self.append_sealed(&line, chain);
        if opened.is_err() && self.chain.seq == before {
            // What went wrong before is what the next file must tell of; one that tells nothing is in its way.
            self.segment = Err(reason);
            if std::fs::remove_file(&path).is_ok() {
                self.number -= 1;
            }
        }
        opened
    }

    fn append_sealed(&mut self, text: &str, chain: Chain) -> io::Result<()> {
        let segment = self.segment.as_mut().map_err(|_| io::Error::other("there is no file"))?;
        if let Err((error, usability)) = segment.append(text) {
            if usability == Usability::Torn {
                self.segment = Err(Reason::Failed);
            }
            return Err(error);
        }
        self.chain = chain;
        if let Err(error) = segment.sync() {
            // After that the kernel may tell of success and have lost the lines: this file is not trusted any longer.
            self.segment = Err(Reason::Failed);
            return Err(error);
        }
        self.head.write(&self.chain)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let _ = self.head.sync(); // an older head is a head as well
    }
}
