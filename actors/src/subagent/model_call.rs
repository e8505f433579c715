//! One model call of an agent, over as many attempts and routes as its plan allows. The only place that retries.

use std::sync::Arc;
use std::time::Duration;

use codex_task_providers::{
    CallError, CallLimits, CallOutcome, ChatReply, ChatRequest, Message, ModelLimits, OutputSchema,
    ProviderError, Remedy, drive,
};
use rand::RngExt;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::agent_run::{AgentContext, Halt};
use super::plan::BoundRoute;
use super::refused::Refused;
use super::tally::Tally;
use crate::budget::{Reservation, Wish};
use crate::provider::{Acquire, CallVerdict, Permit};
use crate::task::{Attempt, TaskError, TaskEventKind};

/// Attempts on one route before the next is tried.
const ATTEMPTS_PER_ROUTE_MAX: usize = 3;
/// Attempts of one call on all routes together. Those that were throttled are not counted: there waiting helps.
const ATTEMPTS_MAX: usize = 6;
/// Times that one call may be throttled on the last route.
const THROTTLES_MAX: usize = 30;
/// First wait after a failure; doubles with each attempt, and the real wait is a random part of it.
const BACKOFF_BASE: Duration = Duration::from_millis(500);
/// Longest wait after a failure.
const BACKOFF_MAX: Duration = Duration::from_secs(20);
/// A server that asks for more patience than this is left for the next route.
const HINT_MAX: Duration = Duration::from_mins(2);

/// The part of a prompt's estimated tokens that is reserved beside them: no estimate is exact.
const PROMPT_MARGIN_PART: u64 = 8;
/// Tokens of the longest answer of a model that nobody knows.
const ANSWER_TOKENS_UNKNOWN: u64 = 8_192;

