//! Worktrees in real repositories, friendly and hostile ones.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use codex_task_config::Environment;
use tempfile::TempDir;

use super::lease::{Holding, Lease};
use super::{Leaving, Worktree, WorktreeError, Worktrees};

/// A repository with one commit, and a home.
struct Repository {
    folder: TempDir,
}

impl Repository {
    fn new() -> Self {
        let repository = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir_all(repository.root()).unwrap();
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository.file("src/a.txt", "one\n");
        repository.file(".gitignore", "target\n");
        repository.commit();
        repository
    }

    fn root(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join("repo")
    }

    fn file(&self, path: &str, text: &str) {
        write(&self.root().join(path), text);
    }

    fn commit(&self) {
        self.git(&["add", "--all"]);
        self.git(&["-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "--message=x"]);
    }

    fn git(&self, arguments: &[&str]) -> String {
        git_in(&self.root(), arguments)
    }

    fn environment(&self) -> Environment {
        let path = path();
        let home = self.folder.path().join("home").display().to_string();
        Environment::new(self.root(), [("HOME", home.as_str()), ("PATH", &path)])
    }

    fn worktrees(&self) -> Worktrees {
        Worktrees::of(&self.environment())
    }

    fn open(&self) -> Worktree {
        self.worktrees().open("agent-1").unwrap()
    }

    /// Branches and worktrees that git knows beside the first ones.
    fn left(&self) -> (usize, usize) {
        let lines = |arguments: &[&str]| self.git(arguments).lines().count() - 1;
        (lines(&["branch", "--list"]), lines(&["worktree", "list"]))
    }
}

/// Where git is.
fn path() -> String {
    Environment::from_process().unwrap().get("PATH").unwrap().to_owned()
}

fn git_in(directory: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git").current_dir(directory).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[test]
fn a_worktree_without_a_change_is_removed_with_its_branch_and_leaves_no_trace() {
    let repository = Repository::new();
    let worktree = repository.open();
    let path = repository.root().join(".claude/worktrees/agent-1");
    assert_eq!((worktree.path(), worktree.branch()), (path.as_path(), "worktree-agent-1"));
    assert_eq!(fs::read_to_string(path.join("src/a.txt")).unwrap(), "one\n");
    assert_eq!(git_in(&path, &["branch", "--show-current"]).trim(), "worktree-agent-1");
    assert_eq!(repository.git(&["status", "--porcelain"]), "", "the repository does not see it");
    write(&path.join("target/built"), "ignored files are no change");
    assert_eq!(worktree.leave(), Leaving::Removed);
    assert_eq!((path.exists(), repository.left()), (false, (0, 0)));
    assert!(!repository.root().join(".claude/worktrees").exists());
    assert_eq!(worktree.leave(), Leaving::Removed, "who leaves second is told the same");
}

#[test]
fn whatever_has_changed_is_kept() {
    type Change = fn(&Path);
    let changes: [(&str, Change); 5] = [
        ("a file", |path| write(&path.join("src/a.txt"), "two\n")),
        ("a new file", |path| write(&path.join("new.txt"), "new\n")),
        ("a file is gone", |path| fs::remove_file(path.join("src/a.txt")).unwrap()),
        ("a commit", |path| {
            let identity = ["-c", "user.name=a", "-c", "user.email=a@b"];
            let commit = ["commit", "--quiet", "--allow-empty", "--message=y"];
            git_in(path, &[identity.as_slice(), &commit].concat());
        }),
        ("its .git file leads elsewhere", |path| write(&path.join(".git"), "gitdir: /nowhere\n")),
    ];
    for (what, change) in changes {
        let repository = Repository::new();
        let worktree = repository.open();
        change(worktree.path());
        assert_eq!(worktree.leave(), Leaving::Kept, "{what}");
        assert!(worktree.path().exists(), "{what}");
        assert_eq!(repository.worktrees().tidy(), 0, "{what}");
        assert!(worktree.path().exists(), "{what}");
    }
}

#[test]
fn a_worktree_that_was_kept_is_gone_back_to_and_never_removed() {
    let repository = Repository::new();
    let first = repository.open();
    write(&first.path().join("new.txt"), "new\n");
    assert_eq!(first.leave(), Leaving::Kept);
    let second = repository.open();
    assert_eq!(fs::read_to_string(second.path().join("new.txt")).unwrap(), "new\n");
    fs::remove_file(second.path().join("new.txt")).unwrap();
    assert_eq!(second.leave(), Leaving::Kept, "it was the user's between");
    repository.git(&["worktree", "remove", ".claude/worktrees/agent-1"]);
    let third = repository.open();
    assert_eq!(
        (third.branch(), third.path().exists()),
        ("worktree-agent-1", true),
        "on the branch that is left"
    );
}

#[test]
fn two_agents_never_work_in_one_worktree() {
    let repository = Repository::new();
    let worktree = repository.open();
    let second = repository.worktrees().open("agent-1");
    assert!(matches!(second, Err(WorktreeError::InUse(_))), "{second:?}");
    drop(worktree);
}

#[test]
fn what_a_dead_process_has_left_is_removed_unless_it_has_changed() {
    let repository = Repository::new();
    let leases = repository.environment().state_dir().unwrap().join("worktrees");
    let base = repository.git(&["rev-parse", "HEAD"]).trim().to_owned();
    let mut held = Vec::new();
    for (name, is_changed) in [("agent-1", false), ("agent-2", true)] {
        let path = repository.root().join(".claude/worktrees").join(name).display().to_string();
        repository.git(&["worktree", "add", "--quiet", "-b", &format!("worktree-{name}"), &path]);
        let holding = Holding { repository: repository.root(), name: name.to_owned(), base: base.clone() };
        let (lease, known) = Lease::take(&leases, &holding).unwrap().unwrap();
        assert_eq!(known, None);
        if is_changed {
            write(&Path::new(&path).join("new.txt"), "new\n");
        }
        held.push(lease);
        assert_eq!(repository.worktrees().tidy(), 0, "its process lives");
    }
    drop(held); // as the kernel does
    assert_eq!(repository.worktrees().tidy(), 1);
    assert_eq!(repository.left(), (1, 1));
    assert!(repository.root().join(".claude/worktrees/agent-2/new.txt").exists());
    assert_eq!((repository.worktrees().tidy(), Lease::all(&leases).len()), (0, 0));
}

#[test]
fn without_a_repository_or_a_commit_there_is_none() {
    let refused = |root: &Path| {
        let path = path();
        let environment = Environment::new(root, [("PATH", path.as_str())]);
        Worktrees::of(&environment).open("agent-1").unwrap_err().to_string()
    };
    let none =
        "Cannot create agent worktree: not in a git repository and no WorktreeCreate hooks are configured.";
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(refused(folder.path()), none);
    let repository = Repository::new();
    let inner = repository.root().join("inner");
    fs::create_dir_all(inner.join(".git")).unwrap();
    assert_eq!(refused(&inner), none, "not that of the repository around it");
    git_in(folder.path(), &["init", "--quiet"]);
    let no_commit =
        "Cannot create agent worktree: Failed to resolve base branch \"HEAD\": git rev-parse failed";
    assert_eq!(refused(folder.path()), no_commit);
}

#[test]
fn nothing_that_a_repository_says_runs_a_program() {
    let repository = Repository::new();
    let marker = repository.folder.path().join("marker");
    let run = format!("touch '{}'; cat", marker.display());
    for (key, value) in [
        ("core.fsmonitor", run.as_str()),
        ("core.sshCommand", &run),
        ("core.pager", &run),
        ("core.editor", &run),
        ("diff.external", &run),
        ("filter.evil.smudge", &run),
        ("filter.evil.clean", &run),
        ("filter.evil.required", "true"),
        ("filter.worse.process", &run),
        ("credential.helper", &format!("!{run}")),
        ("status.submoduleSummary", "true"),
        ("alias.worktree", &format!("!{run}")),
        ("alias.status", &format!("!{run}")),
    ] {
        repository.git(&["config", key, value]);
    }
    for hook in ["post-checkout", "reference-transaction", "pre-commit", "post-index-change"] {
        let path = repository.root().join(".git/hooks").join(hook);
        write(&path, &format!("#!/bin/sh\n{run}\n"));
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(&path, mode).unwrap();
    }
    write(
        &repository.root().join(".git/info/attributes"),
        "*.txt filter=evil diff=evil\n*.md filter=worse\n",
    );
    let worktree = repository.open();
    write(&worktree.path().join("src/a.txt"), "two\n");
    assert_eq!(worktree.leave(), Leaving::Kept);
    assert_eq!(repository.worktrees().open("agent-2").unwrap().leave(), Leaving::Removed);
    assert!(!marker.exists());
    let odd = Repository::new();
    odd.git(&["config", "filter.a=b.smudge", "cat"]);
    let refused = odd.worktrees().open("agent-1").unwrap_err().to_string();
    assert!(refused.contains("cannot be switched off"), "{refused}");
    fs::create_dir_all(odd.root().join(".claude")).unwrap();
    std::os::unix::fs::symlink("/tmp", odd.root().join(".claude/worktrees")).unwrap();
    odd.git(&["config", "--unset", "filter.a=b.smudge"]);
    let refused = odd.worktrees().open("agent-1").unwrap_err().to_string();
    assert!(refused.contains("is no directory"), "{refused}");
}
