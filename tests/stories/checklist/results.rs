//! Rows 10 to 14, 30, 31 and 35 to 38: what comes back, when, and how often.

use std::collections::BTreeSet;
use std::time::Duration;

use codex_task::{Outcome, RunTask, TaskEventKind, TaskId, ToolCaller};
use codex_task_tests::{Call, Reply};
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Stage, agent_file, messages, project, prompt_of, task, with};

fn slowly(call: &Call, ms: u64) -> Reply {
    Reply::After(Duration::from_millis(ms), Box::new(Reply::text(format!("did {}", prompt_of(call)))))
}

#[tokio::test]
async fn row_10_the_last_text_is_the_result_and_the_agents_id_follows() {
    let project = project();
    project.agent_file("worker", &agent_file("worker", ""));
    let stage = Stage::new(project, |call| match call.nth {
        0 => Reply::tool("Glob", json!({"pattern": "*"})),
        _ => Reply::text("The report"),
    });
    let caller = ToolCaller::default();
    let answer = stage.tool.call("Task", &task("worker", "go"), &caller).await;
    assert_eq!(answer.blocks, ["The report".to_owned(), format!("agentId: {}", caller.task)]);
    assert!(!answer.is_error);
}

#[tokio::test]
async fn row_11_a_model_that_fails_is_an_error_with_its_words_and_harms_no_sibling() {
    for (status, words) in [(400, "mock bad request"), (403, "mock forbidden")] {
        let project = project();
        project.agent_file("worker", &agent_file("worker", ""));
        let stage = Stage::new(project, move |call| match prompt_of(call).as_str() {
            "fail" => Reply::status(status, words),
            _ => slowly(call, 100),
        });
        let (failed, fine) = tokio::join!(stage.ask_worker("fail"), stage.ask_worker("work"));
        assert!(failed.is_error && failed.blocks[0].contains(words), "{failed:?}");
        assert!(failed.blocks[0].starts_with("Agent terminated early due to an API error: "), "{failed:?}");
        assert_eq!((fine.blocks[0].as_str(), fine.is_error), ("did work", false));
    }
}

#[tokio::test]
async fn row_12_a_model_that_throttles_twice_is_asked_a_third_time_no_sooner_than_it_says() {
    let project = project();
    project.agent_file("worker", &agent_file("worker", ""));
    let stage = Stage::new(project, |call| match call.nth {
        0 | 1 => Reply::Status { code: 429, message: "slowly".into(), retry_after: Some(1) },
        _ => Reply::text("done"),
    });
    let began = Instant::now();
    assert_eq!(stage.ask_worker("go").await.blocks[0], "done");
    assert_eq!(stage.mock.calls().len(), 3);
    assert!(began.elapsed() >= Duration::from_secs(2), "{:?}", began.elapsed());
}

#[tokio::test]
async fn rows_13_and_14_of_twenty_calls_ten_run_at_once_in_their_order_and_each_is_answered_once() {
    let project = project();
    project.agent_file("worker", &agent_file("worker", ""));
    let stage = Stage::new(project, |call| slowly(call, 120));
    // Writes the provider's cache: without it the first would go alone, and the others with whom its slot goes to.
    stage.ask_worker_later("first").await;
    let calls: Vec<_> = (0..20).map(|n| stage.ask_worker_later(&format!("{n:02}"))).collect();
    let answers = join_all(calls).await;
    for (n, answer) in answers.iter().enumerate() {
        assert_eq!((answer.blocks[0].clone(), answer.is_error), (format!("did {n:02}"), false));
    }
    let ids: BTreeSet<&String> = answers.iter().map(|answer| &answer.blocks[1]).collect();
    assert_eq!((ids.len(), stage.mock.most_in_flight(), stage.mock.calls().len()), (20, 10, 21));
    let begun: BTreeSet<String> = stage.mock.calls()[1..11].iter().map(prompt_of).collect();
    assert_eq!(begun, (0..10).map(|n| format!("{n:02}")).collect());
}

impl Stage {
    /// A call that is handed over now and answered later.
    fn ask_worker_later(&self, prompt: &str) -> impl Future<Output = codex_task::ToolAnswer> + use<> {
        self.tool.call("Task", &task("worker", prompt), &ToolCaller::default())
    }
}

