//! Tools whose effects are counted.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use codex_task_tools::{Tool, ToolError};
use rand::RngExt;
use serde_json::Value;

use super::plan::Plan;
use crate::harness::TestTool;

/// How often each call with effects was begun, by the key that the plan gave it.
#[derive(Clone, Default)]
pub(super) struct Effects(Arc<Mutex<BTreeMap<String, usize>>>);

impl Effects {
    /// A tool with effects that takes a while, one without, one that panics and one that dawdles.
    pub(super) fn tools(&self, plan: Plan) -> Vec<Arc<dyn Tool>> {
        let effects = self.clone();
        let change = TestTool::changing("Change", move |arguments| effects.clone().change(plan, arguments));
        let burst = TestTool::reading("Burst", |_| async { std::panic::resume_unwind(Box::new("burst")) });
        [
            change,
            TestTool::reading("Look", |_| async { Ok("seen".to_owned()) }),
            burst,
            TestTool::reading("Dawdle", |_| async {
                tokio::time::sleep(Duration::from_secs(30)).await;
                Ok("at last".to_owned())
            }),
        ]
        .map(TestTool::shared)
        .into()
    }

    /// The calls that were begun more than once.
    pub(super) fn done_twice(&self) -> Vec<String> {
        let done = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        done.iter().filter(|(_, times)| **times > 1).map(|(key, _)| key.clone()).collect()
    }

    /// The calls that were begun.
    pub(super) fn count(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }

    async fn change(self, plan: Plan, arguments: Value) -> Result<String, ToolError> {
        let key = arguments["key"].as_str().expect("a key").to_owned();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(key.clone()).or_default() += 1;
        let mut dice = plan.dice(&key, 0);
        // It ends in the middle of its work, or after it.
        tokio::time::sleep(Duration::from_millis(dice.random_range(0..=5_000))).await;
        if dice.random_bool(0.1) {
            std::panic::resume_unwind(Box::new("in the middle of it"));
        }
        Ok("changed".to_owned())
    }
}
