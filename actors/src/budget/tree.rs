//! The tree: a run's budget at its root, below it those of tasks that have limits of their own. What a task takes is
//! taken of every budget above it, and all of them must have room before a request is sent.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use codex_task_config::BudgetLimits;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::Spent;
use super::account::{Account, Offer};
use super::reservation::{Reservation, Wish};
use crate::task::TaskError;

/// One budget of the tree. Shared by the supervisor and the agents that live on it.
#[derive(Debug)]
pub(crate) struct Budget {
    limits: BudgetLimits,
    parent: Option<Arc<Budget>>,
    /// When the time of this budget or of one above it is over.
    deadline: Option<Instant>,
    /// Whether this budget or one above it limits what requests take.
    is_limited: bool,
    /// Held for a sum only; one at a time, so that no order matters.
    account: Mutex<Account>,
    /// The root's is told of each promise that was settled.
    settled: Arc<Notify>,
}

impl Budget {
    /// The budget of a run, of which this much was spent before.
    pub(crate) fn of_run(limits: BudgetLimits, spent: Spent) -> Arc<Self> {
        Self::new(limits, None, spent)
    }

    /// The budget of a task within another one, of which this much was spent before: the other one knows that already.
    /// Without limits of its own it is that other one.
    pub(crate) fn within(parent: &Arc<Self>, limits: BudgetLimits, spent: Spent) -> Arc<Self> {
        if limits == BudgetLimits::NONE {
            return Arc::clone(parent);
        }
        Self::new(limits, Some(Arc::clone(parent)), spent)
    }

    fn new(limits: BudgetLimits, parent: Option<Arc<Self>>, spent: Spent) -> Arc<Self> {
        // A time beyond what a clock can tell is none.
        let own = limits.time_max.and_then(|time| Instant::now().checked_add(time));
        let above = parent.as_ref().and_then(|parent| parent.deadline);
        let limits_requests = BudgetLimits { time_max: None, ..limits } != BudgetLimits::NONE;
        let settled = parent.as_ref().map(|parent| Arc::clone(&parent.settled)).unwrap_or_default();
        let mut account = Account::default();
        account.book(spent);
        Arc::new(Self {
            limits,
            deadline: [own, above].into_iter().flatten().min(),
            is_limited: limits_requests || parent.as_ref().is_some_and(|parent| parent.is_limited),
            parent,
            account: Mutex::new(account),
            settled,
        })
    }

    /// Whether this budget or one above it limits what requests take.
    pub(crate) fn is_limited(&self) -> bool {
        self.is_limited
    }

    /// When the time of this budget, or of one above it, is over.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Whether money is limited and nothing else would stop a model whose price nobody knows.
    pub(crate) fn needs_prices(&self) -> bool {
        let needs = self.limits.cost_max.is_some() && self.limits.tokens_max.is_none();
        needs || self.parent.as_ref().is_some_and(|parent| parent.needs_prices())
    }

    /// The narrowest limit of money, for choosing a model.
    pub(crate) fn cost_max(&self) -> Option<codex_task_config::MicroUsd> {
        let above = self.parent.as_ref().and_then(|parent| parent.cost_max());
        [self.limits.cost_max, above].into_iter().flatten().min()
    }

    /// A task lives on this budget from now on.
    pub(crate) fn join(&self) {
        for budget in self.chain() {
            budget.account().tasks += 1;
        }
    }

    /// A task has ended.
    pub(crate) fn leave(&self) {
        for budget in self.chain() {
            let mut account = budget.account();
            account.tasks = account.tasks.saturating_sub(1);
        }
    }

    /// Tasks that live on this budget and on those below it.
    pub(crate) fn tasks(&self) -> u64 {
        self.account().tasks
    }

    /// Requests under way that this budget holds a promise for.
    pub(crate) fn promised(&self) -> u64 {
        self.account().promised()
    }

    /// Holds what a request may take. Waits while what is left is promised to others.
    ///
    /// # Errors
    /// The limit that leaves no room for the request.
    ///
    /// # Cancel safety
    /// Nothing is held when the future is dropped.
    pub(crate) async fn reserve(self: &Arc<Self>, wish: Wish) -> Result<Reservation, TaskError> {
        if !self.is_limited {
            return Ok(Reservation::unlimited());
        }
        loop {
            let mut settled = std::pin::pin!(self.settled.notified());
            // Before the look, so that a settlement in between is not missed.
            settled.as_mut().enable();
            match self.offer(&wish) {
                Offer::Answer(tokens) => {
                    let amount = wish.amount(tokens);
                    if self.promise(amount) {
                        return Ok(Reservation::of(Arc::clone(self), amount, tokens));
                    }
                }
                Offer::Later => settled.await,
                Offer::Nothing(limit) => return Err(limit),
            }
        }
    }

    pub(super) fn settle(&self, promised: Spent, taken: Spent) {
        for budget in self.chain() {
            budget.account().settle(promised, taken);
        }
        self.settled.notify_waiters();
    }

    /// The least that any budget of the chain offers.
    fn offer(&self, wish: &Wish) -> Offer {
        let mut wish = *wish;
        let mut answer = wish.answer_tokens;
        for budget in self.chain() {
            match budget.account().offer(&budget.limits, &wish) {
                Offer::Answer(tokens) => answer = answer.min(tokens),
                other @ (Offer::Later | Offer::Nothing(_)) => return other,
            }
            wish.answer_tokens = answer;
        }
        Offer::Answer(answer)
    }

    /// Promises an amount in the whole chain, or nowhere.
    fn promise(&self, amount: Spent) -> bool {
        for (depth, budget) in self.chain().enumerate() {
            if !budget.account().promise(&budget.limits, amount) {
                for below in self.chain().take(depth) {
                    below.account().settle(amount, Spent::default());
                }
                // Whoever looked in between saw less than there is.
                self.settled.notify_waiters();
                return false;
            }
        }
        true
    }

    /// This budget and all above it.
    fn chain(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |budget| budget.parent.as_deref())
    }

    fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[path = "tree_tests.rs"]
mod tests;
