//! `codex-task doctor`
use crate::{exit::Exit, fault::Fault, host::Host};
/// Shows what is configured, reachable and missing
#[derive(clap::Args, Debug)]
pub(crate) struct DoctorArgs {}
pub(crate) fn run(_: &DoctorArgs, _: &mut Host) -> Result<Exit, Fault> {
    Ok(Exit::Success)
}
