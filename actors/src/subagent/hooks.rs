//! Where an agent's loop meets the user's hooks: at its beginning, behind its calls, before its end.

use std::sync::Arc;

use codex_task_tools::{AfterStart, AfterStop};

use super::agent_run::{AgentContext, Halt};
use super::tally::Tally;
use crate::task::TaskError;

/// How often hooks may keep an agent from ending: a hook that never agrees must not cost a whole task's turns.
const STOPS_HELD_MAX: u32 = 3;

/// Tells hooks that the agent begins; gives what they add to its task.
pub(super) async fn announce(agent: &AgentContext, tally: &mut Tally) -> Result<Option<String>, Halt> {
    tally.is_announced = true;
    if agent.tools.session().hooks.is_empty() {
        return Ok(None);
    }
    let tools = Arc::clone(&agent.tools);
    let AfterStart { context } = agent.io.run(async move { tools.started().await }).await;
    checked(agent, tally, Ok(()))?;
    Ok((!context.is_empty()).then_some(context))
}

/// Tells hooks that the agent has finished; gives why it must go on, if it must.
pub(super) async fn held(
    agent: &AgentContext,
    tally: &mut Tally,
    text: &str,
) -> Result<Option<String>, Halt> {
    if agent.tools.session().hooks.is_empty() {
        return Ok(None);
    }
    let is_held = tally.stops_held > 0;
    let (tools, text) = (Arc::clone(&agent.tools), text.to_owned());
    let told = agent.io.run(async move { tools.stopped(&text, is_held).await }).await;
    tally.notes.extend(agent.tools.session().hooks.take_notes());
    if agent.must_stop() {
        return Err(Halt::Stopped);
    }
    match told {
        AfterStop::Ends => Ok(None),
        AfterStop::GoesOn(_) if tally.stops_held >= STOPS_HELD_MAX => {
            tally.notes.insert(format!("a hook wanted the agent to go on more than {STOPS_HELD_MAX} times"));
            Ok(None)
        }
        AfterStop::GoesOn(reason) => {
            tally.stops_held += 1;
            Ok(Some(reason))
        }
    }
}

/// Takes what hooks have said to people, and ends an agent that a hook has ended. A stop that somebody else asked for
/// stands.
pub(super) fn checked<T>(
    agent: &AgentContext,
    tally: &mut Tally,
    result: Result<T, Halt>,
) -> Result<T, Halt> {
    let hooks = &agent.tools.session().hooks;
    tally.notes.extend(hooks.take_notes());
    let result = result?;
    match hooks.stop_reason() {
        Some(reason) => Err(Halt::Error(TaskError::EndedByHook { reason: reason.to_owned() })),
        None => Ok(result),
    }
}