/// What one agent remembers between its model calls.
#[derive(Debug, Default)]
pub(crate) struct Caller {
    /// The route in use: a route that failed for good is not tried again by this task.
    route: usize,
    /// Reasoning state that the provider did not accept is no longer sent.
    state_stripped: bool,
    /// Images and documents that the provider refused are no longer sent.
    refused: Refused,
    /// Parameters that the model did not accept are no longer sent.
    dropped: Vec<String>,
    /// Beats the plan's output limit, after it cut a tool call.
    output_tokens_max: Option<u32>,
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

/// Failed attempts of one call.
#[derive(Default)]
struct Tries {
    /// On all routes, throttled ones not counted.
    all: usize,
    /// On this route, throttled ones not counted.
    on_route: usize,
    /// Throttled ones on this route.
    throttled: usize,
}

impl Tries {
    fn count(&mut self, error: &ProviderError) {
        if matches!(error, ProviderError::RateLimited { .. }) {
            self.throttled += 1;
        } else {
            self.all += 1;
            self.on_route += 1;
        }
    }
}

/// What to do after a failed attempt.
enum Next {
    /// Wait, then the same route again.
    Again(Duration),
    /// The same route at once, with a changed request.
    Adapted,
    /// The next route.
    Elsewhere,
    /// Nothing helps.
    Over,
}

impl Caller {
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
            let error = match self.attempt(agent, tally, ask, route).await? {
                Ok(reply) => return Ok(reply),
                Err(error) => error,
            };
            tries.count(&error);
            if matches!(error, ProviderError::ContextTooLong { .. }) {
                return Err(Halt::TooLong(all_failed(tally, first_attempt)));
            }
            if tries.all >= ATTEMPTS_MAX {
                return Err(Halt::Error(all_failed(tally, first_attempt)));
            }
            if self.refused.learn(&error, ask.turns) {
                tally.notes.insert(format!(
                    "{} refused images or documents ({error}); went on without",
                    route.route
                ));
                continue;
            }
            match self.next(agent, &error, &tries) {
                Next::Again(wait) => self.wait(agent, &error, wait).await?,
                Next::Adapted => {}
                Next::Elsewhere => {
                    tries = Tries { all: tries.all, ..Tries::default() };
                    self.change_route(agent, &error, tally);
                }
                Next::Over => return Err(Halt::Error(all_failed(tally, first_attempt))),
            }
        }
    }

    /// One attempt: waits for a permit, runs the call on the I/O runtime, settles.
    async fn attempt(
        &self,
        agent: &AgentContext,
        tally: &mut Tally,
        ask: Ask<'_>,
        route: &BoundRoute,
    ) -> Result<Result<ChatReply, ProviderError>, Halt> {
        let begun = Instant::now();
        let reservation = reserve(agent, self.wish(agent, ask, route)).await?;
        let mut request = self.request(agent, ask, route);
        if let Some(tokens) = reservation.answer_tokens().filter(|_| !self.is_dropped("max_tokens")) {
            request.max_output_tokens = Some(tokens);
        }
        tally.notes.extend(route.backend.dropped_parameters(&request));
        agent.publish(|| TaskEventKind::TurnStarted {
            turn: tally.turns + 1,
            provider: route.route.provider.clone(),
            model: route.route.model.clone(),
        });
        let permit = match acquire(agent, route).await? {
            Ok(permit) => permit,
            Err(error) => {
                tally.attempts.push(attempt_on(route, begun, Some(error.clone())));
                return Ok(Err(error));
            }
        };
        let sent = agent.started.elapsed();
        let outcome = run_call(agent, route, request).await;
        if tally.first_token.is_none() {
            tally.first_token = outcome.first_token.map(|after| sent + after);
        }
        let result = match outcome.result {
            Ok(reply) => {
                permit.settle(CallVerdict::Answered { rates: outcome.rates });
                let cost = route.cost(&reply.usage);
                reservation.settle(&reply.usage, cost);
                tally.add_usage(reply.usage, cost);
                tally.provider = Some(route.route.provider.clone());
                tally.model = Some(reply.model.clone().unwrap_or_else(|| route.route.model.clone()));
                tally.turns += 1;
                Ok(reply)
            }
            Err(end) => {
                if !outcome.partial_text.is_empty() {
                    tally.note_text(&outcome.partial_text);
                }
                // What was generated before the call failed is billed all the same.
                if outcome.usage.total_tokens() > 0 {
                    let cost = route.cost(&outcome.usage);
                    reservation.settle(&outcome.usage, cost);
                    tally.add_usage(outcome.usage, cost);
                }
                match end {
                    CallError::Cancelled => return Err(Halt::Stopped),
                    CallError::Provider(error) => {
                        permit.settle(CallVerdict::Failed(error.clone()));
                        Err(error)
                    }
                }
            }
        };
        tally.attempts.push(attempt_on(route, begun, result.as_ref().err().cloned()));
        Ok(result)
    }

    fn is_dropped(&self, name: &str) -> bool {
        self.dropped.iter().any(|parameter| parameter.contains(name))
    }

    /// What an attempt asks of the budget.
    fn wish(&self, agent: &AgentContext, ask: Ask<'_>, route: &BoundRoute) -> Wish {
        let wanted = self.output_tokens_max.or(agent.plan.output_tokens_max).map(u64::from);
        let most = route.backend.limits(&route.route.model).map(|limits| limits.output_tokens);
        let longest = most.unwrap_or(ANSWER_TOKENS_UNKNOWN);
        Wish {
            prompt_tokens: ask.tokens + ask.tokens / PROMPT_MARGIN_PART,
            answer_tokens: wanted.map_or(longest, |wanted| wanted.min(longest)),
            price: route.price,
            on: jiff::Zoned::now().date(),
        }
    }

    fn request(&self, agent: &AgentContext, ask: Ask<'_>, route: &BoundRoute) -> ChatRequest {
        let plan = &agent.plan;
        let dropped = |name: &str| self.is_dropped(name);
        ChatRequest {
            model: route.route.model.clone(),
            system: Arc::clone(&plan.system),
            tools: Arc::clone(&plan.tools),
            messages: self.refused.left_out_of(if self.state_stripped {
                stripped(ask.turns)
            } else {
                ask.turns.to_vec()
            }),
            max_output_tokens: self
                .output_tokens_max
                .or(plan.output_tokens_max)
                .filter(|_| !dropped("max_tokens") && !dropped("max_output_tokens")),
            temperature: plan.temperature.filter(|_| !dropped("temperature")),
            effort: plan
                .effort
                .filter(|_| !dropped("effort") && !dropped("reasoning") && !dropped("thinking")),
            output: ask.output.cloned(),
            cache_key: Arc::clone(&plan.cache_key),
            search: None,
        }
    }

    /// Decides what a failure means for the next attempt.
    fn next(&mut self, agent: &AgentContext, error: &ProviderError, tries: &Tries) -> Next {
        match error.remedy() {
            Remedy::Retry if error.retry_after().is_some_and(|hint| hint > patience(agent)) => {
                Next::Elsewhere
            }
            Remedy::Retry => match error {
                // The gate pauses this provider for all its callers; waiting happens there.
                ProviderError::RateLimited { .. } if tries.throttled < self.throttles_max(agent) => {
                    Next::Again(Duration::ZERO)
                }
                ProviderError::RateLimited { .. } => Next::Elsewhere,
                _ if tries.on_route < ATTEMPTS_PER_ROUTE_MAX => Next::Again(match error.retry_after() {
                    Some(hint) => hint.mul_f64(1.0 + rand::rng().random_range(0.0..=0.1)),
                    None => backoff(tries.all),
                }),
                _ => Next::Elsewhere,
            },
            Remedy::NextRoute => Next::Elsewhere,
            Remedy::Adapt => self.adapt(error),
            Remedy::GiveUp => Next::Over,
        }
    }

    /// A task that has another route does not wait for a provider that throttles again and again.
    fn throttles_max(&self, agent: &AgentContext) -> usize {
        let has_another = self.route + 1 < agent.plan.routes.len();
        if has_another { ATTEMPTS_PER_ROUTE_MAX } else { THROTTLES_MAX }
    }

    /// Changes what is sent, once for each cause.
    fn adapt(&mut self, error: &ProviderError) -> Next {
        match error {
            ProviderError::ReasoningState { .. } if !self.state_stripped => {
                self.state_stripped = true;
                Next::Adapted
            }
            ProviderError::Parameter { parameter, .. } if !self.dropped.contains(parameter) => {
                self.dropped.push(parameter.clone());
                Next::Adapted
            }
            _ => Next::Elsewhere,
        }
    }

    fn change_route(&mut self, agent: &AgentContext, error: &ProviderError, tally: &mut Tally) {
        let left = agent.plan.routes.get(self.route).map(|route| route.route.clone());
        self.route += 1;
        self.state_stripped = false;
        self.dropped.clear();
        self.refused = Refused::default();
        if let Some(route) = agent.plan.routes.get(self.route) {
            let name = left.as_ref().map(ToString::to_string).unwrap_or_default();
            tally.notes.insert(format!("{name} failed ({error}); went on with {}", route.route));
            agent.publish(|| TaskEventKind::RouteChanged {
                error: error.to_string(),
                suggestion: error.help(),
                from: left.map(|left| left.provider),
                provider: route.route.provider.clone(),
                model: route.route.model.clone(),
            });
        }
    }

    async fn wait(&self, agent: &AgentContext, error: &ProviderError, wait: Duration) -> Result<(), Halt> {
        agent.publish(|| TaskEventKind::Retrying { error: error.to_string(), after: wait });
        tokio::select! {
            () = tokio::time::sleep(wait) => Ok(()),
            () = agent.stop.token().cancelled() => Err(Halt::Stopped),
        }
    }
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

