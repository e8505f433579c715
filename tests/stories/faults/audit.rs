//! Faults of the audit trail's disk and files, with the real trail of a real runtime.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use codex_task::audit::{
    AuditFault, AuditFollow, AuditLine, AuditNote, AuditPlace, AuditWish, SessionAudit, verify,
};
use codex_task::store::{Recorder, Records};
use codex_task::{Outcome, RunTask, TaskReport, TaskStatus};
use codex_task_config::sha256_hex;
use codex_task_providers::scripted::{Rule, ScriptedBackend};
use codex_task_tools::Tool;
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::harness::{
    Runs, TestProject, TestRuntime, TestTool, allow_everything, calling, counting, once_prompted, scripted,
    then, wait_until,
};

/// A key that must be seen nowhere.
const CANARY: &str = "sk-ant-canary-3f1c9a7e";

pub(crate) fn place(project: &TestProject) -> AuditPlace {
    AuditPlace::of_user(&project.environment()).expect("a home")
}

fn recorder(project: &TestProject) -> Arc<Recorder> {
    let environment = project.environment();
    let records = Records::of_user(&environment).expect("the records open");
    Arc::new(Recorder::start(records, &environment, "a story").expect("it records"))
}

/// A runtime that records, and so keeps an audit trail, whose calls all may run.
pub(crate) fn audited(
    project: TestProject,
    model: &Arc<ScriptedBackend>,
    tools: impl IntoIterator<Item = Arc<dyn Tool>>,
) -> TestRuntime {
    let recorder = recorder(&project);
    TestRuntime::start_in(project, |builder| {
        let builder = tools.into_iter().fold(builder, codex_task::RuntimeBuilder::tool);
        builder.backend(model.clone()).overrides(allow_everything()).recorder(recorder)
    })
}

/// A project with the agent `worker`.
pub(crate) fn project() -> TestProject {
    let project = TestProject::new();
    project.agent_file("worker", &file("You are worker."));
    project
}

fn file(prompt: &str) -> String {
    format!("---\nname: worker\ndescription: works\nmodel: scripted-1\nprovider: scripted\n---\n{prompt}\n")
}

/// All lines, once everything is on disk.
pub(crate) async fn lines(runtime: &TestRuntime) -> Vec<AuditLine> {
    runtime.audit_trail().expect("there is a trail").flush().await;
    let place = place(&runtime.project);
    AuditFollow::from_newest(place, AuditWish::default(), 10_000).expect("it can be read").0
}

fn events<'a>(lines: &'a [AuditLine], task: &TaskReport) -> Vec<(&'a str, &'a AuditLine)> {
    let task = task.task.to_string();
    let own = lines.iter().filter(move |line| line.text_of("task") == Some(&task));
    own.filter_map(|line| Some((line.text_of("event")?, line))).collect()
}

fn names<'a>(lines: &'a [AuditLine], task: &TaskReport) -> Vec<&'a str> {
    events(lines, task).into_iter().map(|(name, _)| name).collect()
}

/// The only session there is.
fn session(project: &TestProject) -> SessionAudit {
    let report = verify(&place(project), &[]).expect("it can be read");
    let [session] = <[SessionAudit; 1]>::try_from(report.sessions).expect("one session");
    session
}

fn segment(project: &TestProject, number: u32) -> PathBuf {
    let files = fs::read_dir(place(project).trails()).expect("a folder");
    let ending = format!(".{number:04}.jsonl");
    let mut paths = files.map(|file| file.expect("a file").path());
    paths.find(|path| path.to_string_lossy().ends_with(&ending)).expect("it is there")
}

/// An agent that calls the tool which its task names.
fn obedient(tools: &[&str]) -> Arc<ScriptedBackend> {
    let calls = tools.iter().map(|tool| calling(tool).when(once_prompted(tool).turn(1)));
    let ends = tools.iter().map(|tool| Rule::text("done").when(then(tool)));
    scripted(calls.chain(ends).collect::<Vec<_>>())
}

