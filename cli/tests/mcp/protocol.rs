//! The protocol: greeting, list, changes, progress, and what to do with nonsense.

use std::time::Duration;

use codex_task_tests::Reply;
use serde_json::json;

use crate::client::{Client, task};
use crate::project::{Project, binary, model};

fn reviewer() -> Project {
    Project::new().agent("code-reviewer", "description: Reviews code\ntools: Read, Grep\n")
}

#[test]
fn the_greeting_says_in_250_bytes_what_task_is_and_which_agents_there_are() {
    let project = reviewer();
    for (asked, granted) in [
        ("2024-11-05", "2024-11-05"),
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("1999-01-01", "2025-11-25"),
    ] {
        let mut client = Client::start(&project, project.command(binary()).arg("mcp"));
        let result = client.initialize(asked, "codex-mcp-client");
        assert_eq!(result["protocolVersion"], granted);
        assert_eq!(result["capabilities"], json!({"tools": {"listChanged": true}}));
        assert_eq!(result["serverInfo"]["name"], "codex-task");
        let instructions = result["instructions"].as_str().expect("instructions");
        let advert = &instructions[..250];
        assert!(advert.starts_with("Task(subagent_type, prompt, description): "), "{advert}");
        for part in
            ["subagent", ".claude/agents", "in parallel", "code-reviewer, Explore, general-purpose, Plan."]
        {
            assert!(advert.contains(part), "{part} in {advert}");
        }
        assert!(instructions.len() < 600, "every request of the client's model may carry them");
    }
}

#[test]
fn hundreds_of_agents_leave_the_texts_short() {
    let project = Project::new();
    for n in 0..300 {
        let description = "does what nobody else does, again and again. ".repeat(20);
        project.write_agent(&format!("agent-{n:03}"), &format!("description: {description}\n"));
    }
    let mut client = Client::start(&project, project.command(binary()).arg("mcp"));
    let result = client.initialize("2025-06-18", "codex-mcp-client");
    let instructions = result["instructions"].as_str().expect("instructions");
    let (advert, _) = instructions.split_once(" more.").expect("a number of agents");
    assert!(advert.len() <= 250 && advert.contains("agent-000, agent-001"), "{advert}");
    let tools = client.request("tools/list", &json!({}));
    let description = tools["tools"][0]["description"].as_str().expect("a description");
    assert!(description.len() < 26_000, "{}", description.len());
    assert!(description.contains("- agent-299: does what nobody"), "{description}");
}

#[test]
fn three_tools_are_listed_and_task_has_claude_codes_form() {
    let mut client = Client::greet(&reviewer());
    let list = client.request("tools/list", &json!({"_meta": {"progressToken": 0}}));
    let tools = list["tools"].as_array().expect("tools");
    let names: Vec<_> = tools.iter().map(|tool| tool["name"].as_str().expect("a name")).collect();
    assert_eq!(names, ["Task", "TaskOutput", "TaskStop"]);
    for tool in tools {
        assert!(tool.get("outputSchema").is_none(), "{tool}");
        assert_eq!(
            (&tool["inputSchema"]["type"], &tool["annotations"]["readOnlyHint"]),
            (&json!("object"), &json!(false))
        );
    }
    let schema = &tools[0]["inputSchema"];
    assert_eq!(schema["required"], json!(["description", "prompt", "subagent_type"]));
    let mut properties: Vec<_> = schema["properties"].as_object().expect("properties").keys().collect();
    properties.sort();
    assert_eq!(
        properties,
        [
            "description",
            "effort",
            "isolation",
            "model",
            "prompt",
            "resume",
            "run_in_background",
            "subagent_type"
        ]
    );
    let description = tools[0]["description"].as_str().expect("a description");
    assert!(
        description.contains("\n- code-reviewer: Reviews code (Tools: Read, Grep)\n- Explore: "),
        "{description}"
    );
    for word in ["subagent", "agent", "Delegates", "parallel", "review", "research"] {
        assert!(description.contains(word), "a search for tools finds {word}");
    }
}

