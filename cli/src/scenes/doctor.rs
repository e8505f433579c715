//! `doctor`, and what the network does to `run`.

use serde_json::Value;

use super::Stage;
use super::server::Server;
use super::stage::compare;

const MODELS: &str =
    r#"{"object": "list", "data": [{"id": "qwen3:8b", "object": "model", "owned_by": "library"}]}"#;
const WRONG_KEY: &str =
    r#"{"type": "error", "error": {"type": "authentication_error", "message": "invalid x-api-key"}}"#;

fn with_anthropic(server: &Server) -> Stage {
    Stage::new()
        .variable("ANTHROPIC_API_KEY", "sk-ant-secret-value")
        .variable("ANTHROPIC_BASE_URL", &server.url())
        .agent("code-reviewer", "description: Reviews\n", "You review code.")
}

#[test]
fn without_a_model_every_way_to_one_is_named() {
    compare("doctor_nothing", &Stage::new().terminal(100).scene(&["doctor"]));
    let stage = Stage::new().agent("code-reviewer", "description: Reviews\n", "You review code.");
    compare("run_no_provider", &stage.scene(&["run", "code-reviewer", "Review this"]));
}

#[test]
fn a_wrong_key_is_named_by_its_variable_and_never_shown() {
    let server = Server::answering("401 Unauthorized", WRONG_KEY);
    let doctor = with_anthropic(&server).scene(&["doctor"]);
    compare("doctor_wrong_key", &doctor);
    let run = with_anthropic(&server).scene(&["run", "code-reviewer", "Review this"]);
    compare("run_wrong_key", &run);
    assert!(!doctor.contains("secret-value") && !run.contains("secret-value"));
}

#[test]
fn mcp_servers_are_named_with_what_keeps_them_from_running() {
    let servers = r#"{"mcpServers": {"git": {"command": "git-mcp"}, "web": {"command": "web-mcp"}}}"#;
    let allowed = r#"{"enabledMcpjsonServers": ["git"]}"#;
    let stage = Stage::new().trusted(&[]).file(".mcp.json", servers);
    let stage = stage.file("../home/.claude/settings.json", allowed);
    let played = stage.terminal(200).play(&["doctor", "--offline", "--plain"]);
    assert!(played.out.contains("MCP servers: git (stdio), started when"), "{}", played.out);
    assert!(played.out.contains("'web' belongs to the project and is not started"), "{}", played.out);
}

#[test]
fn a_server_that_hangs_up_is_tried_again_and_then_told() {
    let server = Server::hanging_up();
    let played = with_anthropic(&server).play(&["run", "code-reviewer", "Review this"]);
    assert_eq!(played.exit, 1);
    assert!(played.err.contains("Task(Retrying code-reviewer): in "), "{}", played.err);
    for label in ["Error: Agent 'code-reviewer' execution failed\n", "Cause: ", "Suggestion: "] {
        assert!(played.err.contains(label), "{}", played.err);
    }
}

#[test]
fn a_local_server_is_found_and_named() {
    let server = Server::answering("200 OK", MODELS);
    let stage = || Stage::new().file("codex-task.yaml", &format!("local: {{ports: [{}]}}\n", server.port));
    let played = stage().play(&["doctor", "--json"]);
    let report: Value = serde_json::from_str(&played.out).expect("JSON");
    assert_eq!((played.exit, &report["ready"]), (0, &true.into()), "{}", played.out);
    assert!(played.out.contains(&format!("at http://127.0.0.1:{}", server.port)), "{}", played.out);
    let run = stage().play(&["run", "general-purpose", "hello", "--timeout", "5s"]);
    let said = format!("at {} (model qwen3:8b)\n", server.url());
    assert!(run.err.starts_with("Using ") && run.err.contains(&said), "{}", run.err);
}

#[test]
fn offline_nothing_is_asked() {
    let server = Server::hanging_up();
    let played = with_anthropic(&server).play(&["doctor", "--offline", "--plain"]);
    assert_eq!(played.exit, 0, "{}", played.out);
    let line = format!("ok: anthropic: {}/, key from ANTHROPIC_API_KEY\n", server.url());
    assert!(played.out.contains(&line), "{}", played.out);
}

#[test]
fn broken_permissions_mean_that_nothing_can_run() {
    let server = Server::answering("200 OK", r#"{"data": []}"#);
    let stage = with_anthropic(&server).file(".claude/settings.json", "{\"permissions\": {\"deny\": 7}}");
    compare("doctor_broken_settings", &stage.scene(&["doctor", "--offline"]));
}
