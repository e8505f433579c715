//! Knowing and ending everything that a command started, however far it moved away.
//!
//! On Linux each command gets a limit of its own on realtime seconds: a number that only its processes have, that
//! forks and executions inherit, that costs nothing (no command runs in realtime), that everybody may read in `/proc`,
//! and that the sandbox's filter keeps them from changing. A process group, a session or a variable can be left
//! behind; this cannot. Without the filter, in `danger-full-access`, a process can lower the limit and so hide.
//! On other systems the process group is all there is: what leaves it stays.

use rustix::process::{Pid, Signal};

/// The mark of one command's processes.
#[derive(Clone, Debug)]
pub(super) struct Brand {
    group: Pid,
    #[cfg(target_os = "linux")]
    mark: Option<u64>,
}

/// What was seen of a command's processes so far.
#[derive(Debug, Default)]
pub(super) struct Seen {
    #[cfg(target_os = "linux")]
    processes: std::collections::HashSet<Pid>,
    /// Those of them that are the command's own, and not what stands around it.
    pub(super) strays: usize,
}

/// One look at the processes of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sweep {
    /// Processes that are not dead yet.
    pub(super) alive: usize,
    /// Those of them that were met for the first time.
    pub(super) new: usize,
}

#[cfg(target_os = "linux")]
mod linux {
    use std::hash::{BuildHasher as _, RandomState};
    use std::os::unix::fs::MetadataExt as _;
    use std::sync::atomic::{AtomicU64, Ordering};

    use rustix::process::{PidfdFlags, Resource, Rlimit, pidfd_open, pidfd_send_signal, prlimit};

    use super::{Brand, Pid, Seen, Signal, Sweep};

    /// What bubblewrap calls its processes; they end a moment after the command.
    const AROUND: &[u8] = b"bwrap";

    /// Bytes of a status file that are read.
    const STATUS_BYTES_MAX: usize = 4096;

    impl Brand {
        /// Marks a process that has not begun its work. Without the right to do so, for instance inside another
        /// sandbox of ours, only the process group is known; the outer sandbox knows the rest.
        pub(in crate::sandbox) fn mark(process: Pid) -> Self {
            let mark = unique();
            let limit = Rlimit { current: Some(mark), maximum: Some(mark) };
            let marked = prlimit(Some(process), Resource::Rttime, limit);
            if let Err(error) = marked {
                tracing::debug!(%error, "a command's processes cannot be marked");
            }
            Self { group: process, mark: marked.is_ok().then_some(mark) }
        }

        /// Stops every process that is new, and kills all when none is: stopped processes start no others.
        pub(in crate::sandbox) fn sweep(&self, seen: &mut Seen) -> Sweep {
            let Some(mark) = self.mark else { return self.sweep_group(seen) };
            let (mut alive, mut new) = (Vec::new(), 0);
            for pid in processes().filter(|pid| bears(*pid, mark)) {
                let Some(name) = name_of_living(pid) else { continue };
                alive.push(pid);
                if seen.processes.insert(pid) {
                    new += 1;
                    seen.strays += usize::from(name != AROUND);
                }
            }
            let signal = if new > 0 { Signal::STOP } else { Signal::KILL };
            for pid in &alive {
                signal_if_marked(*pid, mark, signal);
            }
            Sweep { alive: alive.len(), new }
        }
    }

    /// A number that no other command has had: the limit of a fresh process is infinite or one of these.
    fn unique() -> u64 {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let random = RandomState::new().hash_one((COUNT.fetch_add(1, Ordering::Relaxed), std::process::id()));
        // Long enough that no real limit looks like it: between 73,000 and 146,000 years.
        (random >> 2) | (1 << 61)
    }

    /// All processes that a command of this user can have started: its own, and for root all.
    fn processes() -> impl Iterator<Item = Pid> {
        let user = rustix::process::geteuid();
        let is_ours = move |entry: &std::fs::DirEntry| {
            user.is_root() || entry.metadata().is_ok_and(|meta| meta.uid() == user.as_raw())
        };
        let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        entries.filter_map(move |entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            is_ours(&entry).then(|| Pid::from_raw(pid))?
        })
    }

    fn bears(pid: Pid, mark: u64) -> bool {
        let digits = mark.to_string();
        read(pid, "limits")
            .is_some_and(|limits| limits.windows(digits.len()).any(|at| at == digits.as_bytes()))
    }

    /// The name of a process, if it is not dead. One that nobody has waited for yet is still listed.
    fn name_of_living(pid: Pid) -> Option<Vec<u8>> {
        let stat = read(pid, "stat")?;
        // The name, in parentheses, may hold anything.
        let begin = stat.iter().position(|byte| *byte == b'(')?;
        let end = stat.iter().rposition(|byte| *byte == b')')?;
        let is_dead = matches!(stat.get(end + 2)?, b'Z' | b'X');
        stat.get(begin + 1..end).filter(|_| !is_dead).map(<[u8]>::to_vec)
    }

    fn read(pid: Pid, name: &str) -> Option<Vec<u8>> {
        use std::io::Read as _;
        let file = std::fs::File::open(format!("/proc/{}/{name}", pid.as_raw_nonzero())).ok()?;
        let mut bytes = Vec::with_capacity(STATUS_BYTES_MAX);
        file.take(STATUS_BYTES_MAX as u64).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }

    /// Looks once more through a handle: the number may belong to another process by now.
    fn signal_if_marked(pid: Pid, mark: u64, signal: Signal) {
        let Ok(handle) = pidfd_open(pid, PidfdFlags::empty()) else { return };
        if bears(pid, mark) {
            // It may have died in between; then nothing is left to do.
            let _ = pidfd_send_signal(&handle, signal);
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn marks_are_long_and_never_the_same() {
            let marks: std::collections::HashSet<u64> = (0..1000).map(|_| unique()).collect();
            assert_eq!(marks.len(), 1000);
            assert!(marks.iter().all(|mark| mark.to_string().len() == 19));
        }

        #[test]
        fn this_process_is_alive_and_bears_no_mark() {
            let own = rustix::process::getpid();
            assert!(processes().any(|pid| pid == own));
            assert!(name_of_living(own).is_some() && !bears(own, unique()));
        }
    }
}

impl Brand {
    /// On systems where processes cannot be marked.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn mark(process: Pid) -> Self {
        Self { group: process }
    }

    /// Kills the group.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn sweep(&self, seen: &mut Seen) -> Sweep {
        self.sweep_group(seen)
    }

    /// Kills the group at one blow. Whether its dead are still listed cannot be told, so that none counts as alive.
    fn sweep_group(&self, seen: &mut Seen) -> Sweep {
        let killed = rustix::process::kill_process_group(self.group, Signal::KILL).is_ok();
        seen.strays += usize::from(killed);
        Sweep { alive: 0, new: 0 }
    }
}