#[tokio::test]
async fn fault_53_no_tool_runs_while_the_audit_trail_cannot_be_written_and_running_ones_end() {
    let (changes, looks) = (Runs::default(), Runs::default());
    let gate = Arc::new(Semaphore::new(0));
    let (held, seen) = (Arc::clone(&gate), looks.clone());
    let look = TestTool::reading("Look", move |_| {
        seen.add();
        async { Ok("seen".to_owned()) }
    });
    let wait = TestTool::changing("Hold", move |_| {
        let held = Arc::clone(&held);
        async move {
            let _open = held.acquire().await;
            Ok("held".to_owned())
        }
    });
    let model = obedient(&["Change", "Look", "Hold"]);
    let tools = [counting("Change", &changes).shared(), look.shared(), wait.shared()];
    let runtime = audited(project(), &model, tools);
    assert_eq!(runtime.ask("worker", "Change").await.status(), TaskStatus::Completed);
    let running = runtime.begin(RunTask::new("worker", "Hold"));
    wait_until("the tool runs", || gate.available_permits() == 0 && model.recorded().len() == 3).await;
    let begun =
        async || lines(&runtime).await.iter().filter(|l| l.text_of("event") == Some("tool_start")).count();
    crate::harness::wait_for("its beginning is on disk", async || begun().await == 2).await;

    // Where the trail was there is no folder any longer, and none can be made.
    let place = place(&runtime.project);
    let aside = place.trails().with_extension("aside");
    fs::rename(place.trails(), &aside).expect("it is there");
    fs::write(place.trails(), "").expect("a file");
    for prompt in ["Change", "Look"] {
        let report = runtime.ask("worker", prompt).await;
        let Outcome::Failed { error, .. } = &report.outcome else { panic!("{prompt}: {:?}", report.outcome) };
        assert_eq!(error.kind(), "audit");
        assert!(error.to_string().starts_with("the audit trail cannot be written: "), "{error}");
        assert!(error.help().expect("a remedy").contains("free space"), "{error}");
    }
    assert_eq!((changes.count(), looks.count()), (1, 0), "no tool ran unseen");
    gate.add_permits(1);
    let ended = running.await.expect("no panic");
    assert_eq!(ended.outcome, Outcome::Completed("done".into()), "what had begun comes to its end");

    fs::remove_file(place.trails()).expect("it is there");
    fs::rename(&aside, place.trails()).expect("it is there");
    assert_eq!(runtime.ask("worker", "Change").await.status(), TaskStatus::Completed);
    assert_eq!(changes.count(), 2);
    runtime.audit_trail().expect("there is a trail").flush().await;
    let session = session(&runtime.project);
    let is_gap = |note: &AuditNote| matches!(note, AuditNote::Gap { lost, .. } if *lost > 0);
    assert!(session.notes.iter().any(is_gap), "{session:?}");
}

#[tokio::test]
async fn fault_53_a_trail_that_cannot_even_be_begun_lets_agents_speak_and_no_tool_run() {
    let runs = Runs::default();
    let project = project();
    fs::write(place(&project).trails(), "no folder").expect("a file");
    let model = scripted([
        calling("Change").when(once_prompted("Change").turn(1)),
        Rule::text("hello").when(once_prompted("speak")),
    ]);
    let runtime = audited(project, &model, [counting("Change", &runs).shared()]);
    let problems: Vec<&str> = runtime.problems().iter().map(|problem| problem.message.as_str()).collect();
    assert!(
        problems.iter().any(|text| text.starts_with("the audit trail cannot be written")),
        "{problems:?}"
    );
    assert_eq!(runtime.ask("worker", "speak").await.outcome, Outcome::Completed("hello".into()));
    let report = runtime.ask("worker", "Change").await;
    assert!(
        matches!(&report.outcome, Outcome::Failed { error, .. } if error.kind() == "audit"),
        "{report:?}"
    );
    assert_eq!(runs.count(), 0);
}

#[tokio::test]
async fn fault_55_an_audit_file_that_is_deleted_or_replaced_is_noticed_and_verify_flags_it() {
    let runs = Runs::default();
    let model = obedient(&["Change"]);
    let runtime = audited(project(), &model, [counting("Change", &runs).shared()]);
    let change = async || {
        assert_eq!(runtime.ask("worker", "Change").await.status(), TaskStatus::Completed);
        runtime.audit_trail().expect("there is a trail").flush().await;
    };
    change().await;
    assert_eq!(session(&runtime.project).fault, None);
    // The same bytes in another file.
    let first = segment(&runtime.project, 1);
    let text = fs::read(&first).expect("a file");
    fs::remove_file(&first).expect("it is there");
    fs::write(&first, text).expect("a file");
    change().await;
    let fault = session(&runtime.project).fault.expect("it is flagged");
    assert_eq!(fault.fault, AuditFault::Interference { reason: "replaced".to_owned() });
    assert_eq!((fault.path, fault.line), (segment(&runtime.project, 2), Some(1)));
    fs::remove_file(segment(&runtime.project, 2)).expect("it is there");
    change().await;
    let fault = session(&runtime.project).fault.expect("it is flagged");
    assert_eq!(fault.fault, AuditFault::SegmentMissing { number: 2 });
    let link: Value = {
        let text = fs::read_to_string(segment(&runtime.project, 3)).expect("a file");
        serde_json::from_str(text.lines().next().expect("a line")).expect("JSON")
    };
    assert_eq!((&link["event"], &link["reason"]), (&"segment".into(), &"deleted".into()));
    assert_eq!(runs.count(), 3, "what agents do goes on");
}

