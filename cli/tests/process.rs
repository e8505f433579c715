//! The built command as a process: exit codes, pipes, signals, and the demo with its real tools.

#![expect(clippy::expect_used, reason = "a test fails by panicking, its helpers too")]

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn codex_task(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_codex-task"));
    command.current_dir(directory).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("HOME", directory.join("no-home")).env("TMPDIR", directory);
    command
}

fn run(directory: &Path, arguments: &[&str]) -> Output {
    codex_task(directory).args(arguments).stdin(Stdio::null()).output().expect("the command starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

#[test]
fn the_demo_finds_what_is_in_its_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let sample = folder.path().join("sample");
    let demo = || run(folder.path(), &["demo", "--dir", &sample.display().to_string()]);
    let first = demo();
    let out = text(&first.stdout);
    assert_eq!(first.status.code(), Some(0), "{out}{}", text(&first.stderr));
    assert!(text(&first.stderr).contains("the model is scripted"), "{}", text(&first.stderr));
    let tree = "Results:\n\
                ├── code-reviewer: 4 problems in 3 files\n\
                ├── security-audit: 6 security issues found\n\
                ├── test-runner: 7/8 tests passing\n\
                └── documentation-writer: docs/COMMANDS.md updated: 7 commands described\n";
    assert!(out.ends_with(tree), "{out}");
    assert!(out.contains("The code at src/orders.sh:18:\n\n    discount() {\n"), "{out}");

    let edit = |path: &str, from: &str, to: &str| {
        let path = sample.join(path);
        let text = fs::read_to_string(&path).expect("the sample has this file");
        assert!(text.contains(from), "{}", path.display());
        fs::write(&path, text.replace(from, to)).expect("the sample can be changed");
    };
    edit("src/orders.sh", "$2 / 10)", "$2 / 100)");
    edit("src/publish.sh", "chmod 777", "chmod 644");
    edit("src/backup.sh", "cd $1", "cd \"$1\" || return");
    let out = text(&demo().stdout);
    for row in ["code-reviewer: 3 problems", "security-audit: 5 security", "test-runner: 8/8 tests passing"] {
        assert!(out.contains(row), "{row} in {out}");
    }
}

#[test]
fn the_demo_leaves_nothing_behind_and_spares_other_directories() {
    let folder = tempfile::tempdir().expect("a folder");
    assert_eq!(run(folder.path(), &["demo", "--quiet"]).status.code(), Some(0));
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);
    fs::write(folder.path().join("mine.txt"), "x").expect("a file");
    let refused = run(folder.path(), &["demo", "--dir", "."]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("is not the sample project"), "{}", text(&refused.stderr));
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut child = codex_task(folder.path())
        .args(["demo", "--jsonl"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the command starts");
    let mut line = String::new();
    let mut reader = BufReader::new(child.stdout.take().expect("a pipe"));
    reader.read_line(&mut line).expect("a line");
    assert!(line.starts_with('{'), "{line}");
    drop(reader);
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_with_130_and_the_results_so_far() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut child = codex_task(folder.path())
        .arg("demo")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    let is_begun = |line: &String| line.starts_with("Task(Executing");
    lines.by_ref().map(|line| line.expect("UTF-8")).find(is_begun).expect("a task begins");
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill");
    assert!(killed.success());
    let rest: Vec<String> = lines.map_while(Result::ok).collect();
    let mut out = String::new();
    child.stdout.take().expect("a pipe").read_to_string(&mut out).expect("UTF-8");
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    assert!(rest.iter().any(|line| line.starts_with("Interrupted:")), "{rest:?}");
    assert!(out.contains("Results:\n") && out.contains("cancelled"), "{out}");
}

#[test]
fn help_is_data_and_mistakes_are_the_users() {
    let folder = tempfile::tempdir().expect("a folder");
    let help = run(folder.path(), &["--help"]);
    assert_eq!((help.status.code(), help.stderr.as_slice()), (Some(0), &b""[..]));
    assert!(text(&help.stdout).contains("Usage: codex-task"), "{}", text(&help.stdout));
    for arguments in [&[][..], &["run", "--nonsense"], &["agents"], &["run"]] {
        let played = run(folder.path(), arguments);
        assert_eq!((played.status.code(), played.stdout.as_slice()), (Some(1), &b""[..]), "{arguments:?}");
    }
}