/// Holds what an attempt may take. Before a permit is asked for: who holds a permit must not wait for money that others
/// hold while they wait for permits.
async fn reserve(agent: &AgentContext, wish: Wish) -> Result<Reservation, Halt> {
    tokio::select! {
        held = agent.budget.reserve(wish) => held.map_err(Halt::Error),
        () = agent.stop.token().cancelled() => Err(Halt::Stopped),
    }
}

/// Waits for the gate's permit, or for its word that the provider pauses longer than the agent would wait. A gate that
/// died answers with a closed channel: the runtime is going down.
#[expect(clippy::disallowed_methods, reason = "a waiting caller must not be lost to a full mailbox")]
async fn acquire(agent: &AgentContext, route: &BoundRoute) -> Result<Result<Permit, ProviderError>, Halt> {
    let (reply, answer) = oneshot::channel();
    route.gate.do_send(Acquire { priority: agent.priority, patience: patience(agent), reply });
    tokio::select! {
        answer = answer => answer.map_err(|_| Halt::Error(TaskError::RuntimeDown)),
        () = agent.stop.token().cancelled() => Err(Halt::Stopped),
    }
}

/// Runs the call on the I/O runtime, so that a dead Arbiter cuts no other agent's connection.
async fn run_call(agent: &AgentContext, route: &BoundRoute, request: ChatRequest) -> CallOutcome {
    let backend = Arc::clone(&route.backend);
    let limits = CallLimits { total: agent.plan.call_timeout, ..backend.patience() };
    let stop = agent.stop.token().clone();
    let mut screen = agent.screen();
    agent
        .io
        .run(
            async move { drive(&*backend, &request, &limits, &stop, |progress| screen.show(progress)).await },
        )
        .await
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

/// Exponential backoff with full jitter.
fn backoff(attempts: usize) -> Duration {
    let exponent = u32::try_from(attempts.saturating_sub(1)).unwrap_or(u32::MAX).min(16);
    let most = BACKOFF_BASE.saturating_mul(1 << exponent).min(BACKOFF_MAX);
    most.mul_f64(rand::rng().random_range(0.0..=1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_stays_below_its_cap_and_grows_with_the_attempts() {
        let longest = |attempts| (0..2_000).map(|_| backoff(attempts)).max().expect("some");
        assert!(longest(1) <= BACKOFF_BASE);
        assert!(longest(3) > BACKOFF_BASE * 2 && longest(3) <= BACKOFF_BASE * 4);
        assert!(longest(100) <= BACKOFF_MAX);
    }
}
