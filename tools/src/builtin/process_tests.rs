use std::path::Path;

use codex_task_config::Environment;
use rustix::process::test_kill_process;

use super::*;
use crate::builtin::stray::VARIABLE;

const LONG: Duration = Duration::from_secs(30);

fn bash(line: &str, directory: &Path) -> (Command, Mark) {
    let mark = Mark::new();
    let mut command = Command::new("bash");
    let environment = Environment::new(directory, [("", ""); 0]);
    command.args(["-c", line]).current_dir(directory).env(VARIABLE, mark.value(&environment));
    (command, mark)
}

async fn finished(line: &str, directory: &Path, time_max: Duration) -> Finished {
    let (command, mark) = bash(line, directory);
    run(command, mark, time_max).await.unwrap()
}

fn output(finished: &Finished) -> (String, String) {
    (finished.stdout.text(OUTPUT_CHARS_MAX), finished.stderr.text(OUTPUT_CHARS_MAX))
}

/// Waits until a process that wrote its number to a file has the wanted state.
async fn wait_until(file: &Path, is_wanted: impl Fn(Pid) -> bool) {
    let is_there = async {
        loop {
            let text = std::fs::read_to_string(file).unwrap_or_default();
            let process = text.trim().parse().ok().and_then(Pid::from_raw);
            if process.is_some_and(&is_wanted) {
                return;
            }
            sleep(POLL_INTERVAL).await;
        }
    };
    timeout(LONG, is_there).await.expect("the process gets there");
}

fn runs(process: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.as_raw_nonzero()));
    test_kill_process(process).is_ok() && !stat.is_ok_and(|stat| stat.contains(") Z "))
}

#[tokio::test]
async fn a_program_gives_its_output_and_its_exit_code() {
    let directory = tempfile::tempdir().unwrap();
    let finished = finished("echo out; echo err >&2; exit 3", directory.path(), LONG).await;
    assert_eq!(output(&finished), ("out\n".to_owned(), "err\n".to_owned()));
    assert!(matches!(finished.ended, Ended::Exited(status) if status.code() == Some(3)));
    assert!(!finished.left_running);
}

#[tokio::test]
async fn standard_input_is_empty() {
    let directory = tempfile::tempdir().unwrap();
    let finished = finished("cat; read x || echo none", directory.path(), LONG).await;
    assert_eq!(output(&finished).0, "none\n");
}

#[tokio::test]
async fn a_program_that_takes_too_long_is_ended_with_all_it_started_and_its_output_is_kept() {
    let directory = tempfile::tempdir().unwrap();
    let line = "echo early; (sleep 300 & echo $! > grandchild; wait) & echo $! > child; wait";
    let finished = finished(line, directory.path(), Duration::from_millis(300)).await;
    assert_eq!(finished.ended, Ended::TimedOut);
    assert_eq!(output(&finished).0, "early\n");
    for name in ["child", "grandchild"] {
        wait_until(&directory.path().join(name), |process| !runs(process)).await;
    }
}

#[tokio::test]
async fn a_program_is_asked_to_end_before_it_is_made_to() {
    let directory = tempfile::tempdir().unwrap();
    let polite = "trap 'echo bye; exit' TERM; echo hello; while :; do sleep 0.01; done";
    let stubborn = "trap '' TERM; echo hello; while :; do sleep 0.01; done";
    for (line, expected) in [(polite, "hello\nbye\n"), (stubborn, "hello\n")] {
        let finished = finished(line, directory.path(), Duration::from_millis(300)).await;
        assert_eq!((finished.ended, output(&finished).0.as_str()), (Ended::TimedOut, expected));
    }
}

#[tokio::test]
async fn dropping_the_call_ends_the_program_and_all_it_started() {
    let directory = tempfile::tempdir().unwrap();
    let (command, mark) =
        bash("(setsid sleep 300 & echo $! > stray); sleep 300 & echo $! > job; wait", directory.path());
    let call = run(command, mark, LONG);
    let names = ["stray", "job"].map(|name| directory.path().join(name));
    tokio::select! {
        _ = call => unreachable!("the program ends only when it is told to"),
        () = async {
            for name in &names {
                wait_until(name, runs).await;
            }
        } => {}
    }
    for name in &names {
        wait_until(name, |process| !runs(process)).await;
    }
}

#[test]
fn shutting_the_runtime_down_ends_the_program_and_all_it_started() {
    let directory = tempfile::tempdir().unwrap();
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let name = directory.path().join("job");
    let first = runtime();
    first.block_on(async {
        let (command, mark) = bash("trap '' TERM; sleep 300 & echo $! > job; wait", directory.path());
        let call = run(command, mark, LONG);
        tokio::select! {
            _ = call => unreachable!("the program ends only when it is told to"),
            () = wait_until(&name, runs) => {}
        }
    });
    drop(first);
    runtime().block_on(wait_until(&name, |process| !runs(process)));
}

#[tokio::test]
async fn what_keeps_the_pipes_open_does_not_hang_the_call_and_is_ended() {
    let directory = tempfile::tempdir().unwrap();
    for line in [
        "echo out; sleep 300 & echo $! > left",
        "echo out; sleep 300 > /dev/null 2>&1 & echo $! > left",
        "echo out; (setsid sleep 300 & echo $! > left)",
        "echo out; (setsid sleep 300 > /dev/null 2>&1 & echo $! > left)",
        "echo out; (trap '' TERM; sleep 300; sleep 300) & echo $! > left",
    ] {
        let call = finished(line, directory.path(), LONG);
        let finished = timeout(Duration::from_secs(5), call).await.expect("the call ends");
        assert_eq!(output(&finished).0, "out\n", "{line}");
        assert!(finished.left_running, "{line}");
        wait_until(&directory.path().join("left"), |process| !runs(process)).await;
    }
}

#[tokio::test]
async fn a_program_that_cannot_be_started_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let command = Command::new(directory.path().join("missing"));
    assert!(run(command, Mark::new(), LONG).await.is_err());
}
