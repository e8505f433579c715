//! Figures of the process itself, from the kernel's own accounting.

use std::time::Duration;

/// Processor time of this process, user and system.
#[derive(Clone, Copy, Debug)]
pub struct Cpu(Duration);

impl Cpu {
    /// Processor time so far.
    pub fn now() -> Self {
        let times = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        let seconds = u64::try_from(times.tv_sec).unwrap_or_default();
        let nanos = u32::try_from(times.tv_nsec).unwrap_or_default();
        Self(Duration::new(seconds, nanos))
    }

    /// Processor time since then.
    pub fn since(self) -> Duration {
        Self::now().0.saturating_sub(self.0)
    }
}

/// Resident memory of this process in KiB; 0 where the system does not tell.
pub fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default()
}

/// Percentiles of durations.
#[derive(Clone, Debug, Default)]
pub struct Percentiles {
    sorted: Vec<Duration>,
}

impl Percentiles {
    /// Takes the samples.
    pub fn of(mut samples: Vec<Duration>) -> Self {
        samples.sort_unstable();
        Self { sorted: samples }
    }

    /// The value below which `percent` of the samples lie.
    pub fn at(&self, percent: usize) -> Duration {
        let last = self.sorted.len().saturating_sub(1);
        self.sorted.get(last * percent / 100).copied().unwrap_or_default()
    }
}
