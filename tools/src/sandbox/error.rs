//! Why a command did not start in the sandbox.

/// A command that did not start. Nothing of it has run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// The system cannot enforce the policy; the setting decides between refusing and asking.
    #[error("no sandbox works on this system: {0}")]
    Unavailable(String),
    /// The policy needs more Landlock rules than one command may cost.
    #[error("the denied and protected paths cannot be cut out: more than {0} rules would be needed")]
    TooManyRules(usize),
    /// The roots have more entries than are looked at for what rules with wildcards deny.
    #[error(
        "the workspace has more than {0} entries, too many to find all that deny rules with wildcards mean"
    )]
    TooManyFiles(usize),
    /// A restriction could not be put on.
    #[error("the sandbox could not be set up: {step}: {reason}")]
    Setup {
        /// What was being done.
        step: &'static str,
        /// The system's words.
        reason: String,
    },
    /// The program could not be started.
    #[error("the command could not be started: {0}")]
    Start(String),
}

impl SandboxError {
    /// What to do about it, for the user.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::Unavailable(_) => Some(
                "use a kernel with Landlock (Linux 6.2 or newer), or say sandbox: danger-full-access to run \
                 commands without one",
            ),
            Self::TooManyRules(_) => Some("deny whole directories instead of many files"),
            Self::TooManyFiles(_) => Some(
                "name directories in the deny rules instead of patterns, for instance 'Read(./secrets/**)'",
            ),
            Self::Setup { .. } | Self::Start(_) => None,
        }
    }

    /// For `map_err`: the step that failed and why.
    #[cfg(target_os = "linux")]
    pub(super) fn at<E: std::fmt::Display>(step: &'static str) -> impl Fn(E) -> Self {
        move |error| Self::Setup { step, reason: error.to_string() }
    }
}
