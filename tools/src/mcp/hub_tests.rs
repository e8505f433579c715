use std::path::PathBuf;
use std::time::Duration;

use codex_task_config::{McpScope, McpTransport, PermissionMode};
use rustix::process::{Pid, test_kill_process};
use serde_json::{Value, json};

use super::super::testing::{Stage, allowed, call, named, remote, serve_http, wait_until};
use super::*;
use crate::gate::testing::Bench;
use crate::{Conduct, ToolReply, ToolSet, Toolbox};

fn ok(text: &str) -> ToolReply {
    ToolReply::text(text)
}

async fn error(set: &ToolSet, tool: &str) -> String {
    let reply = call(set, tool, json!({})).await;
    assert!(reply.is_error, "{reply:?}");
    reply.text
}

fn state(hub: &McpHub) -> McpState {
    hub.status().into_iter().next().unwrap().state
}

#[tokio::test]
async fn tools_are_offered_under_their_servers_name_and_called() {
    let stage = Stage::new();
    let hub = stage.hub([stage.server("test", "")]);
    assert_eq!((state(&hub), stage.log().len()), (McpState::Idle, 0));
    let set = allowed(&hub).await;
    let names: Vec<_> = set.definitions().iter().map(|tool| tool.name.as_str().to_owned()).collect();
    let expected = ["Read", "big", "child", "crash", "echo", "environment", "fail", "hang", "pull", "refuse"];
    assert_eq!(names, expected.map(|name| format!("mcp__test__{name}")));
    assert_eq!(call(&set, "echo", json!({"text": "hé\u{1b}"})).await, ok("hé\\u{1b}"));
    assert_eq!(call(&set, "refuse", json!({})).await, ok("The tool gave no output."));
    assert_eq!(error(&set, "fail").await, "no such thing");
    assert!(error(&set, "echo").await.contains("The required parameter `text` is missing"));
    assert_eq!(set.conduct("mcp__test__echo", r#"{"text": "x"}"#), Conduct::Reads);
    assert_eq!(set.conduct("mcp__test__fail", "{}"), Conduct::Acts);
    let status = hub.status().remove(0);
    assert_eq!((status.state, status.problems.len()), (McpState::Running { tools: 10 }, 1));
    assert_eq!(stage.asked("initialize"), 1);
}

#[tokio::test]
async fn a_servers_tool_needs_a_rule_and_never_takes_the_place_of_ours() {
    let stage = Stage::new();
    let hub = stage.hub([stage.server("test", "")]);
    let bench = Bench::new(PermissionMode::Default, &[]);
    let toolbox = Toolbox::new(hub.tools().await);
    let resolved = toolbox.resolve(&ToolSelection::Inherit, &[], &bench.rights, bench.session.clone());
    let set = resolved.unwrap().tool_set;
    let refused = call(&set, "echo", json!({"text": "x"})).await;
    assert!(refused.is_error && refused.text.contains("mcp__test__echo"), "{}", refused.text);
    assert!(set.call("Read", "{}").await.text.contains("No such tool available: Read"));
    assert_eq!(stage.asked("tools/call echo"), 0);
}

#[tokio::test]
async fn a_server_is_started_once_and_only_when_a_list_means_it() {
    let stage = Stage::new();
    let hub = stage.hub([stage.server("test", "")]);
    let listed = |entries: &[&str]| {
        ToolSelection::Listed(entries.iter().map(|entry| ToolPattern::parse(entry)).collect())
    };
    assert_eq!(hub.tools_for(&listed(&["Read", "mcp__other", "mcp__testx__a"])).await.len(), 0);
    assert_eq!(stage.log().len(), 0);
    let lists =
        [["mcp__test__echo"], ["mcp__test"], ["mcp__test__*"], ["mcp__*"]].map(|entries| listed(&entries));
    let tools = join_all(lists.iter().map(|list| hub.tools_for(list))).await;
    assert_eq!(tools.iter().map(Vec::len).collect::<Vec<_>>(), [10; 4]);
    assert_eq!(stage.asked("initialize"), 1);
}

#[tokio::test]
async fn a_server_sees_only_what_it_may_see() {
    let stage = Stage::new();
    let set = allowed(&stage.hub([stage.server("test", "")])).await;
    let seen: Value = serde_json::from_str(&call(&set, "environment", json!({})).await.text).unwrap();
    assert_eq!(
        (seen["HOME"].as_str(), seen["TEST_TOKEN"].as_str()),
        (Some("/home/me"), Some("hunter2hunter2"))
    );
    assert_eq!(seen["ANTHROPIC_API_KEY"], Value::Null);
}

#[tokio::test]
async fn a_tool_that_changes_under_our_hands_is_switched_off_for_the_session() {
    let stage = Stage::new();
    let hub = stage.hub([stage.server("test", "")]);
    let set = allowed(&hub).await;
    assert_eq!(call(&set, "echo", json!({"text": "a"})).await, ok("a"));
    assert_eq!(call(&set, "pull", json!({})).await, ok("pulled"));
    wait_until(|| stage.asked("tools/call pull") == 1).await;
    let refused = call(&set, "echo", json!({"text": "b"})).await;
    assert!(refused.is_error && refused.text.contains("changed the tool's definition"), "{}", refused.text);
    assert_eq!(stage.asked("tools/call echo"), 1, "the call did not reach the server");
    assert!(call(&set, "refuse", json!({})).await.text.contains("no output"), "other tools work on");
    assert!(hub.tools().await.iter().all(|tool| tool.definition().name.as_str() != "mcp__test__echo"));
    assert!(hub.status()[0].problems.iter().any(|problem| problem.contains("mcp__test__echo: switched off")));
}

#[tokio::test]
async fn a_crash_is_told_without_secrets_and_the_server_is_started_again_a_few_times() {
    let mut stage = Stage::new();
    stage.options.restarts_max = 1;
    let hub = stage.hub([stage.server("test", "")]);
    let set = allowed(&hub).await;
    let crashed = "MCP server 'test' ended during the call (exit status: 3; its last words: out of memory with token ***). \
                   The call may have had effects and is not repeated.";
    assert_eq!(error(&set, "crash").await, crashed);
    assert!(matches!(state(&hub), McpState::Failed { .. }));
    assert_eq!(call(&set, "echo", json!({"text": "back"})).await, ok("back"));
    assert_eq!(error(&set, "crash").await, crashed);
    assert_eq!(
        error(&set, "refuse").await,
        "MCP server 'test' ended or failed 2 times and is not started again; at last it ended (exit status: 3; its last \
         words: out of memory with token ***)."
    );
    assert_eq!((stage.asked("initialize"), stage.asked("tools/call crash")), (2, 2));
}

#[tokio::test]
async fn a_call_that_is_given_up_is_cancelled_at_the_server() {
    let mut stage = Stage::new();
    stage.options.call_timeout = Duration::from_millis(300);
    let hub = stage.hub([stage.server("test", "")]);
    let set = allowed(&hub).await;
    let late = error(&set, "hang").await;
    assert!(
        late.starts_with("MCP server 'test' did not answer mcp__test__hang within 0.3 seconds;"),
        "{late}"
    );
    wait_until(|| stage.asked("notifications/cancelled") == 1).await;

    // Dropping the future does the same.
    let mut hanging = Box::pin(call(&set, "hang", json!({})));
    let dropped = async { wait_until(|| stage.asked("tools/call hang") == 2).await };
    tokio::select! {
        reply = &mut hanging => panic!("{reply:?}"),
        () = dropped => {}
    }
    drop(hanging);
    wait_until(|| stage.asked("notifications/cancelled") == 2).await;
    assert_eq!(call(&set, "echo", json!({"text": "on"})).await, ok("on"));
}

#[tokio::test]
async fn a_server_that_does_not_begin_gives_no_tools_and_says_why() {
    let mut stage = Stage::new();
    let dead = stage.hub([stage.server("test", "die")]);
    assert_eq!(dead.tools().await.len(), 0);
    let McpState::Failed { reason } = state(&dead) else { panic!("{:?}", state(&dead)) };
    assert!(
        reason.starts_with("it did not begin as an MCP server does: it ended before it answered"),
        "{reason}"
    );
    assert!(reason.contains("its last words: no disk; token *** refused"), "{reason}");

    stage.options.start_timeout = Duration::from_millis(300);
    let mute = stage.hub([stage.server("test", "mute")]);
    assert_eq!(mute.tools().await.len(), 0);
    let McpState::Failed { reason } = state(&mute) else { panic!("{:?}", state(&mute)) };
    assert!(reason.starts_with("it was not ready within 0.3 seconds"), "{reason}");

    let (command, args, env) = ("no-such-program-here".to_owned(), Vec::new(), BTreeMap::new());
    let missing = stage.hub([named("test", McpTransport::Stdio { command, args, env })]);
    assert_eq!(missing.tools().await.len(), 0);
    let McpState::Failed { reason } = state(&missing) else { panic!("{:?}", state(&missing)) };
    assert!(reason.starts_with("it cannot be started: no-such-program-here: No such file"), "{reason}");
}

/// The server's process and its child.
async fn processes(set: &ToolSet) -> Vec<Pid> {
    let pids = call(set, "child", json!({})).await.text;
    pids.split(' ').map(|pid| Pid::from_raw(pid.parse().unwrap()).unwrap()).collect()
}

/// Whether a process is no more, or is only waiting to be reaped.
fn is_gone(pid: Pid) -> bool {
    let stat = PathBuf::from(format!("/proc/{}/stat", pid.as_raw_nonzero()));
    let is_zombie = std::fs::read_to_string(stat).is_ok_and(|stat| stat.contains(") Z "));
    is_zombie || test_kill_process(pid).is_err()
}

#[tokio::test]
async fn nothing_of_a_server_outlives_its_session() {
    for end in ["cancel", "drop", "close"] {
        let stage = Stage::new();
        let hub = stage.hub([stage.server("test", "")]);
        let set = allowed(&hub).await;
        let pids = processes(&set).await;
        assert!(pids.len() == 2 && !pids.iter().copied().any(is_gone));
        match end {
            "cancel" => stage.cancel.cancel(),
            "drop" => {
                drop(set);
                drop(hub);
            }
            _ => hub.close().await,
        }
        wait_until(|| pids.iter().copied().all(is_gone)).await;
    }
}

#[tokio::test]
async fn a_cancelled_session_starts_nothing() {
    let stage = Stage::new();
    let hub = stage.hub([stage.server("test", "")]);
    let set = allowed(&hub).await;
    stage.cancel.cancel();
    assert_eq!(error(&set, "refuse").await, "cancelled");
    assert_eq!((hub.tools().await.len(), stage.asked("initialize")), (0, 1));
}

#[tokio::test]
async fn a_projects_server_is_not_started_unless_it_is_trusted() {
    let stage = Stage::new();
    let mut server = stage.server("test", "");
    server.scope = McpScope::Project;
    let hub = stage.hub([server]);
    assert_eq!(hub.tools().await.len(), 0);
    let McpState::Refused(problem) = state(&hub) else { panic!("{:?}", state(&hub)) };
    assert!(problem.help.unwrap().contains("enabledMcpjsonServers"));
    assert_eq!(stage.log().len(), 0);
}

#[tokio::test]
async fn of_two_servers_whose_tools_would_have_the_same_names_one_stays() {
    let stage = Stage::new();
    let hub = stage.hub([stage.server("a.b", ""), stage.server("a b", "")]);
    assert_eq!(hub.names().map(McpServerName::as_str).collect::<Vec<_>>(), ["a.b"]);
    assert!(
        matches!(&hub.status()[1].state, McpState::Refused(problem) if problem.message.contains("'a.b'"))
    );
}

#[tokio::test]
async fn a_large_result_is_cut() {
    let stage = Stage::new();
    let set = allowed(&stage.hub([stage.server("test", "")])).await;
    let text = call(&set, "big", json!({})).await.text;
    assert!(
        text.contains("[cut: the result has 200000 characters, at most 100000 are shown"),
        "{}",
        text.len()
    );
    assert!(text.len() < 101_000);
}

#[tokio::test]
async fn servers_are_reached_by_both_transports_of_http() {
    let url = serve_http();
    for (kind, path) in [("http", "/mcp"), ("sse", "/sse")] {
        let stage = Stage::new();
        let hub = stage.hub([remote(kind, format!("{url}{path}"))]);
        let set = allowed(&hub).await;
        assert_eq!(state(&hub), McpState::Running { tools: 10 }, "{kind}");
        assert_eq!(call(&set, "echo", json!({"text": "over there"})).await, ok("over there"), "{kind}");
        assert_eq!(error(&set, "fail").await, "no such thing", "{kind}");
    }
}

#[tokio::test]
async fn a_server_at_an_address_that_cannot_be_used_says_why_and_no_secret() {
    let url = serve_http();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (kind, url, expected) in [
        ("http", format!("http://{free}/mcp"), "Connection refused"),
        ("sse", format!("http://{free}/sse"), "Connection refused"),
        ("sse", format!("{url}/moved"), "its endpoint is on another host"),
        ("sse", format!("{url}/nothing"), "HTTP 405"),
        ("http", "ftp://example.org/".to_owned(), "no http or https address"),
        ("http", "http://[".to_owned(), "'url' is no address"),
    ] {
        let stage = Stage::new();
        let hub = stage.hub([remote(kind, url)]);
        assert_eq!(hub.tools().await.len(), 0);
        let McpState::Failed { reason } = state(&hub) else { panic!("{:?}", state(&hub)) };
        assert!(reason.contains(expected) && !reason.contains("hunter2"), "{reason}");
    }
    let stage = Stage::new();
    let transport = McpTransport::Http { url: format!("{url}/mcp"), headers: BTreeMap::new() };
    let hub = stage.hub([named("test", transport)]);
    assert_eq!(hub.tools().await.len(), 0);
    let McpState::Failed { reason } = state(&hub) else { panic!("{:?}", state(&hub)) };
    assert!(reason.contains("401"), "{reason}");
}
