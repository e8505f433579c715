//! Where an agent's loop meets the user's hooks: at its beginning, behind its calls, before its end.

use std::sync::Arc;

use codex_task_providers::{ChatReply, Message, UserTurn};
use codex_task_tools::{AfterStart, AfterStop};

use super::agent_context::AgentContext;
use super::agent_run::{AgentRun, Flow, Halt};
use super::checkpoint::CheckpointStep;
use super::tally::Tally;
use crate::task::TaskError;

/// How often hooks may keep an agent from ending: a hook that never agrees must not cost a whole task's turns.
const STOPS_HELD_MAX: u32 = 3;

impl AgentRun {
    /// Tells hooks once that the agent begins. What they add stands behind its task.
    pub(super) async fn announce(&mut self) -> Result<(), Halt> {
        if self.tally.is_announced {
            return Ok(());
        }
        let context = announce(&self.context, &mut self.tally).await?;
        if let Some(context) = context {
            self.window.push_user(Arc::new(Message::User(UserTurn::text(context))));
            let turns = self.window.turns().to_vec();
            if let [opening] = &*turns {
                self.opening = Arc::clone(opening);
            }
            self.context.step(CheckpointStep::Compacted { turns, tally: Box::new(self.tally.clone()) });
        }
        Ok(())
    }

    /// The result stands, unless a hook wants the agent to go on.
    pub(super) async fn end(&mut self, reply: ChatReply, text: String) -> Result<Flow, Halt> {
        match held(&self.context, &mut self.tally, &text).await? {
            None => Ok(Flow::Done(text)),
            Some(reason) => {
                self.append(reply);
                self.tell(&reason);
                Ok(Flow::Continue)
            }
        }
    }
}

/// Tells hooks that the agent begins; gives what they add to its task.
async fn announce(agent: &AgentContext, tally: &mut Tally) -> Result<Option<String>, Halt> {
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
async fn held(agent: &AgentContext, tally: &mut Tally, text: &str) -> Result<Option<String>, Halt> {
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
