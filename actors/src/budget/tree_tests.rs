use std::time::Duration;

use codex_task_config::{MicroUsd, ModelId, PriceTable, ProviderKind, TokenUsage};
use futures_util::FutureExt;
use jiff::civil::date;
use proptest::prelude::*;

use super::*;

/// Two dollars for a million prompt tokens, 2.50 where they are cached, ten for a million of an answer.
fn wish(prompt_tokens: u64, answer_tokens: u64) -> Wish {
    let price = PriceTable::bundled().find(ProviderKind::Anthropic, &ModelId::new("claude-sonnet-5-5"));
    assert!(price.is_some(), "the table has it");
    Wish { prompt_tokens, answer_tokens, price, on: date(2026, 11, 25) }
}

fn run(limits: BudgetLimits) -> Arc<Budget> {
    Budget::of_run(limits, Spent::default())
}

fn within(parent: &Arc<Budget>, limits: BudgetLimits) -> Arc<Budget> {
    Budget::within(parent, limits, Spent::default())
}

fn tokens(most: u64) -> BudgetLimits {
    BudgetLimits { tokens_max: Some(most), ..BudgetLimits::NONE }
}

fn now(budget: &Arc<Budget>, wish: Wish) -> Option<Result<Reservation, TaskError>> {
    budget.reserve(wish).now_or_never()
}

fn granted(budget: &Arc<Budget>, wish: Wish) -> Reservation {
    now(budget, wish).expect("at once").expect("there is room")
}

fn usage(input_tokens: u64, output_tokens: u64) -> TokenUsage {
    TokenUsage { input_tokens, output_tokens, ..TokenUsage::default() }
}

#[tokio::test]
async fn an_answer_is_cut_to_what_is_left_and_what_was_not_used_comes_back() {
    let budget = run(tokens(10_000));
    let first = granted(&budget, wish(2_000, 64_000));
    assert_eq!(first.answer_tokens(), Some(8_000));
    assert!(now(&budget, wish(100, 64_000)).is_none(), "the rest is promised: it waits");
    let waiting = budget.reserve(wish(3_000, 64_000));
    first.settle(&usage(2_000, 500), None);
    assert_eq!(waiting.await.expect("there is room").answer_tokens(), Some(4_500));
    let all = granted(&budget, wish(6_476, 64_000));
    assert_eq!(all.answer_tokens(), Some(1_024));
    drop(all);
    let refused = now(&budget, wish(6_477, 64_000)).expect("at once").expect_err("no room for an answer");
    assert_eq!(refused, TaskError::TokenLimit { limit: 10_000 });
}

#[tokio::test]
async fn tasks_that_want_their_part_at_once_share_what_is_left() {
    let budget = run(tokens(40_000));
    for _ in 0..4 {
        budget.join();
    }
    let shares: Vec<_> = (0..4).map(|_| granted(&budget, wish(0, 64_000))).collect();
    let answers: Vec<_> = shares.iter().map(Reservation::answer_tokens).collect();
    assert_eq!(answers, [Some(10_000); 4]);
    budget.leave();
    assert_eq!(budget.tasks(), 3);
}

#[tokio::test]
async fn money_is_counted_at_the_models_price_and_calls_by_number() {
    let limits = BudgetLimits { cost_max: Some(MicroUsd(45_000)), ..BudgetLimits::NONE };
    let budget = run(limits);
    // 4,000 prompt tokens cost a cent where they are cached, 3,500 of an answer three and a half.
    let only = granted(&budget, wish(4_000, 64_000));
    assert_eq!(only.answer_tokens(), Some(3_500));
    only.settle(&usage(4_000, 3_000), Some(MicroUsd(38_000)));
    let refused = now(&budget, wish(4_000, 64_000)).expect("at once").expect_err("too dear");
    assert_eq!(refused, TaskError::CostLimit { limit: MicroUsd(45_000) });

    let budget = run(BudgetLimits { calls_max: Some(1), ..BudgetLimits::NONE });
    drop(granted(&budget, wish(1, 1)));
    granted(&budget, wish(1, 1)).settle(&usage(1, 1), None);
    let refused = now(&budget, wish(1, 1)).expect("at once").expect_err("one call is one call");
    assert_eq!(refused, TaskError::CallLimit { limit: 1 });
}

