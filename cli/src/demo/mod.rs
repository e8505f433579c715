//! `codex-task demo`
use crate::{exit::Exit, fault::Fault, host::Host};
/// Demo
#[derive(clap::Args, Debug)]
pub(crate) struct DemoArgs {}
pub(crate) fn run(_: &DemoArgs, _: &mut Host) -> Result<Exit, Fault> {
    Ok(Exit::Success)
}
