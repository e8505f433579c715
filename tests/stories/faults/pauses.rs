//! Turns that a provider pauses.

use codex_task::Outcome;
use codex_task_tests::{Fault, FaultServer, Format, Turn};

use crate::harness::{TestRuntime, agent_on, agents, project_at};

/// A server that pauses so many turns before it ends one.
fn pausing(pauses: usize) -> (FaultServer, TestRuntime) {
    let server = FaultServer::start(Format::Anthropic, move |call| {
        let fault = if call.nth < pauses { Fault::Pauses } else { Fault::None };
        Turn::text(format!("part {}", call.nth)).with(fault)
    });
    let known = agents([agent_on("worker", "mocked", Format::Anthropic)]);
    let project = project_at([("mocked", Format::Anthropic, server.base_url())], "");
    (server, TestRuntime::start_in(project, |builder| builder.agents(known)))
}

#[tokio::test]
async fn fault_34_a_paused_turn_of_plain_chat_is_sent_back_as_it_is_until_it_ends() {
    let (server, runtime) = pausing(5);
    let report = runtime.ask("worker", "go").await;
    assert_eq!(report.outcome, Outcome::Completed("part 5".into()));
    assert_eq!((report.turns, server.violations()), (6, Vec::new()));
    for (nth, call) in server.calls().iter().enumerate() {
        let last = call.turns().last().expect("a turn");
        if nth > 0 {
            assert_eq!((&last["role"], call.turns().len()), (&"assistant".into(), 2), "nothing is added");
            let said = last["content"].to_string();
            assert!((0..nth).all(|part| said.contains(&format!("part {part}"))), "{said}");
        }
    }
}

#[tokio::test]
async fn fault_34_a_turn_that_is_paused_again_and_again_ends_the_task() {
    let (server, runtime) = pausing(100);
    let report = runtime.ask("worker", "go").await;
    let Outcome::Failed { error, .. } = &report.outcome else { panic!("{:?}", report.outcome) };
    assert!(error.to_string().contains("paused the turn again and again"), "{error}");
    assert_eq!(server.requests(), 6);
}
