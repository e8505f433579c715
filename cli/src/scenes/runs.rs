//! What `runs` shows of what has run.

use codex_task::{ConsensusRequest, ExpandedPrompt, RunId};

use super::Stage;
use super::stage::compare;

const ANSWERS: &str = r#"
rules:
  - when: {system: You compare independent answers}
    text: >-
      {"agreement": [{"claim": "It is.", "agents": ["general-purpose-1", "general-purpose-2"]}],
      "disagreement": [], "alone": [], "verdict": "Yes.", "confidence": "high"}
  - text: "Yes."
    usage: {input_tokens: 1200, output_tokens: 45}
"#;

/// A consensus of a process that was killed between its last answer and its judge.
fn unjudged(stage: &Stage) -> RunId {
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("tokio");
    tokio.block_on(async {
        let runtime = stage.runtime();
        let question = ExpandedPrompt { text: "Is it so?".into(), ..ExpandedPrompt::default() };
        let request = ConsensusRequest::new(&runtime, question, &[], 2, None);
        let run = runtime.run_all(request.requests()).await.expect("it runs").run;
        let recorder = runtime.recorder().expect("it records").clone();
        runtime.shutdown().await;
        recorder.close();
        run
    })
}

#[test]
fn answers_that_nobody_has_compared_are_unfinished_until_a_judge_has() {
    let stage = Stage::new().model(ANSWERS);
    let run = unjudged(&stage);
    let scenes = [
        stage.scene(&["runs", "list"]),
        stage.scene(&["runs", "resume", "--all"]),
        stage.scene(&["runs", "resume", "--all"]),
    ];
    // A row of the list begins with the last digits of the id.
    let run = run.to_string();
    compare("runs_unjudged", &scenes.join("\n").replace(&run[run.len() - 8..], "[RUN]"));
    let run = unjudged(&stage);
    let told = stage.play(&["runs", "resume", &run.to_string()]);
    assert!(told.exit == 0 && told.out.contains("Yes."), "{}{}", told.out, told.err);
}

#[test]
fn answers_that_nobody_has_compared_are_compared_first_or_given_up() {
    let stage = Stage::new().model(ANSWERS);
    let given_up = unjudged(&stage);
    let told = stage.play(&["runs", "cancel", &given_up.to_string()]).out;
    assert!(
        told.ends_with(": its answers stay as they are; its process was gone, and it will not be resumed\n"),
        "{told}"
    );
    let config = stage.home().join(".config/codex-task/config.yaml");
    std::fs::create_dir_all(config.parent().expect("a parent")).expect("folders");
    std::fs::write(config, "resume: auto\n").expect("a file");
    for command in [&["run", "general-purpose", "go"][..], &["exec", "go"]] {
        unjudged(&stage);
        let told = stage.play(command).err;
        let first = "goes on first: its answers are there and were not compared";
        assert_eq!(told.matches(first).count(), 1, "{command:?}: {told}");
        assert_eq!(told.matches("1 task completed").count(), 1, "{told}");
    }
}

#[test]
fn what_the_user_has_allowed_for_good_is_told_with_the_results_and_on_record() {
    let call = "    calls: [{tool: Bash, arguments: {command: touch a, description: d}}]\n";
    let model = format!("rules:\n  - when: {{turn: 1}}\n{call}  - when: {{turn: 2}}\n{call}  - text: done\n");
    let stage = Stage::new().agent("worker", "description: Works\n", "You work.").model(&model);
    let stage = stage.terminal(100).typing(&["a"]);
    let told = "Bash(touch a) until this session ends";
    let played = stage.play(&["run", "worker", "go", "--sandbox", "danger-full-access"]);
    assert_eq!(played.err.matches(&format!("Allowed: worker: {told}\n")).count(), 1, "{}", played.err);
    let runs: serde_json::Value =
        serde_json::from_str(&stage.play(&["runs", "list", "--json"]).out).expect("JSON");
    let shown = stage.play(&["runs", "show", runs[0]["run_id"].as_str().expect("an id")]);
    assert!(shown.out.contains(&format!("Allowed: {told}\n")), "{}", shown.out);
}

#[test]
fn what_ran_is_listed_and_shown_with_its_reports() {
    let stage = Stage::new()
        .agent("test-runner", "description: Runs tests\nprovider: scripted\n", "You run tests.")
        .model("rules:\n  - when: {prompt: fail}\n    fault: {kind: unauthorized}\n  - text: 24/24 tests passing\n    usage: {input_tokens: 1200, output_tokens: 45}\n");
    let empty = stage.scene(&["runs", "list"]);
    stage.play(&["run", "test-runner", "Run the tests", "--description", "the tests"]);
    stage.play(&["run", "test-runner", "fail"]);
    let runs = stage.play(&["runs", "list", "--json"]).out;
    let runs: serde_json::Value = serde_json::from_str(&runs).expect("JSON");
    let id = |index: usize| runs[index]["run_id"].as_str().expect("an id").to_owned();
    let short = |id: &str| id.chars().skip(id.len() - 8).collect::<String>();
    let scenes = [
        empty,
        stage.scene(&["runs", "list"]),
        stage.scene(&["runs", "show", &id(1)]),
        stage.scene(&["runs", "show", &id(0)]),
        stage.scene(&["runs", "resume", &id(1)]),
        stage.scene(&["runs", "show", "nobody"]),
    ];
    let mut scene = scenes.join("\n");
    for index in 0..2 {
        scene = scene.replace(&id(index), "[ID]").replace(&short(&id(index)), "[RUN]");
    }
    compare("runs", &scene);
}