#[tokio::test]
async fn what_a_task_takes_is_taken_of_every_budget_above_it() {
    let root = run(tokens(10_000));
    let task = within(&root, tokens(6_000));
    let child = within(&task, BudgetLimits::NONE);
    assert!(Arc::ptr_eq(&task, &child), "a child without limits lives on its parent's budget");
    granted(&child, wish(1_000, 64_000)).settle(&usage(1_000, 3_000), None);
    assert_eq!(granted(&task, wish(0, 64_000)).answer_tokens(), Some(2_000));
    assert_eq!(granted(&root, wish(0, 64_000)).answer_tokens(), Some(6_000));
    granted(&root, wish(4_500, 64_000)).settle(&usage(5_000, 0), None);
    let refused = now(&task, wish(0, 64_000)).expect("at once").expect_err("its run has nothing left");
    assert_eq!(refused, TaskError::TokenLimit { limit: 10_000 });
}

#[tokio::test]
async fn the_time_of_a_task_is_never_longer_than_that_of_its_run() {
    tokio::time::pause();
    let time = |seconds| BudgetLimits { time_max: Some(Duration::from_secs(seconds)), ..BudgetLimits::NONE };
    let root = run(time(10));
    assert_eq!(within(&root, time(60)).deadline(), root.deadline());
    assert_eq!(within(&root, time(4)).deadline(), Some(Instant::now() + Duration::from_secs(4)));
    assert_eq!(run(time(u64::MAX)).deadline(), None);
    assert_eq!(granted(&root, wish(1, 1)).answer_tokens(), None, "time does not limit requests");
}

#[test]
fn a_limit_of_money_alone_needs_prices() {
    let money = BudgetLimits { cost_max: Some(MicroUsd(1)), ..BudgetLimits::NONE };
    assert!(run(money).needs_prices());
    assert!(within(&run(money), tokens(1)).needs_prices());
    assert!(!run(BudgetLimits { tokens_max: Some(1), ..money }).needs_prices());
    assert_eq!(within(&run(tokens(1)), money).cost_max(), Some(MicroUsd(1)));
}

proptest! {
    /// Whatever is reserved, settled for less or dropped, in whatever order: the limit is never passed.
    #[test]
    fn reservations_never_pass_the_limit(
        steps in prop::collection::vec((0_u64..3_000, 1_u64..9_000, 0_u8..3, 0_u64..100), 1..60),
    ) {
        let root = run(tokens(50_000));
        let mut held: Vec<(Reservation, u64)> = Vec::new();
        let mut spent = 0;
        for (prompt, answer, action, part) in steps {
            if action > 0 && !held.is_empty() {
                let (reservation, most) = held.swap_remove(usize::try_from(part).unwrap_or(0) % held.len());
                if action == 1 {
                    let taken = most * part / 100;
                    reservation.settle(&usage(taken, 0), None);
                    spent += taken;
                }
            } else if let Some(Ok(reservation)) = now(&root, wish(prompt, answer)) {
                let most = prompt + u64::from(reservation.answer_tokens().unwrap_or(0));
                held.push((reservation, most));
            }
            let promised: u64 = held.iter().map(|(_, most)| most).sum();
            prop_assert!(spent + promised <= 50_000);
        }
        drop(held);
        // Everything came back: what is left can be had.
        let left = 50_000 - spent;
        if left >= 1_024 {
            prop_assert_eq!(granted(&root, wish(0, 64_000)).answer_tokens().map(u64::from), Some(left));
        }
    }
}

#[tokio::test]
async fn what_a_task_had_taken_before_counts_in_its_own_budget_and_its_run_knows_it_already() {
    let before = Spent { tokens: 3_000, ..Spent::default() };
    let root = Budget::of_run(tokens(10_000), before);
    let task = Budget::within(&root, tokens(6_000), before);
    assert_eq!(granted(&task, wish(0, 64_000)).answer_tokens(), Some(3_000));
    assert_eq!(granted(&root, wish(0, 64_000)).answer_tokens(), Some(7_000));
}
