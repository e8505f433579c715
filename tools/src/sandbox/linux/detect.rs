//! What this kernel lets a process do to itself, tried once on a thread of its own.

use std::path::Path;
use std::sync::OnceLock;

use super::blueprint::MountPlan;
use super::landlock::{Confinement, Grant};
use super::{bubblewrap, capabilities, mounts, seccomp};
use crate::sandbox::place::PrivatePlace;
use crate::sandbox::{LandlockSupport, NetworkAccess, SandboxError};

/// What was tried and how it went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sandbox) struct Support {
    pub(in crate::sandbox) landlock: LandlockSupport,
    /// Why system calls cannot be filtered, if so.
    pub(in crate::sandbox) seccomp: Result<(), String>,
    /// How mounts can be made, or why they cannot.
    pub(in crate::sandbox) mounts: Result<Mounting, String>,
}

/// Who makes the mounts of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sandbox) enum Mounting {
    /// The thread that starts it.
    Own,
    /// The program at this path.
    Bubblewrap(&'static Path),
}

/// The answer of this system, found when it is first asked for.
pub(in crate::sandbox) fn support() -> &'static Support {
    static SUPPORT: OnceLock<Support> = OnceLock::new();
    SUPPORT.get_or_init(|| match PrivatePlace::create() {
        Ok(place) => {
            let mut support =
                on_probe(|| try_everything(&place)).unwrap_or_else(|reason| Support::lost(&reason));
            // In a name space of its own root would still own the kernel's settings.
            let installed = bubblewrap::installed().filter(|_| !rustix::process::geteuid().is_root());
            if let (Err(reason), Some(program)) = (&support.mounts, installed) {
                let tried = on_probe(|| bubblewrap::try_it(program, &place)).flatten();
                support.mounts = tried
                    .map(|()| Mounting::Bubblewrap(program))
                    .map_err(|complaint| format!("{reason}; {complaint}"));
            }
            support
        }
        Err(error) => Support::lost(&error.to_string()),
    })
}

/// What is tried restricts the thread for good.
fn on_probe<T: Send>(attempt: impl FnOnce() -> T + Send) -> Result<T, String> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("sandbox-probe".to_owned());
        let thread = thread.spawn_scoped(scope, attempt).map_err(|error| error.to_string())?;
        thread.join().map_err(|_| "the probe panicked".to_owned())
    })
}

impl Support {
    fn lost(reason: &str) -> Self {
        Self {
            landlock: LandlockSupport::None(reason.to_owned()),
            seccomp: Err(reason.to_owned()),
            mounts: Err(reason.to_owned()),
        }
    }
}

/// In the order of a real command: mounts cannot be made any more once Landlock is on.
fn try_everything(place: &PrivatePlace) -> Support {
    let mounts = try_mounts(place).map(|()| Mounting::Own);
    let landlock = try_landlock().unwrap_or_else(|error| LandlockSupport::None(error.to_string()));
    let seccomp = seccomp::restrict(NetworkAccess::Denied).map_err(|error| error.to_string());
    Support { landlock, seccomp, mounts }
}

fn try_landlock() -> Result<LandlockSupport, SandboxError> {
    let mut landlock = Confinement::new(NetworkAccess::Denied)?;
    landlock.allow_at(Path::new("/"), Grant::Read)?;
    landlock.restrict()
}

fn try_mounts(place: &PrivatePlace) -> Result<(), String> {
    if !capabilities::may_mount() {
        return Err("this user may not make mounts".to_owned());
    }
    let plan = MountPlan {
        writable: vec![place.temporary.clone()],
        pinned: Vec::new(),
        read_only: vec![place.void.clone()],
        hidden: vec![place.blank.clone()],
    };
    mounts::make(&plan, place).map_err(|error| error.to_string())?;
    if std::fs::write(place.void.join("probe"), "").is_ok() {
        return Err("read-only mounts can be written to".to_owned());
    }
    std::fs::write(place.temporary.join("probe"), "").map_err(|error| format!("writable mounts: {error}"))
}
