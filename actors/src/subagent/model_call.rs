//! One model call of an agent, over as many attempts and routes as its plan allows. The only place that retries.

use std::cell::OnceCell;
use std::sync::Arc;
use std::time::Duration;

use codex_task_config::TokenUsage;
use codex_task_providers::{
    CallError, CallLimits, CallOutcome, ChatReply, ChatRequest, Message, ModelLimits, OutputSchema, Progress,
    ProviderError, drive,
};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::agent_context::AgentContext;
use super::agent_run::Halt;
use super::plan::BoundRoute;
use super::refused::Refused;
use super::retry::{Failure, HINT_MAX, Next, Situation, Tries};
use super::route_change::Explained;
use super::settlement::Held;
use super::tally::Tally;
use super::{answering, reserving, route_change, shared_prefix};
use crate::audit::{AuditEvent, ModelRequest};
use crate::dice::Dice;
use crate::provider::{Acquire, CallShape, Permit, SharedPrefix, Standing, Try};
use crate::task::{Attempt, TaskError, TaskEventKind};

/// What one agent remembers between its model calls.
#[derive(Debug)]
pub(crate) struct Caller {
    /// How long it waits before it tries again.
    dice: Dice,
    /// The route in use: a route that failed for good is not tried again by this task.
    route: usize,
    /// Reasoning state that the provider did not accept is no longer sent.
    state_stripped: bool,
    /// Images and documents that the provider refused are no longer sent.
    refused: Refused,
    /// Parameters that the model did not accept: its backend leaves them out from then on, so each is met once.
    parameters_refused: Vec<String>,
    /// Beats the plan's output limit, after it cut a tool call.
    output_tokens_max: Option<u32>,
    /// What the prompt shares with other agents' on this route; looked at once.
    prefix: OnceCell<Option<SharedPrefix>>,
    /// Tokens of this conversation that the provider has in its cache.
    cached_tokens: u64,
}

/// What a model is asked.
#[derive(Clone, Copy)]
pub(crate) struct Ask<'a> {
    /// The conversation.
    pub(crate) turns: &'a [Arc<Message>],
    /// Tokens of the prompt, as far as they can be told before.
    pub(crate) tokens: u64,
    /// The form that the answer must have.
    pub(crate) output: Option<&'a OutputSchema>,
}

impl Caller {
    /// A caller at the beginning of its routes.
    pub(crate) fn new(dice: Dice) -> Self {
        Self {
            dice,
            route: 0,
            state_stripped: false,
            refused: Refused::default(),
            parameters_refused: Vec::new(),
            output_tokens_max: None,
            prefix: OnceCell::new(),
            cached_tokens: 0,
        }
    }

    /// The limits of the model in use.
    pub(crate) fn limits(&self, agent: &AgentContext) -> Option<ModelLimits> {
        let route = agent.plan.routes.get(self.route)?;
        route.backend.limits(&route.route.model)
    }

    /// Doubles the output limit, up to what the model can do. Returns whether there was room; the second time there
    /// is none.
    pub(crate) fn raise_output_limit(&mut self, agent: &AgentContext) -> bool {
        let most = self.limits(agent).and_then(|limits| u32::try_from(limits.output_tokens).ok());
        let raised =
            agent.plan.output_tokens_max.map(|limit| limit.saturating_mul(2).min(most.unwrap_or(u32::MAX)));
        let has_room = self.output_tokens_max.is_none() && raised > agent.plan.output_tokens_max;
        if has_room {
            self.output_tokens_max = raised;
        }
        has_room
    }

    /// Calls the model until it answers, a limit is reached or no route is left.
    pub(crate) async fn call(
        &mut self,
        agent: &AgentContext,
        tally: &mut Tally,
        ask: Ask<'_>,
    ) -> Result<ChatReply, Halt> {
        let begun = Instant::now();
        let answer = self.attempts(agent, tally, ask).await;
        tally.model_time += begun.elapsed();
        answer
    }

