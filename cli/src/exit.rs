//! How the command ends.

use std::process::ExitCode;

/// The ending, as scripts see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything that was asked for was done.
    Success,
    /// A task did not complete, or the input was wrong.
    Failure,
    /// A fault of ours.
    Internal,
    /// Ctrl-C or SIGTERM; what existed by then was printed.
    Interrupted,
}

impl Exit {
    /// The number: the usual ones, and 130 as shells have it.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failure => 1,
            Self::Internal => 2,
            Self::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
