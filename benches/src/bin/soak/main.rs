//! The soak: real HTTP to servers that spoil their answers by a seed, for as long as one likes, and a table of what became
//! of the tasks. Ends with 1 when a goal of the table is missed; a run of less than five minutes leaves
//! those open that it is too short for. See ARCHITECTURE.md.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it prints its table")]

mod args;
mod errand;
mod judge;
mod leaks;
mod memory;
mod stage;
mod tally;
mod verdict;

use std::cell::{Cell, RefCell};
use std::process::ExitCode;
use std::time::Duration;

use codex_task::{FailProvider, RuntimeHandle, TaskReport};
use codex_task_config::ProviderName;
use codex_task_tests::{Dice, FaultServer};
use futures_util::future::join_all;
use tokio::time::{Instant, sleep, timeout};

use self::args::{Args, USAGE};
use self::errand::{Errand, Kind};
use self::judge::{CANCEL_GRACE, judge};
use self::leaks::Held;
use self::memory::Memory;
use self::stage::Stage;
use self::tally::Tally;
use self::verdict::Findings;

type Failure = Box<dyn std::error::Error>;

/// How long after each other the actors of providers are killed.
const KILL_EVERY: Duration = Duration::from_secs(45);
/// Longest wait for what must be back at the end.
const PATIENCE: Duration = Duration::from_secs(10);
/// A provider whose actor is killed now and then.
const KILLED: &str = "chat";

fn main() -> ExitCode {
    let Some(args) = Args::parse(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime.map_err(Failure::from).and_then(|runtime| runtime.block_on(soak(args))) {
        Ok(findings) => {
            let (minutes, Args { faults, seed, at_once, .. }) = (args.time.as_secs_f64() / 60.0, args);
            println!("{minutes:.2} minutes, {faults} % faults, seed {seed}, {at_once} tasks at once");
            ExitCode::from(u8::from(!findings.print()))
        }
        Err(error) => {
            eprintln!("the soak could not run: {error}");
            ExitCode::from(2)
        }
    }
}

async fn soak(args: Args) -> Result<Findings, Failure> {
    let stage = Stage::new(args)?;
    let before = Held::now();
    let (runtime, recorder) = stage.start(args)?;
    let (tally, memory) = {
        let soak =
            Soak { args, runtime: &runtime, stage: &stage, next: Cell::new(0), tally: RefCell::default() };
        let ends = Instant::now() + args.time;
        let lanes = join_all((0..args.at_once).map(|_| soak.errands(ends)));
        let (_, memory, ()) = futures_util::join!(lanes, Memory::over(args.time), soak.kill(ends));
        (soak.tally.into_inner(), memory)
    };
    let leaked_permits = permits_left(&runtime).await;
    let left = runtime.shutdown().await;
    let failed = recorder.failure();
    drop(recorder);
    let leaked = Held::beyond(before).await;
    let effects = stage.effects();
    let twice: u64 = effects.values().map(|times| times - 1).sum();
    let (_, duplicates, strays) = stage.ledger.sums();
    let missing = tally.commands.iter().filter(|key| !effects.contains_key(*key)).count();
    let mut tally = tally;
    if let Some(failure) = failed {
        tally.remark(format!("the journal: {failure}"));
    }
    let violations: Vec<String> = stage.servers.iter().flat_map(FaultServer::violations).collect();
    for text in &violations {
        tally.remark(format!("a request that a vendor would refuse: {text}"));
    }
    Ok(Findings {
        time: args.time,
        duplicates: duplicates + twice,
        strays,
        missing,
        leaked_tasks: left.cancelled + left.abandoned + left.blocked_workers,
        leaked_permits,
        leaked,
        violations: violations.len(),
        memory,
        faults: stage.faults().into_iter().collect(),
        tally,
    })
}

/// Permits that nobody holds, and tasks that nobody waits for.
async fn permits_left(runtime: &RuntimeHandle) -> usize {
    let began = Instant::now();
    loop {
        let health = runtime.health().await;
        let held: usize = health.providers.iter().map(|provider| provider.in_flight + provider.waiting).sum();
        let held = held + runtime.board().len();
        if held == 0 || began.elapsed() > PATIENCE {
            return held;
        }
        sleep(Duration::from_millis(20)).await;
    }
}

/// A soak that runs.
struct Soak<'a> {
    args: Args,
    runtime: &'a RuntimeHandle,
    stage: &'a Stage,
    /// The number of the next errand.
    next: Cell<u64>,
    tally: RefCell<Tally>,
}

impl Soak<'_> {
    /// One errand after the other, until it is time.
    async fn errands(&self, ends: Instant) {
        while Instant::now() < ends {
            let number = self.next.replace(self.next.get() + 1);
            let errand = Errand::of(self.args.seed, number);
            match self.run(errand).await {
                Ok(report) => {
                    let judgement = judge(errand, &report, &self.stage.ledger);
                    self.tally.borrow_mut().add(&report, judgement);
                }
                Err(text) => self.tally.borrow_mut().lose(&format!("{errand:?}: {text}")),
            }
        }
    }

    /// Runs an errand to its end.
    async fn run(&self, errand: Errand) -> Result<TaskReport, String> {
        let task = errand.task(self.args.seed);
        let id = task.request.id;
        let mut running = std::pin::pin!(self.runtime.run(task));
        if errand.kind == Kind::Cancelled {
            let wait = Duration::from_millis(Dice::new(self.args.seed).of(errand.number + 1).below(1_000));
            if let Ok(ended) = timeout(wait, &mut running).await {
                return ended.map_err(|error| error.to_string());
            }
            self.runtime.cancel(id).await;
            let ended = timeout(CANCEL_GRACE, &mut running).await;
            return ended
                .map_err(|_| "it did not end when it was cancelled".to_owned())?
                .map_err(|e| e.to_string());
        }
        running.await.map_err(|error| error.to_string())
    }

    /// Kills the actor of a provider now and then.
    async fn kill(&self, ends: Instant) {
        while Instant::now() + KILL_EVERY < ends {
            sleep(KILL_EVERY).await;
            let kill = FailProvider { provider: ProviderName::new(KILLED) };
            if self.runtime.supervisor().send(kill).await.is_err() {
                self.tally.borrow_mut().remark("the supervisor is gone".to_owned());
            }
        }
    }
}
