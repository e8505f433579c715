//! From a policy to what Landlock allows and what is mounted, as the file system is at this moment.

use std::path::{Path, PathBuf};

use super::landlock::{Confinement, Grant};
use super::trees;
use crate::sandbox::place::PrivatePlace;
use crate::sandbox::protected::{ProtectedEntry, protected_entries};
use crate::sandbox::workspace::Meant;
use crate::sandbox::{SandboxError, SandboxPolicy};

/// Devices that programs read and write as a matter of course. No terminal: a command has none.
const DEVICES: &[&str] = &["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"];

/// Shared memory, which is this command's own where a mount can be put over the system's.
pub(super) const SHARED_MEMORY: &str = "/dev/shm";

/// Terminals that the command opens for its children, likewise.
pub(super) const TERMINALS: &str = "/dev/pts";

/// What a program opens to get a terminal.
const TERMINAL_MAKER: &str = "/dev/ptmx";

/// What is mounted before anything is restricted.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct MountPlan {
    /// Stays writable; all else does not.
    pub(super) writable: Vec<PathBuf>,
    /// Directories on the way to what a rule keeps from changing: stay writable and cannot be renamed, the outer ones
    /// first. What the runtime itself protects lies in directories that cannot be renamed anyway.
    pub(super) pinned: Vec<PathBuf>,
    /// In what is writable: stays readable and cannot be written to, renamed or removed.
    pub(super) read_only: Vec<PathBuf>,
    /// Looks empty.
    pub(super) hidden: Vec<PathBuf>,
}

/// What holds protected and denied paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Means {
    Mounts,
    /// Mounts cannot be made here.
    Landlock,
}

/// What is allowed, as paths; [`Blueprint::allow`] opens them after the mounts are made.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Blueprint {
    /// `None`: mounts cannot be made here.
    pub(super) mounts: Option<MountPlan>,
    writable: Vec<PathBuf>,
    not_writable: Vec<PathBuf>,
    not_readable: Vec<PathBuf>,
}

impl Blueprint {
    /// Looks at the file system for what the policy protects; what its rules mean there was looked for before.
    pub(super) fn draw(policy: &SandboxPolicy, meant: &Meant, place: &PrivatePlace, held_by: Means) -> Self {
        let Meant { denied, unwritable } = meant.clone();
        let roots = policy.writable_roots();
        let way = on_the_way(&unwritable, roots).into_iter();
        let pinned = way.filter(|directory| !roots.contains(directory)).collect();
        let unwritable = unwritable.iter().flat_map(|path| ProtectedEntry::found_at(path));
        let protected: Vec<_> = protected_entries(policy.configured_directories())
            .into_iter()
            .chain(unwritable)
            .filter(|entry| roots.iter().any(|root| entry.path.starts_with(root)))
            .collect();
        let writable: Vec<PathBuf> = roots.iter().cloned().chain([place.temporary.clone()]).collect();
        let in_dev = PathBuf::from("/dev");
        if held_by == Means::Mounts {
            // A link cannot be mounted over, so its directory is divided all the same.
            let (links, mountable): (Vec<_>, Vec<_>) = protected.into_iter().partition(|entry| entry.is_link);
            let read_only = mountable.into_iter().map(|entry| entry.path).collect();
            return Self {
                mounts: Some(MountPlan { writable: writable.clone(), pinned, read_only, hidden: denied }),
                writable,
                not_writable: links.into_iter().map(|entry| entry.path).collect(),
                not_readable: vec![in_dev],
            };
        }
        let not_writable = protected.into_iter().map(|entry| entry.path).chain(denied.iter().cloned());
        Self {
            mounts: None,
            writable,
            not_writable: not_writable.collect(),
            not_readable: denied.into_iter().chain([in_dev]).collect(),
        }
    }

    /// The directories in which nothing new can be created: they are divided, because something in them is cut out.
    pub(super) fn closed_directories(&self) -> Vec<PathBuf> {
        let way = on_the_way(&self.not_writable, &self.writable).into_iter();
        way.filter(|directory| !self.not_writable.iter().any(|cut| directory.starts_with(cut))).collect()
    }

    /// Whether mounts alone hold everything. A protected link is held by Landlock only.
    pub(super) fn is_held_by_mounts(&self) -> bool {
        self.mounts.is_some() && self.not_writable.is_empty()
    }

    /// Opens what is allowed, as it is after the mounts were made, and allows it.
    pub(super) fn allow(&self, landlock: &mut Confinement) -> Result<(), SandboxError> {
        let root = Path::new("/");
        landlock.allow_at(root, Grant::List)?;
        trees::trees_without(root, &self.not_readable, &mut |tree| landlock.allow(tree, Grant::Read))?;
        for writable in &self.writable {
            let mut allow = |tree| landlock.allow(tree, Grant::Write);
            trees::trees_without(writable, &self.not_writable, &mut allow)?;
        }
        for device in DEVICES {
            landlock.allow_at(Path::new(device), Grant::Device)?;
        }
        if self.mounts.is_some() {
            landlock.allow_at(Path::new(SHARED_MEMORY), Grant::Write)?;
            landlock.allow_at(Path::new(TERMINALS), Grant::Device)?;
            landlock.allow_at(Path::new(TERMINAL_MAKER), Grant::Device)?;
        }
        Ok(())
    }
}

/// The directories on the way from one of these roots, the root included, to these paths, the outer ones first.
fn on_the_way(paths: &[PathBuf], roots: &[PathBuf]) -> Vec<PathBuf> {
    let way = paths.iter().flat_map(|path| {
        let inside = |directory: &&Path| roots.iter().any(|root| directory.starts_with(root));
        path.ancestors().skip(1).take_while(inside).map(Path::to_owned)
    });
    let mut directories: Vec<PathBuf> = way.collect();
    directories.sort();
    directories.dedup();
    directories
}

#[cfg(test)]
mod tests {
    use codex_task_config::SandboxMode;

    use super::*;
    use crate::DeniedReads;

    #[test]
    fn every_directory_on_the_way_to_something_that_is_cut_out_is_closed_unless_mounts_hold_it() {
        let dir = tempfile::tempdir().unwrap();
        let root = std::fs::canonicalize(dir.path()).unwrap();
        std::fs::create_dir_all(root.join("a/b")).unwrap();
        let policy =
            SandboxPolicy::new(SandboxMode::WorkspaceWrite, [root.clone()], &root, DeniedReads::default());
        let place = PrivatePlace::create().unwrap();
        let meant = Meant { denied: vec![root.join("a/b/key")], unwritable: Vec::new() };
        let closed = |held_by| Blueprint::draw(&policy, &meant, &place, held_by).closed_directories();
        assert_eq!(closed(Means::Landlock), [root.clone(), root.join("a"), root.join("a/b")]);
        assert_eq!(closed(Means::Mounts), <[PathBuf; 0]>::default());
    }
}
