//! Limits on what one command may use up, set from outside before it begins.

use rustix::process::Pid;

/// Bytes of the largest file that a command may write: 16 GiB.
#[cfg(target_os = "linux")]
const FILE_BYTES_MAX: u64 = 16 << 30;
/// Open files of one process.
#[cfg(target_os = "linux")]
const OPEN_FILES_MAX: u64 = 65_536;
/// Processes and threads of this user; the kernel counts all of them, not only the command's.
#[cfg(target_os = "linux")]
const PROCESSES_MAX: u64 = 16_384;

/// Sets the limits; children inherit them. A limit that is narrower already stays.
#[cfg(target_os = "linux")]
pub(super) fn limit(process: Pid) {
    use rustix::process::{Resource, Rlimit, getrlimit, prlimit};
    // A core dump would put the memory of a command, secrets included, into the workspace.
    for (resource, most) in [
        (Resource::Core, 0),
        (Resource::Fsize, FILE_BYTES_MAX),
        (Resource::Nofile, OPEN_FILES_MAX),
        (Resource::Nproc, PROCESSES_MAX),
    ] {
        // The command has this process's limits until now.
        let present = getrlimit(resource);
        let narrowed = |limit: Option<u64>| Some(limit.map_or(most, |limit| limit.min(most)));
        let limit = Rlimit { current: narrowed(present.current), maximum: narrowed(present.maximum) };
        if let Err(error) = prlimit(Some(process), resource, limit) {
            tracing::debug!(?resource, %error, "a limit could not be set");
        }
    }
}

/// Elsewhere limits cannot be set from outside.
#[cfg(not(target_os = "linux"))]
pub(super) fn limit(_process: Pid) {}
