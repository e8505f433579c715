//! How many tasks may run while the machine is short of something. A pure policy: what is measured is somebody else's.

use serde::Serialize;

/// File descriptors that one running task needs: a connection, the pipes of a command, a file.
const FDS_PER_TASK: u64 = 6;
/// File descriptors that are kept for everything else.
const FDS_SPARE: u64 = 8;

/// Memory in use, in percent, at which fewer tasks run.
const MEMORY_HIGH: u8 = 95;
/// Memory in use, in percent, at which no more tasks run than do now.
const MEMORY_RAISED: u8 = 85;
/// Percent of the last ten seconds in which everything waited for memory, at which fewer tasks run.
const MEMORY_STALL_HIGH: u8 = 10;
/// The same for something waiting for memory, at which no more tasks run than do now.
const MEMORY_STALL_RAISED: u8 = 20;
/// Percent of the last ten seconds in which something waited for a processor, at which fewer tasks run.
const CPU_STALL_HIGH: u8 = 90;
/// The same, at which no more tasks run than do now.
const CPU_STALL_RAISED: u8 = 70;
/// Tasks for each processor that run however busy the processors are: agents mostly wait for their models.
const TASKS_PER_CPU: usize = 4;

/// Calm looks in a row after which one more task may run.
const CALM_LOOKS: u32 = 2;

/// What a look at the machine gives; `None` where the system does not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pressure {
    /// Memory in use, in percent of what this process may have.
    pub memory_used: Option<u8>,
    /// Percent of the last ten seconds in which everything waited for memory.
    pub memory_stall_full: Option<u8>,
    /// Percent of the last ten seconds in which something waited for memory.
    pub memory_stall: Option<u8>,
    /// Percent of the last ten seconds in which something waited for a processor.
    pub cpu_stall: Option<u8>,
    /// Processors that this process may use.
    pub cpus: Option<usize>,
    /// Open file descriptors.
    pub fds_open: Option<u64>,
    /// Most file descriptors.
    pub fds_max: Option<u64>,
}

/// Looks at the machine. May block for a moment: it is asked where that holds nobody up.
pub trait PressureSampler: Send + Sync {
    /// One look.
    fn sample(&self) -> Pressure;
}

/// A machine that is never short of anything: for tests, and for hosts that decide themselves.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoPressure;

impl PressureSampler for NoPressure {
    fn sample(&self) -> Pressure {
        Pressure::default()
    }
}

/// What the machine is shortest of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Shortage {
    /// Nothing.
    #[default]
    None,
    /// File descriptors.
    FileDescriptors,
    /// Memory.
    Memory,
    /// Processors.
    Cpu,
}

/// What a look means for the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// One more may run.
    Calm,
    /// The limit stays.
    Keep,
    /// No more than run now.
    Hold,
    /// Fewer, but not below this.
    Shrink(usize),
}

/// The number of tasks that may run, between its bounds.
#[derive(Debug)]
pub(super) struct RunningLimit {
    most: usize,
    least: usize,
    now: usize,
    calm: u32,
    shortage: Shortage,
}

impl RunningLimit {
    /// A limit that begins at its upper bound, or below it when descriptors are short from the start.
    pub(super) fn new(least: usize, most: usize, first: &Pressure) -> Self {
        let most = most.max(1);
        let least = least.clamp(1, most);
        let mut limit = Self { most, least, now: most, calm: 0, shortage: Shortage::None };
        limit.cap_by_descriptors(first, 0);
        limit
    }

    /// Tasks that may run.
    pub(super) fn now(&self) -> usize {
        self.now
    }

    /// What the machine was shortest of at the last look.
    pub(super) fn shortage(&self) -> Shortage {
        self.shortage
    }

    /// Takes a look into account. Fewer tasks at once when the machine is short of something, one more after some calm
    /// looks: so it does not swing.
    pub(super) fn look(&mut self, pressure: &Pressure, running: usize) {
        let (verdict, shortage) = judge(pressure);
        self.shortage = shortage;
        match verdict {
            Verdict::Calm => {
                self.calm += 1;
                if self.calm >= CALM_LOOKS && self.now < self.most {
                    self.calm = 0;
                    self.now += (self.now / 8).max(1);
                }
            }
            Verdict::Keep => self.calm = 0,
            Verdict::Hold => {
                self.calm = 0;
                self.now = self.now.min(running.max(1));
            }
            Verdict::Shrink(floor) => {
                self.calm = 0;
                let fewer = (running.min(self.now) * 3 / 4).max(1);
                self.now = self.now.min(fewer.max(floor));
            }
        }
        self.now = self.now.clamp(self.least, self.most);
        self.cap_by_descriptors(pressure, running);
    }

    /// However calm everything else is: tasks that have no descriptors fail.
    fn cap_by_descriptors(&mut self, pressure: &Pressure, running: usize) {
        let (Some(open), Some(max)) = (pressure.fds_open, pressure.fds_max) else { return };
        let free = max.saturating_sub(open).saturating_sub(FDS_SPARE);
        let more = usize::try_from(free / FDS_PER_TASK).unwrap_or(usize::MAX);
        let cap = running.saturating_add(more).max(self.least);
        if cap < self.now {
            self.now = cap;
            self.shortage = Shortage::FileDescriptors;
            self.calm = 0;
        }
    }
}

