//! `kill -9` at any point: every run comes to its right end, nothing is done twice, and nothing that is on record is
//! paid twice.
#![cfg(unix)]

use std::collections::{HashMap, HashSet};
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use codex_task::store::{RecordState, Recorder, Records, RunRecord};
use codex_task::{Environment, RunId, RunTask, Runtime, TaskStatus};
use codex_task_tests::{Call, Format, Mock, Reply};
use rand::RngExt;
use serde_json::json;

use crate::harness::{TestProject, TestTool, agent_on, agents, allow_everything, project_on};

/// The full name of the story, which is also the child's.
const STORY: &str = "kills::every_killed_run_comes_to_its_right_end";
/// What a child is asked to do: nothing, or the run to resume. Unset in the story itself.
const ROLE: &str = "CODEX_TASK_KILLED_CHILD";
/// The role of a child that begins a run. Never empty: an empty variable counts as unset, and a child that takes
/// itself for the story starts children of its own without end.
const FIRST: &str = "first";
/// Tasks of each run.
const TASKS: usize = 4;
/// Tool turns of each task, two calls in each.
const TURNS: usize = 3;
/// Kills altogether.
const KILLS: usize = 100;
/// Kills of one run at most: then it may come to its end.
const KILLS_PER_RUN: usize = 10;

#[test]
fn every_killed_run_comes_to_its_right_end() {
    let process = Environment::from_process().expect("a working directory");
    match process.get(ROLE) {
        Some(role) => child(&process, role),
        None => story(),
    }
}

/// Runs tasks, or goes on with them, until it is killed.
fn child(process: &Environment, role: &str) {
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("tokio");
    tokio.block_on(async {
        let records = Records::of_user(process).expect("the records open");
        let recorder = Arc::new(Recorder::start(records, process, "").expect("it records"));
        let handle = Runtime::builder()
            .environment(process.clone())
            .agents(agents([agent_on("worker", "mock", Format::Anthropic)]))
            .tool(changing(&process.cwd().join("effects")).shared())
            .overrides(allow_everything())
            .recorder(recorder)
            .start()
            .expect("a runtime");
        if role == FIRST {
            let request = |n| RunTask::<String>::new("worker", format!("task-{n}")).request;
            handle.run_all((0..TASKS).map(request).collect()).await.expect("it runs");
        } else {
            let run: RunId = role.parse().expect("a run");
            handle.resume(run).await.expect("it resumes");
        }
        handle.shutdown().await;
    });
}

/// Appends a line that nobody may write twice, in the middle of a call that takes a moment.
fn changing(file: &Path) -> TestTool {
    let file = file.to_path_buf();
    TestTool::changing("Change", move |arguments| {
        let file = file.clone();
        async move {
            tokio::time::sleep(Duration::from_millis(2)).await;
            let mut effects =
                OpenOptions::new().create(true).append(true).open(file).expect("the file opens");
            let line = format!("{}\n", arguments["key"].as_str().unwrap_or_default());
            // In one piece: other tasks write too, and a kill may come at any time.
            effects.write_all(line.as_bytes()).expect("it is written");
            tokio::time::sleep(Duration::from_millis(2)).await;
            Ok("changed".to_owned())
        }
    })
}

/// The model asks for two changes a turn, then reports.
fn answer(call: &Call) -> Reply {
    let (task, turn) = place(call);
    let reply = if turn < TURNS {
        let key = |part: usize| ("Change".to_owned(), json!({ "key": format!("{task} {turn} {part}") }));
        Reply::Tools(vec![key(0), key(1)])
    } else {
        Reply::Text(format!("{task} is done"))
    };
    Reply::After(Duration::from_millis(5), Box::new(reply))
}

/// Which task asks, and how many tool turns it has behind it.
fn place(call: &Call) -> (String, usize) {
    let said = call.everything();
    let task = (0..TASKS).map(|n| format!("task-{n}")).find(|task| said.contains(task.as_str()));
    (task.expect("a task of the story"), call.tool_results().len() / 2)
}

fn story() {
    let mut killed = 0;
    let mut unknown = 0;
    while killed < KILLS {
        let mock = Mock::start(Format::Anthropic, answer);
        let project = project_on([("mock", Format::Anthropic, &mock)], "");
        let (kills, run) = run_to_end(&project);
        killed += kills;
        let effects = std::fs::read_to_string(project.dir().join("effects")).expect("there are effects");
        unknown += check_effects(&effects, kills);
        check_end(&run);
        check_payments(&mock, kills);
    }
    println!("{killed} kills, {unknown} calls with an unknown outcome that had not happened");
}

