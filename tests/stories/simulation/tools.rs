//! Tools whose effects are counted.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use codex_task_tools::{Access, Tool, ToolError};
use rand::RngExt;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::disk::Disk;
use super::plan::Plan;
use crate::harness::TestTool;

/// What the anchor does.
#[derive(Clone, Default)]
pub(super) struct Hold {
    /// It holds on.
    pub(super) begun: CancellationToken,
    /// It need not any longer.
    pub(super) released: CancellationToken,
}

/// How often each call with effects was begun, by the key that the plan gave it, whatever process has made it.
#[derive(Clone, Default)]
pub(super) struct Effects {
    begun: Arc<Mutex<BTreeMap<String, usize>>>,
    tripped: Arc<Mutex<BTreeMap<String, usize>>>,
}

impl Effects {
    /// Tools of one process. What has effects must be on the disk before it begins, where there is one.
    pub(super) fn tools(&self, plan: Plan, disk: Option<&Disk>, hold: &Hold) -> Vec<Arc<dyn Tool>> {
        let (effects, disk, hold) = (self.clone(), disk.cloned(), hold.clone());
        let change = move |arguments| effects.clone().change(plan, disk.clone(), arguments);
        let tripped = Arc::clone(&self.tripped);
        let is_ill = plan.weather().illness > 0.0;
        let trip = TestTool::reading("Trip", |_| async { Ok("nothing happened".to_owned()) });
        [
            TestTool::changing("Change", change),
            TestTool::reading("Look", |_| async { Ok("seen".to_owned()) }),
            TestTool::reading("Burst", |_| async { std::panic::resume_unwind(Box::new("burst")) }),
            TestTool::reading("Stumble", |_| async { Err(ToolError::Failed("it stumbled".to_owned())) }),
            TestTool::reading("Dawdle", |_| async {
                tokio::time::sleep(Duration::from_secs(30)).await;
                Ok("at last".to_owned())
            }),
            TestTool::reading("Hold", move |_| {
                let hold = hold.clone();
                async move {
                    hold.begun.cancel();
                    hold.released.cancelled().await;
                    Ok("released".to_owned())
                }
            }),
            // Asked what it touches, it takes its agent down, once.
            trip.touching(move |arguments, _| {
                if is_ill && count(&tripped, key_of(arguments)) == 1 {
                    std::panic::resume_unwind(Box::new("tripped"));
                }
                Access::Nothing
            }),
        ]
        .map(TestTool::shared)
        .into()
    }

    /// The calls that were begun more than once.
    pub(super) fn done_twice(&self) -> Vec<String> {
        let begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        begun.iter().filter(|(_, times)| **times > 1).map(|(key, _)| key.clone()).collect()
    }

    /// The calls that were begun.
    pub(super) fn count(&self) -> usize {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }

    async fn change(self, plan: Plan, disk: Option<Disk>, arguments: Value) -> Result<String, ToolError> {
        let key = key_of(&arguments);
        let is_on_disk = disk.is_none_or(|disk| disk.has_begun(key));
        // Not by a panic of the tool's own, which would be told to the model.
        let times = count(&self.begun, if is_on_disk { key } else { "a call that is on no disk" });
        if !is_on_disk {
            count(&self.begun, "a call that is on no disk");
        }
        let mut dice = plan.dice(key, 0);
        // It ends in the middle of its work, or after it.
        tokio::time::sleep(Duration::from_millis(dice.random_range(0..=5_000))).await;
        if dice.random_bool(0.1) {
            std::panic::resume_unwind(Box::new("in the middle of it"));
        }
        Ok(format!("changed {times}"))
    }
}

fn key_of(arguments: &Value) -> &str {
    arguments["key"].as_str().expect("a key")
}

/// Counts one more of a key and tells how many there are.
fn count(counts: &Mutex<BTreeMap<String, usize>>, key: &str) -> usize {
    let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
    let times = counts.entry(key.to_owned()).or_default();
    *times += 1;
    *times
}
