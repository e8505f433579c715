//! What `runs` shows of what has run.

use super::Stage;
use super::stage::compare;

#[test]
fn what_the_user_has_allowed_for_good_is_told_with_the_results_and_on_record() {
    let call = "    calls: [{tool: Bash, arguments: {command: touch a, description: d}}]\n";
    let model = format!("rules:\n  - when: {{turn: 1}}\n{call}  - when: {{turn: 2}}\n{call}  - text: done\n");
    let stage = Stage::new().agent("worker", "description: Works\n", "You work.").model(&model);
    let stage = stage.terminal(100).typing(&["a"]);
    let told = "you allowed Bash(touch a) until this session ends";
    let played = stage.play(&["run", "worker", "go", "--sandbox", "danger-full-access"]);
    assert_eq!(played.err.matches(told).count(), 1, "{}", played.err);
    let runs: serde_json::Value =
        serde_json::from_str(&stage.play(&["runs", "list", "--json"]).out).expect("JSON");
    let shown = stage.play(&["runs", "show", runs[0]["run_id"].as_str().expect("an id")]);
    assert!(shown.out.contains(&format!("Note: {told}\n")), "{}", shown.out);
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
