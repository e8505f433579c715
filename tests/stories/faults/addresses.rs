//! Servers behind proxies, and servers that have no IPv4 address.

use std::net::{Ipv6Addr, TcpListener};

use codex_task::Outcome;
use codex_task_tests::{Door, FaultServer, Format, Refusing, Turn};

use super::trail;
use crate::harness::{TestProject, TestRuntime, agent_on, agents, project_at};

fn runtime(project: TestProject, provider: &str) -> TestRuntime {
    let known = agents([agent_on("worker", provider, Format::OpenAi)]);
    TestRuntime::start_in(project, |builder| builder.agents(known))
}

#[tokio::test]
async fn fault_65_a_server_that_has_only_an_ipv6_address_works_and_no_proxy_is_asked_for_it() {
    if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_err() {
        return; // this machine has no IPv6
    }
    let script = |_: &codex_task_tests::Call| Turn::text("over six");
    let server = FaultServer::start_at(Ipv6Addr::LOCALHOST.into(), Format::OpenAi, |_| Door::Opens, script);
    let server = server.expect("IPv6");
    assert!(server.base_url().starts_with("http://[::1]:"));
    let nobody = Refusing::start();
    let mut project = project_at([("six", Format::OpenAi, server.base_url())], "");
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        project.variable(name, nobody.base_url(Format::Anthropic));
    }
    let report = runtime(project, "six").ask("worker", "go").await;
    assert_eq!(report.outcome, Outcome::Completed("over six".into()));
    assert_eq!(report.attempts.len(), 1);
}

#[tokio::test]
async fn fault_65_a_proxy_of_the_environment_is_used_but_not_for_what_no_proxy_names() {
    let remote = "http://model.example.invalid/v1".to_owned();
    let proxy = FaultServer::start(Format::OpenAi, |_| Turn::text("by proxy"));
    let project = |no_proxy: &str| {
        let mut project = project_at(
            [("far", Format::OpenAi, remote.clone())],
            "    timeouts: {connect: 300ms, headers: 300ms}\n",
        );
        project.variable("HTTP_PROXY", format!("http://{}", proxy.address()));
        project.variable("NO_PROXY", no_proxy);
        project
    };
    let report = runtime(project("other.invalid"), "far").ask("worker", "go").await;
    assert_eq!(report.outcome, Outcome::Completed("by proxy".into()));
    let call = proxy.calls().pop().expect("it was asked");
    assert_eq!(call.header("host"), "model.example.invalid");
    assert_eq!(call.path, "/v1/responses");

    let report = runtime(project("example.invalid, other"), "far").ask("worker", "go").await;
    let failed = trail(&report);
    assert!(failed.iter().all(|(_, kind)| matches!(kind, Some("unreachable" | "timeout"))), "{failed:?}");
    assert_eq!(proxy.requests(), 1, "the proxy has not heard of it");
}
