use std::path::Path;
use std::process::Command;

use codex_task_config::{PermissionMode, RuleBehavior};

use crate::gate::Decision;
use crate::gate::testing::Bench;

fn git(directory: &Path, arguments: &[&str]) {
    let mut git = Command::new("git");
    git.current_dir(directory).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    let git = git.args(["-c", "user.name=a", "-c", "user.email=a@b", "-c", "protocol.file.allow=always"]);
    let output = git.args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A workspace that is a repository, with rules for git.
fn repository() -> Bench {
    let bench = Bench::new(PermissionMode::Default, &[(RuleBehavior::Allow, "Bash(git:*)")]);
    git(bench.root(), &["init", "-q"]);
    bench
}

/// A repository with one commit.
fn nest(bench: &Bench, name: &str) {
    bench.file(&format!("{name}/file"), "x");
    let directory = bench.root().join(name);
    git(&directory, &["init", "-q"]);
    git(&directory, &["add", "file"]);
    git(&directory, &["commit", "-q", "-m", "x"]);
}

#[test]
fn git_enters_no_repository_that_an_agent_may_have_made() {
    let bench = repository();
    nest(&bench, "sub");
    assert_eq!(bench.bash("git status").decision(), Decision::Allow, "not in the index yet");
    git(bench.root(), &["add", "sub"]);
    for command in ["git status", "git diff", "git commit -a -m x", "git stash"] {
        assert_eq!(bench.bash(command).decision(), Decision::Ask, "{command}");
    }
}

#[test]
fn letters_of_a_rule_do_not_cover_what_an_agent_has_changed_about_them() {
    let rules = ["git status", "git status -s && git log"].map(|rule| format!("Bash({rule})"));
    let rules: Vec<_> = rules.iter().map(|rule| (RuleBehavior::Allow, rule.as_str())).collect();
    let bench = Bench::new(PermissionMode::Default, &rules);
    git(bench.root(), &["init", "-q"]);
    nest(&bench, "sub");
    let commands = ["git status", "git status -s && git log"];
    for command in commands {
        assert_eq!(bench.bash(command).decision(), Decision::Allow, "{command}");
    }
    git(bench.root(), &["add", "sub"]);
    for command in commands {
        assert_eq!(bench.bash(command).decision(), Decision::Ask, "{command}");
    }
}

#[test]
fn git_add_takes_no_such_repository_in() {
    let bench = repository();
    bench.file("src/a.rs", "x");
    bench.file(".gitignore", "/ignored\n");
    nest(&bench, "ignored/sub");
    let adding =
        ["git add sub", "git add .", "git add -A", "git add -vA", "git add 'su*'", "git add :/", "git add"];
    for command in adding {
        assert_eq!(bench.bash(command).decision(), Decision::Allow, "{command}");
    }
    for command in ["git add -f .", "git add --fo ignored", "git add -vf"] {
        assert_eq!(bench.bash(command).decision(), Decision::Ask, "{command} adds what is ignored");
    }
    nest(&bench, "-dashed");
    assert_eq!(bench.bash("git add -- src -dashed").decision(), Decision::Ask);
    std::fs::remove_dir_all(bench.root().join("-dashed")).unwrap();
    nest(&bench, "sub");
    // What ignores its own content is a repository all the same.
    bench.file("sub/.gitignore", "*\n");
    for command in adding {
        assert_eq!(bench.bash(command).decision(), Decision::Ask, "{command}");
    }
    assert_eq!(bench.bash("git add src src/a.rs missing").decision(), Decision::Allow);
}

#[test]
fn a_submodule_that_git_keeps_itself_is_entered() {
    let bench = repository();
    let library = tempfile::tempdir().unwrap();
    std::fs::write(library.path().join("file"), "x").unwrap();
    git(library.path(), &["init", "-q"]);
    git(library.path(), &["add", "file"]);
    git(library.path(), &["commit", "-q", "-m", "x"]);
    git(bench.root(), &["submodule", "--quiet", "add", &library.path().display().to_string(), "library"]);
    for command in ["git status", "git add -A", "git commit -m x"] {
        assert_eq!(bench.bash(command).decision(), Decision::Allow, "{command}");
    }
    bench.file("library/.git", "gitdir: ../evil\n");
    for command in ["git status", "git add -A"] {
        assert_eq!(bench.bash(command).decision(), Decision::Ask, "{command}");
    }
}
