//! The rate limits of one class of models: what the settings say, seeded and set right by what the provider states.

use std::time::Duration;

use codex_task_config::{RateSettings, TokenUsage};
use codex_task_providers::{RateLimits, RateWindow};
use serde::Serialize;
use tokio::time::Instant;

use super::bucket::Bucket;

/// Generated tokens that an answer is expected to have before any has come.
const OUTPUT_USUAL: f64 = 500.0;
/// Weight of the newest answer in what is expected of the next.
const OUTPUT_WEIGHT: f64 = 0.2;
const MINUTE_SECONDS: f64 = 60.0;
/// Part of a minute's limit that may come at once where nobody but the settings knows it. The rest is spread over the
/// minute, so that no minute, wherever it begins, has more than the limit.
const BURST: f64 = 0.10;
/// A window that fills this much slower than in a minute is one of an hour or a day.
const SLOW: f64 = 0.25;

/// Whether the provider counts prompt tokens that it reads from its cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CacheReads {
    Counted,
    Free,
}

/// What a call takes of the limits.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Amounts {
    pub(super) requests: f64,
    pub(super) input: f64,
    pub(super) output: f64,
}

/// One limit, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct LimitHealth {
    /// What may be used at once.
    pub limit: u64,
    /// What is left of it.
    pub left: u64,
}

/// All limits of one class; empty where nobody knows any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LimitsHealth {
    /// Requests.
    pub requests: Option<LimitHealth>,
    /// Prompt tokens.
    pub input_tokens: Option<LimitHealth>,
    /// Generated tokens.
    pub output_tokens: Option<LimitHealth>,
    /// Both together, where the provider does not tell them apart.
    pub tokens: Option<LimitHealth>,
}

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Rates {
    settings: RateSettings,
    cache_reads: CacheReads,
    requests: Option<Bucket>,
    input: Option<Bucket>,
    output: Option<Bucket>,
    /// Input and output together.
    joint: Option<Bucket>,
    /// Generated tokens of an answer, as answers were so far.
    output_usual: f64,
    /// What was reserved for calls of which the provider has not said a word yet.
    unseen: Amounts,
}

impl Rates {
    pub(super) fn new(settings: RateSettings, cache_reads: CacheReads, now: Instant) -> Self {
        let paced = |limit: Option<u64>| limit.map(|limit| paced(number(limit), now));
        Self {
            settings,
            cache_reads,
            requests: paced(settings.rpm),
            input: paced(settings.itpm),
            output: paced(settings.otpm),
            joint: None,
            output_usual: OUTPUT_USUAL,
            unseen: Amounts::default(),
        }
    }

    /// What a call is expected to take. `cached` of its prompt is read from the cache.
    pub(super) fn estimate(&self, prompt: u64, cached: u64, output_max: Option<u32>) -> Amounts {
        let counted = match self.cache_reads {
            CacheReads::Counted => prompt,
            CacheReads::Free => prompt.saturating_sub(cached),
        };
        let output = output_max.map_or(self.output_usual, |most| self.output_usual.min(f64::from(most)));
        Amounts { requests: 1.0, input: number(counted), output }
    }

    /// Time until a call may begin.
    pub(super) fn wait(&mut self, call: Amounts, now: Instant) -> Duration {
        self.buckets(call)
            .filter_map(|(bucket, amount)| Some(bucket?.wait(amount, now)))
            .max()
            .unwrap_or_default()
    }

    /// Takes what a call is expected to use.
    pub(super) fn reserve(&mut self, call: Amounts, now: Instant) {
        for (bucket, amount) in self.buckets(call) {
            if let Some(bucket) = bucket {
                bucket.take(amount, now);
            }
        }
        self.unseen.requests += call.requests;
        self.unseen.input += call.input;
        self.unseen.output += call.output;
    }

    /// The provider has begun to answer, so it has counted the call.
    pub(super) fn seen(&mut self, call: Amounts) {
        self.unseen.requests = (self.unseen.requests - call.requests).max(0.0);
        self.unseen.input = (self.unseen.input - call.input).max(0.0);
        self.unseen.output = (self.unseen.output - call.output).max(0.0);
    }

    /// Sets right what was reserved by what was used.
    pub(super) fn settle(&mut self, reserved: Amounts, used: Amounts, now: Instant) {
        let used = [used.requests, used.input, used.output, used.input + used.output];
        for ((bucket, reserved), used) in self.buckets(reserved).zip(used) {
            match bucket {
                Some(bucket) if used > reserved => bucket.take(used - reserved, now),
                Some(bucket) => bucket.give_back(reserved - used, now),
                None => {}
            }
        }
    }

