//! What a request asks of a budget, and what it holds of it while it is under way.

use std::sync::Arc;

use codex_task_config::{MicroUsd, ModelInfo, TokenUsage};
use jiff::civil::Date;

use super::{Budget, Spent};

/// A request that wants to be made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish {
    /// Tokens of the prompt, rather too many than too few.
    pub(crate) prompt_tokens: u64,
    /// Tokens of the longest answer that is of use.
    pub(crate) answer_tokens: u64,
    /// What the model costs, if anybody knows.
    pub(crate) price: Option<&'static ModelInfo>,
    /// The day that the price is of.
    pub(crate) on: Date,
}

impl Wish {
    /// The most that the request costs with an answer of so many tokens. A price that nobody knows counts as nothing:
    /// whether such a model may be used at all is decided before.
    pub(super) fn cost_of(&self, answer_tokens: u64) -> MicroUsd {
        self.price.map_or(MicroUsd(0), |price| price.cost_at_most(self.prompt_tokens, answer_tokens, self.on))
    }

    /// Tokens of the longest answer that this much money pays for, the prompt included.
    pub(super) fn answer_for(&self, money: MicroUsd) -> u64 {
        let (mut fits, mut too_long) = (0, self.answer_tokens.saturating_add(1));
        if self.cost_of(self.answer_tokens) <= money {
            return self.answer_tokens;
        }
        while too_long - fits > 1 {
            let middle = fits + (too_long - fits) / 2;
            if self.cost_of(middle) <= money {
                fits = middle;
            } else {
                too_long = middle;
            }
        }
        fits
    }

    /// What is promised to the request with an answer of so many tokens.
    pub(super) fn amount(&self, answer_tokens: u64) -> Spent {
        Spent {
            cost: self.cost_of(answer_tokens),
            tokens: self.prompt_tokens.saturating_add(answer_tokens),
            calls: 1,
        }
    }
}

/// What a request holds of its budget. Dropped without being settled it goes back whole: nothing was billed.
#[derive(Debug)]
pub(crate) struct Reservation {
    /// Where it is held; `None` where nothing is limited.
    held: Option<(Arc<Budget>, Spent)>,
    /// Tokens that the answer may have; `None` where nothing is limited.
    answer_tokens: Option<u64>,
}

impl Reservation {
    pub(super) fn unlimited() -> Self {
        Self { held: None, answer_tokens: None }
    }

    pub(super) fn of(budget: Arc<Budget>, amount: Spent, answer_tokens: u64) -> Self {
        Self { held: Some((budget, amount)), answer_tokens: Some(answer_tokens) }
    }

    /// Tokens that the answer may have; `None` where nothing is limited.
    pub(crate) fn answer_tokens(&self) -> Option<u32> {
        self.answer_tokens.map(|tokens| u32::try_from(tokens).unwrap_or(u32::MAX))
    }

    /// Books what the request has really taken, and gives the rest back.
    pub(crate) fn settle(mut self, usage: &TokenUsage, cost: Option<MicroUsd>) {
        if let Some((budget, amount)) = self.held.take() {
            let taken = Spent { cost: cost.unwrap_or_default(), tokens: usage.total_tokens(), calls: 1 };
            budget.settle(amount, taken);
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if let Some((budget, amount)) = self.held.take() {
            budget.settle(amount, Spent::default());
        }
    }
}
