//! A machine that is short of memory now and then, and how many tasks may run on it.

use std::sync::{Arc, Mutex, PoisonError};

use codex_task::{Pressure, PressureSampler};
use rand::RngExt;
use tokio::time::Instant;

use super::plan::Plan;

/// Looks for which the machine stays as it is.
const SPELL: usize = 12;

/// What a look sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Memory {
    Free,
    Raised,
    Short,
}

/// See the module.
#[derive(Clone)]
pub(super) struct Machine {
    plan: Plan,
    life: usize,
    /// All looks but the first, which is at an empty process.
    looks: Arc<Mutex<Vec<(Instant, Memory)>>>,
}

impl Machine {
    pub(super) fn new(plan: Plan, life: usize) -> Self {
        Self { plan, life, looks: Arc::default() }
    }

    /// The `nth` look.
    fn look(&self, nth: usize) -> Memory {
        let mut dice = self.plan.dice("pressure", self.life * 1_000_000 + nth / SPELL);
        if !self.plan.weather().is_pressed {
            return Memory::Free;
        }
        match dice.random_range(0..10) {
            0..=4 => Memory::Free,
            5..=6 => Memory::Raised,
            _ => Memory::Short,
        }
    }

    /// Looks that found it short of memory.
    pub(super) fn shortages(&self) -> usize {
        let looks = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
        looks.iter().filter(|(_, memory)| *memory != Memory::Free).count()
    }
}

impl PressureSampler for Machine {
    fn sample(&self) -> Pressure {
        let mut looks = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
        let memory = self.look(looks.len());
        looks.push((Instant::now(), memory));
        let memory_used = match memory {
            Memory::Free => 40,
            Memory::Raised => 90,
            Memory::Short => 97,
        };
        Pressure { memory_used: Some(memory_used), ..Pressure::default() }
    }
}

/// How many tasks may run at each depth at most, as somebody sees it who knows what was seen and what has begun and ended.
pub(super) struct Ceiling {
    machine: Machine,
    /// Looks that were taken into account. The first one changes nothing.
    seen: usize,
    most: usize,
    now: usize,
    /// The latest moment at which something began or ended, and the most that ran in it, at the depth that had most.
    moment: (Instant, usize),
    running: usize,
}

impl Ceiling {
    pub(super) fn new(machine: Machine, most: usize) -> Self {
        Self { machine, seen: 1, most, now: most, moment: (Instant::now(), 0), running: 0 }
    }

    /// So many run now, at the depth that has most.
    pub(super) fn note(&mut self, running: usize) {
        let now = Instant::now();
        self.take_looks_before(now);
        let most = if self.moment.0 == now { self.moment.1 } else { self.running };
        self.moment = (now, most.max(running));
        self.running = running;
    }

    /// Tasks that may run at a depth in this very moment. What was seen in it may count already.
    pub(super) fn height(&mut self) -> usize {
        let now = Instant::now();
        self.take_looks_before(now);
        let looks = self.machine.looks.lock().unwrap_or_else(PoisonError::into_inner);
        let calm = looks.iter().skip(self.seen).filter(|(_, memory)| *memory == Memory::Free).count();
        self.most.min(self.now + calm * (self.now / 8).max(1))
    }

    fn take_looks_before(&mut self, now: Instant) {
        let looks = Arc::clone(&self.machine.looks);
        let looks = looks.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some((at, memory)) = looks.get(self.seen).filter(|(at, _)| *at < now) {
            let running = if *at == self.moment.0 { self.moment.1 } else { self.running };
            self.now = match memory {
                Memory::Free => self.most.min(self.now + (self.now / 8).max(1)),
                Memory::Raised => self.now.min(running.max(1)),
                Memory::Short => self.now.min((running.min(self.now) * 3 / 4).max(1)),
            };
            self.seen += 1;
        }
    }
}