    async fn attempts(
        &mut self,
        agent: &AgentContext,
        tally: &mut Tally,
        ask: Ask<'_>,
    ) -> Result<ChatReply, Halt> {
        let first_attempt = tally.attempts.len();
        let mut tries = Tries::default();
        loop {
            let Some(route) = agent.plan.routes.get(self.route) else {
                return Err(Halt::Error(all_failed(tally, first_attempt)));
            };
            let failure = match self.attempt(agent, tally, (ask, tries.next()), route).await? {
                Ok(reply) => return Ok(reply),
                Err(failure) => failure,
            };
            tries.count(&failure);
            let error = failure.error();
            if matches!(error, ProviderError::ContextTooLong { .. }) {
                return Err(Halt::TooLong(all_failed(tally, first_attempt)));
            }
            if tries.are_spent() {
                return Err(Halt::Error(all_failed(tally, first_attempt)));
            }
            if self.refused.learn(error, ask.turns) {
                tally.notes.insert(format!(
                    "{} refused images or documents ({error}); went on without",
                    route.route
                ));
                continue;
            }
            // It was text then: a shorter conversation may do.
            if matches!(error, ProviderError::TooLarge { .. }) {
                return Err(Halt::TooLong(all_failed(tally, first_attempt)));
            }
            match self.next(agent, &failure, &tries) {
                Next::Again(wait) => self.wait(agent, error, wait).await?,
                Next::Adapt => {}
                Next::Elsewhere => {
                    tries = tries.elsewhere();
                    self.change_route(agent, error, tally, self.route + 1);
                }
                Next::Over => return Err(Halt::Error(all_failed(tally, first_attempt))),
            }
        }
    }

