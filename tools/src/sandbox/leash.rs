//! The end of a command: nothing that it started outlives it, nothing that it must not create stays.

use std::time::Duration;

use tokio::task::JoinError;

use super::processes::{Brand, Seen, Sweep};
use super::tripwire::Tripwire;
use super::{Aftermath, SandboxError};
use crate::warden::Watched;

/// How long to wait between two looks at processes that are dying.
const PAUSE: Duration = Duration::from_millis(5);

/// Looks at dying processes before giving up: half a second, what sleeps in the kernel may sleep for ever.
const SWEEPS_MAX: usize = 100;

/// Holds everything that one command starts. Ending it is the caller's duty at every outcome: when the command has
/// ended by itself, at its deadline, when it is cancelled. Dropping it does the same without an answer.
#[derive(Debug)]
pub struct Leash {
    brand: Option<Brand>,
    tripwire: Option<Tripwire>,
    /// Ends the command when this process is killed. Kept until everything has ended.
    watched: Option<Watched>,
}

impl Leash {
    pub(super) fn new(brand: Brand, tripwire: Option<Tripwire>, watched: Watched) -> Self {
        Self { brand: Some(brand), tripwire, watched: Some(watched) }
    }

    /// Kills every process of the command that is left, the first one included, and puts aside what it must not have
    /// created.
    ///
    /// # Errors
    /// [`SandboxError`] when the runtime is shutting down; the processes are killed all the same.
    ///
    /// # Cancel safety
    /// Dropping the future kills the processes too, without waiting for them.
    pub async fn end(mut self) -> Result<Aftermath, SandboxError> {
        let mut aftermath = Aftermath::default();
        if let Some(brand) = self.brand.clone() {
            let failed = |error: JoinError| SandboxError::Setup {
                step: "ending a command",
                reason: error.to_string(),
            };
            let ended = tokio::task::spawn_blocking(move || end_all(&brand)).await.map_err(failed)?;
            (aftermath.killed, aftermath.left) = (ended.killed, ended.left);
            self.brand = None;
        }
        if let Some(tripwire) = self.tripwire.take() {
            (aftermath.refused, aftermath.unseen) = tripwire.disarm().await;
        }
        Ok(aftermath)
    }
}

impl Drop for Leash {
    fn drop(&mut self) {
        let Some(brand) = self.brand.take() else { return };
        let (tripwire, watched) = (self.tripwire.take(), self.watched.take());
        // Not on this thread, which may be an Arbiter's; and not on the runtime, which may be ending.
        let thread = std::thread::Builder::new().name("sandbox-end".to_owned()).spawn(move || {
            end_all(&brand);
            drop(watched);
            if let Some(tripwire) = tripwire {
                tripwire.put_aside();
            }
        });
        if let Err(error) = thread {
            tracing::warn!(%error, "what a command started may still be running");
        }
    }
}

/// What became of a command's processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ended {
    killed: usize,
    left: usize,
}

/// Ends all processes of a command. Waits for them, so not on a thread that others wait for.
pub(super) fn end_all(brand: &Brand) -> Ended {
    let mut seen = Seen::default();
    let mut left = 0;
    for _ in 0..SWEEPS_MAX {
        let Sweep { alive, new } = brand.sweep(&mut seen);
        left = alive;
        if alive == 0 {
            break;
        }
        if new == 0 {
            std::thread::park_timeout(PAUSE);
        }
    }
    Ended { killed: seen.strays.saturating_sub(left), left }
}
