//! Landlock: which files the calling thread and its children reach, and whom they signal.

use std::path::Path;

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, LandlockStatus, PathBeneath, RestrictionStatus, Ruleset,
    RulesetAttr as _, RulesetCreated, RulesetCreatedAttr as _, RulesetStatus, Scope, make_bitflags,
};

use super::trees::{self, Tree};
use crate::sandbox::{LandlockSupport, NetworkAccess, SandboxError};

/// The newest version whose rights are asked for; an older kernel enforces those that it knows.
const NEWEST: ABI = ABI::V10;

/// The oldest version that keeps a command from emptying files that it may not write to.
const OLDEST_THAT_CONFINES: ABI = ABI::V3;

const STEP: &str = "Landlock";

/// Rules that one command may cost. Each is an opened handle and a call to the kernel, some microseconds.
const RULES_MAX: usize = 65_536;

/// What a rule allows on a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grant {
    /// The names in directories.
    List,
    /// Contents, names and execution.
    Read,
    /// Everything but devices.
    Write,
    /// Reading from and writing to a device, or all devices in a directory.
    Device,
}

/// A ruleset in the making. What no rule allows will be denied.
#[derive(Debug)]
pub(super) struct Confinement {
    ruleset: RulesetCreated,
    rules: usize,
}

impl Confinement {
    /// Denies everything, but TCP and UDP where the network is allowed.
    pub(super) fn new(network: NetworkAccess) -> Result<Self, SandboxError> {
        let failed = SandboxError::at(STEP);
        let mut ruleset = Ruleset::default()
            .handle_access(AccessFs::from_all(NEWEST))
            .and_then(|ruleset| ruleset.scope(Scope::from_all(NEWEST)))
            .map_err(&failed)?;
        if network == NetworkAccess::Denied {
            ruleset = ruleset.handle_access(AccessNet::from_all(NEWEST)).map_err(&failed)?;
        }
        ruleset.create().map(|ruleset| Self { ruleset, rules: 0 }).map_err(&failed)
    }

    /// Allows something on a tree. Its handle is closed at once: a command may cost thousands of rules.
    pub(super) fn allow(&mut self, tree: Tree, grant: Grant) -> Result<(), SandboxError> {
        self.rules += 1;
        if self.rules > RULES_MAX {
            return Err(SandboxError::TooManyRules(RULES_MAX));
        }
        let of_files = AccessFs::from_file(NEWEST);
        let rights = if tree.is_directory { rights(grant) } else { rights(grant) & of_files };
        if !rights.is_empty() {
            let rule = PathBeneath::new(tree.handle, rights);
            (&mut self.ruleset).add_rule(rule).map_err(SandboxError::at(STEP))?;
        }
        Ok(())
    }

    /// Allows something on what is at a path, if anything is.
    pub(super) fn allow_at(&mut self, path: &Path, grant: Grant) -> Result<(), SandboxError> {
        trees::tree_at(path).map_or(Ok(()), |tree| self.allow(tree, grant))
    }

    /// Restricts the calling thread for good. This process's other threads are not touched.
    pub(super) fn restrict(self) -> Result<LandlockSupport, SandboxError> {
        self.ruleset.restrict_self().map(|status| support(&status)).map_err(SandboxError::at(STEP))
    }
}

fn rights(grant: Grant) -> BitFlags<AccessFs> {
    let read = AccessFs::from_read(NEWEST);
    match grant {
        Grant::List => AccessFs::ReadDir.into(),
        Grant::Read => read,
        // Nodes of devices lead around every other rule, and sockets lead to other processes.
        Grant::Write => {
            let devices = make_bitflags!(AccessFs::{MakeChar | MakeBlock | IoctlDev | ResolveUnix});
            read | (AccessFs::from_write(NEWEST) & !devices)
        }
        Grant::Device => make_bitflags!(AccessFs::{ReadFile | ReadDir | WriteFile | Truncate | IoctlDev}),
    }
}

fn support(status: &RestrictionStatus) -> LandlockSupport {
    let abi = match status.landlock {
        LandlockStatus::NotEnabled => return LandlockSupport::None("not enabled at boot".to_owned()),
        LandlockStatus::NotImplemented => {
            return LandlockSupport::None("not built into this kernel".to_owned());
        }
        LandlockStatus::Available { effective_abi, .. } => effective_abi,
    };
    let version = abi as u32;
    match status.ruleset {
        RulesetStatus::NotEnforced => LandlockSupport::None("not enforced".to_owned()),
        RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced => match missing(abi) {
            _ if abi < OLDEST_THAT_CONFINES => {
                LandlockSupport::None(format!("version {version} lets commands empty any file"))
            }
            missing if missing.is_empty() => LandlockSupport::Full { version },
            missing => LandlockSupport::Partial { version, missing },
        },
    }
}

/// What a version that confines does not enforce and seccomp cannot either. Sockets are seccomp's work anyway.
fn missing(abi: ABI) -> Vec<&'static str> {
    let parts = [(ABI::V5, "commands to devices"), (ABI::V6, "signals to other processes")];
    parts.into_iter().filter(|(since, _)| abi < *since).map(|(_, part)| part).collect()
}
