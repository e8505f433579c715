//! Capabilities: what root in the sandbox keeps of being root.

use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, remove_capability_from_bounding_set, set_capabilities,
};

use crate::sandbox::SandboxError;

/// What builds and tests that run as root need: other users' files in the workspace, and other users' ids.
const KEPT: CapabilitySet = CapabilitySet::CHOWN
    .union(CapabilitySet::DAC_OVERRIDE)
    .union(CapabilitySet::FOWNER)
    .union(CapabilitySet::FSETID)
    .union(CapabilitySet::SETGID)
    .union(CapabilitySet::SETUID);

/// Whether the calling thread may make mounts.
pub(super) fn may_mount() -> bool {
    capabilities(None).is_ok_and(|sets| sets.effective.contains(CapabilitySet::SYS_ADMIN))
}

/// Takes from the calling thread and its children, for good, all but what is kept. Nothing to do for ordinary users.
pub(super) fn drop_most() -> Result<(), SandboxError> {
    let failed = SandboxError::at("dropping capabilities");
    let held = capabilities(None).map_err(&failed)?;
    if held.permitted.is_empty() {
        return Ok(());
    }
    // Without the right to change the bounding set nobody gets more from it than it has now, and the calls below fail.
    if held.effective.contains(CapabilitySet::SETPCAP) {
        for capability in CapabilitySet::all().difference(KEPT).iter() {
            // A kernel that does not know a capability cannot give it.
            let _ = remove_capability_from_bounding_set(capability);
        }
    }
    let kept = CapabilitySets {
        effective: held.effective.intersection(KEPT),
        permitted: held.permitted.intersection(KEPT),
        inheritable: CapabilitySet::empty(),
    };
    set_capabilities(None, kept).map_err(&failed)
}
