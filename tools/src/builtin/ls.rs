//! LS: what is in a directory, and in those below it as far as there is room.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use futures_util::future::BoxFuture;
use ignore::DirEntry;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use serde::Deserialize;
use serde_json::Value;

use super::arguments::typed;
use super::blocking::{Stop, blocking};
use super::missing::directory_error;
use super::schema::{Kind, Schema};
use super::walk::Walk;
use crate::{Access, PathError, PathGuard, ResolvedPath, Session, Tool, ToolDefinition, ToolError};

/// Entries of the directory itself that are listed.
const ENTRIES_MAX: usize = 1_000;

/// Entries up to which the directories below are opened too, one whole level after the other.
const TREE_ENTRIES_MAX: usize = 200;

/// Levels that are opened at most.
const DEPTH_MAX: usize = 6;

/// Characters of one reply.
const CHARS_MAX: usize = 40_000;

const DESCRIPTION: &str = "Lists a directory: everything in it, and what lies in the directories below as long as that is little. \
    Directories end in `/`; those that are hidden or that version control ignores are named, not opened. To find files by \
    name use Glob.";

/// The tool.
#[derive(Debug)]
pub(super) struct LsTool {
    definition: ToolDefinition,
}

#[derive(Debug, Deserialize)]
struct Arguments {
    path: PathBuf,
    #[serde(default)]
    ignore: Vec<String>,
}

impl LsTool {
    pub(super) fn new() -> Self {
        let definition = Schema::default()
            .required("path", Kind::Text, "The directory to list; `.` is the working directory")
            .optional("ignore", Kind::Texts, "Glob patterns of what to leave out")
            .define("LS", DESCRIPTION);
        Self { definition }
    }
}

impl Tool for LsTool {
    fn definition(&self) -> &ToolDefinition {
        &self.definition
    }

    fn access(&self, arguments: &Value, session: &Session) -> Result<Access, ToolError> {
        let arguments: Arguments = typed("LS", arguments)?;
        Ok(Access::Read(session.guard.absolute(&arguments.path)?))
    }

    fn run<'a>(&'a self, arguments: Value, session: &'a Session) -> BoxFuture<'a, Result<String, ToolError>> {
        Box::pin(async move {
            let arguments: Arguments = typed("LS", &arguments)?;
            let ignored = ignored(&arguments.ignore)?;
            let guard = session.guard.clone();
            blocking(Stop::default(), move |stop| {
                let base =
                    guard.resolve_dir(&arguments.path).map_err(|error| directory_error(&guard, error))?;
                Listing { guard: &guard, base: &base, ignored: &ignored, stop }.text()
            })
            .await
        })
    }
}

fn ignored(globs: &[String]) -> Result<Gitignore, ToolError> {
    let invalid = |error: ignore::Error| ToolError::Input(format!("ignore is not valid: {error}"));
    let mut builder = GitignoreBuilder::new("");
    for glob in globs {
        builder.add_line(None, glob.strip_prefix("./").unwrap_or(glob)).map_err(invalid)?;
    }
    builder.build().map_err(invalid)
}

/// What stands behind a name: `/`, or where a link leads.
type Entries = BTreeMap<PathBuf, String>;

/// A directory being listed.
struct Listing<'a> {
    guard: &'a PathGuard,
    base: &'a ResolvedPath,
    ignored: &'a Gitignore,
    stop: &'a Stop,
}

