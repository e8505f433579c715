//! Commands that stop themselves, and what they print.
#![cfg(unix)]

use std::time::Duration;

use codex_task::Outcome;
use codex_task_providers::scripted::Rule;
use codex_task_tests::{FaultServer, Format, Turn};
use serde_json::json;
use tokio::time::Instant;

use crate::harness::{
    TestRuntime, agent, agent_on, agents, allow_everything, first, project_at, result_of, scripted,
    wait_until,
};

#[tokio::test]
async fn fault_46_a_command_that_stops_itself_and_ignores_being_asked_dies_by_its_timeout() {
    // The shell and its child: one stops, the other ignores what it is asked.
    let command =
        "trap '' TERM; sh -c 'trap \"\" TERM; sleep 300' & echo $! $$ > pids; kill -STOP $$; sleep 300";
    let model = scripted([
        Rule::call("Bash", &json!({"command": command, "timeout": 500})).when(first()),
        Rule::text("it was ended").when(result_of("timed out")),
    ]);
    let known = agents([agent("worker")]);
    let runtime =
        TestRuntime::start(|builder| builder.agents(known).backend(model).overrides(allow_everything()));
    let began = Instant::now();
    let report = runtime.ask("worker", "go").await;
    assert_eq!(report.outcome, Outcome::Completed("it was ended".into()));
    let took = began.elapsed();
    assert!(took < Duration::from_millis(500 + 2_000 + 1_000), "{took:?}");
    let pids = std::fs::read_to_string(runtime.project.dir().join("pids")).expect("it ran");
    let is_alive = |pid: &str| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let state = stat.rsplit_once(')').and_then(|(_, rest)| rest.trim_start().chars().next());
        state.is_some_and(|state| !matches!(state, 'Z' | 'X'))
    };
    wait_until("both are gone", || !pids.split_whitespace().any(is_alive)).await;
}

#[tokio::test]
async fn fault_49_whatever_bytes_a_command_prints_every_format_gets_valid_json_of_it() {
    // Colour, a bell, a backspace, half a code point, what is no UTF-8 at all, a lone surrogate, NUL, and good text.
    let command = r"printf '\033[31mred\033[0m \007\b \303 \377\376 \355\240\200 a\000b \342\202\254 end\n'";
    for format in Format::ALL {
        let server = FaultServer::start(format, move |call| match call.tool_results().len() {
            0 => Turn::tool("Bash", json!({ "command": command })),
            _ => Turn::text("read"),
        });
        let known = agents([agent_on("worker", "mocked", format)]);
        let project = project_at([("mocked", format, server.base_url())], "");
        let runtime =
            TestRuntime::start_in(project, |builder| builder.agents(known).overrides(allow_everything()));
        let report = runtime.ask("worker", "go").await;
        assert_eq!(report.outcome, Outcome::Completed("read".into()), "{format:?}");
        let calls = server.calls();
        let call = calls.last().expect("two calls");
        // A body that is no JSON is null there.
        assert!(call.body.is_object(), "{format:?}");
        let results = call.tool_results();
        let result = results.first().expect("a result");
        for part in ["red", "\u{FFFD}", "a", "b", "€ end"] {
            assert!(result.contains(part), "{format:?}: {part:?} is not in {result:?}");
        }
        assert!(!result.contains('\0') && !result.contains("\\u0000"), "{format:?}: {result:?}");
    }
}
