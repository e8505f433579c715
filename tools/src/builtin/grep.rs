//! Grep: files and lines that match a regular expression.

use std::cmp::Reverse;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use futures_util::future::BoxFuture;
use grep_regex::{RegexMatcher, RegexMatcherBuilder};
use ignore::DirEntry;
use serde::Deserialize;
use serde_json::Value;

use super::arguments::{typed, whole};
use super::best::Best;
use super::blocking::{Stop, blocking_for};
use super::grep_file::{FileHits, FileSearch, Shape, Wanted};
use super::grep_filter::Filter;
use super::grep_reply;
use super::missing::{directory_error, file_error, shown};
use super::schema::{Kind, Schema};
use super::walk::Walk;
use crate::{Access, PathError, PathGuard, ResolvedPath, Session, Tool, ToolDefinition, ToolError};

/// Lines, files or counts that are given unless the call says otherwise.
const ENTRIES_DEFAULT: usize = 250;

/// The same when the call asks for more, or for all.
const ENTRIES_MAX: usize = 5_000;

/// Lines around a match that are given at most.
const CONTEXT_MAX: u64 = 200;

/// How long a search may take; it gives what it has then.
pub(super) const TIME_MAX: Duration = Duration::from_secs(30);

/// Memory for a compiled pattern, and for the states that matching caches.
const PATTERN_BYTES_MAX: usize = 10 * 1024 * 1024;
const STATES_BYTES_MAX: usize = 16 * 1024 * 1024;

const DESCRIPTION: &str = "Searches files for a regular expression (Rust syntax, as in ripgrep; escape literal braces: \
    `interface\\{\\}`). Gives the paths of matching files by default, the most recently changed first; with output_mode \
    content the matching lines, with count how many lines match in each file. Narrow the search with path, glob or type. \
    Files that version control ignores and binary files are left out. Use this rather than grep or rg in Bash.";

/// The tool.
#[derive(Debug)]
pub(super) struct GrepTool {
    definition: ToolDefinition,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum OutputMode {
    Content,
    #[default]
    FilesWithMatches,
    Count,
}

#[derive(Debug, Deserialize)]
struct Arguments {
    pattern: String,
    path: Option<PathBuf>,
    glob: Option<String>,
    #[serde(default)]
    output_mode: OutputMode,
    #[serde(default, rename = "-B", deserialize_with = "whole")]
    before: Option<u64>,
    #[serde(default, rename = "-A", deserialize_with = "whole")]
    after: Option<u64>,
    #[serde(default, rename = "-C", deserialize_with = "whole")]
    around: Option<u64>,
    #[serde(rename = "-n")]
    has_numbers: Option<bool>,
    #[serde(default, rename = "-i")]
    ignores_case: bool,
    #[serde(rename = "type")]
    file_type: Option<String>,
    #[serde(default, deserialize_with = "whole")]
    head_limit: Option<u64>,
    #[serde(default)]
    multiline: bool,
}

impl GrepTool {
    pub(super) fn new() -> Self {
        let modes = &["content", "files_with_matches", "count"];
        let definition = Schema::default()
            .required("pattern", Kind::Text, "The regular expression")
            .optional(
                "path",
                Kind::Text,
                "The directory or file to search in; the working directory by default",
            )
            .optional("glob", Kind::Text, "Only files like this: `*.js`, `src/**/*.{ts,tsx}`, `!*.lock`")
            .optional("output_mode", Kind::OneOf(modes), "What to give; files_with_matches by default")
            .optional("-B", Kind::WholeFrom(0), "Lines before each match; with output_mode content")
            .optional("-A", Kind::WholeFrom(0), "Lines after each match; with output_mode content")
            .optional("-C", Kind::WholeFrom(0), "Lines before and after each match; with output_mode content")
            .optional("-n", Kind::Boolean, "Give line numbers; with output_mode content; true by default")
            .optional("-i", Kind::Boolean, "Ignore case; false by default")
            .optional("type", Kind::Text, "Only files of this type: rust, py, js, go, java, md, ...")
            .optional(
                "head_limit",
                Kind::WholeFrom(0),
                "Give only the first so many lines or files; 250 by default, 0 for as many as possible",
            )
            .optional(
                "multiline",
                Kind::Boolean,
                "Let matches cross lines and `.` match line breaks; false by default",
            )
            .define("Grep", DESCRIPTION);
        Self { definition }
    }
}

impl Tool for GrepTool {
    fn definition(&self) -> &ToolDefinition {
        &self.definition
    }

    fn access(&self, arguments: &Value, session: &Session) -> Result<Access, ToolError> {
        let arguments: Arguments = typed("Grep", arguments)?;
        Ok(Access::Read(session.guard.absolute(arguments.place())?))
    }

    fn run<'a>(&'a self, arguments: Value, session: &'a Session) -> BoxFuture<'a, Result<String, ToolError>> {
        Box::pin(async move {
            let query = Query::of(typed("Grep", &arguments)?)?;
            let guard = session.guard.clone();
            let (found, ending) = blocking_for(TIME_MAX, move |stop| query.run(&guard, stop)).await?;
            Ok(grep_reply::text(found, ending))
        })
    }
}

impl Arguments {
    fn place(&self) -> &Path {
        self.path.as_deref().unwrap_or(Path::new("."))
    }

