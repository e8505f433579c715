//! `/consensus`: several agents answer one question independently, then a judge compares the answers.
//!
//! Who answers is settled first (`voters`); the judge gives a form (`verdict`), and what it attributes to agents that did
//! not answer is taken out before anybody reads it.

#[cfg(feature = "store")]
mod resumed;
mod run;
mod verdict;
mod voters;

pub use run::{Consensus, ConsensusRequest};
pub use verdict::{Claim, Confidence, Dispute, Verdict};
pub use voters::Voter;
