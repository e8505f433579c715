//! What being on record costs a task whose model calls a tool with effects: the call is on disk, in the journal and in the
//! audit trail, before it runs. Beside the same tasks without a record, and the least that keeping two lines safe from a
//! loss of power can take: two files, appended to and synced side by side, in the same run.
#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a benchmark prints, and stops at the first fault"
)]

mod support;

use std::fs::File;
use std::io::Write as _;
use std::time::Duration;

use codex_task_benches::{Cpu, MockProcess, Percentiles, head, is_smoke_run, row};
use support::{Keeping, Subagents, beside_mock};
use tempfile::TempDir;
use tokio::time::Instant;

/// Tasks at once.
const CONCURRENCY: [usize; 3] = [1, 10, 100];
/// Batches of each size.
const BATCHES: usize = 40;
/// Bytes of a line; one of the audit trail has about as many.
const LINE: [u8; 700] = [b'x'; 700];

fn main() {
    beside_mock(run);
}

async fn run(mock: &MockProcess) {
    let batches = if is_smoke_run() { 2 } else { BATCHES };
    let url = mock.calling_url(Duration::ZERO);
    let columns = ["tasks", "", "p50 ms", "p95 ms", "CPU ms/task"];
    head("two-turn tasks with one tool call, no think time", &columns);
    let two_files = TwoFiles::new();
    let unrecorded = Subagents::start_with_ledger(&url, Keeping::Nothing);
    let recorded = Subagents::start_with_ledger(&url, Keeping::Records);
    for tasks in CONCURRENCY {
        Figures::of(batches, async || two_files.append()).await.print(1, "two files synced side by side");
        let without = Figures::of(batches, async || unrecorded.batch(tasks).await).await;
        without.print(tasks, "codex-task");
        let with = Figures::of(batches, async || recorded.batch(tasks).await).await;
        with.print(tasks, "codex-task, recorded");
        let more =
            |percent| (with.took.at(percent).as_secs_f64() - without.took.at(percent).as_secs_f64()) * 1e3;
        println!("| {tasks} | the record adds | {:+.2} | {:+.2} | |", more(50), more(95));
    }
    unrecorded.stop().await;
    recorded.stop().await;
}

/// Files on the file system that the records are on.
struct TwoFiles {
    files: [File; 2],
    _folder: TempDir,
}

impl TwoFiles {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let files = ["a", "b"].map(|name| File::create(folder.path().join(name)).expect("a file"));
        Self { files, _folder: folder }
    }

    /// One line in each.
    fn append(&self) -> Vec<Instant> {
        std::thread::scope(|scope| {
            let appends = self.files.each_ref().map(|mut file| {
                scope.spawn(move || file.write_all(&LINE).and_then(|()| file.sync_data()).expect("a disk"))
            });
            for append in appends {
                append.join().expect("no panic");
            }
        });
        vec![Instant::now()]
    }
}

/// What all tasks of all batches took.
struct Figures {
    took: Percentiles,
    cpu: Duration,
}

impl Figures {
    /// The first batch warms up and does not count.
    async fn of(batches: usize, mut batch: impl AsyncFnMut() -> Vec<Instant>) -> Self {
        batch().await;
        let mut took = Vec::new();
        let cpu = Cpu::now();
        for _ in 0..batches {
            let began = Instant::now();
            took.extend(batch().await.into_iter().map(|ended| ended.duration_since(began)));
        }
        let count = u32::try_from(took.len()).expect("fewer than four billion tasks");
        Self { cpu: cpu.since() / count, took: Percentiles::of(took) }
    }

    fn print(&self, tasks: usize, who: &str) {
        let ms = |duration: Duration| format!("{:.2}", duration.as_secs_f64() * 1e3);
        let (p50, p95) = (ms(self.took.at(50)), ms(self.took.at(95)));
        row(&[tasks.to_string(), who.to_owned(), p50, p95, format!("{:.3}", self.cpu.as_secs_f64() * 1e3)]);
    }
}
