//! A real MCP server, end to end from an agent's file. Without one these stories only say so (see `Peer`).

use std::sync::Arc;

use codex_task::Outcome;
use codex_task_config::SettingsOverrides;
use codex_task_providers::scripted::{Rule, ScriptedBackend};
use codex_task_tests::Peer;
use serde_json::json;

use crate::harness::{TestProject, TestRuntime, first, result_of, scripted, texts_of, then};

/// What the file that the server reads says.
const CONTENT: &str = "the harbour is closed on Tuesdays";

/// A project whose agent brings the server along in its own file.
fn project(server: &std::path::Path) -> TestProject {
    let project = TestProject::new();
    let notes = project.file("notes/harbour.txt", CONTENT).with_file_name("");
    project.agent_file(
        "reader",
        &format!(
            "---\nname: reader\ndescription: reads notes\ntools: mcp__filesystem__read_text_file\nmodel: scripted-1\n\
             provider: scripted\nmcpServers:\n  - filesystem:\n      command: {}\n      args: [{}]\n---\nYou read notes.\n",
            server.display(),
            notes.display()
        ),
    );
    project
}

/// Reads the note with the server's tool and reports.
fn reading(project: &TestProject) -> Arc<ScriptedBackend> {
    let path = project.dir().join("notes/harbour.txt");
    scripted([
        Rule::text("closed on Tuesdays").when(result_of(CONTENT)),
        Rule::text("not read").when(then("mcp__filesystem__read_text_file")),
        Rule::call("mcp__filesystem__read_text_file", &json!({ "path": path })).when(first()),
    ])
}

fn allowing(rule: &str) -> SettingsOverrides {
    SettingsOverrides { allow: vec![rule.to_owned()], ..SettingsOverrides::default() }
}

#[actix::test]
async fn an_agents_file_brings_a_real_server_along_once_its_folder_is_trusted() {
    let Some(server) = Peer::McpServer.find() else { return };
    let project = project(&server);
    let model = reading(&project);
    let runtime = TestRuntime::start_in(project, |builder| {
        builder.backend(model.clone()).overrides(allowing("mcp__filesystem__read_text_file"))
    });
    let report = runtime.ask("reader", "When is the harbour closed?").await;
    assert_eq!(report.outcome, Outcome::Completed("closed on Tuesdays".into()), "{:?}", report.notes);
    let requests = model.recorded();
    let tool = requests[0].tools.iter().find(|tool| &*tool.name == "mcp__filesystem__read_text_file");
    let description = &tool.expect("the server's tool").description;
    assert!(description.contains("Read the complete contents"), "{description}");
}

#[actix::test]
async fn without_a_rule_the_servers_tool_is_refused_and_without_trust_it_does_not_start() {
    let Some(server) = Peer::McpServer.find() else { return };
    let trusted = project(&server);
    let model = reading(&trusted);
    let runtime = TestRuntime::start_in(trusted, |builder| builder.backend(model.clone()));
    let report = runtime.ask("reader", "When is the harbour closed?").await;
    assert_eq!(report.outcome, Outcome::Completed("not read".into()));
    let said = model.recorded().last().map(texts_of).unwrap_or_default().join("\n");
    assert!(said.contains("mcp__filesystem__read_text_file"), "the refusal names the tool: {said}");

    let untrusted = project(&server);
    untrusted.trusted(&[]);
    let model = reading(&untrusted);
    let runtime = TestRuntime::start_in(untrusted, |builder| {
        builder.backend(model.clone()).overrides(allowing("mcp__filesystem__read_text_file"))
    });
    let report = runtime.ask("reader", "When is the harbour closed?").await;
    assert!(matches!(report.outcome, Outcome::Failed { .. }), "{:?}", report.outcome);
    assert!(model.recorded().is_empty(), "an agent without a tool is not asked");
}
