//! How the command ends.

use std::process::ExitCode;

use crate::interrupt::Interruption;

/// The ending, as scripts see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything that was asked for was done.
    Success,
    /// A task did not complete, or the input was wrong.
    Failure,
    /// A fault of ours.
    Internal,
    /// Ctrl-C; what existed by then was printed.
    Interrupted,
    /// SIGTERM; running tasks had time to end, and what existed by then was printed.
    Terminated,
}

impl Exit {
    /// The number: the usual ones, and 130 and 143 as shells have them.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failure => 1,
            Self::Internal => 2,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }
}

impl From<Interruption> for Exit {
    fn from(came: Interruption) -> Self {
        match came {
            Interruption::Interrupt => Self::Interrupted,
            Interruption::Terminate => Self::Terminated,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
