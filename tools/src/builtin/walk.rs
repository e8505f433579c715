//! The files below a directory, as ripgrep walks them: what version control ignores is left out, no link is followed.

use std::fs::Metadata;
use std::path::Path;
use std::thread::available_parallelism;

use ignore::{DirEntry, WalkBuilder, WalkState};

use super::blocking::Stop;
use crate::{PathGuard, ResolvedPath};

/// Threads of one walk; several agents may search at once.
const THREADS_MAX: usize = 4;

/// Where version control keeps its own files.
const VERSION_CONTROL: &[&str] = &[".git", ".hg", ".svn", ".bzr", ".jj", ".sl"];

/// Files whose rules a walk reads.
const IGNORE_FILES: &[&str] = &[".gitignore", ".ignore"];

/// Largest file of rules that is read.
const IGNORE_FILE_BYTES_MAX: u64 = 1024 * 1024;

/// A walk below a directory that the guard has judged.
pub(super) struct Walk<'a> {
    pub(super) guard: &'a PathGuard,
    pub(super) base: &'a ResolvedPath,
    pub(super) stop: &'a Stop,
}

impl Walk<'_> {
    /// Shows every regular file that may be read to one of the visitors, on several threads and in no order, until the
    /// stop is set. Hidden files count. What cannot be listed is left out.
    pub(super) fn files<V: FnMut(&DirEntry) + Send>(&self, visitor: impl Fn() -> V) {
        let threads = available_parallelism().map_or(1, usize::from).min(THREADS_MAX);
        self.builder().threads(threads).build_parallel().run(|| {
            let mut visit = visitor();
            Box::new(move |entry| {
                if self.stop.is_set() {
                    return WalkState::Quit;
                }
                if let Ok(entry) = entry
                    && entry.file_type().is_some_and(|kind| kind.is_file())
                {
                    visit(&entry);
                }
                WalkState::Continue
            })
        });
    }

    /// The settings of the walk: also for one that is made step by step.
    pub(super) fn builder(&self) -> WalkBuilder {
        let base = &self.base.real;
        let in_repository = base.ancestors().any(|directory| directory.join(".git").exists());
        // Rules above the base count up to the root of its repository. Without one only those below the base do: a
        // home directory kept in Git ignores everything, and that is not meant for what lies in it.
        let honoured = base.ancestors().all(|directory| has_harmless_rules(self.guard, directory));
        let mut builder = WalkBuilder::new(base);
        builder
            .standard_filters(false)
            .git_ignore(honoured)
            .ignore(honoured)
            .parents(honoured && in_repository)
            .require_git(in_repository)
            .follow_links(false);
        let guard = self.guard.clone();
        builder.filter_entry(move |entry| {
            let is_directory = entry.file_type().is_some_and(|kind| kind.is_dir());
            entry.depth() == 0
                || (!is_version_control(entry)
                    && guard.may_read(entry.path())
                    && (!is_directory || !honoured || has_harmless_rules(&guard, entry.path())))
        });
        builder
    }
}

fn is_version_control(entry: &DirEntry) -> bool {
    entry.file_name().to_str().is_some_and(|name| VERSION_CONTROL.contains(&name))
}

/// Whether reading the rules in a directory ends. A link to a device or a pipe would never do, and a repository can hold
/// such a link.
fn has_harmless_rules(guard: &PathGuard, directory: &Path) -> bool {
    IGNORE_FILES.iter().all(|name| {
        let path = directory.join(name);
        match std::fs::symlink_metadata(&path) {
            Err(_) => true,
            Ok(metadata) if metadata.is_symlink() => linked(guard, &path).is_some_and(is_short_file),
            Ok(metadata) => is_short_file(metadata),
        }
    })
}

/// What a link leads to. Above the roots it is the user's own; below them it must not lead out.
fn linked(guard: &PathGuard, path: &Path) -> Option<Metadata> {
    if guard.roots().any(|root| path.starts_with(root)) {
        guard.open_read(path).ok()?.0.metadata().ok()
    } else {
        std::fs::metadata(path).ok()
    }
}

#[expect(clippy::needless_pass_by_value, reason = "a predicate for options")]
fn is_short_file(metadata: Metadata) -> bool {
    metadata.is_file() && metadata.len() <= IGNORE_FILE_BYTES_MAX
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::sync::Mutex;

    use codex_task_config::{PermissionMode, RuleBehavior, ToolSelection};

    use super::*;
    use crate::gate::testing::Bench;

    /// Names of the files below a directory, sorted.
    fn files(bench: &Bench, below: &str) -> String {
        let rights = bench.rights.narrowed_for(&ToolSelection::Inherit, &[], /*mode*/ None);
        let guard = bench.session.clone().denying(rights.denied_paths(), rights.unwritable_paths()).guard;
        let base = guard.resolve_dir(below.as_ref()).unwrap();
        let found = Mutex::new(Vec::new());
        Walk { guard: &guard, base: &base, stop: &Stop::default() }.files(|| {
            |entry: &DirEntry| {
                let relative = entry.path().strip_prefix(&base.real).unwrap();
                found.lock().unwrap().push(relative.display().to_string());
            }
        });
        let mut found = found.into_inner().unwrap();
        found.sort();
        found.join(" ")
    }

    #[test]
    fn ignored_files_are_left_out_with_and_without_a_repository() {
        let bench = Bench::new(PermissionMode::Default, &[]);
        for (path, content) in [
            (".gitignore", "target/\n*.log\n"),
            ("src/main.rs", ""),
            ("src/debug.log", ""),
            ("src/.hidden", ""),
            ("target/out", ""),
            (".github/ci.yml", ""),
            ("sub/.gitignore", "!keep.log\n"),
            ("sub/keep.log", ""),
        ] {
            bench.file(path, content);
        }
        let all = ".github/ci.yml .gitignore src/.hidden src/main.rs sub/.gitignore sub/keep.log";
        assert_eq!(files(&bench, "."), all);
        bench.file(".git/HEAD", "");
        assert_eq!(files(&bench, "."), all);
        assert_eq!(files(&bench, "src"), ".hidden main.rs", "rules above the base count in a repository");
        assert_eq!(files(&bench, "target"), "out", "what is named is meant");
    }

    #[test]
    fn links_and_denied_files_are_left_out() {
        let bench = Bench::new(PermissionMode::Default, &[(RuleBehavior::Deny, "Read(./secrets/**)")]);
        bench.file("a", "");
        bench.file("secrets/key", "");
        symlink("/etc", bench.root().join("etc")).unwrap();
        symlink("a", bench.root().join("b")).unwrap();
        assert_eq!(files(&bench, "."), "a");
    }

    #[test]
    fn rules_that_never_end_are_not_read() {
        let bench = Bench::new(PermissionMode::Default, &[]);
        bench.file("a", "");
        bench.file("sub/b", "");
        bench.file("linked/c.log", "");
        bench.file("linked/d", "");
        bench.file("rules", "*.log\n");
        symlink("/dev/zero", bench.root().join("sub/.gitignore")).unwrap();
        symlink("../rules", bench.root().join("linked/.gitignore")).unwrap();
        assert_eq!(
            files(&bench, "."),
            "a linked/.gitignore linked/d rules".replace("linked/.gitignore ", "")
        );
        symlink("/dev/zero", bench.root().join(".ignore")).unwrap();
        assert_eq!(files(&bench, "."), "a linked/c.log linked/d rules sub/b");
    }
}
