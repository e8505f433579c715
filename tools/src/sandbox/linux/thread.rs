//! The thread that is restricted, starts one command and ends.

use tokio::sync::oneshot;

use super::blueprint::{Blueprint, Means};
use super::landlock::Confinement;
use super::{Mounting, bubblewrap, capabilities, mounts, seccomp};
use crate::sandbox::place::PrivatePlace;
use crate::sandbox::spawn::Wrapping;
use crate::sandbox::workspace::Meant;
use crate::sandbox::{LandlockSupport, SandboxError, SandboxPolicy};

const STEP: &str = "the thread that starts the command";

/// Puts everything on the calling thread that the policy asks for, and gives what has to stand around the command. The
/// thread must start it, do nothing else, and end.
pub(in crate::sandbox) fn confine(
    policy: &SandboxPolicy,
    meant: &Meant,
    place: &PrivatePlace,
    mounting: Option<Mounting>,
) -> Result<Wrapping, SandboxError> {
    let held_by = if mounting.is_some() { Means::Mounts } else { Means::Landlock };
    let blueprint = Blueprint::draw(policy, meant, place, held_by);
    match (&blueprint.mounts, mounting) {
        (Some(plan), Some(Mounting::Bubblewrap(program))) if blueprint.is_held_by_mounts() => {
            seccomp::restrict_but_for_mounts(policy.network())?;
            let inside = bubblewrap::words(program, plan, place);
            return Ok(Wrapping { inside, filter: Some(place.filter()?.to_owned()), ..Wrapping::default() });
        }
        (Some(_), Some(Mounting::Bubblewrap(_))) => return confine(policy, meant, place, None),
        (Some(plan), Some(Mounting::Own)) => mounts::make(plan, place)?,
        (None, _) | (_, None) => {}
    }
    let mut landlock = Confinement::new(policy.network())?;
    blueprint.allow(&mut landlock)?;
    capabilities::drop_most()?;
    if let LandlockSupport::None(reason) = landlock.restrict()? {
        return Err(SandboxError::Unavailable(format!("Landlock: {reason}")));
    }
    seccomp::restrict(policy.network())?;
    Ok(Wrapping { closed: blueprint.closed_directories(), ..Wrapping::default() })
}

/// Runs `work` on a new thread within the present tokio runtime. What the thread did to itself ends with it, but for
/// the processes that it started.
///
/// # Cancel safety
/// Dropping the future lets the thread end by itself; a child that it started then is dropped, and so killed.
pub(in crate::sandbox) async fn on_own_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SandboxError> + Send + 'static,
) -> Result<T, SandboxError> {
    let runtime = tokio::runtime::Handle::current();
    let (sender, receiver) = oneshot::channel();
    std::thread::Builder::new()
        .name("sandbox".to_owned())
        .spawn(move || {
            let _inside = runtime.enter();
            // Nobody waits any more when the receiver is gone; the child is dropped here then.
            let _ = sender.send(work());
        })
        .map_err(SandboxError::at(STEP))?;
    receiver.await.map_err(SandboxError::at(STEP))?
}
