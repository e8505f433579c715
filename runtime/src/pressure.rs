//! What this machine is short of: memory and processors as the control group and the kernel tell, file descriptors of
//! this process. Linux tells most of it; elsewhere nothing is known and nothing is limited.

use std::fs;
use std::path::{Path, PathBuf};

use codex_task_actors::{Pressure, PressureSampler};

/// Looks at `/proc` and at this process's control group.
#[derive(Debug)]
pub(crate) struct SystemPressure {
    /// The control group's directory, where there is one of version 2.
    group: Option<PathBuf>,
    cpus: Option<usize>,
}

impl SystemPressure {
    /// Finds out where to look.
    pub(crate) fn new() -> Self {
        let own = fs::read_to_string("/proc/self/cgroup").ok();
        let group = own.as_deref().and_then(group_of).map(|path| Path::new("/sys/fs/cgroup").join(path));
        let cpus = std::thread::available_parallelism().ok().map(std::num::NonZero::get);
        Self { group: group.filter(|group| group.is_dir()), cpus }
    }

    /// Percent of the memory that this process may have: the control group's, or the machine's where the group has no
    /// limit or more is in use there.
    fn memory_used(&self) -> Option<u8> {
        let number = |name: &str| read(&self.group.as_ref()?.join(name))?.trim().parse::<u64>().ok();
        let of_group = number("memory.max").and_then(|max| {
            // What the kernel can take back at once is not in use.
            let idle = memory_stat(&read(&self.group.as_ref()?.join("memory.stat"))?, "inactive_file");
            percent(number("memory.current")?.saturating_sub(idle.unwrap_or(0)), max)
        });
        let of_machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| machine_memory(&text));
        [of_group, of_machine].into_iter().flatten().max()
    }

    /// What waits for something: of the control group if it tells, else of the machine.
    fn stalls(&self, what: &str) -> Stalls {
        let of_group = self.group.as_ref().and_then(|group| read(&group.join(format!("{what}.pressure"))));
        let text = of_group.or_else(|| read(Path::new(&format!("/proc/pressure/{what}"))));
        text.map(|text| Stalls::of(&text)).unwrap_or_default()
    }
}

impl PressureSampler for SystemPressure {
    fn sample(&self) -> Pressure {
        let (memory, cpu) = (self.stalls("memory"), self.stalls("cpu"));
        let open = fs::read_dir("/proc/self/fd").ok().map(|entries| entries.count() as u64);
        let limits = read(Path::new("/proc/self/limits"));
        Pressure {
            memory_used: self.memory_used(),
            memory_stall_full: memory.full,
            memory_stall: memory.some,
            cpu_stall: cpu.some,
            cpus: self.cpus,
            fds_open: open,
            fds_max: limits.as_deref().and_then(descriptors_max),
        }
    }
}

fn read(path: &Path) -> Option<String> {
    fs::read_to_string(path).ok()
}

/// The group's path below the mount point, from `/proc/self/cgroup`.
fn group_of(text: &str) -> Option<&str> {
    text.lines().find_map(|line| line.strip_prefix("0::/"))
}

/// The soft limit of open files, from `/proc/self/limits`.
fn descriptors_max(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

/// A line of `memory.stat`.
fn memory_stat(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
}

/// Percent of the machine's memory that is not available.
fn machine_memory(text: &str) -> Option<u8> {
    let line = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_ascii_whitespace().next()?.parse::<u64>().ok()
    };
    let (total, available) = (line("MemTotal:")?, line("MemAvailable:")?);
    percent(total.saturating_sub(available), total)
}

fn percent(part: u64, whole: u64) -> Option<u8> {
    let percent = part.checked_mul(100)?.checked_div(whole)?;
    Some(u8::try_from(percent).unwrap_or(u8::MAX))
}

/// Percent of the last ten seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Stalls {
    some: Option<u8>,
    full: Option<u8>,
}

impl Stalls {
    /// Reads the kernel's `some avg10=1.23 ...` and `full avg10=...`.
    fn of(text: &str) -> Self {
        let average = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name))?;
            let field = line.split_ascii_whitespace().find_map(|field| field.strip_prefix("avg10="))?;
            // Whole percents are enough.
            field.split('.').next()?.parse().ok()
        };
        Self { some: average("some"), full: average("full") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_writes_is_read_and_what_it_does_not_write_is_not_known() {
        let text = "some avg10=12.50 avg60=3.00 avg300=1.00 total=1\nfull avg10=3.99 avg60=0.00 avg300=0.00 total=1\n";
        assert_eq!(Stalls::of(text), Stalls { some: Some(12), full: Some(3) });
        assert_eq!(Stalls::of(""), Stalls::default());
        let limits = "Limit                     Soft Limit           Hard Limit           Units\n\
                      Max open files            1024                 524288               files\n";
        assert_eq!(descriptors_max(limits), Some(1_024));
        assert_eq!(
            descriptors_max("Max open files            unlimited            unlimited            files"),
            None
        );
        assert_eq!(group_of("12:cpu:/a\n0::/user.slice/x\n"), Some("user.slice/x"));
        assert_eq!(memory_stat("anon 5\ninactive_file 4096\n", "inactive_file"), Some(4_096));
        let machine = "MemTotal:       1000 kB\nMemFree:         10 kB\nMemAvailable:    250 kB\n";
        assert_eq!(machine_memory(machine), Some(75));
        assert_eq!((percent(1, 0), percent(u64::MAX, 1)), (None, None));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_machine_tells_something() {
        let seen = SystemPressure::new().sample();
        assert!(seen.fds_open.is_some_and(|open| open > 2), "{seen:?}");
        assert!(seen.cpus.is_some(), "{seen:?}");
    }
}
