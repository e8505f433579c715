//! Holding a shell command to what it may reach: files, network, other processes, and its own end.
//!
//! Owns: the policy of a command, the system's means to enforce it (Landlock, seccomp, mounts and capabilities on
//! Linux, Seatbelt on macOS), the environment that a command sees, and ending everything that it started. Does not
//! decide whether a command runs, or whether it runs without a sandbox: that is the gate's work.
//!
//! Invariant: a command runs with everything its policy asks for, or not at all. The restrictions are put on a thread
//! that ends with the call; this process keeps all of its rights.

mod aftermath;
mod command;
mod denied_reads;
mod doorkeeper;
mod environment;
mod error;
#[cfg(test)]
mod file_tests;
mod leash;
mod limits;
#[cfg(target_os = "linux")]
mod linux;
mod place;
mod policy;
mod processes;
mod protected;
mod seatbelt;
mod session;
mod spawn;
mod status;
#[cfg(test)]
mod testing;
mod tripwire;
mod workspace;

pub use aftermath::{Aftermath, RefusedPath};
pub(crate) use command::BASH_ARGUMENTS;
pub use command::ConfinedCommand;
pub use denied_reads::DeniedReads;
pub use environment::CommandEnvironment;
pub use error::SandboxError;
pub use leash::Leash;
pub use policy::{NetworkAccess, SandboxPolicy};
pub(crate) use protected::git_directories;
pub(crate) use session::SandboxOfSession;
pub use spawn::{Confined, Sandbox};
pub use status::{LandlockSupport, MountSupport, SandboxStatus};
