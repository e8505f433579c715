//! Agents that start agents: the main one always, others where the settings allow it, and never with more rights.

use std::sync::Arc;
use std::time::Duration;

use codex_task::{MAIN_AGENT, Outcome, RunReport, RunTask, TaskStatus};
use codex_task_config::{AgentDefinition, SettingsOverrides, ToolPattern, ToolSelection};
use codex_task_providers::ChatRequest;
use codex_task_providers::scripted::{Fault, Pattern, Rule, ScriptedBackend, ScriptedCall, When};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::harness::{
    KeptJournal, OneClock, Runs, Setup, TestProject, TestRuntime, agent, agents, allow_everything, counting,
    once_prompted, scripted, texts_of, wait_for, wait_until,
};

fn task(agent: &str, prompt: &str) -> ScriptedCall {
    let arguments = json!({"description": "a part", "prompt": prompt, "subagent_type": agent, "zzz": 1});
    ScriptedCall::new("Task", &arguments)
}

/// The conversation of an agent whose system prompt says this.
fn of(system: &str, turn: usize) -> When {
    When::default().system(Pattern::text(system)).turn(turn)
}

/// What the main agent's system prompt says.
const MAIN: &str = "you lead a team";

fn listed(names: &str) -> ToolSelection {
    ToolSelection::Listed(ToolPattern::parse_list(names))
}

fn start(
    depth: Option<u32>,
    registry: impl IntoIterator<Item = AgentDefinition>,
    model: &Arc<ScriptedBackend>,
    runs: &Runs,
    overrides: SettingsOverrides,
) -> TestRuntime {
    let project = TestProject::new();
    if let Some(depth) = depth {
        project.user_config(&format!("limits: {{max_depth: {depth}}}\n"));
    }
    TestRuntime::start_in(project, |builder| {
        let builder = builder.agents(agents(registry)).backend(model.clone()).overrides(overrides);
        builder.tool(counting("Change", runs).shared()).tool(counting("Look", runs).shared())
    })
}

async fn main_agent(runtime: &TestRuntime, prompt: &str) -> RunReport {
    let task = RunTask::<String>::new(MAIN_AGENT, prompt).of_session().request;
    runtime.run_all(vec![task]).await.expect("the runtime runs")
}

fn offered(request: &ChatRequest) -> Vec<&str> {
    request.tools.iter().map(|tool| &*tool.name).collect()
}

/// The requests of the agent with this name.
fn requests_of(model: &ScriptedBackend, name: &str) -> Vec<ChatRequest> {
    let said = format!("You are the agent {name}.");
    model.recorded().into_iter().filter(|request| request.system.contains(&said)).collect()
}

#[tokio::test]
async fn the_main_agents_calls_of_one_turn_run_side_by_side_and_are_answered_together() {
    let calls = (0..12).map(|n| task("worker", &format!("part {n}")));
    let many = calls.fold(Rule::default().when(of(MAIN, 1)), Rule::and_call);
    let part = Rule::text("did {{ prompt }}").when(of("agent worker", 1));
    let model = scripted([many, part, Rule::text("all done").when(of(MAIN, 2))]);
    let runs = Runs::default();
    let runtime = start(None, [agent("worker")], &model, &runs, SettingsOverrides::default());
    let report = main_agent(&runtime, "divide it").await;
    assert_eq!(report.tasks[0].outcome, Outcome::Completed("all done".into()));
    assert_eq!((report.tasks.len(), report.nested.len()), (1, 12));
    assert!(report.nested.iter().all(|task| task.run == report.run), "one run for all of it");
    let main: Vec<_> = model.recorded().into_iter().filter(|request| request.system.contains(MAIN)).collect();
    assert_eq!(main.len(), 2, "one request with the calls, one with all results");
    let text = texts_of(&main[1]).join("\n");
    assert_eq!(text.matches("agentId: ").count(), 12, "{text}");
    assert!(
        main[0].tools.iter().any(|tool| &*tool.name == "Task" && tool.description.contains("- worker: "))
    );
    assert!(requests_of(&model, "worker").iter().all(|request| !offered(request).contains(&"Task")));
}