#[tokio::test]
async fn fault_60_a_reload_during_a_run_shows_in_the_hashes_of_both_tasks() {
    let project = project();
    let gate = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&gate);
    let wait = TestTool::reading("Wait", move |_| {
        let held = Arc::clone(&held);
        async move {
            let _open = held.acquire().await;
            Ok("go on".to_owned())
        }
    });
    let model = obedient(&["Wait"]);
    let runtime = audited(project, &model, [wait.shared()]);
    let running = runtime.begin(RunTask::new("worker", "Wait"));
    wait_until("it has begun", || model.recorded().len() == 1).await;
    runtime.project.agent_file("worker", &file("You are the new one."));
    let is_live = || runtime.agents().get("worker").is_some_and(|agent| agent.prompt.contains("the new one"));
    wait_until("the change is seen", is_live).await;
    let next = runtime.begin(RunTask::new("worker", "Wait"));
    wait_until("the next one has begun", || model.recorded().len() == 2).await;
    gate.add_permits(2);
    let (old, new) = (running.await.expect("no panic"), next.await.expect("no panic"));
    let lines = lines(&runtime).await;
    for (task, prompt) in [(&old, "You are worker."), (&new, "You are the new one.")] {
        let hash = sha256_hex(file(prompt));
        for (event, line) in events(&lines, task) {
            assert_eq!(line.text_of("agent_file_sha256"), Some(hash.as_str()), "{event}");
        }
        assert_eq!(names(&lines, task).last(), Some(&"task_end"));
    }
    let told = |event: &str, prompt: &str| {
        let hash = sha256_hex(file(prompt));
        let is_it = |line: &&AuditLine| {
            line.text_of("event") == Some(event) && line.text_of("agent_file_sha256") == Some(&hash)
        };
        lines.iter().filter(is_it).count()
    };
    assert_eq!((told("agent_load", "You are worker."), told("agent_reload", "You are the new one.")), (1, 1));
}

#[tokio::test]
async fn what_a_task_does_is_in_the_trail_in_order_and_neither_its_words_nor_a_key_are() {
    let mut project = project();
    project.variable("ANTHROPIC_API_KEY", CANARY);
    let command = format!("true # {CANARY}");
    let model = scripted([
        Rule::call("Bash", &serde_json::json!({ "command": command })).when(crate::harness::first()),
        Rule::text("an answer in confidence").when(then("Bash")),
    ]);
    let runtime = audited(project, &model, []);
    let task = runtime.ask("worker", "a prompt in confidence").await;
    assert_eq!(task.status(), TaskStatus::Completed);
    let lines = lines(&runtime).await;
    let expected = ["task_spawn", "request", "verdict", "tool_start", "tool_end", "request", "task_end"];
    assert_eq!(names(&lines, &task), expected);
    let spawn = events(&lines, &task)[0].1;
    let prompt = spawn.fields.pointer("/prompt/sha256").and_then(Value::as_str);
    assert_eq!(prompt, Some(sha256_hex("a prompt in confidence").as_str()));
    assert_eq!(spawn.text_of("rights_sha256").map(str::len), Some(64));
    let session: Vec<&str> = lines.iter().filter_map(|line| line.text_of("event")).collect();
    assert!(session.contains(&"config") && session.contains(&"session"), "{session:?}");
    let secret =
        lines.iter().find(|line| line.text_of("event") == Some("secret_access")).expect("a key is taken");
    assert_eq!(secret.text_of("name"), Some("ANTHROPIC_API_KEY"));
    let whole: String = lines.iter().map(|line| line.text.as_str()).collect();
    for text in ["in confidence", CANARY, "canary"] {
        assert!(!whole.contains(text), "{text}");
    }
    assert!(whole.contains("true # ***"), "the command itself is shown");
}
