//! The loop of one agent: call the model, run its tools, again, until it stops. Owned by one actor; ends with exactly
//! one ending. Invariant: a tool call runs only after the turn that asked for it has reached the supervisor.

use std::sync::Arc;

use codex_task_providers::{AssistantTurn, ChatReply, Message, StopReason, UserPart, UserTurn};
use codex_task_tools::McpHub;

use super::actor::Seed;
use super::agent_context::AgentContext;
use super::checkpoint::{BegunCall, CheckpointStep};
use super::context_window::ContextWindow;
use super::model_call::{Ask, Caller};
use super::repetition::{Repetition, Round};
use super::tally::Tally;
use super::{compaction, hooks, repetition, tool_turn, typed_output};
use crate::task::TaskError;

/// Answers that hit the output limit in a row before the agent is stuck.
const CONTINUATIONS_MAX: u32 = 3;
/// Turns that the server may pause in a row.
const PAUSES_MAX: u32 = 5;
/// Answers without content, or that the server could not read, in a row before the task fails.
const EMPTY_MAX: u32 = 2;

const CONTINUE: &str = "Your answer was cut off at the output limit. Continue exactly where it stopped.";

/// Why an agent's loop ended without a result.
#[derive(Debug)]
pub(crate) enum Halt {
    /// It cannot go on.
    Error(TaskError),
    /// It was asked to stop.
    Stopped,
    /// The conversation is too long for the model; what it means if it cannot be shortened.
    TooLong(TaskError),
}

/// What one answer means for the loop.
pub(super) enum Flow {
    /// Another model call.
    Continue,
    /// The result.
    Done(String),
}

/// One incarnation of an agent.
pub(crate) struct AgentRun {
    pub(crate) context: AgentContext,
    pub(crate) tally: Tally,
    /// The first user turn, as it was before any compaction.
    pub(super) opening: Arc<Message>,
    pub(super) window: ContextWindow,
    caller: Caller,
    begun: Vec<BegunCall>,
    continuations: u32,
    pauses: u32,
    empty_answers: u32,
    repetition: Repetition,
    /// MCP servers of the agent's own, which end with this incarnation.
    own_servers: Option<McpHub>,
}

impl AgentRun {
    /// An incarnation that goes on where the checkpoint stands.
    pub(crate) fn new(seed: Seed) -> Self {
        let Seed { context, opening, checkpoint, dice } = seed;
        let caller = Caller::new(dice);
        let window =
            ContextWindow::new(checkpoint.turns, context.plan.prefix_bytes(), caller.limits(&context));
        let mut tally = checkpoint.tally;
        tally.notes.extend(context.plan.notes.iter().cloned());
        // What an earlier incarnation or process has read, this one has read.
        let taint = &context.tools.session().taint;
        taint.add(tally.tainted_by.iter().cloned());
        tally.tainted_by = taint.sources();
        Self {
            context,
            tally,
            opening,
            window,
            caller,
            begun: checkpoint.begun,
            continuations: 0,
            pauses: 0,
            empty_answers: 0,
            repetition: Repetition::default(),
            own_servers: None,
        }
    }

    /// Runs to the end.
    pub(crate) async fn run(&mut self) -> Result<String, Halt> {
        self.equip().await?;
        self.announce().await?;
        self.finish_interrupted_turn().await?;
        loop {
            if self.context.must_stop() {
                return Err(Halt::Stopped);
            }
            if self.tally.turns >= self.context.plan.turns_max {
                return Ok(self.turn_limit_report());
            }
            self.context.wait_for_records().await?;
            if self.window.needs_compaction(self.context.plan.output_tokens_max) {
                self.shorten(stuck("the conversation cannot be made shorter")).await?;
            }
            let ask = Ask {
                turns: self.window.turns(),
                tokens: self.window.tokens(),
                output: self.context.plan.output.as_ref(),
            };
            let reply = match self.caller.call(&self.context, &mut self.tally, ask).await {
                Ok(reply) => reply,
                Err(Halt::TooLong(otherwise)) => {
                    self.shorten(otherwise).await?;
                    continue;
                }
                Err(halt) => return Err(halt),
            };
            self.window.set_limits(self.caller.limits(&self.context));
            if let Flow::Done(text) = self.take(reply).await? {
                return Ok(text);
            }
        }
    }

