//! Where trails are: a folder of segments, and in another folder the head of each chain.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use codex_task_config::Environment;

use super::anchor;
use super::error::AuditReadError;
use crate::private;

/// The folder of trails, below the state directory.
const TRAILS: &str = "audit";
/// The folder of heads, beside it.
const HEADS: &str = "audit-heads";
const SEGMENT_ENDING: &str = ".jsonl";
const HEAD_ENDING: &str = ".json";

/// Where the trails of all sessions are, and the second copies of their heads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditPlace {
    trails: PathBuf,
    heads: PathBuf,
}

/// The files of one session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct SessionFiles {
    /// Its segments, by number.
    pub(super) segments: BTreeMap<u32, PathBuf>,
    /// Its head.
    pub(super) head: Option<PathBuf>,
}

impl AuditPlace {
    /// The user's own, in `$XDG_STATE_HOME/codex-task`; `None` without a home.
    pub fn of_user(environment: &Environment) -> Option<Self> {
        environment.state_dir().map(|state| Self::below(&state))
    }

    /// Those below this directory.
    pub fn below(state: &Path) -> Self {
        Self { trails: state.join(TRAILS), heads: state.join(HEADS) }
    }

    /// The folder of trails.
    pub fn trails(&self) -> &Path {
        &self.trails
    }

    /// The folder of heads: what one copies elsewhere to be sure.
    pub fn heads(&self) -> &Path {
        &self.heads
    }

    /// Makes both folders, for their owner's eyes only.
    pub(super) fn make(&self) -> io::Result<()> {
        private::make_directory(&self.trails)?;
        private::make_directory(&self.heads)
    }

    pub(super) fn segment(&self, session: &str, number: u32) -> PathBuf {
        self.trails.join(format!("{session}.{number:04}{SEGMENT_ENDING}"))
    }

    pub(super) fn head(&self, session: &str) -> PathBuf {
        self.heads.join(format!("{session}{HEAD_ENDING}"))
    }

    /// Bytes of each session.
    pub(crate) fn sizes(&self) -> io::Result<BTreeMap<String, u64>> {
        let sessions = self.sessions()?.into_iter();
        Ok(sessions.map(|(session, files)| (session, files.bytes())).collect())
    }

    /// Whether a living process writes the session.
    pub(crate) fn is_alive(&self, session: &str) -> bool {
        anchor::is_alive(&self.head(session))
    }

    /// [`AuditPlace::sessions`], for whoever reads them.
    pub(super) fn found(&self) -> Result<BTreeMap<String, SessionFiles>, AuditReadError> {
        self.sessions().map_err(|error| AuditReadError::file(&self.trails, error))
    }

    /// All sessions that have left anything, the oldest first: their names are in the order of their beginnings.
    pub(super) fn sessions(&self) -> io::Result<BTreeMap<String, SessionFiles>> {
        let mut sessions: BTreeMap<String, SessionFiles> = BTreeMap::new();
        // Heads first: a trail that grows meanwhile is longer than its head, never shorter.
        for name in names(&self.heads)? {
            if let Some(session) = name.strip_suffix(HEAD_ENDING) {
                sessions.entry(session.to_owned()).or_default().head = Some(self.heads.join(&name));
            }
        }
        for name in names(&self.trails)? {
            let stem = name.strip_suffix(SEGMENT_ENDING).and_then(|stem| stem.rsplit_once('.'));
            if let Some((session, number)) = stem
                && let Ok(number) = number.parse()
            {
                let files = sessions.entry(session.to_owned()).or_default();
                files.segments.insert(number, self.trails.join(&name));
            }
        }
        Ok(sessions)
    }
}

impl SessionFiles {
    /// All of them.
    pub(super) fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        self.segments.values().chain(&self.head)
    }

    /// Bytes of all of them.
    pub(super) fn bytes(&self) -> u64 {
        self.paths().filter_map(|path| fs::metadata(path).ok()).map(|found| found.len()).sum()
    }
}

/// The names in a directory; none when there is no such directory.
fn names(directory: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry?.file_name().into_string().ok());
    }
    names.sort_unstable();
    Ok(names)
}
