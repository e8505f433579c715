//! From nothing to the first answer: settings, 100 agent files, threads, one task; beside a new bare client that sends
//! the same request, in the same run. Then the same again without the task: what a host pays for a runtime.
#![expect(clippy::print_stdout, reason = "a benchmark prints")]

mod support;

use std::time::Duration;

use codex_task_benches::{MockProcess, Percentiles, head, is_smoke_run, row};
use support::{Bare, Subagents, beside_mock};
use tokio::time::Instant;

const ROUNDS: usize = 31;

fn main() {
    beside_mock(run);
}

async fn run(mock: &MockProcess) {
    let rounds = if is_smoke_run() { 2 } else { ROUNDS };
    let url = mock.base_url(Duration::ZERO);
    let (mut bare, mut started, mut answered) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..=rounds {
        let began = Instant::now();
        Bare::new(&url).batch(1).await;
        bare.push(began.elapsed());
        let project = Subagents::project(&url, 10, 100);
        let began = Instant::now();
        let subagents = Subagents::open(project);
        started.push(began.elapsed());
        subagents.batch(1).await;
        answered.push(began.elapsed());
        subagents.stop().await;
    }
    head("start to first answer, 100 agent files", &["", "median ms", "p95 ms"]);
    for (what, mut samples) in [
        ("bare reqwest", bare),
        ("runtime started", started),
        ("runtime started, first task answered", answered),
    ] {
        samples.remove(0);
        let samples = Percentiles::of(samples);
        let ms = |percent| format!("{:.2}", samples.at(percent).as_secs_f64() * 1e3);
        row(&[what.to_owned(), ms(50), ms(95)]);
    }
    println!();
}
