//! Agents that are gone on with: with a journal and without one, by hosts and by models, and what is refused.

use std::sync::Arc;
use std::time::Duration;

use codex_task::store::{Recorder, Records};
use codex_task::{Outcome, RunTask, RuntimeBuilder, TaskError, TaskId, ToolCaller};
use codex_task_providers::scripted::{Fault, Rule, ScriptedBackend};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::harness::{
    KeptJournal, OneClock, Runs, Setup, TestProject, TestRuntime, agent, agents, allow_everything, calling,
    counting, first, once_prompted, scripted, texts_of, then, wait_until,
};

fn recorder(project: &TestProject) -> Arc<Recorder> {
    let environment = project.environment();
    let records = Records::of_user(&environment).expect("the records open");
    Arc::new(Recorder::start(records, &environment, "a story").expect("it records"))
}

/// Where conversations are remembered.
#[derive(Clone, Copy, Debug)]
enum Memory {
    OfTheRuntime,
    OfTheJournal,
}

fn start(model: &Arc<ScriptedBackend>, memory: Memory) -> TestRuntime {
    let project = TestProject::new();
    let kept = match memory {
        Memory::OfTheRuntime => None,
        Memory::OfTheJournal => Some(recorder(&project)),
    };
    TestRuntime::start_in(project, |builder| {
        let builder = builder.agents(agents([agent("worker")])).backend(model.clone());
        match kept {
            Some(recorder) => builder.recorder(recorder),
            None => builder,
        }
    })
}

/// What the model was told last, the system prompt and tools aside.
fn conversation(model: &ScriptedBackend) -> Vec<String> {
    let recorded = model.recorded();
    let request = recorded.last().expect("a request");
    let before = 1 + request.tools.len();
    texts_of(request).into_iter().skip(before).filter(|text| !text.starts_with("<system-reminder>")).collect()
}

fn colours() -> Arc<ScriptedBackend> {
    scripted([
        Rule::text("blue").when(first()),
        Rule::text("as I said, blue").when(first().turn(2)),
        Rule::text("blue, for the third time").when(first().turn(3)),
    ])
}

#[tokio::test]
async fn row_31_a_resumed_agent_has_its_old_messages_the_new_prompt_and_its_id() {
    for memory in [Memory::OfTheRuntime, Memory::OfTheJournal] {
        let model = colours();
        let runtime = start(&model, memory);
        let first = runtime.ask("worker", "a colour").await;
        let second = RunTask::<String>::new("anybody", "which one?").resume(first.task);
        let second = runtime.run(second).await.expect("the runtime runs");
        assert_eq!(second.outcome, Outcome::Completed("as I said, blue".to_owned()), "{memory:?}");
        assert_eq!((second.task, &*second.agent, second.turns), (first.task, "worker", 1));
        assert_eq!(conversation(&model), ["a colour", "blue", "which one?"], "{memory:?}");
        let third = RunTask::<String>::new("worker", "really?").resume(first.task);
        let third = runtime.run(third).await.expect("the runtime runs");
        assert_eq!(third.outcome, Outcome::Completed("blue, for the third time".to_owned()), "{memory:?}");
    }
}

fn call(prompt: &str, changes: &[(&str, Value)]) -> Value {
    let mut call = json!({"description": "a story", "prompt": prompt, "subagent_type": "worker"});
    for (key, value) in changes {
        call[*key] = value.clone();
    }
    call
}

#[tokio::test]
async fn a_model_goes_on_with_an_agent_by_its_id_or_by_the_name_that_it_gave_it() {
    for memory in [Memory::OfTheRuntime, Memory::OfTheJournal] {
        let model = colours();
        let runtime = start(&model, memory);
        let tool = runtime.task_tool();
        let ask = async |call: Value| tool.call("Task", &call, &ToolCaller::default()).await;
        let begun = ask(call("a colour", &[("name", json!("painter"))])).await;
        let id = begun.blocks[1].strip_prefix("agentId: ").expect("an id").to_owned();
        let again = ask(call("which one?", &[("resume", json!("painter"))])).await;
        assert_eq!(again.blocks, ["as I said, blue".to_owned(), format!("agentId: {id}")], "{memory:?}");
        let background = [("resume", json!(id)), ("run_in_background", json!(true))];
        let launched = ask(call("really?", &background)).await;
        assert!(launched.blocks[0].contains(&format!("\nagentId: {id} (")), "{launched:?}");
        let output = tool.call("TaskOutput", &json!({"task_id": "painter"}), &ToolCaller::default()).await;
        assert!(output.blocks[0].contains("--- RESULT ---\nblue, for the third time\n"), "{output:?}");
    }
}

#[tokio::test]
async fn an_id_without_a_transcript_is_refused_in_claude_codes_words_also_in_the_background() {
    for memory in [Memory::OfTheRuntime, Memory::OfTheJournal] {
        let model = colours();
        let runtime = start(&model, memory);
        let tool = runtime.task_tool();
        for id in ["zzz".to_owned(), TaskId::new().to_string()] {
            for background in [false, true] {
                let call = call("x", &[("resume", json!(id)), ("run_in_background", json!(background))]);
                let answer = tool.call("Task", &call, &ToolCaller::default()).await;
                let first = answer.blocks[0].lines().next();
                assert_eq!(first, Some(format!("No transcript found for agent ID: {id}").as_str()));
                assert_eq!((answer.is_error, answer.blocks.len()), (true, 1), "{memory:?} {answer:?}");
            }
        }
        assert!(model.recorded().is_empty());
    }
}

