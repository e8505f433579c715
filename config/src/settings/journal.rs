//! `journal`: how long runs stay on record. Whose record it is decides; a repository's files do not.

use std::path::Path;
use std::time::Duration;

use super::file::JournalFile;
use crate::{Problem, RuleScope, yaml};

/// Seconds of a day.
const DAY_SECONDS: u64 = 24 * 60 * 60;
/// Bytes of a megabyte, as disks are sold and files are listed.
const MEGABYTE: u64 = 1_000_000;

/// How long runs stay on record. A run is deleted when it is older, when there are more, or when all together take more
/// room; never one that a process works on, and one that can still be resumed only for its age. Its audit trail goes with
/// it, and one that is about no recorded run goes as a run would.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Oldest run.
    pub age_max: Duration,
    /// Most runs.
    pub runs_max: u32,
    /// Most bytes that they take, audit trails included; `None` for as many as there are.
    pub bytes_max: Option<u64>,
}

impl Default for Retention {
    /// Thirty days, a thousand runs, a gigabyte.
    fn default() -> Self {
        Self {
            age_max: Duration::from_secs(30 * DAY_SECONDS),
            runs_max: 1_000,
            bytes_max: Some(1_000 * MEGABYTE),
        }
    }
}

/// Takes what one file says about the record.
pub(super) struct JournalOf<'a> {
    pub(super) file: JournalFile,
    pub(super) scope: RuleScope,
    pub(super) path: &'a Path,
    pub(super) outline: &'a yaml::Outline,
}

impl JournalOf<'_> {
    /// Changes `retention` to what the file says. Gives what is wrong with it.
    pub(super) fn merge_into(&self, retention: &mut Retention) -> Vec<Problem> {
        let JournalFile { keep_days, keep_runs, max_mb } = self.file;
        let mut problems = Vec::new();
        let mut taken = |key, number| match self.taken(key, number?) {
            Ok(number) => Some(number),
            Err(problem) => {
                problems.push(*problem);
                None
            }
        };
        if let Some(days) = taken("keep_days", keep_days) {
            retention.age_max = Duration::from_secs(u64::from(days) * DAY_SECONDS);
        }
        if let Some(runs) = taken("keep_runs", keep_runs) {
            retention.runs_max = runs;
        }
        if let Some(megabytes) = taken("max_mb", max_mb) {
            retention.bytes_max = Some(u64::from(megabytes) * MEGABYTE);
        }
        problems
    }

    fn taken(&self, key: &str, number: u32) -> Result<u32, Box<Problem>> {
        if self.scope.is_repository() {
            let problem = self.problem(key, format!("'journal.{key}' is ignored in a repository's file"));
            return Err(Box::new(problem.with_help("set it in your own config.yaml")));
        }
        if number == 0 {
            let problem = self.problem(key, format!("journal.{key} must be at least 1"));
            return Err(Box::new(problem.with_help("`record: false` keeps no record of what servers run")));
        }
        Ok(number)
    }

    fn problem(&self, key: &str, text: String) -> Problem {
        let at = self.outline.value_position(&["journal", key]);
        Problem::warning(text).in_file(self.path).placed(at)
    }
}