    /// Takes the agent to its own place, if it has one, and adds the tools of its MCP servers.
    async fn equip(&mut self) -> Result<(), Halt> {
        if let Some(place) = self.context.plan.isolation.clone() {
            let tools = place.enter(&self.context.tools).await.map_err(Halt::Error)?;
            self.context.tools = Arc::new(tools);
        }
        let Some(servers) = self.context.plan.servers.clone() else { return Ok(()) };
        let AgentContext { plan, tools, stop, .. } = &self.context;
        let equipped = servers.equip(plan, tools, stop.token()).await.map_err(Halt::Error)?;
        self.window.set_prefix(equipped.plan.prefix_bytes());
        self.context.plan = equipped.plan;
        self.context.tools = equipped.tools;
        self.tally.notes.extend(equipped.notes);
        self.own_servers = equipped.own;
        Ok(())
    }

    /// Runs the calls of a turn whose agent crashed before they were answered.
    async fn finish_interrupted_turn(&mut self) -> Result<(), Halt> {
        let begun = std::mem::take(&mut self.begun);
        match self.window.last_assistant().cloned() {
            Some(turn) if turn.tool_calls().next().is_some() => self.run_tools(&turn, &begun).await,
            Some(_) => {
                self.tell(CONTINUE);
                Ok(())
            }
            None => Ok(()),
        }
    }

    async fn take(&mut self, reply: ChatReply) -> Result<Flow, Halt> {
        let has_calls = reply.turn.tool_calls().next().is_some();
        if let Some(text) = reply.turn.last_text() {
            self.tally.note_text(text);
        }
        match &reply.stop {
            StopReason::Refused { category } => {
                Err(Halt::Error(TaskError::Refused { category: category.clone() }))
            }
            StopReason::ContextWindowFull => {
                self.shorten(stuck("the answer filled the model's context window")).await?;
                Ok(Flow::Continue)
            }
            StopReason::Malformed => self.again_after_nothing(),
            StopReason::MaxTokens if has_calls => self.raise_output_limit(),
            StopReason::Pause => self.go_on_after_pause(reply),
            _ if has_calls => {
                // What was cut off before was on the way to these calls, not to the result.
                self.tally.unfinished.clear();
                self.continuations = 0;
                let turn = self.append(reply);
                self.run_tools(&turn, &[]).await?;
                Ok(Flow::Continue)
            }
            StopReason::MaxTokens => self.continue_text(reply),
            StopReason::EndTurn | StopReason::StopSequence | StopReason::ToolUse | StopReason::Other(_) => {
                self.finish(reply).await
            }
        }
    }

    /// Appends the model's turn and reports it, because more follows.
    pub(super) fn append(&mut self, reply: ChatReply) -> AssistantTurn {
        let turn = Arc::new(Message::Assistant(reply.turn.clone()));
        self.window.push_assistant(Arc::clone(&turn), &reply.usage);
        self.context.step(CheckpointStep::Answered { turn, tally: Box::new(self.tally.clone()) });
        self.empty_answers = 0;
        reply.turn
    }

    async fn run_tools(&mut self, turn: &AssistantTurn, begun: &[BegunCall]) -> Result<(), Halt> {
        let calls: Vec<_> = turn.tool_calls().cloned().collect();
        let results = tool_turn::run(&self.context, &mut self.tally, &calls, begun).await;
        let outside = self.context.plan.outside.take();
        outside.calls.into_iter().for_each(|paid| self.tally.pay(paid));
        self.tally.notes.extend(outside.notes);
        self.tally.allowed.extend(self.context.tools.session().grants.take());
        self.tally.tainted_by = self.context.tools.session().taint.sources();
        let mut results = hooks::checked(&self.context, &mut self.tally, results)?;
        let round = self.repetition.note(&calls, &results);
        let stuck_because = match round {
            Round::Stuck(rounds) => Some(repetition::reason(rounds, &calls, &results)),
            Round::Fresh | Round::Repeated(_) => None,
        };
        if let Round::Repeated(rounds) = round {
            let text = repetition::reminder(rounds, &results);
            results.parts.push(UserPart::Text { text: text.into() });
        }
        self.tell_turn(Arc::new(Message::User(results)));
        stuck_because.map_or(Ok(()), |reason| Err(Halt::Error(stuck(&reason))))
    }

    pub(super) fn tell(&mut self, text: &str) {
        self.tell_turn(Arc::new(Message::User(UserTurn::text(text))));
    }