    /// One attempt: waits for a permit, runs the call on the I/O runtime, settles.
    async fn attempt(
        &mut self,
        agent: &AgentContext,
        tally: &mut Tally,
        (ask, attempt): (Ask<'_>, Try),
        route: &BoundRoute,
    ) -> Result<Result<ChatReply, Failure>, Halt> {
        let begun = Instant::now();
        let wanted = self.output_tokens_max.or(agent.plan.output_tokens_max);
        let reservation = reserving::reserve(agent, || reserving::wish(ask.tokens, wanted, route)).await?;
        let mut request = self.request(agent, ask, route);
        request.max_output_tokens = reservation.answer_tokens().or(request.max_output_tokens);
        tally.notes.extend(route.backend.dropped_parameters(&request));
        agent.publish(|| TaskEventKind::TurnStarted {
            turn: tally.turns + 1,
            provider: route.route.provider.clone(),
            model: route.route.model.clone(),
        });
        let shape = self.shape(agent, ask, route, &request, attempt);
        let permit = match acquire(agent, route, shape).await? {
            Ok(permit) => permit,
            Err(failure) => {
                if failure.is_attempt() {
                    tally.attempts.push(attempt_on(route, begun, Some(failure.error().clone())));
                }
                return Ok(Err(failure));
            }
        };
        let is_probe = permit.is_probe();
        let sent = agent.started.elapsed();
        let outcome = run_call(agent, route, request, &permit).await;
        let (attempt, took) = (tally.attempts.len() + 1, begun.elapsed());
        let request = || ModelRequest::of(route, attempt, &outcome, took);
        agent.audit.record(|| AuditEvent::Requested(Box::new(request())));
        if tally.first_token.is_none() {
            tally.first_token = outcome.first_token.map(|after| sent + after);
        }
        let result = self.book(tally, route, outcome, Held { permit, reservation })?;
        tally.attempts.push(attempt_on(route, begun, result.as_ref().err().cloned()));
        Ok(result.map_err(|error| Failure::of_call(error, is_probe)))
    }

    /// Gives back what the call held, and writes down what it used.
    fn book(
        &mut self,
        tally: &mut Tally,
        route: &BoundRoute,
        outcome: CallOutcome,
        held: Held,
    ) -> Result<Result<ChatReply, ProviderError>, Halt> {
        if outcome.result.is_err() && !outcome.partial_text.is_empty() {
            tally.note_text(&outcome.partial_text);
        }
        let (result, paid) = held.settle(route, outcome);
        if let Some(paid) = paid {
            tally.pay(paid);
        }
        match result {
            Ok(reply) => {
                tally.notes.extend(answering::note(route, &reply));
                tally.provider = Some(route.route.provider.clone());
                tally.model = Some(reply.model.clone().unwrap_or_else(|| route.route.model.clone()));
                tally.turns += 1;
                self.cached_tokens = cached_after(&reply.usage);
                Ok(Ok(reply))
            }
            Err(CallError::Cancelled) => Err(Halt::Stopped),
            Err(CallError::Provider(error)) => Ok(Err(error)),
        }
    }

    /// What the gate must know of a call.
    fn shape(
        &mut self,
        agent: &AgentContext,
        ask: Ask<'_>,
        route: &BoundRoute,
        request: &ChatRequest,
        attempt: Try,
    ) -> CallShape {
        let opening = ask.turns.first().filter(|_| route.cache_min_tokens.is_some());
        let look = || opening.and_then(|first| shared_prefix::of(&agent.plan, first, route));
        let prefix = self.prefix.get_or_init(look).clone();
        let has_another = self.route + 1 < agent.plan.routes.len();
        CallShape {
            class: Arc::clone(&route.class),
            prompt_tokens: ask.tokens,
            cached_tokens: self.cached_tokens,
            output_max: request.max_output_tokens,
            prefix,
            standing: if has_another { Standing::HasAnother } else { Standing::OnlyRoute },
            attempt,
        }
    }

    fn request(&self, agent: &AgentContext, ask: Ask<'_>, route: &BoundRoute) -> ChatRequest {
        let plan = &agent.plan;
        ChatRequest {
            model: route.route.model.clone(),
            system: Arc::clone(&plan.system),
            tools: Arc::clone(&plan.tools),
            messages: self.refused.left_out_of(if self.state_stripped {
                stripped(ask.turns)
            } else {
                ask.turns.to_vec()
            }),
            max_output_tokens: self.output_tokens_max.or(plan.output_tokens_max),
            temperature: plan.temperature,
            effort: plan.effort,
            output: ask.output.cloned(),
            cache_key: Arc::clone(&plan.cache_key),
            search: None,
        }
    }

    /// Decides what a failure means for the next attempt.
    fn next(&mut self, agent: &AgentContext, failure: &Failure, tries: &Tries) -> Next {
        let has_another = self.route + 1 < agent.plan.routes.len();
        let here = Situation { has_another, patience: patience(agent) };
        match tries.decide(failure, here, &mut self.dice) {
            Next::Adapt => self.adapt(failure.error()),
            other => other,
        }
    }

    /// Changes what is sent, once for each cause.
    fn adapt(&mut self, error: &ProviderError) -> Next {
        match error {
            ProviderError::ReasoningState { .. } if !self.state_stripped => {
                self.state_stripped = true;
                Next::Adapt
            }
            ProviderError::Parameter { parameter, .. } if !self.parameters_refused.contains(parameter) => {
                self.parameters_refused.push(parameter.clone());
                Next::Adapt
            }
            _ => Next::Elsewhere,
        }
    }

    /// Goes on with the first route after this one whose model reads more. Returns whether there is one.
    pub(crate) fn widen(&mut self, agent: &AgentContext, error: &TaskError, tally: &mut Tally) -> bool {
        let window = |route: &BoundRoute| route.backend.limits(&route.route.model).map(|l| l.context_tokens);
        let present = agent.plan.routes.get(self.route).and_then(window);
        let is_wider =
            |route: &BoundRoute| window(route).zip(present).is_some_and(|(other, own)| other > own);
        let after = agent.plan.routes.iter().enumerate().skip(self.route + 1);
        let Some((index, _)) = after.into_iter().find(|(_, route)| is_wider(route)) else { return false };
        self.change_route(agent, error, tally, index);
        true
    }

    /// The conversation was replaced: the provider's cache has nothing of the new one but its beginning.
    pub(crate) fn forget_cached(&mut self) {
        self.cached_tokens = 0;
    }

    fn change_route(&mut self, agent: &AgentContext, why: &impl Explained, tally: &mut Tally, to: usize) {
        let left = agent.plan.routes.get(self.route);
        self.route = to;
        self.state_stripped = false;
        self.parameters_refused.clear();
        self.refused = Refused::default();
        self.prefix = OnceCell::new();
        self.cached_tokens = 0;
        if let (Some(left), Some(route)) = (left, agent.plan.routes.get(to)) {
            tally.notes.insert(route_change::note(left, route, why));
            agent.publish(|| route_change::event(left, route, why));
            agent.audit.record(|| route_change::audited(left, route, why));
        }
    }

    async fn wait(&self, agent: &AgentContext, error: &ProviderError, wait: Duration) -> Result<(), Halt> {
        agent.publish(|| TaskEventKind::Retrying { error: error.to_string(), after: wait });
        agent.audit.record(|| {
            let route = agent.plan.routes.get(self.route).map(|bound| bound.route.to_string());
            AuditEvent::Retried { route: route.unwrap_or_default(), cause: error.kind(), after: wait }
        });
        tokio::select! {
            biased;
            () = agent.stop.token().cancelled() => Err(Halt::Stopped),
            () = tokio::time::sleep(wait) => Ok(()),
        }
    }
}

/// Tokens of the conversation that the provider has in its cache after an answer.
fn cached_after(usage: &TokenUsage) -> u64 {
    usage.cache_read_tokens.saturating_add(usage.cache_write_tokens)
}

fn attempt_on(route: &BoundRoute, begun: Instant, error: Option<ProviderError>) -> Attempt {
    Attempt {
        provider: route.route.provider.clone(),
        model: route.route.model.clone(),
        error,
        duration: begun.elapsed(),
    }
}

/// The longest pause that an agent waits for.
fn patience(agent: &AgentContext) -> Duration {
    HINT_MAX.min(agent.time_left())
}

fn all_failed(tally: &Tally, first_attempt: usize) -> TaskError {
    let attempts = tally.attempts.get(first_attempt..).unwrap_or_default().to_vec();
    TaskError::AllRoutesFailed { attempts }
}

/// Waits for the gate's permit, or for its word that waiting is in vain. A gate that died answers with a closed channel.
async fn acquire(
    agent: &AgentContext,
    route: &BoundRoute,
    call: CallShape,
) -> Result<Result<Permit, Failure>, Halt> {
    let (reply, answer) = oneshot::channel();
    route.gate.tell(Acquire { priority: agent.priority, patience: patience(agent), call, reply });
    tokio::select! {
        biased;
        () = agent.stop.token().cancelled() => Err(Halt::Stopped),
        answer = answer => Ok(match answer {
            Ok(answer) => answer.map_err(Failure::Refused),
            Err(_) => Err(Failure::Called(gate_is_down(route))),
        }),
    }
}

/// The actor that admits calls has died: another one follows, if that did not happen too often.
fn gate_is_down(route: &BoundRoute) -> ProviderError {
    let host = route.route.provider.to_string();
    ProviderError::Unreachable { host, detail: "the actor that admits its calls has died".to_owned() }
}

/// Runs the call on the I/O runtime, so that a dead Arbiter cuts no other agent's connection.
async fn run_call(
    agent: &AgentContext,
    route: &BoundRoute,
    request: ChatRequest,
    permit: &Permit,
) -> CallOutcome {
    let backend = Arc::clone(&route.backend);
    let limits = CallLimits { total: agent.plan.call_timeout, ..route.patience };
    let stop = agent.stop.token().clone();
    let mut screen = agent.screen();
    let mut beginning = permit.beginning();
    let call = async move {
        let hear = |progress: Progress<'_>| {
            if let Progress::Started { rates } = &progress {
                beginning.tell(rates);
            }
            screen.show(progress);
        };
        drive(&*backend, &request, &limits, &stop, hear).await
    };
    let told = agent.teller.call_sent(route);
    let outcome = agent.io.run(call).await;
    told.ended(&outcome);
    outcome
}

/// The conversation without any provider's own state.
fn stripped(turns: &[Arc<Message>]) -> Vec<Arc<Message>> {
    turns
        .iter()
        .map(|turn| match turn.as_ref() {
            Message::Assistant(assistant) if assistant.state.is_some() => {
                let mut assistant = assistant.clone();
                assistant.state = None;
                Arc::new(Message::Assistant(assistant))
            }
            Message::Assistant(_) | Message::User(_) => Arc::clone(turn),
        })
        .collect()
}
