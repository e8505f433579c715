//! One actor per running subagent. It owns the agent's loop and with it the context window; it decides nothing about
//! other tasks. The supervisor starts it on a worker Arbiter; it ends with its task, by a panic, or with its Arbiter.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, WrapFuture};
use codex_task_providers::Message;
use futures_util::FutureExt;
use tokio::time::Instant;

use super::agent_context::AgentContext;
use super::agent_run::{AgentRun, Halt};
use super::checkpoint::Checkpoint;
use super::death_watch::DeathWatch;
use super::stop::StopCause;
use super::tally::Tally;
use crate::dice::Dice;
use crate::messages::SubagentFinished;
use crate::task::Outcome;

/// Time that a stopped agent has to end by itself, with its partial text, before it is dropped.
const STOP_GRACE: Duration = Duration::from_millis(900);

/// What is told of a task that ended with its run's time.
const RUN_TIME_OVER: &str = "the time of the whole run was over before the task's own";

/// What an incarnation begins with; made by the supervisor.
pub(crate) struct Seed {
    pub(crate) context: AgentContext,
    /// The first user turn.
    pub(crate) opening: Arc<Message>,
    pub(crate) checkpoint: Checkpoint,
    /// What the incarnation draws its waits from.
    pub(crate) dice: Dice,
}

/// How an incarnation ended.
#[derive(Debug)]
pub(crate) struct Ending {
    pub(crate) outcome: Outcome,
    pub(crate) tally: Tally,
}

/// See the module.
pub(crate) struct SubagentActor {
    /// Taken when the actor starts. Apart, since the actor is moved about until then.
    seed: Option<Box<Seed>>,
    watch: DeathWatch,
}

impl SubagentActor {
    /// The watch is made by the caller, before the actor is started: a dead Arbiter drops both and is heard of.
    pub(crate) fn new(seed: Seed, watch: DeathWatch) -> Self {
        Self { seed: Some(Box::new(seed)), watch }
    }

    /// Reports the ending, or leaves the panic's message for the death watch.
    #[expect(clippy::disallowed_methods, reason = "an ending must not be lost to a full mailbox")]
    fn report(&mut self, ended: Result<SubagentFinishedTo, Box<dyn Any + Send>>) {
        match ended {
            Ok(SubagentFinishedTo { supervisor, finished }) => {
                self.watch.disarm();
                supervisor.do_send(finished);
            }
            Err(panic) => self.watch.note_panic(panic_text(panic.as_ref())),
        }
    }
}

/// An ending with its address.
struct SubagentFinishedTo {
    supervisor: Arc<actix::Addr<crate::supervisor::SupervisorActor>>,
    finished: SubagentFinished,
}

impl Actor for SubagentActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let Some(seed) = self.seed.take() else { return ctx.stop() };
        // In one place from the beginning: what is wrapped around it would move it again and again.
        let run = AssertUnwindSafe(Box::pin(run_to_end(seed))).catch_unwind();
        ctx.spawn(run.into_actor(self).map(|ended, actor, ctx| {
            actor.report(ended);
            ctx.stop();
        }));
    }
}

async fn run_to_end(seed: Box<Seed>) -> SubagentFinishedTo {
    let supervisor = Arc::clone(&seed.context.steps.supervisor);
    let (task, generation) = (seed.context.task, seed.context.steps.generation);
    let mut run = Box::new(AgentRun::new(*seed));
    let result = run_until_stopped(&mut run).await;
    run.leave_place().await;
    let ending = Box::new(into_ending(*run, result));
    SubagentFinishedTo { supervisor, finished: SubagentFinished { task, generation, ending } }
}

/// Runs the loop under the task's deadline. A stopped loop may end by itself, so that what it was doing is tidied up
/// and its partial text is kept; if it does not, it is dropped.
async fn run_until_stopped(run: &mut AgentRun) -> Result<String, Halt> {
    let stop = run.context.stop.clone();
    let time_left = run.context.time_left();
    // A time beyond what a clock can tell has no end.
    if let Some(end) = Instant::now().checked_add(time_left) {
        run.context.tools.session().owner.set_end(end);
    }
    let deadline = tokio::time::sleep(time_left);
    let mut body = pin!(run.run());
    tokio::select! {
        biased;
        result = &mut body => return result,
        () = stop.token().cancelled() => {}
        () = deadline => stop.fire(StopCause::Deadline),
    }
    tokio::time::timeout(STOP_GRACE, body).await.unwrap_or(Err(Halt::Stopped))
}

fn into_ending(run: AgentRun, result: Result<String, Halt>) -> Ending {
    let AgentRun { context, mut tally, .. } = run;
    let notes = &mut tally.notes;
    let mut partial = || tally.partial.take().filter(|text| !text.trim().is_empty());
    let outcome = match result {
        Ok(text) => Outcome::Completed(text),
        Err(Halt::Error(error) | Halt::TooLong(error)) => Outcome::Failed { error, partial: partial() },
        Err(Halt::Stopped) => match context.stop.cause() {
            Some(StopCause::Deadline) => {
                if context.time_allowed() < context.plan.timeout {
                    notes.insert(RUN_TIME_OVER.to_owned());
                }
                Outcome::TimedOut { after: context.time_allowed(), partial: partial() }
            }
            Some(StopCause::Cancelled) | None => Outcome::Cancelled { partial: partial() },
        },
    };
    Ending { outcome, tally }
}

/// The message of a panic, if it has one.
fn panic_text(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "panic without a message".to_owned())
}
