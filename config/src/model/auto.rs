//! `model: auto`: which tier a task gets. One table, no guessing by a model: the same task always gets the same tier.
//!
//! | tokens of prompt and agent | reads only | may write or run commands |
//! |---|---|---|
//! | up to 2,000 | haiku | sonnet |
//! | up to 12,000 | sonnet | sonnet |
//! | more | sonnet | opus |
//!
//! An effort of `high` asks for sonnet at least, `xhigh` and `max` for opus. Then, as long as an ordinary task of this
//! size would cost more than what may be spent, the next cheaper tier is taken.

use super::{Effort, MicroUsd, ModelTier, TokenUsage};

/// Up to here a task is small.
const SMALL_TOKENS_MAX: u64 = 2_000;
/// Up to here it is of middling size.
const MIDDLING_TOKENS_MAX: u64 = 12_000;

/// Model calls of an ordinary task, for its estimated cost.
const CALLS_USUAL: u64 = 8;
/// Tokens that each call adds to the prompt.
const GROWTH_USUAL: u64 = 1_500;
/// Tokens of each answer.
const ANSWER_USUAL: u64 = 500;

/// What an agent's tools can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToolReach {
    /// They only look.
    ReadOnly,
    /// They write, run commands or reach other programs.
    Changes,
}

/// What the choice depends on.
#[derive(Clone, Copy, Debug)]
pub struct AutoRequest {
    /// Estimated tokens of the task's prompt and the agent's own.
    pub prompt_tokens: u64,
    /// What the tools can do.
    pub reach: ToolReach,
    /// How much the model should reason, where somebody says so.
    pub effort: Option<Effort>,
    /// What the task may cost.
    pub cost_max: Option<MicroUsd>,
}

/// A tier, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AutoChoice {
    /// The tier.
    pub tier: ModelTier,
    /// Why, for people.
    pub reason: String,
}

impl AutoRequest {
    /// The tier for this task. `cost` knows what so many tokens cost on a tier, where anybody knows; unknown prices
    /// change nothing.
    pub fn choose(&self, cost: impl Fn(ModelTier, &TokenUsage) -> Option<MicroUsd>) -> AutoChoice {
        let wanted = self.tier_of_work().max(self.tier_of_effort());
        let tier = self.affordable(wanted, cost);
        let reach = match self.reach {
            ToolReach::ReadOnly => "tools that only read",
            ToolReach::Changes => "tools that change things",
        };
        let mut reason = format!(
            "model auto: {} for about {} prompt tokens and {reach}",
            tier.as_str(),
            self.prompt_tokens
        );
        if let Some(effort) = self.effort.filter(|_| self.tier_of_effort() > self.tier_of_work()) {
            reason += &format!(" at effort {}", effort.as_str());
        }
        if let Some(limit) = self.cost_max.filter(|_| tier != wanted) {
            reason += &format!("; {} would not fit the cost limit of {limit}", wanted.as_str());
        }
        AutoChoice { tier, reason }
    }

    fn tier_of_work(&self) -> ModelTier {
        match (self.prompt_tokens, self.reach) {
            (..=SMALL_TOKENS_MAX, ToolReach::ReadOnly) => ModelTier::Haiku,
            (..=MIDDLING_TOKENS_MAX, _) | (_, ToolReach::ReadOnly) => ModelTier::Sonnet,
            (_, ToolReach::Changes) => ModelTier::Opus,
        }
    }

    fn tier_of_effort(&self) -> ModelTier {
        match self.effort {
            None | Some(Effort::Low | Effort::Medium) => ModelTier::Haiku,
            Some(Effort::High) => ModelTier::Sonnet,
            Some(Effort::Xhigh | Effort::Max) => ModelTier::Opus,
        }
    }

