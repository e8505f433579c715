//! The runtime's own threads: one control thread with the actix `System`, worker Arbiters made on demand, and an I/O
//! runtime unless the host lends its own. Invariant: nothing here outlives [`Threads::stop`] but a worker that is
//! blocked in foreign code, and that one is reported.

use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use actix::{Arbiter, ArbiterHandle, System};
use codex_task_actors::{WorkerFactory, WorkerHost};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio_util::sync::CancellationToken;

use crate::panic_hook;

/// Time that blocking work of a stopped runtime gets before it is left behind.
const BLOCKING_GRACE: Duration = Duration::from_millis(100);
/// Time that a stopped worker gets to end before it is left behind.
const WORKER_GRACE: Duration = Duration::from_secs(2);

/// Handles of the threads that one runtime owns.
pub(crate) struct Threads {
    system: System,
    /// Cancelled before the system is stopped, which ends the workers first: the supervisor must not miss them.
    ending: CancellationToken,
    control: JoinHandle<usize>,
    io: Option<Runtime>,
}

/// A worker Arbiter, as the supervisor has it.
struct Worker {
    handle: ArbiterHandle,
    ending: CancellationToken,
}

impl WorkerHost for Worker {
    fn run(&self, start: Box<dyn FnOnce() + Send>) -> bool {
        self.handle.spawn_fn(start)
    }

    fn stop(&self) -> bool {
        self.handle.stop()
    }

    fn is_ending(&self) -> bool {
        self.ending.is_cancelled()
    }
}

/// Builds the I/O runtime, if the host has none to lend.
pub(crate) fn io_runtime(host: Option<Handle>) -> std::io::Result<(Handle, Option<Runtime>)> {
    if let Some(handle) = host {
        return Ok((handle, None));
    }
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("codex-task-io")
        .on_thread_start(panic_hook::mark_thread)
        .enable_all()
        .build()?;
    Ok((runtime.handle().clone(), Some(runtime)))
}

impl Threads {
    /// Starts the control thread; `start` runs on it, inside the `System`, and its value is handed back.
    pub(crate) fn start<T: Send + 'static>(
        io: Option<Runtime>,
        start: impl FnOnce(WorkerFactory) -> T + Send + 'static,
    ) -> std::io::Result<(Self, T)> {
        let ending = CancellationToken::new();
        match control_thread(ending.clone(), start) {
            Ok((system, control, value)) => Ok((Self { system, ending, control, io }, value)),
            Err(error) => {
                // Dropping a runtime inside an async context would panic.
                if let Some(io) = io {
                    io.shutdown_background();
                }
                Err(error)
            }
        }
    }

    /// Stops everything and waits. Returns how many workers were still blocked. Blocks the calling thread.
    pub(crate) fn stop(self) -> usize {
        self.ending.cancel();
        self.system.stop();
        let blocked = self.control.join().unwrap_or(0);
        if let Some(io) = self.io {
            io.shutdown_timeout(BLOCKING_GRACE);
        }
        blocked
    }

    /// Lets go of everything without waiting: for hosts that drop their last handle inside an async context.
    pub(crate) fn abandon(self) {
        self.ending.cancel();
        self.system.stop();
        if let Some(io) = self.io {
            io.shutdown_background();
        }
    }
}

/// The thread of the `System`, running, with what `start` made on it. It ends with the number of blocked workers.
fn control_thread<T: Send + 'static>(
    ending: CancellationToken,
    start: impl FnOnce(WorkerFactory) -> T + Send + 'static,
) -> std::io::Result<(System, JoinHandle<usize>, T)> {
    let (ready, started) = mpsc::sync_channel(1);
    let control = std::thread::Builder::new().name("codex-task-control".to_owned()).spawn(move || {
        panic_hook::mark_thread();
        let runner = System::new();
        let (made, arbiters) = mpsc::channel();
        let factory: WorkerFactory = Box::new(move || {
            let arbiter = Arbiter::new();
            let handle = arbiter.handle();
            handle.spawn_fn(panic_hook::mark_thread);
            // The receiver lives as long as this thread runs the system.
            let _ = made.send(arbiter);
            Box::new(Worker { handle, ending: ending.clone() })
        });
        let value = runner.block_on(async move { start(factory) });
        if ready.send((System::current(), value)).is_err() {
            return 0;
        }
        let _ = runner.run(); // an exit code; ours is always 0
        join_workers(arbiters.try_iter().collect())
    })?;
    let (system, value) =
        started.recv().map_err(|_| std::io::Error::other("the control thread did not start"))?;
    Ok((system, control, value))
}

/// Joins the workers' threads, as long as that takes no longer than the grace; returns how many are left.
fn join_workers(arbiters: Vec<Arbiter>) -> usize {
    let count = arbiters.len();
    let (done, joined) = mpsc::channel();
    for arbiter in arbiters {
        arbiter.stop();
        let done = done.clone();
        let waiting = std::thread::Builder::new().name("codex-task-join".to_owned()).spawn(move || {
            let ended = arbiter.join();
            let _ = done.send(ended.is_ok()); // nobody waits any longer
        });
        drop(waiting); // detached: a blocked worker must not hold us
    }
    drop(done);
    let mut left = count;
    while left > 0 && joined.recv_timeout(WORKER_GRACE).is_ok() {
        left -= 1;
    }
    left
}
