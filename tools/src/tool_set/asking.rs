//! Asking: what was granted for good is not asked again, everything else goes to the approver.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use codex_task_config::ToolName;

use crate::ToolError;
use crate::gate::{Approval, ApprovalRequest, Approver, GrantScope, Headless, Lasting};

/// Grants that are kept; who gives more is asked again.
const GRANTS_MAX: usize = 4_096;
/// Bytes of the user's words that reach a model.
const WORDS_BYTES_MAX: usize = 4_000;

/// Who is asked, and what was granted in this process. Clones share both.
#[derive(Clone)]
pub(super) struct Asking {
    approver: Arc<dyn Approver>,
    granted: Arc<Mutex<BTreeMap<Grant, GrantScope>>>,
}

/// A call that may run again: the same call of the same agent, asked for on the same grounds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Grant {
    agent: Arc<str>,
    tool: ToolName,
    subject: String,
    reason: String,
}

impl Grant {
    fn of(request: &ApprovalRequest) -> Self {
        Self {
            agent: Arc::clone(&request.owner.agent),
            tool: request.tool.clone(),
            subject: request.subject.clone(),
            reason: request.verdict.ruling.reason.clone(),
        }
    }
}

impl Asking {
    pub(super) fn new(approver: Arc<dyn Approver>) -> Self {
        Self { approver, granted: Arc::default() }
    }

    /// Waits until the call may run. `lasting` is looked for only where somebody is asked. Gives what the call was allowed
    /// for, if it was for more than this once.
    ///
    /// # Errors
    /// [`ToolError::Refused`] with what the model reads.
    pub(super) async fn settle(
        &self,
        request: ApprovalRequest,
        lasting: impl FnOnce(&ApprovalRequest) -> Lasting,
    ) -> Result<Option<GrantScope>, ToolError> {
        let grant = Grant::of(&request);
        let earlier = self.granted.lock().unwrap_or_else(PoisonError::into_inner).get(&grant).copied();
        if earlier.is_some() {
            return Ok(earlier);
        }
        let request = ApprovalRequest { lasting: lasting(&request), ..request };
        match self.approver.approve(&request).await {
            Approval::Granted => Ok(None),
            Approval::GrantedAlways { .. } if request.lasting == Lasting::Never => Ok(None),
            Approval::GrantedAlways { scope } => {
                self.remember(grant, scope);
                Ok(Some(scope))
            }
            Approval::Refused { reason } => Err(ToolError::Refused(refused(&request, reason.as_deref()))),
            Approval::Unanswered => Err(ToolError::Refused(request.verdict.refusal)),
        }
    }

    fn remember(&self, grant: Grant, scope: GrantScope) {
        let (agent, tool, subject) = (&*grant.agent, grant.tool.as_str(), grant.subject.as_str());
        tracing::info!(agent, tool, subject, ?scope, "granted for good");
        let mut granted = self.granted.lock().unwrap_or_else(PoisonError::into_inner);
        if granted.len() < GRANTS_MAX {
            granted.insert(grant, scope);
        }
    }
}

impl Default for Asking {
    fn default() -> Self {
        Self::new(Arc::new(Headless))
    }
}

/// Claude Code's sentences, and the user's own.
fn refused(request: &ApprovalRequest, words: Option<&str>) -> String {
    let first =
        format!("The user doesn't want to proceed with this call of {}; it did not run.", request.tool);
    match words.map(str::trim).filter(|words| !words.is_empty()) {
        Some(words) => {
            let words = words.get(..words.floor_char_boundary(WORDS_BYTES_MAX)).unwrap_or_default();
            format!("{first} To tell you how to proceed, the user said:\n{words}")
        }
        None => format!(
            "{first} Do not try it again in another way; go on without it, or say what it was needed for."
        ),
    }
}
