//! What an agent that waits for its model costs in memory: 10,000 tasks, all admitted, at most 256 connections, beside
//! the same number of bare futures that wait for the same client.
#![expect(clippy::print_stdout, reason = "a benchmark prints")]

mod support;

use std::time::Duration;

use codex_task::{RunTask, TaskStatus};
use codex_task_benches::{MockProcess, is_smoke_run, resident_kib};
use futures_util::future::join_all;
use support::{Subagents, beside_mock, prompt};

const AGENTS: usize = 10_000;

fn main() {
    beside_mock(run);
}

async fn run(mock: &MockProcess) {
    let agents = if is_smoke_run() { 100 } else { AGENTS };
    let subagents = Subagents::start(&mock.base_url(Duration::from_millis(200)), agents);
    subagents.batch(100).await;
    let before = resident_kib();
    let handle = subagents.handle();
    let waiting = join_all((0..agents).map(|_| handle.run(RunTask::<String>::new("worker", prompt()))));
    let sampler = async {
        let mut most = 0;
        loop {
            tokio::time::sleep(Duration::from_millis(20)).await;
            most = most.max(resident_kib());
            if handle.board().is_empty() && most > before {
                return most;
            }
        }
    };
    let (reports, most) = tokio::join!(waiting, sampler);
    let failed =
        reports.iter().filter(|r| !r.as_ref().is_ok_and(|r| r.status() == TaskStatus::Completed)).count();
    #[expect(clippy::cast_precision_loss, reason = "a figure to read")]
    let each = most.saturating_sub(before) as f64 / agents as f64;
    println!(
        "{agents} agents in flight, {failed} failed: {each:.1} KiB each (peak {most} KiB, before {before} KiB)"
    );
    subagents.stop().await;
}
