//! The sums of one budget: what is spent, and what is promised to requests under way.

use codex_task_config::{BudgetLimits, MicroUsd};

use super::reservation::Wish;
use crate::task::TaskError;

/// The shortest answer that a request is made for, unless fewer tokens were asked for: a budget that has less left is
/// used up.
const ANSWER_TOKENS_MIN: u64 = 1_024;

/// What was taken of a budget, or is promised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Money, as far as prices are known.
    pub cost: MicroUsd,
    /// Tokens, prompts and answers together.
    pub tokens: u64,
    /// Model calls that were billed.
    pub calls: u64,
}

impl Spent {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            cost: self.cost + other.cost,
            tokens: self.tokens.saturating_add(other.tokens),
            calls: self.calls.saturating_add(other.calls),
        }
    }

    fn minus(self, other: Self) -> Self {
        Self {
            cost: MicroUsd(self.cost.0.saturating_sub(other.cost.0)),
            tokens: self.tokens.saturating_sub(other.tokens),
            calls: self.calls.saturating_sub(other.calls),
        }
    }
}

/// What an account says to a request.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Offer {
    /// It may have an answer of so many tokens.
    Answer(u64),
    /// Not now: what is left is promised to others, who may not need all of it.
    Later,
    /// Never.
    Nothing(TaskError),
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Account {
    spent: Spent,
    promised: Spent,
    /// Tasks that live on this budget.
    pub(super) tasks: u64,
}

impl Account {
    /// What a request can have. Where several tasks want their part at once, each gets an equal share of what is left,
    /// as long as that is enough for an answer at all.
    pub(super) fn offer(&self, limits: &BudgetLimits, wish: &Wish) -> Offer {
        let used = self.spent.plus(self.promised);
        let needed = wish.answer_tokens.min(ANSWER_TOKENS_MIN);
        let sharers = self.tasks.saturating_sub(self.promised.calls).max(1);
        let mut answer = wish.answer_tokens;
        for (limit, room) in rooms(limits, used, wish) {
            match room {
                None => return self.refuse(limit),
                Some(room) if room.of(1) < needed => return self.refuse(limit),
                Some(room) => answer = answer.min(room.of(sharers).max(needed)),
            }
        }
        Offer::Answer(answer)
    }

    /// Promises an amount, unless somebody else was quicker.
    pub(super) fn promise(&mut self, limits: &BudgetLimits, amount: Spent) -> bool {
        let then = self.spent.plus(self.promised).plus(amount);
        let fits = limits.cost_max.is_none_or(|most| then.cost <= most)
            && limits.tokens_max.is_none_or(|most| then.tokens <= most)
            && limits.calls_max.is_none_or(|most| then.calls <= most);
        if fits {
            self.promised = self.promised.plus(amount);
        }
        fits
    }

    /// Takes a promise back, and books what became of it.
    pub(super) fn settle(&mut self, promised: Spent, taken: Spent) {
        self.promised = self.promised.minus(promised);
        self.book(taken);
    }

    /// Requests that something is promised to.
    pub(super) fn promised(&self) -> u64 {
        self.promised.calls
    }

    /// Books what was taken without a promise.
    pub(super) fn book(&mut self, taken: Spent) {
        self.spent = self.spent.plus(taken);
    }

    fn refuse(&self, limit: TaskError) -> Offer {
        if self.promised.calls > 0 { Offer::Later } else { Offer::Nothing(limit) }
    }
}

/// What is left of one limit for answers.
enum Room<'a> {
    Calls,
    /// Tokens, the prompt's own taken off.
    Tokens(u64),
    /// Money, and what answers cost.
    Money {
        left: MicroUsd,
        wish: &'a Wish,
    },
}

impl Room<'_> {
    /// Tokens of an answer for each of so many requests like this one.
    fn of(&self, sharers: u64) -> u64 {
        match self {
            Self::Calls => u64::MAX,
            Self::Tokens(left) => left / sharers,
            Self::Money { left, wish } => wish.answer_for(MicroUsd(left.0 / sharers)),
        }
    }
}

/// For each limit its error and what is left of it; nothing when not even the prompt fits.
fn rooms<'a>(
    limits: &BudgetLimits,
    used: Spent,
    wish: &'a Wish,
) -> impl Iterator<Item = (TaskError, Option<Room<'a>>)> {
    let cost = limits.cost_max.map(|limit| {
        let left = MicroUsd(limit.0.saturating_sub(used.cost.0));
        let room = (wish.cost_of(0) <= left).then_some(Room::Money { left, wish });
        (TaskError::CostLimit { limit }, room)
    });
    let tokens = limits.tokens_max.map(|limit| {
        let room = limit.checked_sub(used.tokens.saturating_add(wish.prompt_tokens)).map(Room::Tokens);
        (TaskError::TokenLimit { limit }, room)
    });
    let calls = limits
        .calls_max
        .map(|limit| (TaskError::CallLimit { limit }, (used.calls < limit).then_some(Room::Calls)));
    [calls, tokens, cost].into_iter().flatten()
}
