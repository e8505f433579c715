//! Several agents, one question: side by side, out of each other's sight, compared honestly.

use std::sync::Arc;

use codex_task::json::ConsensusJson;
use codex_task::store::{RecordState, Recorder, Records};
use codex_task::{Consensus, ConsensusRequest, ExpandedPrompt, Runtime};
use codex_task_config::ProviderName;
use codex_task_providers::ProviderError;
use codex_task_providers::scripted::{Pattern, Rule, Scenario, ScriptedBackend, When};

use crate::harness::{TestProject, TestRuntime, agent, agents, scripted, texts_of};

const VERDICT: &str = r#"{"agreement": [{"claim": "Both say so", "agents": ["a", "b", "c"]}],
    "disagreement": [], "alone": [], "verdict": "Yes", "confidence": "high"}"#;

fn of(name: &str) -> When {
    When::default().system(Pattern::text(format!("You are the agent {name}.")))
}

fn refused() -> ProviderError {
    ProviderError::Unauthorized { status: 401, detail: "no".into() }
}

fn judge() -> When {
    When::default().system(Pattern::text("You compare independent answers"))
}

async fn ask(runtime: &TestRuntime, names: &[&str], count: usize) -> Consensus {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let question = ExpandedPrompt { text: "Is it so?".into(), ..ExpandedPrompt::default() };
    let request = ConsensusRequest::new(runtime, question, &names, count, None);
    runtime.consensus(request).await.expect("the runtime runs")
}

fn start(rules: Vec<Rule>) -> (TestRuntime, Arc<ScriptedBackend>) {
    let model = scripted(rules);
    let registry = agents([agent("a"), agent("b"), agent("c")]);
    (TestRuntime::start(|builder| builder.agents(registry).backend(model.clone())), model)
}

#[tokio::test]
async fn every_agent_answers_alone_and_the_judge_reads_all_answers() {
    let answer = |name: &str| Rule::text(format!("{name} says yes")).when(of(name));
    let (runtime, model) =
        start(vec![answer("a"), answer("b"), answer("c"), Rule::text(VERDICT).when(judge())]);
    let consensus = ask(&runtime, &["a", "b", "c"], 3).await;
    let verdict = consensus.verdict.as_ref().expect("a verdict");
    assert_eq!((verdict.verdict.as_str(), verdict.agreement[0].agents.len()), ("Yes", 3));
    let requests = model.recorded();
    assert_eq!(requests.len(), 4);
    for request in &requests[..3] {
        let text = texts_of(request).join("\n");
        assert!(text.contains("Is it so?") && !text.contains("says yes"), "{text}");
    }
    let judged = texts_of(&requests[3]).join("\n");
    for name in ["a", "b", "c"] {
        assert!(
            judged.contains(&format!("<answer agent=\"{name}\">\n{name} says yes\n</answer>")),
            "{judged}"
        );
    }
    assert!(requests[3].tools.is_empty() && requests[3].output.is_some());
    assert!(consensus.report.tasks.iter().all(|task| task.run == consensus.report.run), "one run");
    assert!(consensus.notes[0].starts_with("all answers are from one model"), "{:?}", consensus.notes);
}

#[tokio::test]
async fn who_fails_is_missing_and_nothing_is_attributed_to_them() {
    let (runtime, _) = start(vec![
        Rule::text("yes").when(of("a")),
        Rule::error(refused()).when(of("b")),
        Rule::text("yes").when(of("c")),
        Rule::text(VERDICT).when(judge()),
    ]);
    let consensus = ask(&runtime, &["a", "b", "c"], 3).await;
    let verdict = consensus.verdict.as_ref().expect("a verdict");
    assert_eq!(verdict.agreement[0].agents, ["a", "c"]);
    assert_eq!(consensus.notes[0], "2 of 3 agents answered; missing: b");
    assert!(
        consensus.notes.iter().any(|note| note.ends_with("which were taken out: b")),
        "{:?}",
        consensus.notes
    );
    let json = serde_json::to_value(ConsensusJson::from(&consensus)).expect("JSON");
    assert_eq!((&json["missing"][0], &json["answers"][1]["status"]), (&"b".into(), &"failed".into()));
}

#[tokio::test]
async fn one_answer_is_no_consensus() {
    let failing = |name| Rule::error(refused()).when(of(name));
    let (runtime, model) = start(vec![Rule::text("yes").when(of("a")), failing("b"), failing("c")]);
    let consensus = ask(&runtime, &["a", "b", "c"], 3).await;
    assert!(consensus.verdict.is_none() && consensus.judge().is_none());
    assert!(model.recorded().iter().all(|request| request.output.is_none()), "nobody judges");
}

