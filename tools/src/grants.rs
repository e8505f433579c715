//! What the user has allowed for good while an agent worked: told with its results, so that nobody has to remember.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use codex_task_config::ToolName;

use crate::gate::GrantScope;
use crate::visible::visible_line;

/// Grants that are told of one task.
const TOLD_MAX: usize = 20;
/// Characters of a call that are shown.
const SUBJECT_CHARS_MAX: usize = 160;

/// The grants under which calls of one task ran, each in words that follow `Allowed:`. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Grants {
    /// Held for single look-ups only.
    told: Arc<Mutex<BTreeSet<String>>>,
}

impl Grants {
    /// What was allowed since the last time.
    pub fn take(&self) -> BTreeSet<String> {
        std::mem::take(&mut *self.told.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A call runs that need not be asked about again.
    pub(crate) fn note(&self, scope: GrantScope, tool: &ToolName, subject: &str) {
        let until = match scope {
            GrantScope::Session => "until this session ends",
            GrantScope::Project => "from now on, by a rule of the project",
        };
        let subject = visible_line(subject, SUBJECT_CHARS_MAX);
        let call = if subject.is_empty() { tool.to_string() } else { format!("{tool}({subject})") };
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() < TOLD_MAX {
            told.insert(format!("{call} {until}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_grant_is_told_once_and_on_one_line() {
        let grants = Grants::default();
        let bash = ToolName::new("Bash");
        for _ in 0..2 {
            grants.clone().note(GrantScope::Session, &bash, "make\nall");
        }
        grants.note(GrantScope::Project, &ToolName::new("mcp__a__b"), "");
        let told: Vec<String> = grants.take().into_iter().collect();
        assert_eq!(
            told,
            ["Bash(make all) until this session ends", "mcp__a__b from now on, by a rule of the project"]
        );
        assert!(grants.take().is_empty());
    }
}