#[test]
fn an_agent_that_the_settings_deny_is_not_offered() {
    let project = reviewer();
    project.write("project/.claude/settings.json", r#"{"permissions": {"deny": ["Agent(code-reviewer)"]}}"#);
    let mut client = Client::greet(&project);
    let list = client.request("tools/list", &json!({})).to_string();
    assert!(!list.contains("code-reviewer") && list.contains("general-purpose"), "{list}");
    let answer = client.ask("Task", &task("code-reviewer", "x"));
    assert!(answer.is_error && answer.text().contains("denied by the rule"), "{answer:?}");
}

#[test]
fn an_edited_agent_is_told_once_and_listed() {
    let project = reviewer();
    let mut client = Client::greet(&project);
    client.request("tools/list", &json!({}));
    project.write_agent("new-one", "description: Came later\n");
    client.notification("notifications/tools/list_changed");
    let list = client.request("tools/list", &json!({})).to_string();
    assert!(list.contains("- new-one: Came later (Tools: All tools)"), "{list}");
    // The same text again changes nothing that the client knows.
    project.write_agent("new-one", "description: Came later\n");
    let heard = client.listen(Duration::from_millis(500));
    assert_eq!(heard, Vec::<serde_json::Value>::new());
}

#[test]
fn progress_is_told_to_who_asks_for_it() {
    let mock = model(|call| match call.nth {
        0 => Reply::tool("Read", json!({"file_path": "notes.txt"})),
        _ => Reply::After(Duration::from_millis(400), Box::new(Reply::text("Read it"))),
    });
    let project = Project::on(&mock);
    project.write("project/notes.txt", "a line\n");
    let mut client = Client::greet(&project);
    client.call_with(
        "1",
        "Task",
        &task("general-purpose", "Read notes.txt"),
        &json!({"progressToken": "token-7"}),
    );
    assert_eq!(client.answer("1").text(), "Read it");
    let told = client.listen(Duration::ZERO);
    let parameters: Vec<_> = told.iter().map(|message| &message["params"]).collect();
    assert!(parameters.iter().all(|told| told["progressToken"] == "token-7"), "{told:?}");
    let numbers: Vec<f64> =
        parameters.iter().map(|told| told["progress"].as_f64().expect("a number")).collect();
    assert!(!numbers.is_empty() && numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    let texts: Vec<_> = parameters.iter().map(|told| told["message"].as_str().expect("a text")).collect();
    assert!(texts[0].starts_with("Task(Executing general-purpose): "), "{texts:?}");
    client.ask("Task", &task("general-purpose", "Read notes.txt"));
    assert_eq!(client.listen(Duration::ZERO), Vec::<serde_json::Value>::new(), "nobody asked");
}

#[test]
fn nonsense_is_answered_or_passed_over_and_ends_nothing() {
    let mut client = Client::greet_as(&reviewer(), "a-client", &["--log", "trace"]);
    for line in [
        "",
        "not JSON",
        "{",
        "[]",
        "{\"jsonrpc\": \"2.0\"}",
        "{\"jsonrpc\": \"2.0\", \"method\": \"nobody/knows\"}",
    ] {
        client.send_line(line);
    }
    client.send(&json!({"jsonrpc": "2.0", "id": 7, "method": "nobody/asks"}));
    assert_eq!(client.reply(&json!(7))["error"]["code"], -32601);
    client.call(8, "NoSuchTool", &json!({}));
    let refused = client.reply(&json!(8));
    assert_eq!(refused["error"]["code"], -32602);
    assert_eq!(refused["error"]["message"], "No such tool available: NoSuchTool");
    client.send(&json!({"jsonrpc": "2.0", "id": 9, "method": "tools/call", "params": {"name": "Task", "arguments": 5}}));
    let refused = client.reply(&json!(9));
    assert_eq!(refused["error"]["code"], -32602);
    assert_eq!(refused["error"]["message"], "the parameters of tools/call cannot be read");
    client.send(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 99}}));
    assert_eq!(client.request("ping", &json!({})), json!({}));
    assert!(client.request("tools/list", &json!({}))["tools"].is_array());
}