    fn affordable(
        &self,
        wanted: ModelTier,
        cost: impl Fn(ModelTier, &TokenUsage) -> Option<MicroUsd>,
    ) -> ModelTier {
        let Some(limit) = self.cost_max else { return wanted };
        let usual = self.usual_usage();
        let fits = |tier: &ModelTier| cost(*tier, &usual).is_none_or(|cost| cost <= limit);
        let cheaper = ModelTier::ALL.into_iter().rev().filter(|tier| *tier <= wanted);
        cheaper.into_iter().find(fits).unwrap_or(ModelTier::Haiku)
    }

    /// What an ordinary task of this size takes: each call sends all that came before.
    fn usual_usage(&self) -> TokenUsage {
        let calls = 0..CALLS_USUAL;
        let input = calls.map(|call| self.prompt_tokens.saturating_add(call * GROWTH_USUAL)).sum();
        TokenUsage { input_tokens: input, output_tokens: CALLS_USUAL * ANSWER_USUAL, ..TokenUsage::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ToolReach::{Changes, ReadOnly};

    fn choose(tokens: u64, reach: ToolReach, effort: Option<Effort>, cents: Option<u64>) -> AutoChoice {
        let cost_max = cents.map(|cents| MicroUsd(cents * 10_000));
        AutoRequest { prompt_tokens: tokens, reach, effort, cost_max }.choose(|tier, usage| {
            let per_token = [1, 3, 15, 30][tier as usize];
            Some(MicroUsd(usage.total_tokens() * per_token))
        })
    }

    #[test]
    fn the_tier_follows_from_size_tools_effort_and_cost_limit() {
        let high = Some(Effort::High);
        for (tokens, reach, effort, cents, expected) in [
            (500, ReadOnly, None, None, ModelTier::Haiku),
            (2_000, ReadOnly, None, None, ModelTier::Haiku),
            (2_001, ReadOnly, None, None, ModelTier::Sonnet),
            (500, Changes, None, None, ModelTier::Sonnet),
            (12_000, Changes, None, None, ModelTier::Sonnet),
            (12_001, Changes, None, None, ModelTier::Opus),
            (900_000, ReadOnly, None, None, ModelTier::Sonnet),
            (500, ReadOnly, Some(Effort::Low), None, ModelTier::Haiku),
            (500, ReadOnly, high, None, ModelTier::Sonnet),
            (20_000, Changes, high, None, ModelTier::Opus),
            (500, ReadOnly, Some(Effort::Max), None, ModelTier::Opus),
            // 8 calls of 20,000 and more: about 206,000 tokens.
            (20_000, Changes, None, Some(400), ModelTier::Opus),
            (20_000, Changes, None, Some(100), ModelTier::Sonnet),
            (20_000, Changes, None, Some(30), ModelTier::Haiku),
            (20_000, Changes, None, Some(1), ModelTier::Haiku),
            (500, ReadOnly, None, Some(9_000), ModelTier::Haiku),
        ] {
            let choice = choose(tokens, reach, effort, cents);
            assert_eq!(choice.tier, expected, "{tokens} {reach:?} {effort:?} {cents:?}: {}", choice.reason);
        }
    }

    #[test]
    fn the_reason_names_what_decided() {
        assert_eq!(
            choose(800, ReadOnly, None, None).reason,
            "model auto: haiku for about 800 prompt tokens and tools that only read"
        );
        assert_eq!(
            choose(800, ReadOnly, Some(Effort::Max), None).reason,
            "model auto: opus for about 800 prompt tokens and tools that only read at effort max"
        );
        assert_eq!(
            choose(20_000, Changes, None, Some(100)).reason,
            "model auto: sonnet for about 20000 prompt tokens and tools that change things; opus would not fit the \
             cost limit of $1.0000"
        );
    }

    #[test]
    fn an_unknown_price_changes_nothing() {
        let request =
            AutoRequest { prompt_tokens: 20_000, reach: Changes, effort: None, cost_max: Some(MicroUsd(1)) };
        assert_eq!(request.choose(|_, _| None).tier, ModelTier::Opus);
    }
}