/// The id in the text of a start.
fn launched(text: &str) -> String {
    let rest = text.strip_prefix("Async agent launched successfully.\nagentId: ").expect("it is launched");
    rest.split_whitespace().next().expect("an id").to_owned()
}

fn output(id: &str, retrieval: &str, status: &str, result: Option<&str>) -> String {
    let head = format!(
        "<retrieval_status>{retrieval}</retrieval_status>\n\n<task_id>{id}</task_id>\n\n\
         <task_type>local_agent</task_type>\n\n<status>{status}</status>"
    );
    match result {
        Some(text) => format!("{head}\n\n<output>\n\n--- RESULT ---\n{text}\n</output>"),
        None => head,
    }
}

#[tokio::test]
async fn row_30_a_task_in_the_background_is_answered_at_once_and_outlives_any_wait() {
    // A client that waits for minutes, and a task that takes longer, in little: waits of 20 ms, and ten of them.
    let project = project();
    project.agent_file("worker", &agent_file("worker", ""));
    let stage = Stage::new(project, |call| slowly(call, 400));
    let began = Instant::now();
    let start = stage.ask(&with("run_in_background", json!(true))).await;
    assert!(began.elapsed() < Duration::from_millis(300) && !start.is_error, "{start:?}");
    let id = launched(&start.blocks[0]);
    for arguments in [json!({"task_id": id, "block": false}), json!({"task_id": id, "timeout": 20})] {
        for _ in 0..5 {
            let answer = stage.call("TaskOutput", &arguments).await;
            assert_eq!(answer.blocks, [output(&id, "not_ready", "running", None)]);
        }
    }
    for _ in 0..2 {
        let done = stage.call("TaskOutput", &json!({"task_id": id, "block": true})).await;
        assert_eq!(
            done.blocks,
            [output(&id, "success", "completed", Some("did go"))],
            "as often as it is asked"
        );
    }
    assert_eq!(stage.mock.calls().len(), 1);
}

#[tokio::test]
async fn row_31_a_resumed_agent_is_sent_its_old_messages_and_the_new_prompt_under_its_id() {
    let project = project();
    project.agent_file("worker", &agent_file("worker", ""));
    let stage = Stage::new(project, |call| match call.nth {
        0 => Reply::tool("Glob", json!({"pattern": "*"})),
        n => Reply::text(format!("answer {n}")),
    });
    let first = stage.ask_worker("first").await;
    let id = first.blocks[1].strip_prefix("agentId: ").expect("an id").to_owned();
    let second = stage.ask(&with("resume", json!(id))).await;
    assert_eq!(second.blocks, ["answer 2".to_owned(), format!("agentId: {id}")]);
    let calls = stage.mock.calls();
    let (before, after) = (messages(&calls[1]), messages(&calls[2]));
    assert_eq!(after[..before.len()], before[..], "the old messages, unchanged");
    let answer = ("assistant".to_owned(), vec!["answer 1".to_owned()]);
    assert_eq!(after[before.len()..], [answer, ("user".to_owned(), vec!["go".to_owned()])]);
    for unknown in ["zzz".to_owned(), TaskId::new().to_string()] {
        let refused = stage.ask(&with("resume", json!(unknown))).await;
        let text = format!("No transcript found for agent ID: {unknown}");
        assert_eq!((refused.blocks[0].lines().next(), refused.is_error), (Some(text.as_str()), true));
    }
}

#[tokio::test]
async fn row_35_what_happens_is_told_with_the_task_that_it_happens_to() {
    let project = project();
    project.agent_file("worker", &agent_file("worker", ""));
    let stage = Stage::new(project, |call| match call.nth {
        0 => Reply::tool("Glob", json!({"pattern": "*"})),
        _ => Reply::text("done"),
    });
    let mut events = stage.runtime.events();
    let caller = ToolCaller::default();
    stage.tool.call("Task", &task("worker", "go"), &caller).await;
    let mut told = Vec::new();
    while let Ok(event) = events.try_recv() {
        assert_eq!((event.task, &*event.agent), (caller.task, "worker"));
        told.push(match &event.kind {
            TaskEventKind::Started { description, .. } => {
                assert_eq!(description.as_deref(), Some("secret words"));
                "started"
            }
            TaskEventKind::TurnStarted { .. } => "turn",
            TaskEventKind::ToolStarted { tool, .. } => {
                assert_eq!(&**tool, "Glob");
                "tool"
            }
            TaskEventKind::ToolFinished { .. } => "tool ended",
            TaskEventKind::Finished(_) => "finished",
            _ => continue,
        });
    }
    assert_eq!(told, ["started", "turn", "tool", "tool ended", "turn", "finished"]);
}

