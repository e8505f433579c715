//! What `runs` shows of what has run.

use super::Stage;
use super::stage::compare;

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
