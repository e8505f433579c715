//! What keeps a runtime from starting.

use codex_task_tools::PathError;

/// Why a runtime could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The working directory or the environment cannot be read.
    #[error("the working directory cannot be read: {0}")]
    Environment(#[source] std::io::Error),
    /// The workspace cannot be opened.
    #[error("the workspace cannot be opened: {0}")]
    Workspace(#[from] PathError),
    /// The operating system gave no threads.
    #[error("no threads: {0}")]
    Threads(#[source] std::io::Error),
    /// Figures are served on this machine only.
    #[cfg(feature = "metrics")]
    #[error("metrics cannot be served on {0}, which other machines can reach")]
    MetricsAddress(std::net::SocketAddr),
    /// The address for figures cannot be listened on.
    #[cfg(feature = "metrics")]
    #[error("metrics cannot be served on {0}: {1}")]
    MetricsListen(std::net::SocketAddr, #[source] std::io::Error),
    /// The program was built with `panic = "abort"`: a panicking agent would end the host.
    #[error("the program is built with panic = \"abort\", which cannot be supervised")]
    PanicAborts,
}

impl StartError {
    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Environment(_) => "change into a directory that exists and that you may read",
            Self::Workspace(_) => "choose a directory that exists and that you may read",
            Self::Threads(_) => "raise the limit of processes (`ulimit -u`)",
            #[cfg(feature = "metrics")]
            Self::MetricsAddress(_) => "use an address of this machine, for example 127.0.0.1:9464",
            #[cfg(feature = "metrics")]
            Self::MetricsListen(..) => "choose another port, or 0 for any that is free",
            Self::PanicAborts => "set panic = \"unwind\" in the profile",
        }
    }
}
