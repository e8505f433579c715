//! From the effort that is asked for to one that a model knows.

use codex_task_config::{Capabilities, Effort};

/// The efforts above `high` that a model knows. Those up to `high` are known to every model that reasons.
pub(crate) fn high_efforts(capabilities: Capabilities) -> &'static [Effort] {
    let knows = |flag: Option<bool>| flag == Some(true);
    match (knows(capabilities.xhigh_reasoning_effort), knows(capabilities.max_reasoning_effort)) {
        (true, true) => &[Effort::Xhigh, Effort::Max],
        (true, false) => &[Effort::Xhigh],
        (false, true) => &[Effort::Max],
        (false, false) => &[],
    }
}

/// The known effort that comes nearest from below.
pub(crate) fn nearest_effort(asked: Effort, high_efforts: &[Effort]) -> Effort {
    let higher = high_efforts.iter().copied().filter(|effort| *effort <= asked).max();
    higher.unwrap_or(asked.min(Effort::High))
}