#[tokio::test]
async fn row_36_tokens_and_cost_of_each_task_are_those_of_its_own_model() {
    let project = project();
    for model in ["haiku", "opus"] {
        project.agent_file(model, &agent_file(model, &format!("model: {model}\n")));
    }
    let stage = Stage::new(project, |_| Reply::text("done"));
    let tasks = ["haiku", "opus", "haiku"].map(|agent| RunTask::<String>::new(agent, "go").request);
    let report = stage.runtime.run_all(tasks.into()).await.expect("the runtime runs");
    let of = |index: usize| {
        let task = &report.tasks[index];
        (task.model.as_ref().map(ToString::to_string), task.usage.total_tokens(), task.cost)
    };
    let (haiku, opus) = (of(0), of(1));
    assert_eq!((haiku.0.as_deref(), haiku.1), (Some("claude-haiku-5-5"), 19));
    assert_eq!((opus.0.as_deref(), opus.1), (Some("claude-opus-5-5"), 19));
    assert_eq!(of(2), haiku);
    assert!(haiku.2.is_some() && haiku.2 < opus.2, "{haiku:?} {opus:?}");
}

#[tokio::test]
async fn row_37_an_agent_at_its_turn_limit_hands_in_what_it_has_with_a_note() {
    for (frontmatter, turns) in [("maxTurns: 2\n", 2), ("maxTurns: 1\n", 1)] {
        let project = project();
        project.agent_file("worker", &agent_file("worker", frontmatter));
        let stage =
            Stage::new(project, |call| Reply::tool("Glob", json!({"pattern": format!("{}*", call.nth)})));
        let answer = stage.ask_worker("go").await;
        let note = format!(
            "NOTE: this agent stopped at its {turns}-turn limit before finishing. The text below is PARTIAL"
        );
        assert!(answer.blocks[0].starts_with(&note) && !answer.is_error, "{answer:?}");
        assert_eq!(stage.mock.calls().len(), turns);
    }
}

#[tokio::test]
async fn row_38_agents_start_no_agents_unless_the_settings_say_so() {
    let stage = Stage::of_agent("");
    stage.ask_worker("go").await;
    assert!(!stage.only_request().tools().iter().any(|tool| tool == "Task" || tool == "Agent"));
    for (depth_max, depth, is_refused) in
        [(1, 1, true), (2, 1, false), (2, 2, true), (3, 2, false), (3, 3, true)]
    {
        let project = project();
        project.user_config(&format!("local: {{probe: false}}\nlimits: {{max_depth: {depth_max}}}\n"));
        project.agent_file("worker", &agent_file("worker", "tools: Read\n"));
        let stage = Stage::new(project, |_| Reply::text("done"));
        let caller = ToolCaller { depth, ..ToolCaller::default() };
        let answer = stage.tool.call("Task", &task("worker", "go"), &caller).await;
        assert_eq!(answer.is_error, is_refused, "{depth} of {depth_max}: {answer:?}");
    }
}

#[tokio::test]
async fn a_stopped_task_is_killed_and_said_to_be() {
    let project = project();
    project.agent_file("worker", &agent_file("worker", ""));
    let stage = Stage::new(project, |_| Reply::Hangs);
    let id = launched(&stage.ask(&with("run_in_background", json!(true))).await.blocks[0]);
    let stopped = stage.call("TaskStop", &json!({"task_id": id})).await;
    let reply: Value = serde_json::from_str(&stopped.blocks[0]).expect("JSON");
    let message = format!("Successfully stopped task: {id} (secret words)");
    assert_eq!(reply, json!({"message": message, "task_id": id, "task_type": "local_agent"}));
    let text = "Agent stopped: it was cancelled before it had finished";
    let ended = stage.call("TaskOutput", &json!({"task_id": id})).await;
    assert_eq!(ended.blocks, [output(&id, "success", "killed", Some(text))]);
    let report = stage.runtime.ask("worker", " ").await;
    assert!(matches!(report.outcome, Outcome::Failed { .. }), "an empty prompt is refused");
}
