//! A task's part in a question that several agents answer. The supervisor makes nothing of it: it is on record, so that
//! whoever goes on with the run knows what is to become of the answers.

use serde::{Deserialize, Serialize};

use super::TaskId;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ballot {
    /// The name by which the judge knows the answer.
    pub voter: String,
    /// The task that compares the answers.
    pub judge: TaskId,
}