fn judge(pressure: &Pressure) -> (Verdict, Shortage) {
    let reaches = |value: Option<u8>, threshold| value.is_some_and(|value| value >= threshold);
    if reaches(pressure.memory_used, MEMORY_HIGH) || reaches(pressure.memory_stall_full, MEMORY_STALL_HIGH) {
        return (Verdict::Shrink(1), Shortage::Memory);
    }
    if reaches(pressure.memory_used, MEMORY_RAISED) || reaches(pressure.memory_stall, MEMORY_STALL_RAISED) {
        return (Verdict::Hold, Shortage::Memory);
    }
    let floor = pressure.cpus.unwrap_or(1).saturating_mul(TASKS_PER_CPU);
    if reaches(pressure.cpu_stall, CPU_STALL_HIGH) {
        return (Verdict::Shrink(floor), Shortage::Cpu);
    }
    if reaches(pressure.cpu_stall, CPU_STALL_RAISED) {
        return (Verdict::Keep, Shortage::Cpu);
    }
    (Verdict::Calm, Shortage::None)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALM: Pressure = Pressure {
        memory_used: Some(40),
        memory_stall_full: Some(0),
        memory_stall: Some(0),
        cpu_stall: Some(5),
        cpus: Some(2),
        fds_open: Some(30),
        fds_max: Some(1_024),
    };

    fn after(pressure: Pressure, looks: u32, running: usize) -> (usize, Shortage) {
        let mut limit = RunningLimit::new(1, 16, &CALM);
        for _ in 0..looks {
            limit.look(&pressure, running.min(limit.now()));
        }
        (limit.now(), limit.shortage())
    }

    #[test]
    fn each_shortage_has_its_effect_within_the_bounds() {
        let of = |memory_used| Pressure { memory_used: Some(memory_used), ..CALM };
        let stalled =
            |full, some| Pressure { memory_stall_full: Some(full), memory_stall: Some(some), ..CALM };
        let busy = |cpu_stall| Pressure { cpu_stall: Some(cpu_stall), ..CALM };
        for (pressure, looks, expected) in [
            (CALM, 5, (16, Shortage::None)),
            (Pressure::default(), 5, (16, Shortage::None)),
            (of(84), 1, (16, Shortage::None)),
            (of(90), 5, (16, Shortage::Memory)),
            (of(96), 1, (12, Shortage::Memory)),
            (of(96), 2, (9, Shortage::Memory)),
            (of(100), 99, (1, Shortage::Memory)),
            (stalled(12, 30), 1, (12, Shortage::Memory)),
            (stalled(0, 30), 5, (16, Shortage::Memory)),
            (busy(80), 99, (16, Shortage::Cpu)),
            (busy(95), 1, (12, Shortage::Cpu)),
            // Eight agents on two processors run however busy they are.
            (busy(100), 99, (8, Shortage::Cpu)),
        ] {
            assert_eq!(after(pressure, looks, 16), expected, "{pressure:?} {looks} times");
        }
    }

    #[test]
    fn where_memory_is_raised_no_more_tasks_run_than_do_now() {
        let raised = Pressure { memory_used: Some(90), ..CALM };
        assert_eq!(after(raised, 1, 5), (5, Shortage::Memory));
        assert_eq!(after(raised, 1, 0), (1, Shortage::Memory));
    }

    #[test]
    fn the_limit_comes_back_slowly_and_not_at_the_first_calm_look() {
        let mut limit = RunningLimit::new(1, 10, &CALM);
        limit.look(&Pressure { memory_used: Some(99), ..CALM }, 10);
        assert_eq!(limit.now(), 7);
        let mut seen = Vec::new();
        for _ in 0..8 {
            limit.look(&CALM, limit.now());
            seen.push(limit.now());
        }
        assert_eq!(seen, [7, 8, 8, 9, 9, 10, 10, 10]);
    }

    #[test]
    fn descriptors_cap_the_limit_from_the_start_and_give_way_when_there_are_more() {
        let few = Pressure { fds_open: Some(30), fds_max: Some(64), ..CALM };
        let mut limit = RunningLimit::new(1, 50, &few);
        assert_eq!((limit.now(), limit.shortage()), (4, Shortage::FileDescriptors));
        // Four tasks hold nearly all of them.
        limit.look(&Pressure { fds_open: Some(56), ..few }, 4);
        assert_eq!(limit.now(), 4);
        let none = Pressure { fds_open: Some(64), ..few };
        assert_eq!(RunningLimit::new(1, 50, &none).now(), 1);
        assert_eq!(RunningLimit::new(3, 50, &none).now(), 3, "the lower bound is the user's own");
        for _ in 0..100 {
            limit.look(&CALM, limit.now());
        }
        assert_eq!(limit.now(), 50);
    }
}