impl Listing<'_> {
    fn text(&self) -> Result<String, ToolError> {
        let (mut entries, total) = self.own()?;
        for depth in 2..=DEPTH_MAX {
            self.stop.check()?;
            let room = TREE_ENTRIES_MAX.saturating_sub(entries.len());
            match self.level(depth, room) {
                Some(level) if !level.is_empty() => entries.extend(level),
                // Nothing lies deeper, or it is too much.
                Some(_) | None => break,
            }
        }
        Ok(self.tree(&entries, total))
    }

    /// Everything in the directory itself, and how much that is.
    fn own(&self) -> Result<(Entries, usize), ToolError> {
        let read = std::fs::read_dir(&self.base.real);
        let read = read.map_err(|error| PathError::from_io(&self.base.shown, &error))?;
        let mut entries = Entries::new();
        let mut total = 0;
        for entry in read.flatten() {
            self.stop.check()?;
            let (name, kind) = (PathBuf::from(entry.file_name()), entry.file_type().ok());
            let is_directory = kind.is_some_and(|kind| kind.is_dir());
            if !self.is_listed(&name, is_directory) || self.leads_to_denied(&entry.path()) {
                continue;
            }
            total += 1;
            let ending = if is_directory {
                "/".to_owned()
            } else if kind.is_some_and(|kind| kind.is_symlink()) {
                let target = std::fs::read_link(entry.path()).unwrap_or_default();
                format!(" -> {}", target.display())
            } else {
                String::new()
            };
            entries.insert(name, ending);
            if entries.len() > ENTRIES_MAX {
                entries.pop_last();
            }
        }
        Ok((entries, total))
    }

    /// What a walk finds at one depth; `None` when that is more than there is room for.
    fn level(&self, depth: usize, room: usize) -> Option<Entries> {
        let mut builder = Walk { guard: self.guard, base: self.base, stop: self.stop }.builder();
        // A walk with a least depth would open what is ignored above it.
        builder.hidden(true).max_depth(Some(depth));
        let mut level = Entries::new();
        for entry in builder.build().flatten().filter(|entry| entry.depth() == depth) {
            if let Some((path, ending)) = self.entry(&entry) {
                level.insert(path, ending);
            }
            if level.len() > room || self.stop.is_set() {
                return None;
            }
        }
        Some(level)
    }

    fn entry(&self, entry: &DirEntry) -> Option<(PathBuf, String)> {
        let relative = entry.path().strip_prefix(&self.base.real).ok()?;
        let is_directory = entry.file_type().is_some_and(|kind| kind.is_dir());
        let ending = if is_directory { "/" } else { "" };
        self.is_listed(relative, is_directory).then(|| (relative.to_owned(), ending.to_owned()))
    }

    fn is_listed(&self, relative: &Path, is_directory: bool) -> bool {
        self.guard.may_read(&self.base.real.join(relative))
            && !self.ignored.matched_path_or_any_parents(relative, is_directory).is_ignore()
    }

    /// A link by another name is no way around a rule either.
    fn leads_to_denied(&self, path: &Path) -> bool {
        self.guard.resolve(path).is_ok_and(|resolved| !self.guard.may_read(&resolved.real))
    }

    /// A path stands before what lies below it, since paths compare name by name.
    fn tree(&self, entries: &Entries, total: usize) -> String {
        let mut out = format!("- {}/", self.base.shown.display().to_string().trim_end_matches('/'));
        let mut shown = 0;
        for (path, ending) in entries {
            let depth = path.components().count();
            let name = path.file_name().unwrap_or_default().display();
            let line = format!("\n{:indent$}- {name}{ending}", "", indent = 2 * depth);
            if out.len() + line.len() > CHARS_MAX {
                break;
            }
            out.push_str(&line);
            shown += 1;
        }
        if entries.is_empty() {
            out.push_str("\n  (empty)");
        } else if shown < entries.len() || total > ENTRIES_MAX {
            let written = write!(
                out,
                "\n\n(The directory has {total} entries; the first {shown} are shown. Find others with Glob.)"
            );
            debug_assert!(written.is_ok(), "writing to a string cannot fail");
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use codex_task_config::{PermissionMode, RuleBehavior, ToolSelection};
    use serde_json::json;

    use super::*;
    use crate::gate::testing::Bench;

    fn bench(files: &[&str]) -> Bench {
        let bench = Bench::new(PermissionMode::Default, &[(RuleBehavior::Deny, "Read(./secrets/**)")]);
        for path in files {
            bench.file(path, if *path == ".gitignore" { "target\n" } else { "" });
        }
        bench
    }

    async fn ls(bench: &Bench, arguments: Value) -> String {
        let rights = bench.rights.narrowed_for(&ToolSelection::Inherit, &[], /*mode*/ None);
        let session = bench.session.clone().denying(rights.denied_paths(), rights.unwritable_paths());
        LsTool::new().run(arguments, &session).await.unwrap_or_else(|error| error.to_string())
    }

    #[tokio::test]
    async fn a_small_tree_is_shown_whole_but_for_what_is_hidden_ignored_or_denied() {
        let bench = bench(&[
            "src/main.rs",
            "src/deep/x.rs",
            "src/.hidden",
            "src-extra",
            "a.txt",
            "target/out",
            ".github/ci.yml",
            ".gitignore",
            "secrets/key",
        ]);
        std::os::unix::fs::symlink("secrets/key", bench.root().join("alias")).unwrap();
        std::fs::create_dir(bench.root().join("void")).unwrap();
        std::os::unix::fs::symlink("/etc", bench.root().join("link")).unwrap();
        let root = bench.root().display();
        assert_eq!(
            ls(&bench, json!({"path": "."})).await,
            format!(
                "- {root}/\n  - .github/\n  - .gitignore\n  - a.txt\n  - link -> /etc\n  - src/\n    - deep/\n      - x.rs\n    \
                 - main.rs\n  - src-extra\n  - target/\n  - void/"
            )
        );
        assert_eq!(
            ls(&bench, json!({"path": "src", "ignore": ["*.rs"]})).await,
            format!("- {root}/src/\n  - .hidden\n  - deep/")
        );
        assert_eq!(ls(&bench, json!({"path": "void"})).await, format!("- {root}/void/\n  (empty)"));
    }

    #[tokio::test]
    async fn a_level_that_is_too_much_is_not_opened() {
        let names: Vec<String> = (0..TREE_ENTRIES_MAX).map(|number| format!("many/f{number}")).collect();
        let bench = bench(&names.iter().map(String::as_str).chain(["few/x"]).collect::<Vec<_>>());
        let root = bench.root().display();
        assert_eq!(ls(&bench, json!({"path": "."})).await, format!("- {root}/\n  - few/\n  - many/"));
        assert_eq!(ls(&bench, json!({"path": "many"})).await.lines().count(), TREE_ENTRIES_MAX + 1);
    }

    #[tokio::test]
    async fn a_huge_directory_is_cut() {
        let names: Vec<String> = (1_000..2_100).map(|number| format!("f{number}")).collect();
        let bench = bench(&names.iter().map(String::as_str).collect::<Vec<_>>());
        let text = ls(&bench, json!({"path": "."})).await;
        assert!(
            text.contains("\n  - f1999\n\n(The directory has 1100 entries; the first 1000 are shown."),
            "{text}"
        );
    }

    #[tokio::test]
    async fn what_cannot_be_listed_is_said() {
        let bench = bench(&["src/a"]);
        for (arguments, expected) in [
            (json!({"path": "scr"}), "Did you mean src?"),
            (json!({"path": "src/a"}), "is not a directory"),
            (json!({"path": ".."}), "is outside the workspace"),
            (json!({"path": ".", "ignore": ["a[z-a]"]}), "ignore is not valid"),
        ] {
            let text = ls(&bench, arguments.clone()).await;
            assert!(text.contains(expected), "{arguments}: {text}");
        }
    }
}
