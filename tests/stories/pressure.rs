//! A machine that is short of something: fewer tasks run, the rest wait, none fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::time::Duration;

use codex_task::{Pressure, PressureSampler, RunTask, Shortage, TaskStatus};
use codex_task_config::SettingsOverrides;
use codex_task_providers::scripted::Rule;
use futures_util::future::join_all;

use crate::harness::{OneClock, Setup, agent, agents, scripted, wait_for};

/// A machine whose memory is as full as the story says.
#[derive(Default)]
struct Machine {
    memory_used: AtomicU8,
    looks: AtomicUsize,
}

impl PressureSampler for Machine {
    fn sample(&self) -> Pressure {
        self.looks.fetch_add(1, Ordering::SeqCst);
        Pressure { memory_used: Some(self.memory_used.load(Ordering::SeqCst)), ..Pressure::default() }
    }
}

fn stage(machine: &Arc<Machine>, seconds: u64) -> OneClock {
    let slowly = Rule::text("done").with_delays(Duration::from_secs(seconds), Duration::ZERO);
    let mut setup = Setup::new(agents([agent("worker")]), scripted([slowly]));
    setup.pressure = Arc::clone(machine) as Arc<dyn PressureSampler>;
    setup.overrides = SettingsOverrides { max_concurrent: Some(8), ..SettingsOverrides::default() };
    OneClock::start(setup)
}

#[actix::test]
async fn while_memory_is_short_fewer_tasks_run_and_all_come_to_their_end() {
    tokio::time::pause();
    let machine = Arc::new(Machine::default());
    let stage = stage(&machine, 5);
    let running = join_all((0..40).map(|n| stage.run(RunTask::new("worker", format!("task {n}")))));
    let watching = async {
        wait_for("eight run", async || stage.counters().await.running == 8).await;
        machine.memory_used.store(97, Ordering::SeqCst);
        wait_for("one runs", async || stage.counters().await.running == 1).await;
        let counters = stage.counters().await;
        assert_eq!((counters.running_max, counters.shortage), (1, Shortage::Memory));
        assert!(counters.queued > 0);
        machine.memory_used.store(50, Ordering::SeqCst);
        wait_for("eight run again", async || stage.counters().await.running == 8).await;
        assert_eq!(stage.counters().await.shortage, Shortage::None);
    };
    let (reports, ()) = futures_util::join!(running, watching);
    assert!(reports.iter().all(|report| report.status() == TaskStatus::Completed));
}

#[actix::test]
async fn nobody_looks_at_the_machine_while_no_task_waits() {
    tokio::time::pause();
    let machine = Arc::new(Machine::default());
    let stage = stage(&machine, 60);
    let reports = join_all((0..8).map(|n| stage.run(RunTask::new("worker", format!("task {n}"))))).await;
    assert!(reports.iter().all(|report| report.status() == TaskStatus::Completed));
    assert_eq!(machine.looks.load(Ordering::SeqCst), 1, "once at the start");
}