#[tokio::test]
async fn a_parent_and_its_children_never_wait_for_each_others_slots() {
    let model = scripted([
        Rule::default().and_call(task("lead", "a")).and_call(task("lead", "b")).when(of(MAIN, 1)),
        Rule::default().and_call(task("worker", "part")).when(of("agent lead", 1)),
        Rule::text("done"),
    ]);
    let one = SettingsOverrides { max_concurrent: Some(1), ..SettingsOverrides::default() };
    let runtime = start(Some(2), [agent("lead"), agent("worker")], &model, &Runs::default(), one);
    let report = main_agent(&runtime, "divide it").await;
    assert_eq!(report.tasks[0].outcome, Outcome::Completed("done".into()));
    assert_eq!(report.nested.len(), 4);
}

#[tokio::test]
async fn agents_may_nest_as_deep_as_the_settings_say() {
    for (depth, agents_with_task) in [(1, 0), (2, 1), (3, 2)] {
        let deeper = |name: &str, next: &str| {
            Rule::default().and_call(task(next, "go on")).when(of(&format!("agent {name}"), 1).tool("Task"))
        };
        let model = scripted([
            Rule::default().and_call(task("a", "go on")).when(of(MAIN, 1)),
            deeper("a", "b"),
            deeper("b", "c"),
            deeper("c", "c"),
            Rule::text("done"),
        ]);
        let registry = [agent("a"), agent("b"), agent("c")];
        let runtime = start(Some(depth), registry, &model, &Runs::default(), SettingsOverrides::default());
        let report = main_agent(&runtime, "begin").await;
        assert_eq!(report.nested.len(), agents_with_task + 1, "depth {depth}");
        let parents = report.nested.iter().filter(|task| task.tool_calls > 0).count();
        assert_eq!(parents, agents_with_task, "depth {depth}");
    }
}

#[tokio::test]
async fn a_child_never_has_what_its_parent_has_not() {
    let model = scripted([
        Rule::default().and_call(task("lead", "go")).when(of(MAIN, 1)),
        Rule::default().and_call(task("worker", "go")).when(of("agent lead", 1)),
        Rule::text("done"),
    ]);
    let mut lead = agent("lead");
    lead.tools = listed("Task, Look");
    let registry = [lead, agent("worker")];
    let runtime = start(Some(2), registry, &model, &Runs::default(), allow_everything());
    let report = main_agent(&runtime, "begin").await;
    assert_eq!(report.tasks[0].outcome, Outcome::Completed("done".into()));
    let worker = requests_of(&model, "worker");
    assert_eq!(offered(&worker[0]), ["Look"], "its own list is everything, its parent's is not");
}

#[tokio::test]
async fn an_agent_starts_only_the_agents_that_its_file_names() {
    let model = scripted([
        Rule::default().and_call(task("lead", "go")).when(of(MAIN, 1)),
        Rule::default().and_call(task("worker", "x")).and_call(task("other", "y")).when(of("agent lead", 1)),
        Rule::text("done"),
    ]);
    for list in ["Task(worker)", "Agent(worker)"] {
        let mut lead = agent("lead");
        lead.tools = listed(list);
        let registry = [lead, agent("worker"), agent("other")];
        let runtime = start(Some(2), registry, &model, &Runs::default(), SettingsOverrides::default());
        main_agent(&runtime, "begin").await;
    }
    assert_eq!((requests_of(&model, "worker").len(), requests_of(&model, "other").len()), (2, 0));
    let told = texts_of(&requests_of(&model, "lead")[1]).join("\n");
    assert!(told.contains("The agent may not start 'other'"), "{told}");
}

