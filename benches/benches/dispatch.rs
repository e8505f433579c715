//! What the runtime costs above the model: N one-turn tasks at once against a mock in another process, beside a bare
//! `reqwest` loop that sends the same requests and reads the same answers, in the same run.
//!
//! "Overhead" is what a task takes above the mock's think time, from the start of the whole batch.
#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a benchmark prints, and stops at the first fault"
)]

mod support;

use std::time::Duration;

use codex_task_benches::{Cpu, MockProcess, Percentiles, head, is_smoke_run, resident_kib, row};
use support::{Bare, Subagents, beside_mock};
use tokio::time::Instant;

/// Tasks at once.
const CONCURRENCY: [usize; 4] = [1, 10, 100, 1_000];
/// Batches of each size; the figures are of the median batch.
const BATCHES: usize = 5;

fn main() {
    beside_mock(run);
}

async fn run(mock: &MockProcess) {
    let (concurrency, batches): (&[usize], usize) =
        if is_smoke_run() { (&[1, 10], 1) } else { (&CONCURRENCY, BATCHES) };
    for think in [Duration::ZERO, Duration::from_millis(500)] {
        let title =
            format!("one-turn tasks, model thinks {} ms (median of {batches} batches)", think.as_millis());
        head(&title, &["tasks", "", "wall ms", "overhead p50 ms", "overhead p95 ms", "CPU ms/task"]);
        let bare = Bare::new(&mock.base_url(think));
        let subagents = Subagents::start(&mock.base_url(think), 1_000);
        let recorded = Subagents::start_recorded(&mock.base_url(think), 1_000);
        for &tasks in concurrency {
            let floor = measure(batches, think, || bare.batch(tasks)).await;
            let ours = measure(batches, think, || subagents.batch(tasks)).await;
            let on_record = measure(batches, think, || recorded.batch(tasks)).await;
            row(&floor.cells(tasks, "bare reqwest"));
            row(&ours.cells(tasks, "codex-task"));
            row(&on_record.cells(tasks, "codex-task, recorded"));
            println!("{}", difference(tasks, "above bare reqwest", &ours, &floor));
            println!("{}", difference(tasks, "recorded, above unrecorded", &on_record, &ours));
        }
        subagents.stop().await;
        recorded.stop().await;
    }
    println!("\nresident memory at the end: {} KiB", resident_kib());
}

/// What one costs above the other.
fn difference(tasks: usize, what: &str, more: &Figures, less: &Figures) -> String {
    let ms = |more: Duration, less: Duration| (more.as_secs_f64() - less.as_secs_f64()) * 1e3;
    format!(
        "| {tasks} | {what} | {:.2}x | {:+.2} | {:+.2} | {:+.3} |",
        more.wall.as_secs_f64() / less.wall.as_secs_f64(),
        ms(more.p50, less.p50),
        ms(more.p95, less.p95),
        ms(more.cpu, less.cpu),
    )
}

/// One batch's figures.
#[derive(Clone, Copy)]
struct Figures {
    wall: Duration,
    p50: Duration,
    p95: Duration,
    cpu: Duration,
}

impl Figures {
    fn cells(&self, tasks: usize, who: &str) -> [String; 6] {
        let ms = |duration: Duration| format!("{:.2}", duration.as_secs_f64() * 1e3);
        let cpu = format!("{:.3}", self.cpu.as_secs_f64() * 1e3);
        [tasks.to_string(), who.to_owned(), ms(self.wall), ms(self.p50), ms(self.p95), cpu]
    }
}

/// Runs batches and gives the one with the median wall time; the first batch warms up and does not count.
async fn measure<F: Future<Output = Vec<Instant>>>(
    batches: usize,
    think: Duration,
    mut batch: impl FnMut() -> F,
) -> Figures {
    let mut all = Vec::with_capacity(batches);
    for _ in 0..=batches {
        let (began, cpu) = (Instant::now(), Cpu::now());
        let ended = batch().await;
        let (wall, cpu) = (began.elapsed(), cpu.since());
        let tasks = u32::try_from(ended.len()).expect("fewer than four billion tasks");
        let overheads = ended.iter().map(|end| end.duration_since(began).saturating_sub(think)).collect();
        let overheads = Percentiles::of(overheads);
        all.push(Figures { wall, p50: overheads.at(50), p95: overheads.at(95), cpu: cpu / tasks });
    }
    all.remove(0);
    all.sort_by_key(|figures| figures.wall);
    all.get(all.len() / 2).copied().expect("at least one batch")
}