/// Starts a run, and kills whoever works on it again and again, until it has come to its end.
fn run_to_end(project: &TestProject) -> (usize, RunRecord) {
    let environment = project.environment();
    let records = Records::of_user(&environment).expect("the records open");
    let mut kills = 0;
    loop {
        let run = records.list(10).expect("the records are whole").pop();
        if let Some(run) = &run
            && let RecordState::Ended(_) = run.state
        {
            return (kills, run.clone());
        }
        let role = run.as_ref().map_or_else(|| FIRST.to_owned(), |run| run.run.to_string());
        let mut child = start(&environment, &role);
        if kills < KILLS_PER_RUN {
            wait_for_admission(&records, &mut child);
            std::thread::park_timeout(Duration::from_millis(rand::rng().random_range(1..150)));
            kills += usize::from(child.try_wait().expect("it is ours").is_none());
            child.kill().expect("it is ours");
        }
        let ended = child.wait().expect("it is ours");
        assert!(kills < KILLS_PER_RUN || ended.success() || ended.code().is_none(), "{ended:?}");
    }
}

/// Waits until the run is on record: then all of its tasks are, or nobody could go on with the rest after a kill.
fn wait_for_admission(records: &Records, child: &mut Child) {
    let is_known = || {
        let newest = records.list(1).expect("the records are whole").pop();
        if let Some(run) = &newest {
            assert_eq!(run.tasks.len(), TASKS, "a run is on record whole or not at all");
        }
        newest.is_some()
    };
    while child.try_wait().expect("it is ours").is_none() && !is_known() {
        std::thread::park_timeout(Duration::from_millis(2));
    }
}

fn start(environment: &Environment, role: &str) -> Child {
    let binary: PathBuf = std::env::current_exe().expect("the test's own binary");
    Command::new(binary)
        .args([STORY, "--exact", "--nocapture", "--test-threads=1"])
        .env_clear()
        .envs(environment.variables())
        .env(ROLE, role)
        .current_dir(environment.cwd())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts")
}

/// No line is there twice. A line that is missing was of a call that a kill cut off: nobody knew, so it was not
/// repeated. Returns how many.
fn check_effects(effects: &str, kills: usize) -> usize {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for line in effects.lines() {
        *counts.entry(line).or_default() += 1;
    }
    let twice: Vec<_> = counts.iter().filter(|(_, count)| **count > 1).collect();
    assert!(twice.is_empty(), "done twice: {twice:?}");
    let wanted =
        (0..TASKS).flat_map(|task| (0..TURNS * 2).map(move |n| format!("task-{task} {} {}", n / 2, n % 2)));
    let wanted: HashSet<String> = wanted.collect();
    assert!(counts.keys().all(|line| wanted.contains(*line)), "{effects}");
    let missing = wanted.len() - counts.len();
    assert!(missing <= kills * TASKS, "{missing} changes are missing after {kills} kills");
    missing
}

fn check_end(run: &RunRecord) {
    assert_eq!(run.state, RecordState::Ended(TaskStatus::Completed), "{run:?}");
    let mut ends: Vec<String> = Vec::new();
    for task in &run.tasks {
        let report = task.report.as_ref().expect("an ended task has a report");
        ends.push(report["result"].as_str().expect("a text").to_owned());
    }
    let right: Vec<String> = (0..TASKS).map(|n| format!("task-{n} is done")).collect();
    assert_eq!(ends, right);
}

/// A request is sent again only when a kill cut it off before its answer was on record: once for each task and kill.
fn check_payments(mock: &Mock, kills: usize) {
    let mut asked: HashMap<(String, usize), usize> = HashMap::new();
    for call in mock.calls() {
        *asked.entry(place(&call)).or_default() += 1;
    }
    for task in 0..TASKS {
        let of_task = |(key, _): &(&(String, usize), &usize)| key.0 == format!("task-{task}");
        let again: usize = asked.iter().filter(of_task).map(|(_, count)| count - 1).sum();
        assert!(again <= kills, "task-{task} asked {again} times again after {kills} kills");
        assert_eq!(asked.iter().filter(of_task).count(), TURNS + 1, "every turn was asked for");
    }
}
