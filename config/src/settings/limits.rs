//! `limits`: how much, how many, how long. A repository's files can narrow what may be spent, never widen it.

use std::path::Path;

use super::file::LimitsFile;
use crate::{BudgetLimits, Limits, MicroUsd, Problem, RuleScope, yaml};

/// Takes the limits of one file.
pub(super) struct LimitsOf<'a> {
    pub(super) file: &'a LimitsFile,
    pub(super) scope: RuleScope,
    pub(super) path: &'a Path,
    pub(super) outline: &'a yaml::Outline,
}

impl LimitsOf<'_> {
    /// Changes `limits` to what the file says. Gives what is wrong with it.
    pub(super) fn merge_into(self, limits: &mut Limits) -> Vec<Problem> {
        let mut problems = Vec::new();
        let file = self.file;
        limits.timeout = file.timeout.map_or(limits.timeout, |length| length.0);
        limits.call_timeout = file.call_timeout.map_or(limits.call_timeout, |length| length.0);
        limits.drain_timeout = file.drain_timeout.map_or(limits.drain_timeout, |length| length.0);
        limits.max_turns = file.max_turns.unwrap_or(limits.max_turns);
        match file.max_depth {
            Some(depth) if (1..=Limits::DEPTH_MAX).contains(&depth) => limits.max_depth = depth,
            Some(_) => {
                let text = format!("limits.max_depth must be from 1 to {}", Limits::DEPTH_MAX);
                problems.push(self.problem("max_depth", text));
            }
            None => {}
        }
        for (key, wanted, present) in [
            ("max_concurrent", file.max_concurrent, &mut limits.max_concurrent),
            ("min_concurrent", file.min_concurrent, &mut limits.min_concurrent),
        ] {
            match wanted {
                Some(0) => {
                    problems.push(self.problem(key, format!("limits.{key} must be at least 1")));
                }
                Some(count) => *present = count,
                None => {}
            }
        }
        let wanted = self.budget(&mut problems);
        let is_repository = self.scope.is_repository();
        limits.budget =
            if is_repository { limits.budget.narrowed_by(wanted) } else { limits.budget.replaced_by(wanted) };
        problems
    }

    fn budget(&self, problems: &mut Vec<Problem>) -> BudgetLimits {
        let file = self.file;
        let cost_max = file.max_cost.and_then(|usd| {
            let is_amount = usd.is_finite() && usd > 0.0;
            if !is_amount {
                problems.push(self.problem("max_cost", "limits.max_cost is no amount of dollars".to_owned()));
            }
            is_amount.then(|| MicroUsd::from(usd))
        });
        let mut count = |key, number: Option<u64>| {
            if number == Some(0) {
                problems.push(self.problem(key, format!("limits.{key} must be at least 1")));
            }
            number.filter(|number| *number > 0)
        };
        BudgetLimits {
            cost_max,
            tokens_max: count("max_tokens", file.max_tokens),
            calls_max: count("max_calls", file.max_calls),
            time_max: file.run_timeout.map(|length| length.0),
        }
    }

    fn problem(&self, key: &str, text: String) -> Problem {
        let at = self.outline.value_position(&["limits", key]);
        Problem::warning(text).in_file(self.path).placed(at)
    }
}
