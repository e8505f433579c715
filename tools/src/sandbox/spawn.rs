//! Starting a command in the sandbox.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;

use codex_task_config::{Environment, SandboxMode};
use rustix::process::Pid;
use tokio::process::{Child, Command};

#[cfg(target_os = "linux")]
use super::linux::Mounting;
use super::place::PrivatePlace;
use super::processes::Brand;
use super::tripwire::Tripwire;
use super::workspace::{Meant, meant};
use super::{
    CommandEnvironment, ConfinedCommand, Leash, SandboxError, SandboxPolicy, SandboxStatus, doorkeeper,
};
use crate::warden::Watch;

/// What the sandbox is called in a command's environment, for scripts that want to know.
const VARIABLE: &str = "CODEX_TASK_SANDBOX";

/// Starts the commands of one session. Cheap to clone; the private directory is removed with the last clone.
#[derive(Clone, Debug)]
pub struct Sandbox {
    place: Arc<PrivatePlace>,
    #[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "mounts are Linux's means"))]
    mounts: Mounts,
}

/// Whether mounts hold protected and denied paths, on Linux.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mounts {
    WherePossible,
    Never,
    #[cfg(all(test, target_os = "linux"))]
    By(Mounting),
}

/// What stands around a command.
#[derive(Debug, Default)]
pub(super) struct Wrapping {
    /// Words before the doorkeeper.
    pub(super) outside: Vec<OsString>,
    /// Words between the doorkeeper and the command.
    pub(super) inside: Vec<OsString>,
    /// A file for the words inside.
    pub(super) filter: Option<PathBuf>,
    /// Directories in which the command can create nothing new.
    pub(super) closed: Vec<PathBuf>,
}

/// A command that runs, and what holds everything that it starts.
///
/// Wait for the child, then end the leash, and only then for the end of the output: whatever the command left running
/// may hold its pipes open.
#[derive(Debug)]
pub struct Confined {
    /// Its first process, killed when dropped.
    pub child: Child,
    /// To be ended once the command has ended or must end.
    pub leash: Leash,
    /// The directories in which it can create nothing new, because something protected or denied is in them and no mount
    /// holds it: what a model should be told when the command fails.
    pub closed: Vec<PathBuf>,
}

impl Sandbox {
    /// Makes the private directory of a session's commands.
    ///
    /// # Errors
    /// [`SandboxError`] when there is no place for temporary files.
    pub fn open() -> Result<Self, SandboxError> {
        let failed = |error: std::io::Error| SandboxError::Setup {
            step: "making a private directory",
            reason: error.to_string(),
        };
        PrivatePlace::create()
            .map(|place| Self { place: Arc::new(place), mounts: Mounts::WherePossible })
            .map_err(failed)
    }

    /// Removes the private directories of this user's processes that were killed; gives how many. Blocks.
    pub fn tidy() -> usize {
        PrivatePlace::tidy()
    }

    /// The same sandbox as on a system where mounts cannot be made, as is usual for ordinary users and in containers.
    #[must_use]
    pub fn without_mounts(self) -> Self {
        Self { mounts: Mounts::Never, ..self }
    }

