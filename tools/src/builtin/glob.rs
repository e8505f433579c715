//! Glob: files by the pattern of their path, the newest first.

use std::cmp::Reverse;
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use futures_util::future::BoxFuture;
use globset::{GlobBuilder, GlobMatcher};
use ignore::DirEntry;
use serde::Deserialize;
use serde_json::Value;

use super::arguments::typed;
use super::best::Best;
use super::blocking::{Ending, Stop, blocking_for};
use super::missing::{directory_error, shown};
use super::schema::{Kind, Schema};
use super::walk::Walk;
use crate::{Access, PathError, PathGuard, ResolvedPath, Session, Tool, ToolDefinition, ToolError};

/// Files that are listed.
const FILES_MAX: usize = 100;

/// How long a search may take; it gives what it has then.
const TIME_MAX: Duration = Duration::from_secs(30);

const DESCRIPTION: &str = "Finds files by a glob pattern such as `**/*.rs`, `src/**/*.{ts,tsx}` or `*.md`; a pattern without `/` \
    matches file names in every directory. Gives the paths of at most 100 files, the most recently changed first. Files \
    that version control ignores are left out. To search in files use Grep.";

/// The tool.
#[derive(Debug)]
pub(super) struct GlobTool {
    definition: ToolDefinition,
}

#[derive(Debug, Deserialize)]
struct Arguments {
    pattern: String,
    path: Option<PathBuf>,
}

impl GlobTool {
    pub(super) fn new() -> Self {
        let definition = Schema::default()
            .required("pattern", Kind::Text, "The glob pattern, relative to path")
            .optional("path", Kind::Text, "The directory to search in; the working directory by default")
            .define("Glob", DESCRIPTION);
        Self { definition }
    }
}

impl Tool for GlobTool {
    fn definition(&self) -> &ToolDefinition {
        &self.definition
    }

    fn access(&self, arguments: &Value, session: &Session) -> Result<Access, ToolError> {
        let plan = Plan::of(&typed("Glob", arguments)?, &session.guard)?;
        Ok(Access::Read(plan.base))
    }

    fn run<'a>(&'a self, arguments: Value, session: &'a Session) -> BoxFuture<'a, Result<String, ToolError>> {
        Box::pin(async move {
            let plan = Plan::of(&typed("Glob", &arguments)?, &session.guard)?;
            let guard = session.guard.clone();
            let (found, ending) = blocking_for(TIME_MAX, move |stop| plan.find(&guard, stop)).await?;
            Ok(reply(&session.guard, found, ending))
        })
    }
}

/// A pattern split at its first glob: what stands before it is a directory, and judged as one.
struct Plan {
    /// The directory that `path` names.
    directory: PathBuf,
    /// The directory that is searched.
    base: PathBuf,
    matcher: GlobMatcher,
}

/// Newest first; paths settle what is equally new.
type Found = Best<(Reverse<Option<SystemTime>>, PathBuf), ()>;

impl Plan {
    fn of(arguments: &Arguments, guard: &PathGuard) -> Result<Self, ToolError> {
        let pattern = arguments.pattern.trim();
        let (prefix, rest) = split(pattern);
        let directory = guard.absolute(arguments.path.as_deref().unwrap_or(Path::new(".")))?;
        let base = guard.absolute(&directory.join(prefix))?;
        let glob = if pattern.contains('/') { rest } else { format!("**/{rest}") };
        let matcher = GlobBuilder::new(&glob).literal_separator(true).backslash_escape(true).build();
        let matcher = matcher
            .map_err(|error| ToolError::Input(format!("The pattern is not a valid glob: {error}")))?
            .compile_matcher();
        Ok(Self { directory, base, matcher })
    }

