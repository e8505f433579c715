//! `gate explain` and `gate test`.

use serde_json::Value;

use super::Stage;
use super::stage::compare;

/// A project whose settings allow git, ask for pushes and deny secrets.
fn project() -> Stage {
    Stage::new().file(
        ".claude/settings.json",
        r#"{
  "permissions": {
    "allow": ["Bash(git:*)"],
    "ask": ["Bash(git push:*)"],
    "deny": ["Read(./secrets/**)"]
  }
}
"#,
    )
}

#[test]
fn an_explanation_names_the_deciding_rule_its_file_and_each_part() {
    compare("gate_explain", &project().scene(&["gate", "explain", "--", "git status && git push; rm x"]));
    let secret = ["gate", "explain", "--tool", "Read", "--", "secrets/key"];
    compare("gate_explain_path", &project().scene(&secret));
}

#[test]
fn given_rules_stand_in_place_of_the_settings_and_are_checked() {
    let stage = project();
    let explain = |arguments: &[&str]| {
        let words: Vec<&str> = ["gate", "explain", "--json"].iter().chain(arguments).copied().collect();
        let played = stage.play(&words);
        serde_json::from_str::<Value>(&played.out).unwrap_or_else(|_| panic!("{}", played.err))
    };
    let own = explain(&["--", "git", "commit", "-m", "a; b"]);
    assert_eq!((&own["verdict"], &own["rule"]), (&"allow".into(), &"Bash(git:*)".into()));
    assert_eq!(own["call"], "git commit -m 'a; b'");
    assert_eq!(own["rule_line"], 3);
    let given = explain(&["--allow", "Bash(ls:*)", "--", "git commit -m x; ls"]);
    assert_eq!((&given["verdict"], &given["rule"]), (&"ask".into(), &Value::Null));
    let parts: Vec<&Value> =
        given["parts"].as_array().expect("parts").iter().map(|part| &part["verdict"]).collect();
    assert_eq!(parts, ["ask", "allow"]);
    let agent = explain(&["--deny", "Agent(deployer)", "--tool", "Task", "--", "deployer"]);
    assert_eq!((&agent["verdict"], &agent["rule"]), (&"deny".into(), &"Agent(deployer)".into()));
    let wide = explain(&["--allow", "Bash(awk:*)", "--", "awk x"]);
    assert_eq!(wide["problems"].as_array().map(Vec::len), Some(1), "{wide}");
    compare("gate_explain_no_rule", &stage.scene(&["gate", "explain", "--allow", "Bash(git", "--", "git"]));
}

#[test]
fn an_address_of_this_machine_is_allowed_where_the_users_settings_let_it_be_fetched() {
    let verdict = |stage: Stage| {
        let words = ["--json", "--tool", "WebFetch", "--allow", "WebFetch", "--", "http://127.0.0.1:8080/a"];
        let played = stage.play(&[&["gate", "explain"], &words[..]].concat());
        serde_json::from_str::<Value>(&played.out).unwrap_or_else(|_| panic!("{}", played.err))["verdict"]
            .clone()
    };
    assert_eq!(verdict(Stage::new()), "deny");
    let settings = "../home/.config/codex-task/config.yaml";
    assert_eq!(verdict(Stage::new().file(settings, "web: {allow_loopback: true}\n")), "allow");
}

#[test]
fn wrong_verdicts_are_printed_counted_and_fail() {
    let cases = concat!(
        r#"{"id": "a", "allow": ["Bash(git:*)"], "call": "git status", "expect": "allow"}"#,
        "\n\n",
        r#"{"id": "b", "allow": ["Bash(git:*)"], "call": "git status; rm x", "expect": "allow"}"#,
        "\n",
        r#"{"id": "c", "allow": ["Bash(python:*)"], "call": "python x", "expect": "lint"}"#,
        "\n",
        r#"{"id": "d", "allow": ["Bash(git:*)"], "call": "git x", "expect": "lint"}"#,
        "\n",
        r#"{"id": "e", "layer": "runtime", "call": "what only a runtime can do", "expect": "deny"}"#,
        "\n",
        r#"{"tool": "Read", "call": "secrets/key", "expect": "deny"}"#,
        "\n",
    );
    let stage = project().file("cases.jsonl", cases);
    compare("gate_test", &stage.scene(&["gate", "test", "cases.jsonl"]));
    let json: Value =
        serde_json::from_str(&stage.play(&["gate", "test", "--json", "cases.jsonl"]).out).expect("JSON");
    assert_eq!((&json["cases"], &json["skipped"]), (&5.into(), &1.into()));
    let right = project().file("cases.jsonl", cases.lines().next().expect("a line"));
    assert_eq!(right.play(&["gate", "test", "cases.jsonl"]).exit, 0);
}

#[test]
fn a_file_that_tests_nothing_is_a_failure() {
    let stage =
        project().file("cases.jsonl", "{\"call\": \"ls\", \"expect\": \"maybe\"}\n").file("none", "\n");
    compare("gate_test_no_verdict", &stage.scene(&["gate", "test", "cases.jsonl"]));
    assert_eq!(stage.play(&["gate", "test", "none"]).exit, 1);
    assert_eq!(stage.play(&["gate", "test", "missing"]).exit, 1);
}

#[test]
fn an_explanation_allows_nothing_that_a_session_would_not_run() {
    let stage = project();
    let verdict = |arguments: &[&str]| {
        let arguments = [&["gate", "explain", "--json"], arguments].concat();
        let explained: Value = serde_json::from_str(&stage.play(&arguments).out).expect("JSON");
        explained["verdict"].as_str().expect("a verdict").to_owned()
    };
    let allow = ["--allow", "WebFetch"];
    let of_address =
        |rules: &[&str], url: &str| verdict(&[rules, &["--tool", "WebFetch", "--", url]].concat());
    assert_eq!(of_address(&[], "https://docs.rs/x"), "ask");
    assert_eq!(of_address(&allow, "https://docs.rs/x"), "allow");
    for url in ["http://127.0.0.1/", "http://2130706433/", "http://localhost:8080", "file:///etc/passwd", "x"]
    {
        assert_eq!(of_address(&allow, url), "deny", "{url}");
    }
    assert_eq!(verdict(&["--tool", "Nope", "--", "x"]), "deny");
    assert_eq!(verdict(&["--tool", "mcp__a__b", "--", "x"]), "ask");
    assert_eq!(verdict(&["--tool", "TodoWrite", "--", "x"]), "allow");
}
