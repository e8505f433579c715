//! The fault matrix: each test is named after its number there and does to the runtime what stands in it. `matrix` is the
//! table of all numbers, with the tests that prove them, here or elsewhere.

mod addresses;
mod agent_files;
mod answering;
pub(crate) mod audit;
mod clocks;
mod commands;
mod connections;
mod keys;
mod matrix;
mod memory;
mod names;
mod outages;
mod pauses;
mod requests;
mod streams;
mod throttling;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use codex_task_providers::ProviderError;
use codex_task_providers::scripted::ScriptedBackend;
use codex_task_tests::{Format, Mock};

use crate::harness::{
    OneClock, Setup, TestProject, TestRuntime, agent, agent_on, agents, model, project_on, second, trail,
    with_fallback,
};

/// The agent `worker` on both, on the test's own clock, which the story pauses.
fn two_routes(first: &Arc<ScriptedBackend>, second: &Arc<ScriptedBackend>, at_once: usize) -> OneClock {
    let mut setup = Setup::new(agents([with_fallback("worker")]), first.clone());
    setup.backends.push(second.clone());
    setup.overrides.max_concurrent = Some(at_once);
    OneClock::start(setup)
}

/// The agent `worker` on one provider, on the test's own clock, which the story pauses.
fn one_route(model: &Arc<ScriptedBackend>, at_once: usize) -> OneClock {
    let mut setup = Setup::new(agents([agent("worker")]), model.clone());
    setup.overrides.max_concurrent = Some(at_once);
    OneClock::start(setup)
}

/// The agent `worker` on the server `ill`, then on `well`; `settings` are those of `ill` and what follows it.
fn ill_then_well(format: Format, ill: &Mock, well: &Mock, settings: &str) -> TestRuntime {
    let project = project_on([("well", Format::Anthropic, well), ("ill", format, ill)], settings);
    on_ill(format, project)
}

fn on_ill(format: Format, project: TestProject) -> TestRuntime {
    let mut worker = agent_on("worker", "ill", format);
    worker.fallback = vec![format!("well/{}", model(Format::Anthropic))];
    TestRuntime::start_in(project, |builder| builder.agents(agents([worker])))
}

fn server_error(status: u16) -> ProviderError {
    ProviderError::Server { status, retry_after: None, detail: "oops".into() }
}

fn throttled(retry_after: Option<Duration>) -> ProviderError {
    ProviderError::RateLimited { retry_after, detail: "slow down".into() }
}