#[tokio::test]
async fn the_end_of_a_parent_is_the_end_of_its_children() {
    let hanging = Rule::text("never").with_fault(Fault::hang()).when(of("agent worker", 1));
    let background = |mut arguments: Value| {
        arguments["run_in_background"] = json!(true);
        ScriptedCall::new("Task", &arguments)
    };
    let arguments = json!({"description": "b", "prompt": "in the background", "subagent_type": "worker"});
    let model = scripted([
        Rule::default()
            .and_call(background(arguments))
            .and_call(task("worker", "a"))
            .and_call(task("worker", "b"))
            .when(of(MAIN, 1)),
        hanging,
    ]);
    let runtime = start(None, [agent("worker")], &model, &Runs::default(), SettingsOverrides::default());
    let running = runtime.begin(RunTask::<String>::new(MAIN_AGENT, "begin").of_session());
    wait_until("all work", || runtime.board().len() == 4).await;
    drop(running);
    wait_until("nobody works", || runtime.board().is_empty()).await;
}

#[actix::test]
async fn a_child_that_is_gone_on_with_ends_with_its_parent() {
    tokio::time::pause();
    let (journal, runs) = (KeptJournal::default(), Runs::default());
    let stage = |journal: &KeptJournal| {
        let model = scripted([
            Rule::default().and_call(task("worker", "a part")).when(of("agent lead", 1)),
            Rule::text("never").with_fault(Fault::hang()),
        ]);
        let mut setup = Setup::new(agents([agent("lead"), agent("worker")]), model);
        setup.config = "limits: {max_depth: 2}";
        setup.journal = Some(Arc::new(journal.clone()));
        setup.tools = vec![counting("Change", &runs).shared()];
        OneClock::start(setup)
    };
    let killed = stage(&journal);
    let asked = RunTask::<String>::new("lead", "divide it");
    let (lead, run) = (asked.request.id, asked.request.run);
    let _never_told = killed.supervisor.send(asked);
    wait_for("both work", async || killed.counters().await.running == 2).await;
    let left = journal.unfinished();
    assert_eq!(left.len(), 2);

    let other = stage(&KeptJournal::default());
    let cancelling = async {
        wait_for("both work again", async || other.counters().await.running == 2).await;
        let cancelled = Instant::now();
        assert!(other.runtime.cancel(lead).await);
        wait_for("nobody works", async || other.counters().await.running == 0).await;
        assert!(cancelled.elapsed() < Duration::from_secs(2));
    };
    let (resumed, ()) = futures_util::join!(other.runtime.go_on(run, left), cancelling);
    let resumed = resumed.expect("the runtime takes tasks");
    let endings = [&resumed.tasks[0], &resumed.nested[0]].map(|report| report.status());
    assert_eq!(endings, [TaskStatus::Cancelled, TaskStatus::Cancelled]);
}

#[tokio::test]
async fn wrong_calls_are_answered_in_the_words_of_the_task_tool() {
    let wrong =
        ScriptedCall::new("Task", &json!({"description": "d", "prompt": 5, "subagent_type": "worker"}));
    let model = scripted([
        Rule::default().and_call(wrong).and_call(task("nobody", "x")).when(of(MAIN, 1)),
        Rule::text("done"),
    ]);
    let runtime = start(None, [agent("worker")], &model, &Runs::default(), SettingsOverrides::default());
    main_agent(&runtime, "begin").await;
    let told = texts_of(&model.recorded()[1]).join("\n");
    for text in [
        "The parameter `prompt` type is expected as `string` but provided as `number`",
        "Agent type 'nobody' not found. Available agents: worker",
    ] {
        assert!(told.contains(text), "{text} in {told}");
    }
}

#[tokio::test]
async fn the_main_agent_cannot_be_started_by_its_name() {
    let model = scripted([Rule::text("done").when(once_prompted("begin"))]);
    let runtime = start(None, [agent("worker")], &model, &Runs::default(), SettingsOverrides::default());
    let report = runtime.ask(MAIN_AGENT, "begin").await;
    assert!(report.outcome.partial().is_none() && model.recorded().is_empty(), "{report:?}");
}