#[tokio::test]
async fn several_providers_answer_where_there_are_several() {
    let provider = |name: &str| {
        let scenario =
            Scenario::new([Rule::text(VERDICT).when(judge()), Rule::text(format!("{name} answers"))]);
        Arc::new(ScriptedBackend::recording(ProviderName::new(name), scenario))
    };
    let (one, two) = (provider("one"), provider("two"));
    let runtime = TestRuntime::start_in(TestProject::new(), |builder| {
        builder.backend(one.clone()).backend(two.clone())
    });
    let consensus = ask(&runtime, &[], 3).await;
    let on: Vec<String> =
        consensus.answers().filter_map(|(_, task)| Some(task.provider.as_ref()?.to_string())).collect();
    assert_eq!(on, ["one", "two", "one"]);
    assert!(!consensus.notes.iter().any(|note| note.contains("one model")), "{:?}", consensus.notes);
    let names: Vec<&str> = consensus.voters.iter().map(|voter| voter.name.as_str()).collect();
    assert_eq!(names, ["general-purpose-1", "general-purpose-2", "general-purpose-3"]);
}

#[tokio::test]
async fn answers_that_nobody_has_compared_yet_are_compared_when_their_run_is_gone_on_with() {
    let project = TestProject::new();
    let environment = project.environment();
    let records = Records::of_user(&environment).expect("the records open");
    let recorder = || Arc::new(Recorder::start(records.clone(), &environment, "").expect("it records"));
    let registry = || agents([agent("a"), agent("b"), agent("c")]);
    let model = scripted([
        Rule::error(refused()).when(of("b")),
        Rule::text(VERDICT).when(judge()),
        Rule::text("says yes"),
    ]);
    let names = ["a", "b", "c"].map(str::to_owned);
    let question = ExpandedPrompt { text: "Is it so?".into(), ..ExpandedPrompt::default() };
    // As far as a process comes that is killed between the last answer and the judge.
    let killed = recorder();
    let first = Runtime::builder().environment(environment.clone()).agents(registry());
    let first = first.backend(model.clone()).recorder(Arc::clone(&killed)).start().expect("a runtime");
    let request = ConsensusRequest::new(&first, question, &names, 3, None);
    let run = first.run_all(request.requests()).await.expect("the runtime runs").run;
    killed.flush().await;
    let state = || records.run(run).expect("it is read").expect("it is there").state;
    let unfinished =
        || records.unfinished().expect("it is read").iter().map(|run| run.run).collect::<Vec<_>>();
    assert_eq!((state(), unfinished()), (RecordState::Running, vec![]), "its judge is about to begin");
    let other = recorder();
    let claim = other.claim(run).expect("it is on record");
    assert_eq!((claim.images.len(), claim.running, claim.judge), (0, 1, None));
    first.shutdown().await;
    killed.close();
    assert_eq!((state(), unfinished()), (RecordState::Unfinished, vec![run]));

    let runtime = TestRuntime::start_in(project, |builder| {
        builder.agents(registry()).backend(model.clone()).recorder(recorder())
    });
    let resumed = runtime.resume(run).await.expect("it goes on");
    let consensus = resumed.consensus.expect("a consensus");
    assert_eq!(consensus.verdict.expect("a verdict").agreement[0].agents, ["a", "c"]);
    assert_eq!(consensus.notes[0], "2 of 3 agents answered; missing: b");
    assert_eq!((resumed.ended, resumed.report.tasks.len()), (3, 1), "the judge alone was new");
    runtime.recorder().expect("it records").flush().await;
    assert!(matches!(state(), RecordState::Ended(_)) && unfinished().is_empty());
    assert!(runtime.resume(run).await.expect("nothing is left").report.tasks.is_empty());
}

#[tokio::test]
async fn answers_are_not_compared_once_somebody_has_given_their_run_up() {
    let project = TestProject::new();
    let environment = project.environment();
    let records = Records::of_user(&environment).expect("the records open");
    let recorder = Arc::new(Recorder::start(records.clone(), &environment, "").expect("it records"));
    let registry = agents([agent("a"), agent("b")]);
    let runtime = TestRuntime::start_in(project, |builder| {
        builder.agents(registry).backend(scripted([Rule::text("yes")])).recorder(Arc::clone(&recorder))
    });
    let names = ["a", "b"].map(str::to_owned);
    let question = ExpandedPrompt { text: "Is it so?".into(), ..ExpandedPrompt::default() };
    let request = ConsensusRequest::new(&runtime, question, &names, 2, None);
    let run = runtime.run_all(request.requests()).await.expect("the runtime runs").run;
    recorder.flush().await;
    assert_eq!(records.cancel(run).expect("SQL").dropped, 0, "a living process has the answers");
    recorder.close();
    assert_eq!(records.unfinished().expect("it is read").len(), 1);
    assert_eq!(records.cancel(run).expect("SQL").dropped, 1);
    assert!(records.unfinished().expect("it is read").is_empty());
}
