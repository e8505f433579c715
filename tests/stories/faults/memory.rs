//! What is too large to be kept: requests, answers and outputs. The memory is that of a process of its own.

#[cfg(target_os = "linux")]
use std::process::{Command, Stdio};
use std::sync::Arc;

use codex_task::{Outcome, TaskReport, TaskStatus};
use codex_task_config::AgentDefinition;
use codex_task_providers::scripted::{Fault as ScriptedFault, Pattern, Rule, When};
use codex_task_providers::{ChatBackend, ProviderError};
use codex_task_tests::{Fault, FaultServer, Format, Turn};
use serde_json::json;

use super::trail;
#[cfg(target_os = "linux")]
use crate::harness::cost_of;
use crate::harness::{
    OneClock, Setup, TestProject, TestRuntime, TestTool, agent, agent_on, agents, allow_everything, calling,
    first, in_child, project_at, result_of, scripted, then,
};

#[tokio::test]
async fn fault_31_a_request_that_is_too_large_is_never_sent_and_the_error_names_the_sizes() {
    let server = FaultServer::start(Format::Anthropic, |_| Turn::text("done"));
    let known = agents([agent_on("worker", "mocked", Format::Anthropic)]);
    let project = project_at([("mocked", Format::Anthropic, server.base_url())], "");
    let runtime = TestRuntime::start_in(project, |builder| builder.agents(known));
    let report = runtime.ask("worker", &"x".repeat(33 << 20)).await;
    assert_eq!(trail(&report), [("mocked", Some("request_too_large"))], "tried once");
    let Outcome::Failed { error, .. } = &report.outcome else { panic!("{:?}", report.outcome) };
    let text = error.to_string();
    assert!(text.contains("33.0 MB") && text.contains("32 MB at most"), "{text}");
    assert!(error.help().is_some());
    assert_eq!(server.requests(), 0, "none of it was sent");
    assert_eq!(
        runtime.ask("worker", "go").await.status(),
        TaskStatus::Completed,
        "and nobody is the worse for it"
    );
}

#[actix::test]
async fn fault_31_a_conversation_that_has_become_too_large_is_summed_up() {
    tokio::time::pause();
    let too_large = ProviderError::TooLarge { detail: "it has 33.0 MB".into() };
    let summary = When::default().user(Pattern::text("Write that summary for yourself"));
    let model = scripted([
        calling("Look").when(first()).times(1),
        Rule::fault(ScriptedFault::error(too_large)).when(then("Look")).times(1),
        Rule::text("I have looked").when(summary),
        Rule::text("done").when(When::default().user(Pattern::text("Go on from here"))),
    ]);
    let mut setup = Setup::new(agents([agent("worker")]), model.clone());
    setup.tools = vec![TestTool::reading("Look", |_| async { Ok("seen".to_owned()) }).shared()];
    let report = OneClock::start(setup).ask("worker", "go").await;
    assert_eq!(report.outcome, Outcome::Completed("done".into()), "{:?}", report.notes);
    assert!(report.notes.iter().any(|note| note.starts_with("context compacted")), "{:?}", report.notes);
}

/// The most memory that this process has had, and what it has now, in MiB.
fn peak_and_present() -> (u64, u64) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let of = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or_default() / 1_024
    };
    (of("VmHWM:"), of("VmRSS:"))
}

/// Runs one task in a runtime of its own.
fn run(project: TestProject, worker: AgentDefinition, backend: Option<Arc<dyn ChatBackend>>) -> TaskReport {
    let tokio = tokio::runtime::Runtime::new().expect("tokio");
    tokio.block_on(async {
        let runtime = TestRuntime::start_in(project, |builder| {
            let builder = builder.agents(agents([worker])).overrides(allow_everything());
            match backend {
                Some(backend) => builder.backend(backend),
                None => builder,
            }
        });
        runtime.ask("worker", "go").await
    })
}

#[cfg(target_os = "linux")]
#[test]
fn fault_35_bombs_and_endless_answers_cost_less_than_a_hundred_megabytes() {
    const SIZE: usize = 200 << 20;
    let name = "faults::memory::fault_35_bombs_and_endless_answers_cost_less_than_a_hundred_megabytes";
    let story = || {
        let faults = [
            Fault::GzipBomb(SIZE),
            Fault::HugeDocument(SIZE),
            Fault::HugeStream(SIZE),
            Fault::HugeEvent(SIZE),
        ];
        for fault in faults {
            let told = fault.clone();
            let server = FaultServer::start(Format::Anthropic, move |call| match call.nth {
                0 => Turn::text("done").with(told.clone()),
                _ => Turn::text("done"),
            });
            let project = project_at([("mocked", Format::Anthropic, server.base_url())], "");
            let (_, before) = peak_and_present();
            let report = run(project, agent_on("worker", "mocked", Format::Anthropic), None);
            let (peak, _) = peak_and_present();
            assert_eq!(report.outcome, Outcome::Completed("done".into()), "{fault:?}");
            assert_eq!(trail(&report)[0], ("mocked", Some("protocol")), "{fault:?}");
            println!("{fault:?}: {} MiB", peak.saturating_sub(before));
            assert!(peak.saturating_sub(before) < 100, "{fault:?} cost {} MiB", peak - before);
        }
    };
    if let Some(child) = in_child(name, story) {
        assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stderr));
    }
}

/// What draining may cost, in a build that is not optimised, beside reading and nothing else.
#[cfg(target_os = "linux")]
const COST_MAX: u32 = 20;

#[cfg(target_os = "linux")]
#[test]
fn fault_47_a_gigabyte_that_a_command_prints_is_drained_fast_and_not_kept() {
    let name = "faults::memory::fault_47_a_gigabyte_that_a_command_prints_is_drained_fast_and_not_kept";
    let story = || {
        let bash = |command: &str| Rule::call("Bash", &json!({"command": command, "timeout": 20_000}));
        let endless = Rule::call("Bash", &json!({"command": "yes", "timeout": 1_000}));
        let model = scripted([
            bash("yes | head -c 1000000000").when(first()),
            endless.when(result_of("bytes cut")).times(1),
            Rule::text("done"),
        ]);
        // Once for what is loaded at the first call.
        let _warm = run(
            TestProject::new(),
            agent("worker"),
            Some(scripted([bash("seq 9").when(first()), Rule::text("x")])),
        );
        let floor = cost_of(|| assert_eq!(bytes_of("yes | head -c 1000000000"), 1_000_000_000));
        let (_, before) = peak_and_present();
        let mut report = None;
        let cost = cost_of(|| report = Some(run(TestProject::new(), agent("worker"), Some(model))));
        let report = report.expect("it has run");
        let (peak, _) = peak_and_present();
        assert_eq!(report.outcome, Outcome::Completed("done".into()));
        assert!(peak.saturating_sub(before) < 16, "grew by {} MiB", peak - before);
        assert!(cost < floor * COST_MAX, "{cost:?}, and {floor:?} for reading it");
    };
    if let Some(child) = in_child(name, story) {
        assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stderr));
    }
}

/// Reads all that a command prints, and forgets it.
#[cfg(target_os = "linux")]
fn bytes_of(command: &str) -> u64 {
    let mut shell = Command::new("sh").args(["-c", command]).stdout(Stdio::piped()).spawn().expect("a shell");
    let read = std::io::copy(&mut shell.stdout.take().expect("a pipe"), &mut std::io::sink());
    shell.wait().expect("it was started here");
    read.expect("a pipe can be read")
}