#[tokio::test]
async fn an_agent_that_still_runs_is_not_gone_on_with_and_one_that_was_stopped_is() {
    for memory in [Memory::OfTheRuntime, Memory::OfTheJournal] {
        let hanging =
            Rule::text("never").with_fault(Fault::hang()).when(once_prompted("hang").turn(1)).times(1);
        let model = scripted([hanging, Rule::text("here again")]);
        let runtime = start(&model, memory);
        let task = RunTask::<String>::new("worker", "hang");
        let id = task.request.id;
        let running = runtime.begin(task);
        wait_until("the model is asked", || !model.recorded().is_empty()).await;
        let early = runtime.run(RunTask::<String>::new("worker", "and now?").resume(id)).await;
        let early = early.expect("the runtime runs").outcome;
        let refused = Outcome::Failed { error: TaskError::StillRunning { task: id }, partial: None };
        assert_eq!(early, refused, "{memory:?}");
        assert!(runtime.cancel(id).await);
        assert_eq!(running.await.expect("no panic").outcome, Outcome::Cancelled { partial: None });
        let later = runtime.run(RunTask::<String>::new("worker", "and now?").resume(id)).await;
        let later = later.expect("the runtime runs").outcome;
        assert_eq!(later, Outcome::Completed("here again".to_owned()), "{memory:?}");
        assert_eq!(conversation(&model), ["hang", "and now?"], "{memory:?}");
    }
}

#[tokio::test]
async fn a_resumed_agent_has_the_rights_of_whoever_resumes_it() {
    for memory in [Memory::OfTheRuntime, Memory::OfTheJournal] {
        let runs = Runs::default();
        let model = scripted([
            Rule::text("ready").when(first()),
            calling("Change").when(first().turn(2)),
            Rule::text("tried").when(then("Change")),
        ]);
        let project = TestProject::new();
        let kept = recorder(&project);
        let tool = counting("Change", &runs).shared();
        let build = |builder: RuntimeBuilder| {
            let builder = builder.agents(agents([agent("worker")])).backend(model.clone()).tool(tool);
            let builder = builder.overrides(allow_everything());
            match memory {
                Memory::OfTheRuntime => builder,
                Memory::OfTheJournal => builder.recorder(kept),
            }
        };
        let runtime = TestRuntime::start_in(project, build);
        let begun = runtime.ask("worker", "get ready").await;
        let narrowed = RunTask::<String>::new("worker", "change it")
            .permission_mode(codex_task::PermissionMode::Plan)
            .resume(begun.task);
        runtime.run(narrowed).await.expect("the runtime runs");
        assert_eq!(runs.count(), 0, "{memory:?}: the mode of the second caller");
    }
}

#[tokio::test]
async fn a_task_that_is_dropped_while_its_transcript_is_looked_for_does_not_run() {
    let model = colours();
    let runtime = start(&model, Memory::OfTheJournal);
    let begun = runtime.ask("worker", "a colour").await;
    for _ in 0..5 {
        drop(runtime.run(RunTask::<String>::new("worker", "which one?").resume(begun.task)));
    }
    let later = loop {
        let task = RunTask::<String>::new("worker", "which one?").resume(begun.task);
        let report = runtime.run(task).await.expect("the runtime runs");
        if !matches!(report.outcome, Outcome::Failed { error: TaskError::StillRunning { .. }, .. }) {
            break report;
        }
    };
    assert!(matches!(later.outcome, Outcome::Completed(_)), "{:?}", later.outcome);
    assert!(model.recorded().len() <= 3, "{}", model.recorded().len());
}

#[actix::test]
async fn whoever_cancels_does_not_wait_for_a_journal_that_looks_for_the_conversation() {
    tokio::time::pause();
    let journal = KeptJournal::default();
    let mut setup = Setup::new(agents([agent("worker")]), scripted([Rule::text("blue")]));
    setup.journal = Some(Arc::new(journal.clone()));
    let stage = OneClock::start(setup);
    let first = stage.ask("worker", "a colour").await;
    let again = || RunTask::<String>::new("worker", "which one?").resume(first.task);

    let waiting = tokio::task::spawn_local(stage.supervisor.send(again()));
    tokio::time::sleep(Duration::from_mins(1)).await;
    let early = stage.run(again()).await.outcome;
    assert_eq!(early, Outcome::Failed { error: TaskError::StillRunning { task: first.task }, partial: None });
    let cancelled = Instant::now();
    assert!(stage.runtime.cancel(first.task).await);
    let told = waiting.await.expect("no panic").expect("the supervisor lives").expect("it takes tasks");
    assert_eq!((told.outcome, cancelled.elapsed()), (Outcome::Cancelled { partial: None }, Duration::ZERO));
    assert!(!stage.runtime.cancel(first.task).await, "it has ended");

    // Whoever comes next waits for the journal, which must first take back what it has taken as going on.
    let next = tokio::task::spawn_local(stage.supervisor.send(again()));
    tokio::time::sleep(Duration::from_mins(1)).await;
    journal.answers.cancel();
    let told = next.await.expect("no panic").expect("the supervisor lives").expect("it takes tasks");
    assert_eq!(told.outcome, Outcome::Completed("blue".to_owned()));
    assert!(journal.unfinished().is_empty(), "each going on has its end on record");
}