    /// What this system can enforce.
    pub fn status(&self) -> &'static SandboxStatus {
        SandboxStatus::of_this_system()
    }

    /// What a command of this session sees of the environment, with a private directory for temporary files.
    pub fn environment(&self, environment: &Environment) -> CommandEnvironment {
        CommandEnvironment::of_session(environment).with_temporary(&self.place.temporary)
    }

    #[cfg(target_os = "linux")]
    fn mounting(&self) -> Option<Mounting> {
        match self.mounts {
            Mounts::WherePossible => super::linux::support().mounts.clone().ok(),
            Mounts::Never => None,
            #[cfg(test)]
            Mounts::By(mounting) => Some(mounting),
        }
    }

    #[cfg(all(test, target_os = "linux"))]
    pub(super) fn mounting_by(self, mounting: Mounting) -> Self {
        Self { mounts: Mounts::By(mounting), ..self }
    }

    /// Starts a command that is held to the policy.
    ///
    /// # Errors
    /// [`SandboxError`]; nothing of the command has run then. [`SandboxError::Unavailable`] where the system cannot
    /// enforce the policy.
    ///
    /// # Cancel safety
    /// Dropping the future starts nothing, or kills what was started.
    pub async fn spawn(
        &self,
        policy: &SandboxPolicy,
        command: ConfinedCommand,
    ) -> Result<Confined, SandboxError> {
        let (Started { mut child, closed }, tripwire) = match policy.mode() {
            SandboxMode::DangerFullAccess => (start(command, policy.mode(), Wrapping::default())?, None),
            SandboxMode::ReadOnly | SandboxMode::WorkspaceWrite => {
                let (meant, tripwire) = look_around(policy).await?;
                (self.confined(policy, meant, command).await?, tripwire)
            }
        };
        let process = child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?));
        let process = process.ok_or_else(|| SandboxError::Start("it ended at once".to_owned()))?;
        let brand = Brand::mark(process);
        super::limits::limit(process);
        let tripwire = tripwire.map(|tripwire| tripwire.arm(brand.clone()));
        let leash = Leash::new(brand, tripwire, Watch::keep().over(process));
        give_the_word(&mut child)?;
        Ok(Confined { child, leash, closed })
    }

    #[cfg(target_os = "linux")]
    async fn confined(
        &self,
        policy: &SandboxPolicy,
        meant: Meant,
        command: ConfinedCommand,
    ) -> Result<Started, SandboxError> {
        let (policy, sandbox) = (policy.clone(), self.clone());
        super::linux::on_own_thread(move || {
            let status = SandboxStatus::of_this_system();
            if !status.is_working() {
                return Err(SandboxError::Unavailable(status.reason.clone().unwrap_or_default()));
            }
            let wrapping = super::linux::confine(&policy, &meant, &sandbox.place, sandbox.mounting())?;
            start(command, policy.mode(), wrapping)
        })
        .await
    }

    #[cfg(target_os = "macos")]
    async fn confined(
        &self,
        policy: &SandboxPolicy,
        meant: Meant,
        command: ConfinedCommand,
    ) -> Result<Started, SandboxError> {
        let status = self.status();
        if !status.is_working() {
            return Err(SandboxError::Unavailable(status.reason.clone().unwrap_or_default()));
        }
        let (policy, temporary, mode) = (policy.clone(), self.place.temporary.clone(), policy.mode());
        let draw = move || {
            let held = super::protected::protected_entries(policy.configured_directories());
            // Seatbelt holds what is not there yet too.
            let absent = super::workspace::absent_unwritable(&policy);
            let held: Vec<PathBuf> =
                held.into_iter().map(|entry| entry.path).chain(meant.unwritable).chain(absent).collect();
            super::seatbelt::profile(&policy, &temporary, &held, &meant.denied)
        };
        let drawn = tokio::task::spawn_blocking(draw).await;
        let profile = drawn.map_err(|error| SandboxError::Start(error.to_string()))?;
        let outside = vec![super::seatbelt::PROGRAM.into(), "-p".into(), profile.into(), "--".into()];
        start(command, mode, Wrapping { outside, ..Wrapping::default() })
    }

    #[cfg(not(any(target_os = "linux", target_os = "macos")))]
    #[expect(clippy::unused_async, reason = "the same signature everywhere")]
    async fn confined(
        &self,
        _: &SandboxPolicy,
        _: Meant,
        _: ConfinedCommand,
    ) -> Result<Started, SandboxError> {
        Err(SandboxError::Unavailable(self.status().reason.clone().unwrap_or_default()))
    }
}

/// A command whose doorkeeper waits for the word.
struct Started {
    child: Child,
    closed: Vec<PathBuf>,
}

/// Looks at the file system once: for what holds the command, and for what must not appear where it can create anything.
async fn look_around(policy: &SandboxPolicy) -> Result<(Meant, Option<Tripwire>), SandboxError> {
    let policy = policy.clone();
    let look = move || {
        let meant = meant(&policy)?;
        let creates = !policy.configured_directories().is_empty();
        let tripwire = creates.then(|| Tripwire::lay(&policy, &meant));
        Ok((meant, tripwire))
    };
    let looked = tokio::task::spawn_blocking(look).await;
    looked.map_err(|error| SandboxError::Start(error.to_string()))?
}

/// Starts the doorkeeper of a command, in a process group of its own, with nothing of this process's environment.
fn start(command: ConfinedCommand, mode: SandboxMode, wrapping: Wrapping) -> Result<Started, SandboxError> {
    let doorkeeper = doorkeeper::words(wrapping.filter);
    let words = wrapping.outside.into_iter().chain(doorkeeper).chain(wrapping.inside);
    let mut words = words.chain([command.program]).chain(command.arguments);
    Command::new(words.next().unwrap_or_default())
        .args(words)
        .current_dir(command.cwd)
        .env_clear()
        .envs(command.environment.variables())
        .env(VARIABLE, mode.as_str())
        .stdin(Stdio::piped())
        .stdout(command.stdout)
        .stderr(command.stderr)
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map(|child| Started { child, closed: wrapping.closed })
        .map_err(|error| SandboxError::Start(error.to_string()))
}

/// From here on the command runs.
fn give_the_word(child: &mut Child) -> Result<(), SandboxError> {
    let failed = |error: std::io::Error| SandboxError::Start(error.to_string());
    let gone = || SandboxError::Start("it has no input".to_owned());
    let pipe = child.stdin.take().ok_or_else(gone)?.into_owned_fd().map_err(failed)?;
    std::fs::File::from(pipe).write_all(b"\n").map_err(failed)
}

#[cfg(test)]
#[path = "spawn_tests.rs"]
mod tests;