    fn tell_turn(&mut self, turn: Arc<Message>) {
        self.window.push_user(Arc::clone(&turn));
        self.context.step(CheckpointStep::Told { turn, tally: Box::new(self.tally.clone()) });
    }

    /// The model has stopped: its last text is the result, if it is one.
    async fn finish(&mut self, reply: ChatReply) -> Result<Flow, Halt> {
        let Some(text) = reply.turn.last_text() else { return self.again_after_nothing() };
        let text = std::mem::take(&mut self.tally.unfinished) + text;
        let Some(output) = self.context.plan.output.clone() else { return self.end(reply, text).await };
        match typed_output::check(&text, &output) {
            Ok(()) => self.end(reply, typed_output::json_text(&text).to_owned()).await,
            Err(detail) if self.tally.corrected => Err(Halt::Error(TaskError::InvalidOutput { detail })),
            Err(detail) => {
                self.tally.corrected = true;
                self.append(reply);
                self.tell(&format!(
                    "Your answer does not follow the required JSON schema: {detail}. Answer again with the corrected \
                     JSON only."
                ));
                Ok(Flow::Continue)
            }
        }
    }

    fn continue_text(&mut self, reply: ChatReply) -> Result<Flow, Halt> {
        self.continuations += 1;
        if self.continuations > CONTINUATIONS_MAX {
            return Err(Halt::Error(stuck("the answer reached the output limit again and again")));
        }
        let Some(text) = reply.turn.last_text() else { return self.raise_output_limit() };
        self.tally.unfinished.push_str(text);
        self.append(reply);
        self.tell(CONTINUE);
        Ok(Flow::Continue)
    }

    /// The output limit cut a tool call, or came before any text: nothing of the turn is used.
    fn raise_output_limit(&mut self) -> Result<Flow, Halt> {
        if self.caller.raise_output_limit(&self.context) {
            Ok(Flow::Continue)
        } else {
            Err(Halt::Error(stuck("a tool call does not fit the output limit")))
        }
    }

    fn go_on_after_pause(&mut self, reply: ChatReply) -> Result<Flow, Halt> {
        self.pauses += 1;
        if self.pauses > PAUSES_MAX {
            return Err(Halt::Error(stuck("the provider paused the turn again and again")));
        }
        self.append(reply);
        Ok(Flow::Continue)
    }

    fn again_after_nothing(&mut self) -> Result<Flow, Halt> {
        self.empty_answers += 1;
        if self.empty_answers < EMPTY_MAX {
            Ok(Flow::Continue)
        } else {
            Err(Halt::Error(TaskError::EmptyAnswer))
        }
    }

    /// Leaves the agent's own place, if it has one: what it has changed there stays, and is told.
    pub(crate) async fn leave_place(&mut self) {
        let Some(place) = self.context.plan.isolation.clone() else { return };
        if self.context.is_superseded() {
            return;
        }
        // What it has left running must not change anything while it is looked at.
        self.context.tools.session().close();
        self.tally.worktree = place.leave().await;
        if let Some(left) = &self.tally.worktree {
            let note = format!("its changes are in {}, on the branch {}", left.path.display(), left.branch);
            self.tally.notes.insert(note);
        }
    }

    async fn compact(&mut self) -> Result<(), Halt> {
        compaction::compact(&self.context, &mut self.caller, &mut self.tally, &mut self.window, &self.opening)
            .await
    }

    /// Shortens a conversation that the model did not accept; one that is short already, or cannot be summed up, goes on
    /// with a model that reads more.
    async fn shorten(&mut self, otherwise: TaskError) -> Result<(), Halt> {
        let otherwise = if self.window.turns().len() > 2 {
            match self.compact().await {
                Err(Halt::TooLong(error)) => error,
                done => return done,
            }
        } else {
            otherwise
        };
        if self.caller.widen(&self.context, &otherwise, &mut self.tally) {
            self.window.set_limits(self.caller.limits(&self.context));
            return Ok(());
        }
        Err(Halt::Error(otherwise))
    }

    fn turn_limit_report(&mut self) -> String {
        let turns = self.context.plan.turns_max;
        self.tally.notes.insert(format!("stopped at the {turns}-turn limit before finishing"));
        let partial = self.tally.partial.take().unwrap_or_default();
        format!(
            "NOTE: this agent stopped at its {turns}-turn limit before finishing. The text below is PARTIAL output.\n\n\
             {partial}"
        )
    }
}

fn stuck(detail: &str) -> TaskError {
    TaskError::Stuck { detail: detail.to_owned() }
}