    fn shape(&self) -> Shape {
        let context = |lines: Option<u64>| {
            let lines = lines.or(self.around).unwrap_or(0).min(CONTEXT_MAX);
            usize::try_from(lines).unwrap_or(usize::MAX)
        };
        let lines_max = match self.head_limit {
            None => ENTRIES_DEFAULT,
            Some(0) => ENTRIES_MAX,
            Some(limit) => usize::try_from(limit).unwrap_or(usize::MAX).min(ENTRIES_MAX),
        };
        let wanted = match self.output_mode {
            OutputMode::Content => Wanted::Lines,
            OutputMode::FilesWithMatches => Wanted::Any,
            OutputMode::Count => Wanted::Count,
        };
        Shape {
            wanted,
            before: context(self.before),
            after: context(self.after),
            has_numbers: self.has_numbers.unwrap_or(true),
            crosses_lines: self.multiline,
            lines_max,
        }
    }

    fn matcher(&self) -> Result<RegexMatcher, ToolError> {
        let mut builder = RegexMatcherBuilder::new();
        builder
            .multi_line(true)
            .case_insensitive(self.ignores_case)
            .dot_matches_new_line(self.multiline)
            .size_limit(PATTERN_BYTES_MAX)
            .dfa_size_limit(STATES_BYTES_MAX);
        if !self.multiline {
            builder.crlf(true);
        }
        builder.build(&self.pattern).map_err(|error| {
            let is_crossing = matches!(error.kind(), grep_regex::ErrorKind::NotAllowed(_));
            let hint = if is_crossing { "\nSet multiline to true to match across lines." } else { "" };
            ToolError::Input(format!("The pattern is not a valid regular expression: {error}{hint}"))
        })
    }
}

/// A search, ready to run.
struct Query {
    place: PathBuf,
    matcher: RegexMatcher,
    filter: Filter,
    shape: Shape,
}

/// What results are sorted by: files by time, lines and counts by path only.
type Order = (Option<Reverse<Option<SystemTime>>>, PathBuf);

/// What a search has found.
pub(super) struct Found {
    pub(super) shape: Shape,
    /// As many as are shown, by their paths as they are shown.
    pub(super) best: Best<Order, FileHits>,
    /// Matching lines in all files.
    pub(super) count: u64,
    /// Files that were not looked into, since they come after all that is shown.
    pub(super) skipped: usize,
    /// Files that could not be searched.
    pub(super) failed: usize,
}

impl Query {
    fn of(arguments: Arguments) -> Result<Self, ToolError> {
        let matcher = arguments.matcher()?;
        let filter = Filter::new(arguments.glob.as_deref(), arguments.file_type.as_deref())?;
        let shape = arguments.shape();
        let place = arguments.path.unwrap_or_else(|| PathBuf::from("."));
        Ok(Self { place, matcher, filter, shape })
    }

    fn run(&self, guard: &PathGuard, stop: &Stop) -> Result<Found, ToolError> {
        let best = Best::new(self.shape.lines_max);
        let found = Mutex::new(Found { shape: self.shape, best, count: 0, skipped: 0, failed: 0 });
        match guard.resolve_dir(&self.place) {
            Ok(base) => {
                let walk = Walk { guard, base: &base, stop };
                walk.files(|| {
                    let mut search = FileSearch::new(&self.matcher, self.shape, stop);
                    let (base, found) = (&base, &found);
                    move |entry: &DirEntry| self.visit(guard, entry, base, &mut search, found)
                });
            }
            Err(PathError::NotADirectory(_)) => {
                let opened = guard.open_read(&self.place);
                let (file, path) = opened.map_err(|error| file_error(guard, error))?;
                let mut search = FileSearch::new(&self.matcher, self.shape, stop);
                let path = PathBuf::from(shown(guard, &path.shown).to_string());
                self.search(file, path, /*prefix*/ None, &mut search, &found);
            }
            Err(error) => return Err(directory_error(guard, error)),
        }
        Ok(found.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    fn visit(
        &self,
        guard: &PathGuard,
        entry: &DirEntry,
        base: &ResolvedPath,
        search: &mut FileSearch<'_>,
        found: &Mutex<Found>,
    ) {
        let Ok(relative) = entry.path().strip_prefix(&base.real) else { return };
        if !self.filter.passes(relative) {
            return;
        }
        let path = shown(guard, &base.shown.join(relative)).to_string();
        let order: Order = (None, PathBuf::from(&path));
        if self.shape.wanted == Wanted::Lines {
            let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
            if found.best.excludes(&order) {
                found.skipped += 1;
                return;
            }
        }
        match guard.open_found(entry.path()) {
            Ok(file) => self.search(file, order.1, Some(&path), search, found),
            Err(_) => found.lock().unwrap_or_else(PoisonError::into_inner).failed += 1,
        }
    }

    fn search(
        &self,
        file: File,
        path: PathBuf,
        prefix: Option<&str>,
        search: &mut FileSearch<'_>,
        found: &Mutex<Found>,
    ) {
        let modified = (self.shape.wanted == Wanted::Any)
            .then(|| Reverse(file.metadata().and_then(|metadata| metadata.modified()).ok()));
        let result = search.search(file, prefix);
        let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
        match result {
            Ok(hits) if hits.count > 0 => {
                found.count += hits.count;
                let weight = hits.lines.len().max(1);
                found.best.push((modified, path), hits, weight);
            }
            Ok(_) => {}
            Err(_) if search.is_stopped() => {}
            Err(_) => found.failed += 1,
        }
    }
}

#[cfg(test)]
#[path = "grep_tests.rs"]
mod tests;
