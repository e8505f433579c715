//! The Task tool inside a host, without a server between: `cargo run -p codex-task --example embed_in_codex`.
//!
//! `adapter.rs` is what a host has to write; `host.rs` stands for the host; this file plays a turn in which the model
//! calls `Task` three times and then gives a call up. It fails when anything is not as it should be.

mod adapter;
mod host;

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use adapter::Subagents;
use codex_task::{
    EventSink, HostCommand, HostOutput, HostTools, Runtime, RuntimeHandle, TaskEvent, TaskEventKind,
    ToolError,
};
use codex_task_config::{Environment, ProviderName};
use codex_task_providers::scripted::{Scenario, ScriptedBackend};
use futures_util::future::{BoxFuture, join_all};
use host::{HostedCall, HostedTool, Registry};
use serde_json::json;

/// What the agents' model does: reads a file that only the host has, and reports what it says; or hangs.
const MODEL: &str = "rules:
  - when: {prompt: hang}
    fault: {kind: hang}
  - when: {turn: 1}
    calls: [{tool: Read, arguments: {file_path: notes.md}}]
  - text: \"{{ result }}\"
";
const AGENT: &str =
    r#"{"scout": {"description": "Looks around", "prompt": "You look around.", "model": "scripted-1"}}"#;

/// Lends the agents a file that is nowhere on disk, and no shell.
struct Lent;

impl HostTools for Lent {
    fn exec<'a>(&'a self, command: &'a HostCommand) -> BoxFuture<'a, Result<HostOutput, ToolError>> {
        Box::pin(async { Err(ToolError::Refused(format!("'{}' does not run here", command.line))) })
    }

    fn read<'a>(&'a self, path: &'a Path) -> BoxFuture<'a, Result<Option<Vec<u8>>, ToolError>> {
        let is_there = path.ends_with("notes.md");
        Box::pin(async move { Ok(is_there.then(|| b"what the host knows".to_vec())) })
    }

    fn write<'a>(&'a self, _: &'a Path, _: &'a [u8]) -> BoxFuture<'a, Result<(), ToolError>> {
        Box::pin(async { Err(ToolError::Refused("nothing is written here".to_owned())) })
    }
}

/// Counts endings, as a host would show them.
#[derive(Default)]
struct Endings(AtomicUsize);

impl EventSink for Endings {
    fn event(&self, event: &TaskEvent) {
        if let TaskEventKind::Finished(_) = event.kind {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let endings = Arc::<Endings>::default();
    let model = ScriptedBackend::new(ProviderName::new("scripted"), Scenario::parse(MODEL)?);
    let runtime = Runtime::builder()
        .environment(Environment::new(folder.path(), [("HOME", &*folder.path().to_string_lossy())]))
        .agents_json(AGENT)
        .backend(Arc::new(model))
        .host_tools(Arc::new(Lent))
        .event_sink(Arc::clone(&endings) as Arc<dyn EventSink>)
        .io(tokio::runtime::Handle::current())
        .start()?;
    let mut registry = Registry::default();
    registry.contribute(&Subagents::new(&runtime));
    let task = registry.find("Task").ok_or("the tool is offered")?;
    turn(task.as_ref()).await?;
    give_up(task.as_ref(), &runtime).await?;
    wait_until("the host has heard of all endings", || endings.0.load(Ordering::SeqCst) == 4).await?;
    drop(registry);
    let left = runtime.shutdown().await;
    check("nothing is left", left.abandoned == 0 && left.cancelled == 0)
}

/// Three calls of one response, side by side.
async fn turn(task: &dyn HostedTool) -> Result<(), Box<dyn Error>> {
    let spec = task.spec();
    check("the agent is listed", spec.description.contains("- scout: Looks around"))?;
    check(
        "the schema is an object",
        spec.parameters.get("type").is_some_and(|kind| kind == "object") && task.runs_in_parallel(),
    )?;
    for answer in join_all((0..3).map(|n| task.handle(call(&format!("look {n}"))))).await {
        let answer = answer?;
        check("the report is the host's file", answer.contains("what the host knows\nagentId: "))?;
    }
    Ok(())
}

/// The user presses Escape: the host drops the call.
async fn give_up(task: &dyn HostedTool, runtime: &RuntimeHandle) -> Result<(), Box<dyn Error>> {
    let call = task.handle(call("hang"));
    let given_up = tokio::time::timeout(Duration::from_millis(200), call).await;
    check("it hangs", given_up.is_err())?;
    wait_until("the task has ended", || runtime.board().is_empty()).await
}

fn call(prompt: &str) -> HostedCall {
    let arguments = json!({"description": "a look", "prompt": prompt, "subagent_type": "scout"});
    HostedCall { arguments }
}

fn check(what: &str, holds: bool) -> Result<(), Box<dyn Error>> {
    if holds { Ok(()) } else { Err(format!("not so: {what}").into()) }
}

async fn wait_until(what: &str, holds: impl Fn() -> bool) -> Result<(), Box<dyn Error>> {
    for _ in 0..500 {
        if holds() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    check(what, holds())
}