    fn find(&self, guard: &PathGuard, stop: &Stop) -> Result<Found, ToolError> {
        let found = Mutex::new(Best::new(FILES_MAX));
        let base = match guard.resolve_dir(&self.base) {
            Ok(base) => base,
            // A pattern may begin with a directory that is not there: nothing matches it.
            Err(PathError::NotFound(_) | PathError::NotADirectory(_)) if self.base != self.directory => {
                guard.resolve_dir(&self.directory).map_err(|error| directory_error(guard, error))?;
                return Ok(Best::new(FILES_MAX));
            }
            Err(error) => return Err(directory_error(guard, error)),
        };
        Walk { guard, base: &base, stop }.files(|| |entry: &DirEntry| self.visit(entry, &base, &found));
        Ok(found.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    fn visit(&self, entry: &DirEntry, base: &ResolvedPath, found: &Mutex<Found>) {
        let Ok(relative) = entry.path().strip_prefix(&base.real) else { return };
        if !self.matcher.is_match(relative) {
            return;
        }
        let modified = entry.metadata().ok().and_then(|metadata| metadata.modified().ok());
        let key = (Reverse(modified), base.shown.join(relative));
        found.lock().unwrap_or_else(PoisonError::into_inner).push(key, (), 1);
    }
}

/// The directories at the beginning of a pattern that hold no glob, and the rest.
fn split(pattern: &str) -> (PathBuf, String) {
    let is_plain = |part: &&str| !part.contains(['*', '?', '[', ']', '{', '}', '\\']);
    let parts: Vec<&str> = pattern.split('/').collect();
    let count = parts.iter().take(parts.len().saturating_sub(1)).take_while(|part| is_plain(part)).count();
    let (prefix, rest) = parts.split_at(count);
    let mut directory = PathBuf::new();
    if pattern.starts_with('/') {
        directory.push(Component::RootDir);
    }
    directory.extend(prefix);
    // A pattern that ends in `/` means everything in the directory.
    let rest = match rest {
        [""] => "**".to_owned(),
        rest => rest.join("/"),
    };
    if directory.as_os_str().is_empty() { (PathBuf::from("."), rest) } else { (directory, rest) }
}

fn reply(guard: &PathGuard, found: Found, ending: Ending) -> String {
    let seen = found.seen();
    let mut lines: Vec<String> =
        found.into_entries().map(|((_, path), ())| shown(guard, &path).to_string()).collect();
    if lines.is_empty() {
        lines.push("No files found".to_owned());
    }
    if seen > FILES_MAX {
        lines.push(format!(
            "(Results are truncated: the newest {FILES_MAX} of {seen} files are shown. Consider using a more specific path or \
             pattern.)"
        ));
    }
    if ending == Ending::OutOfTime {
        lines.push(format!(
            "(The search was stopped after {} seconds and is not complete. Consider using a more specific path.)",
            TIME_MAX.as_secs()
        ));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use codex_task_config::PermissionMode;
    use serde_json::json;

    use super::*;
    use crate::gate::testing::Bench;

    fn bench(files: &[&str]) -> Bench {
        let bench = Bench::new(PermissionMode::Default, &[]);
        for (age, path) in (0_u32..).zip(files) {
            bench.file(path, "");
            let file = std::fs::File::options().write(true).open(bench.root().join(path)).unwrap();
            file.set_modified(
                SystemTime::UNIX_EPOCH + Duration::from_hours(1000) - Duration::from_secs(age.into()),
            )
            .unwrap();
        }
        bench
    }

    async fn glob(bench: &Bench, arguments: Value) -> String {
        let result = GlobTool::new().run(arguments, &bench.session).await;
        result.unwrap_or_else(|error| error.to_string())
    }

    #[tokio::test]
    async fn files_are_found_by_their_path_the_newest_first() {
        let bench =
            bench(&["src/z.rs", "src/a.rs", "src/deep/er/b.rs", "README.md", "docs/x.md", ".github/ci.yml"]);
        let root = bench.root().display();
        for (pattern, expected) in [
            ("**/*.rs", "src/z.rs\nsrc/a.rs\nsrc/deep/er/b.rs"),
            ("*.rs", "src/z.rs\nsrc/a.rs\nsrc/deep/er/b.rs"),
            ("src/*.rs", "src/z.rs\nsrc/a.rs"),
            ("./src/*.rs", "src/z.rs\nsrc/a.rs"),
            ("src/**/b.rs", "src/deep/er/b.rs"),
            ("{src,docs}/*", "src/z.rs\nsrc/a.rs\ndocs/x.md"),
            ("[R-R]EADME.md", "README.md"),
            ("src/deep/", "src/deep/er/b.rs"),
            (".github/*.yml", ".github/ci.yml"),
            ("docs/x.md", "docs/x.md"),
            (&format!("{root}/docs/*"), "docs/x.md"),
            ("docs/../src/a.rs", "src/a.rs"),
            ("missing/*.rs", "No files found"),
            ("README.md/*", "No files found"),
        ] {
            assert_eq!(glob(&bench, json!({ "pattern": pattern })).await, expected, "{pattern}");
        }
        assert_eq!(glob(&bench, json!({"pattern": "*.rs", "path": "src/deep"})).await, "src/deep/er/b.rs");
    }

    #[tokio::test]
    async fn only_so_many_files_are_listed() {
        let names: Vec<String> = (0..130).map(|number| format!("f{number}")).collect();
        let bench = bench(&names.iter().map(String::as_str).collect::<Vec<_>>());
        let text = glob(&bench, json!({"pattern": "f*"})).await;
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[..100], names[..100]);
        assert!(lines[100].starts_with("(Results are truncated: the newest 100 of 130 files are shown."));
    }

    #[tokio::test]
    async fn what_cannot_be_searched_is_said() {
        let bench = bench(&["src/a.rs"]);
        for (arguments, expected) in [
            (json!({"pattern": "a[z-a]"}), "The pattern is not a valid glob"),
            (json!({"pattern": "*", "path": "scr"}), "Directory does not exist: "),
            (json!({"pattern": "*", "path": "scr"}), "Did you mean src?"),
            (json!({"pattern": "*", "path": "src/a.rs"}), "is not a directory"),
            (json!({"pattern": "../**"}), "is outside the workspace"),
            (json!({"pattern": "/etc/*"}), "/etc is outside the workspace"),
        ] {
            let text = glob(&bench, arguments.clone()).await;
            assert!(text.contains(expected), "{arguments}: {text}");
        }
    }

    #[test]
    fn the_gate_judges_the_directory_in_which_the_pattern_searches() {
        let bench = bench(&[]);
        for (arguments, expected) in [
            (json!({"pattern": "**/*.rs"}), bench.root().to_owned()),
            (json!({"pattern": "src/a/*.rs", "path": "sub"}), bench.root().join("sub/src/a")),
            (json!({"pattern": "/etc/ssl/*"}), "/etc/ssl".into()),
            (json!({"pattern": "a/../../x/*"}), bench.root().with_file_name("x")),
        ] {
            let access = GlobTool::new().access(&arguments, &bench.session);
            assert_eq!(access, Ok(Access::Read(expected)), "{arguments}");
        }
    }
}
