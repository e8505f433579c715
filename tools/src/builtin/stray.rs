//! Processes that left the group of the call that started them, as daemons do: they are known by a variable that all
//! children of a call inherit. A process that clears its environment too is not found; the sandbox is for those.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use codex_task_config::Environment;
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process_group};

use crate::warden::badge;

/// The variable. Calls within calls (an agent runs this program) stand behind each other in it.
pub(super) const VARIABLE: &str = "CODEX_TASK_CALL";

/// Tells the calls of this process apart.
static NEXT_CALL: AtomicU64 = AtomicU64::new(0);

/// What looking for strays came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sweep {
    /// Processes that were ended.
    pub(super) ended: usize,
    /// Processes that show no environment: at this moment, or never.
    pub(super) unclear: usize,
}

/// What the processes of one call have in common.
#[derive(Clone, Debug)]
pub(super) struct Mark(String);

impl Mark {
    /// A mark that no other call on this machine has.
    pub(super) fn new() -> Self {
        let number = NEXT_CALL.fetch_add(1, Ordering::Relaxed);
        // It is looked for within environments: the point at its end keeps the first call apart from the tenth.
        Self(format!("{}{number}.", badge()))
    }

    /// The variable's value for a child of this call.
    pub(super) fn value(&self, environment: &Environment) -> String {
        match environment.get(VARIABLE) {
            Some(outer) => format!("{outer}:{self}"),
            None => self.to_string(),
        }
    }

    /// Ends every process that carries the mark, and those that they start meanwhile. `first` is the first process of
    /// the call.
    #[cfg(target_os = "linux")]
    pub(super) fn end_strays(&self, first: Pid) -> Sweep {
        linux::end_all(self.0.as_bytes(), first)
    }

    /// Nothing can be found without `/proc`.
    #[cfg(not(target_os = "linux"))]
    #[expect(clippy::unused_self, reason = "the same signature as on Linux")]
    pub(super) fn end_strays(&self, _first: Pid) -> Sweep {
        Sweep::default()
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a process group has a member that still runs. One that has ended and that its parent has not asked for does
/// not count: in a container the first process may never ask.
#[cfg(target_os = "linux")]
pub(super) fn runs_in_group(group: Pid) -> bool {
    test_kill_process_group(group) != Err(Errno::SRCH) && linux::runs_in_group(group)
}

/// Whether a process group has a member.
#[cfg(not(target_os = "linux"))]
pub(super) fn runs_in_group(group: Pid) -> bool {
    test_kill_process_group(group) != Err(Errno::SRCH)
}

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::BTreeSet;
    use std::fs::File;
    use std::io::Read as _;

    use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

    use super::Sweep;

    /// Rounds after which a call that starts processes faster than they are ended is given up.
    const ROUNDS_MAX: usize = 16;

    /// Bytes of an environment that are looked at.
    const ENVIRONMENT_BYTES_MAX: u64 = 1024 * 1024;

    pub(super) fn end_all(mark: &[u8], first: Pid) -> Sweep {
        let mut ended = BTreeSet::new();
        let mut unclear = 0;
        for _ in 0..ROUNDS_MAX {
            let known = ended.len();
            unclear = 0;
            for process in processes_since(first) {
                if ended.contains(&process.as_raw_nonzero()) {
                    continue;
                }
                match end_if_marked(mark, process) {
                    Found::Marked => {
                        ended.insert(process.as_raw_nonzero());
                    }
                    Found::Other => {}
                    Found::Unclear => unclear += 1,
                }
            }
            if ended.len() == known {
                break;
            }
        }
        Sweep { ended: ended.len(), unclear }
    }

    enum Found {
        /// It carried the mark and was ended.
        Marked,
        Other,
        Unclear,
    }

    /// Without `/proc` every member counts.
    pub(super) fn runs_in_group(group: Pid) -> bool {
        let Ok(entries) = std::fs::read_dir("/proc") else { return true };
        let group = group.as_raw_nonzero().to_string();
        entries.flatten().any(|entry| {
            let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
            // The name before the last parenthesis may hold anything; after it come state, parent and group.
            let fields = stat.rsplit_once(')').map(|(_, fields)| fields).unwrap_or_default();
            let mut fields = fields.split_whitespace();
            let runs = fields.next().is_some_and(|state| !matches!(state, "Z" | "X"));
            runs && fields.nth(1) == Some(&group)
        })
    }

    /// Processes that are younger than `first`, by their number; all of them once the numbers have begun anew.
    fn processes_since(first: Pid) -> Vec<Pid> {
        let newest = std::fs::read_to_string("/proc/loadavg").ok();
        let newest = newest.and_then(|line| line.split_whitespace().last()?.parse::<i32>().ok());
        let has_wrapped = newest.is_none_or(|newest| newest < first.as_raw_nonzero().get());
        let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        entries
            .filter_map(|entry| Pid::from_raw(entry.file_name().to_str()?.parse().ok()?))
            .filter(|process| has_wrapped || process.as_raw_nonzero() >= first.as_raw_nonzero())
            .collect()
    }

    /// The process is held by handle before it is looked at, so that no other one of the same number is ended.
    fn end_if_marked(mark: &[u8], process: Pid) -> Found {
        let Ok(handle) = pidfd_open(process, PidfdFlags::empty()) else { return Found::Other };
        let number = process.as_raw_nonzero();
        let Ok(file) = File::open(format!("/proc/{number}/environ")) else { return Found::Other };
        let mut environment = Vec::new();
        let read = file.take(ENVIRONMENT_BYTES_MAX).read_to_end(&mut environment);
        if read.is_ok() && environment.windows(mark.len()).any(|window| window == mark) {
            // The only failure is that it has ended by itself.
            let _ = pidfd_send_signal(&handle, Signal::KILL);
            return Found::Marked;
        }
        // While a process becomes another program it has no environment, nor has it memory when it has ended.
        let is_blank = environment.is_empty() && std::fs::read_link(format!("/proc/{number}/exe")).is_ok();
        if is_blank { Found::Unclear } else { Found::Other }
    }
}
