//! The tool calls of one turn: reads and subagents side by side, everything else in order, each answered exactly once.

use std::sync::Arc;

use codex_task_providers::{ToolCall, ToolResult, UserPart, UserTurn, without_keys};
use codex_task_tools::{Conduct, ToolReply, ToolSet};
use futures_util::future::join_all;
use tokio::time::Instant;

use super::agent_context::AgentContext;
use super::agent_run::Halt;
use super::call_witness::{CallWitness, STOPPED};
use super::checkpoint::{BegunCall, CheckpointStep, OUTCOME_UNKNOWN};
use super::tally::Tally;
use crate::audit::AuditEvent;
use crate::task::TaskEventKind;

/// Characters of a call that are shown to people.
const SUMMARY_CHARS_MAX: usize = 80;

/// Runs the calls and returns the user turn that answers them all, in call order.
pub(crate) async fn run(
    agent: &AgentContext,
    tally: &mut Tally,
    calls: &[ToolCall],
    begun: &[BegunCall],
) -> Result<UserTurn, Halt> {
    let started = Instant::now();
    let tools = Arc::new(agent.tools.for_turn());
    let mut results = Vec::with_capacity(calls.len());
    let mut rest = calls;
    while let Some((first, others)) = rest.split_first() {
        let side_by_side = rest.iter().take_while(|call| conduct(agent, call) != Conduct::Acts).count();
        if side_by_side > 1 {
            let (batch, after) = rest.split_at(side_by_side);
            for result in join_all(batch.iter().map(|call| run_one(agent, &tools, call, begun))).await {
                results.push(result?);
            }
            rest = after;
        } else {
            results.push(run_one(agent, &tools, first, begun).await?);
            rest = others;
        }
        if agent.must_stop() {
            break;
        }
    }
    tally.tool_time += started.elapsed();
    tally.tool_calls += u32::try_from(results.len()).unwrap_or(u32::MAX);
    if agent.must_stop() {
        return Err(Halt::Stopped);
    }
    let parts = results.into_iter().map(UserPart::ToolResult).collect();
    Ok(UserTurn { parts })
}

fn conduct(agent: &AgentContext, call: &ToolCall) -> Conduct {
    agent.tools.conduct(&call.name, &call.arguments)
}

/// Runs one call, unless an earlier incarnation of the agent had begun it. It is on record, where there is a record,
/// before it runs.
async fn run_one(
    agent: &AgentContext,
    tools: &Arc<ToolSet>,
    call: &ToolCall,
    begun: &[BegunCall],
) -> Result<ToolResult, Halt> {
    match begun.iter().find(|before| before.call_id == call.id) {
        Some(BegunCall { result: Some(result), .. }) => {
            tools.note_result_of(&call.name, &call.arguments);
            return Ok(result.clone());
        }
        Some(BegunCall { result: None, .. }) => return Ok(go_on(agent, call).await),
        None => {}
    }
    if agent.must_stop() {
        return Ok(answer(call, ToolReply::error(STOPPED)));
    }
    agent.publish(|| TaskEventKind::ToolStarted {
        call_id: Arc::clone(&call.id),
        tool: Arc::clone(&call.name),
        summary: without_keys(&summary(&call.arguments)),
    });
    let started = Instant::now();
    let (tools, witness) = (Arc::clone(tools), Arc::new(CallWitness::new(agent, call)));
    let (id, name, arguments) = (Arc::clone(&call.id), Arc::clone(&call.name), call.arguments.clone());
    let told = Arc::clone(&witness);
    let reply = agent.io.run(async move { tools.call_as(&id, &name, &arguments, &*told).await }).await;
    let duration = started.elapsed();
    agent.publish(|| TaskEventKind::ToolFinished {
        call_id: Arc::clone(&call.id),
        tool: Arc::clone(&call.name),
        is_error: reply.is_error,
        duration,
    });
    let result = answer(call, reply);
    if witness.has_started() {
        agent.audit.record(|| AuditEvent::CallEnded { result: result.clone(), duration });
    }
    if let Some(halt) = witness.take_halt() {
        return Err(halt);
    }
    if witness.has_begun() {
        agent.step(CheckpointStep::CallEnded { result: result.clone() });
    }
    Ok(result)
}

/// A call that had begun and whose end nobody has seen: it is not made again. What it had started may go on, though.
async fn go_on(agent: &AgentContext, call: &ToolCall) -> ToolResult {
    let tools = Arc::clone(&agent.tools);
    let (name, arguments) = (Arc::clone(&call.name), call.arguments.clone());
    match agent.io.run(async move { tools.go_on(&name, &arguments).await }).await {
        Some(reply) => {
            let result = answer(call, reply);
            agent.step(CheckpointStep::CallEnded { result: result.clone() });
            result
        }
        None => answer(call, ToolReply::error(OUTCOME_UNKNOWN)),
    }
}

fn answer(call: &ToolCall, reply: ToolReply) -> ToolResult {
    ToolResult {
        call_id: Arc::clone(&call.id),
        tool: Arc::clone(&call.name),
        text: without_nul(reply.text).into(),
        is_error: reply.is_error,
        attachments: reply.attachments,
    }
}

/// JSON can hold a NUL and several vendors' servers cannot: they refuse the whole conversation from then on. It is shown
/// like any other byte that is no text.
fn without_nul(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{FFFD}") } else { text }
}

/// The argument that says most about a call, for people.
fn summary(arguments: &str) -> String {
    const TELLING: [&str; 6] = ["file_path", "command", "pattern", "path", "url", "description"];
    let arguments: serde_json::Value = serde_json::from_str(arguments).unwrap_or_default();
    let telling = TELLING.iter().find_map(|key| arguments.get(key)?.as_str());
    let telling = telling.or_else(|| step_in_progress(&arguments)).unwrap_or_default();
    let line = telling.lines().next().unwrap_or_default();
    line.chars().filter(|c| !c.is_control()).take(SUMMARY_CHARS_MAX).collect()
}

/// What a to-do list says is being done.
fn step_in_progress(arguments: &serde_json::Value) -> Option<&str> {
    let todos = arguments.get("todos")?.as_array()?;
    let is_in_progress = |todo: &&serde_json::Value| todo.get("status").is_some_and(|s| s == "in_progress");
    todos.iter().find(is_in_progress)?.get("activeForm")?.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_summed_up_by_its_telling_argument() {
        assert_eq!(summary(r#"{"command": "cargo test\nrm x"}"#), "cargo test");
        assert_eq!(summary(r#"{"pattern": "fn \u001bmain", "path": "src"}"#), "fn main");
        assert_eq!(summary("not json"), "");
        let todos = r#"{"todos": [{"status": "pending", "activeForm": "a"}, {"status": "in_progress", "activeForm": "b"}]}"#;
        assert_eq!(summary(todos), "b");
    }
}
