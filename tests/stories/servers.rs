//! MCP servers: started when an agent needs them and may have them, and gone with the runtime.

use std::path::Path;
use std::sync::Arc;

use codex_task::{Outcome, TaskError, TaskReport};
use codex_task_config::{
    AgentDefinition, McpScope, McpServerEntry, ToolPattern, ToolSelection, mcp_servers_of_frontmatter,
};
use codex_task_providers::ChatRequest;
use codex_task_providers::scripted::{Rule, ScriptedBackend};
use codex_task_tools::McpState;
use serde_json::{Value, json};

use crate::harness::{
    TestProject, TestRuntime, agent, agents, allow_everything, first, result_of, scripted, then, wait_until,
};

/// A server with one tool, which says what it hears. It notes its process in `started`.
const SERVER: &str = r#"
echo $$ >> "$1"
while IFS= read -r line; do
    [[ $line =~ \"id\":([0-9]+) ]] || continue
    id=${BASH_REMATCH[1]}
    case $line in
        *'"method":"initialize"'*)
            [[ $line =~ \"protocolVersion\":\"([^\"]+)\" ]]
            result="{\"protocolVersion\":\"${BASH_REMATCH[1]}\",\"capabilities\":{\"tools\":{}},\"serverInfo\":{\"name\":\"s\",\"version\":\"1\"}}" ;;
        *'"method":"tools/list"'*)
            result='{"tools":[{"name":"say","description":"Says it.","inputSchema":{"type":"object","properties":{"text":{"type":"string"}}}}]}' ;;
        *)
            [[ $line =~ \"text\":\"([^\"]+)\" ]]
            result="{\"content\":[{\"type\":\"text\",\"text\":\"heard ${BASH_REMATCH[1]}\"}]}" ;;
    esac
    printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "$id" "$result"
done
"#;

/// A project whose `.mcp.json` has the server `notes`, and a user who says this about MCP servers.
fn project(settings: &str) -> TestProject {
    let project = TestProject::new();
    project.user_config(settings);
    let definition = definition(&project);
    project.file(".mcp.json", &json!({"mcpServers": {"notes": definition}}).to_string());
    project
}

fn definition(project: &TestProject) -> Value {
    let script = project.file("server.sh", SERVER);
    json!({"command": "bash", "args": [script, started(project)]})
}

fn started(project: &TestProject) -> std::path::PathBuf {
    project.dir().join("started")
}

/// The processes that the server has had so far.
fn processes(project: &TestProject) -> Vec<String> {
    let text = std::fs::read_to_string(started(project)).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn runs(process: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, fields)| !fields.trim_start().starts_with(['Z', 'X']))
}

/// Says `hello` with a tool, then reports.
fn saying(tool: &str) -> Arc<ScriptedBackend> {
    scripted([
        Rule::text("It heard me.").when(result_of("heard hello")),
        Rule::text("It did not.").when(then(tool)),
        Rule::call(tool, &json!({"text": "hello"})).when(first()),
    ])
}

fn listing(name: &str, tools: &[&str]) -> AgentDefinition {
    let mut agent = agent(name);
    agent.tools = ToolSelection::Listed(tools.iter().map(|tool| ToolPattern::parse(tool)).collect());
    agent
}

fn offered(model: &ScriptedBackend) -> Vec<Vec<String>> {
    let names = |request: &ChatRequest| request.tools.iter().map(|tool| tool.name.to_string()).collect();
    model.recorded().iter().map(names).collect()
}

fn start(project: TestProject, model: &Arc<ScriptedBackend>, agent: AgentDefinition) -> TestRuntime {
    let model = Arc::clone(model);
    TestRuntime::start_in(project, |builder| {
        builder.agents(agents([agent])).backend(model).overrides(allow_everything())
    })
}

fn completed(report: &TaskReport) -> &str {
    match &report.outcome {
        Outcome::Completed(text) => text,
        other => panic!("{other:?}"),
    }
}

const TRUSTED: &str = "mcp: {enabled_servers: [notes]}\n";

#[actix::test]
async fn a_trusted_server_starts_with_the_first_agent_that_can_use_it_and_ends_with_the_runtime() {
    let model = saying("mcp__notes__say");
    let runtime = start(project(TRUSTED), &model, agent("worker"));
    assert_eq!(runtime.mcp_servers()[0].state, McpState::Idle);
    let reports = [runtime.ask("worker", "say hello").await, runtime.ask("worker", "say hello again").await];
    assert_eq!(reports.each_ref().map(completed), ["It heard me."; 2]);
    assert!(offered(&model).iter().all(|tools| tools.contains(&"mcp__notes__say".to_owned())));
    assert_eq!(runtime.mcp_servers()[0].state, McpState::Running { tools: 1 });
    let processes = processes(&runtime.project);
    assert!(processes.len() == 1 && runs(&processes[0]), "one server for both");
    let handle = (*runtime).clone();
    runtime.stopped_already();
    handle.shutdown().await;
    wait_until("the server has ended", || !runs(&processes[0])).await;
}

#[actix::test]
async fn an_agent_whose_list_names_only_a_servers_tool_has_exactly_that() {
    let model = saying("mcp__notes__say");
    let runtime = start(project(TRUSTED), &model, listing("worker", &["mcp__notes__say"]));
    assert_eq!(completed(&runtime.ask("worker", "say hello").await), "It heard me.");
    assert_eq!(offered(&model)[0], ["mcp__notes__say"]);
}

#[actix::test]
async fn an_agent_that_cannot_mean_a_server_does_not_start_it() {
    let model = scripted([Rule::text("done")]);
    let runtime = start(project(TRUSTED), &model, listing("worker", &["Read", "mcp__other"]));
    assert_eq!(completed(&runtime.ask("worker", "read").await), "done");
    assert_eq!(processes(&runtime.project), Vec::<String>::new());
}

#[actix::test]
async fn a_server_that_nobody_has_allowed_is_told_of_and_not_started() {
    let model = scripted([Rule::text("done")]);
    let project = project("");
    project.trusted(&[]);
    let runtime = start(project, &model, listing("worker", &["Read", "mcp__notes"]));
    let problems = runtime.problems();
    assert!(problems.iter().any(|problem| problem.message.contains("'notes' belongs to the project")));
    let report = runtime.ask("worker", "read").await;
    assert_eq!(completed(&report), "done");
    assert!(report.notes.iter().any(|note| note.contains("is not started")), "{:?}", report.notes);
    assert_eq!(offered(&model), [["Read"]]);
    assert_eq!(processes(&runtime.project), Vec::<String>::new());
}

#[actix::test]
async fn an_agents_own_server_has_a_process_for_each_task_and_ends_with_it() {
    let model = saying("mcp__own__say");
    let project = TestProject::new();
    let mut worker = listing("worker", &["Read", "mcp__own"]);
    let value = json!([{"own": definition(&project)}]);
    worker.mcp_servers = mcp_servers_of_frontmatter(&value, McpScope::Session, None).0;
    let runtime = start(project, &model, worker);
    for _ in 0..2 {
        assert_eq!(completed(&runtime.ask("worker", "say hello").await), "It heard me.");
    }
    let processes = processes(&runtime.project);
    assert_eq!(processes.len(), 2);
    wait_until("both have ended", || !processes.iter().any(|process| runs(process))).await;
}

#[actix::test]
async fn a_server_that_does_not_start_leaves_the_agent_without_its_tools_and_says_so() {
    let model = scripted([Rule::text("done")]);
    let project = TestProject::new();
    project.user_config(TRUSTED);
    project.file(".mcp.json", r#"{"mcpServers": {"notes": {"command": "no-such-program"}}}"#);
    let named = listing("named", &["mcp__notes__say"]);
    let mut worker = agent("worker");
    let nowhere = mcp_servers_of_frontmatter(&json!(["nowhere"]), McpScope::Session, None).0;
    assert!(matches!(nowhere[..], [McpServerEntry::Named(_)]));
    worker.mcp_servers = nowhere;
    let runtime =
        TestRuntime::start_in(project, |builder| builder.agents(agents([worker, named])).backend(model));
    let report = runtime.ask("worker", "go").await;
    assert_eq!(completed(&report), "done");
    let notes: Vec<&String> = report.notes.iter().filter(|note| note.contains("MCP server")).collect();
    assert!(notes[0].starts_with("MCP server 'notes' gave no tools: it "), "{notes:?}");
    assert!(notes[1].starts_with("MCP server 'nowhere' is defined nowhere"), "{notes:?}");
    let refused = runtime.ask("named", "go").await;
    let Outcome::Failed { error: TaskError::NoTools(text), .. } = refused.outcome else {
        panic!("{:?}", refused.outcome);
    };
    assert!(text.contains("not provided here [mcp__notes__say]"), "{text}");
}

#[actix::test]
async fn a_task_that_is_cancelled_while_its_server_starts_ends_at_once() {
    let model = scripted([Rule::text("done")]);
    let project = TestProject::new();
    project.user_config(TRUSTED);
    let marker = started(&project);
    let command = json!({"command": "bash", "args": ["-c", "echo $$ >> \"$0\"; exec sleep 300", marker]});
    project.file(".mcp.json", &json!({"mcpServers": {"notes": command}}).to_string());
    let runtime = start(project, &model, agent("worker"));
    let task = codex_task::RunTask::<String>::new("worker", "go");
    let (id, running) = (task.request.id, runtime.begin(task));
    wait_until("the server was started", || Path::new(&marker).exists()).await;
    assert!(runtime.cancel(id).await);
    let report = running.await.expect("the task ends");
    assert!(matches!(report.outcome, Outcome::Cancelled { .. }), "{:?}", report.outcome);
    assert_eq!(model.recorded().len(), 0);
}