    /// What a call has used, of what the provider counts.
    pub(super) fn counted(&self, usage: &TokenUsage) -> Amounts {
        let free = match self.cache_reads {
            CacheReads::Counted => 0,
            CacheReads::Free => usage.cache_read_tokens,
        };
        let input = usage.prompt_tokens().saturating_sub(free);
        Amounts { requests: 1.0, input: number(input), output: number(usage.output_tokens) }
    }

    /// Learns how long answers are.
    pub(super) fn note_output(&mut self, tokens: u64) {
        self.output_usual += (number(tokens) - self.output_usual) * OUTPUT_WEIGHT;
    }

    /// Takes over what the provider states. A bucket is only ever lowered by it: what is said may be older than what
    /// was reserved since, and filling up heals the rest.
    pub(super) fn correct(&mut self, stated: &RateLimits, now: Instant) {
        let Self { settings, unseen, .. } = *self;
        correct(&mut self.requests, stated.requests, settings.rpm, unseen.requests, now);
        correct(&mut self.input, stated.input_tokens, settings.itpm, unseen.input, now);
        correct(&mut self.output, stated.output_tokens, settings.otpm, unseen.output, now);
        // Beside the two apart, the third only repeats the tighter of them.
        if stated.input_tokens.limit.is_none() && stated.output_tokens.limit.is_none() {
            correct(&mut self.joint, stated.tokens, None, unseen.input + unseen.output, now);
        }
    }

    /// For people.
    pub(super) fn health(&self, now: Instant) -> LimitsHealth {
        let of = |bucket: &Option<Bucket>| {
            bucket.clone().map(|mut bucket| LimitHealth {
                left: whole(bucket.level(now)),
                limit: whole(bucket.capacity()),
            })
        };
        LimitsHealth {
            requests: of(&self.requests),
            input_tokens: of(&self.input),
            output_tokens: of(&self.output),
            tokens: of(&self.joint),
        }
    }

    fn buckets(&mut self, call: Amounts) -> impl Iterator<Item = (Option<&mut Bucket>, f64)> {
        [
            (self.requests.as_mut(), call.requests),
            (self.input.as_mut(), call.input),
            (self.output.as_mut(), call.output),
            (self.joint.as_mut(), call.input + call.output),
        ]
        .into_iter()
    }
}

/// A bucket that keeps every minute below a limit, wherever the minute begins.
fn paced(limit: f64, now: Instant) -> Bucket {
    let burst = (limit * BURST).max(1.0);
    Bucket::full(burst, (limit - burst).max(limit / 2.0) / MINUTE_SECONDS, now)
}

fn correct(
    bucket: &mut Option<Bucket>,
    stated: RateWindow,
    of_settings: Option<u64>,
    unseen: f64,
    now: Instant,
) {
    if let Some(limit) = stated.limit.filter(|limit| of_settings.is_none_or(|own| own >= *limit)) {
        let (capacity, speed) = (number(limit), speed(number(limit), stated));
        match bucket {
            Some(bucket) => bucket.resize(capacity, speed, now),
            None => *bucket = Some(Bucket::full(capacity, speed, now)),
        }
    }
    if let (Some(bucket), Some(remaining)) = (bucket, stated.remaining) {
        bucket.lower_to(number(remaining) - unseen, now);
    }
}

/// Units per second: a minute's worth in a minute, unless the reset says that the window is much longer.
fn speed(limit: f64, stated: RateWindow) -> f64 {
    let usual = limit / MINUTE_SECONDS;
    let missing = stated.remaining.map(|left| limit - number(left)).filter(|missing| *missing >= 1.0);
    let reset = stated.reset.map(|reset| reset.as_secs_f64()).filter(|seconds| *seconds > MINUTE_SECONDS);
    match (missing, reset) {
        (Some(missing), Some(reset)) if missing / reset < usual * SLOW => missing / reset,
        _ => usual,
    }
}

#[expect(clippy::cast_precision_loss, reason = "limits and token counts stay far below 2^53")]
fn number(count: u64) -> f64 {
    count as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "levels are between 0 and a limit"
)]
fn whole(level: f64) -> u64 {
    level.max(0.0) as u64
}

#[cfg(test)]
#[path = "rates_tests.rs"]
mod tests;
