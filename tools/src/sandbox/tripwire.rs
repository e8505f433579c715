//! Protected paths that are not there yet: nothing can be mounted where nothing is, so that their appearing is watched
//! for and undone. What a command put there is renamed within a millisecond or so; the harmless name keeps the content
//! for whoever wants to see it.
//!
//! Watched are the directories where configuration is looked for: the roots, and those on the way to the working
//! directory; and where something would appear that a rule of the user names and keeps from changing. What such a rule
//! means by wildcards is looked for when the command has ended; where that is too much to look at, it is said. It cannot
//! be told who created a path: what the user creates in that very moment is put aside too.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::processes::Brand;
use super::protected::is_protected;
use super::workspace::{ENTRIES_MAX, Meant, absent_unwritable, found_unwritable, writes_have_patterns};
use super::{RefusedPath, SandboxError, SandboxPolicy};

/// Watches for protected names while a command runs.
#[derive(Debug)]
pub(super) struct Tripwire {
    scene: Arc<Scene>,
    watcher: Option<tokio::task::JoinHandle<()>>,
}

#[derive(Debug)]
struct Scene {
    /// Where protected names are looked for.
    directories: Vec<PathBuf>,
    /// What was there before.
    known: HashSet<PathBuf>,
    /// What was not there, and must not appear.
    absent: Vec<PathBuf>,
    /// Whose wildcards are looked for in the end.
    policy: Option<SandboxPolicy>,
    /// Entries that are looked at then.
    entries_max: usize,
    /// Held for a rename only, never across an await.
    refused: Mutex<Vec<RefusedPath>>,
}

impl Tripwire {
    /// Remembers what is there. Looks at directories, so not on a thread that others wait for.
    pub(super) fn lay(policy: &SandboxPolicy, meant: &Meant) -> Self {
        let directories = policy.configured_directories().to_vec();
        let known = protected_names(&directories).chain(meant.unwritable.iter().cloned()).collect();
        let scene = Scene {
            directories,
            known,
            absent: absent_unwritable(policy),
            policy: writes_have_patterns(policy).then(|| policy.clone()),
            entries_max: ENTRIES_MAX,
            refused: Mutex::default(),
        };
        Self { scene: Arc::new(scene), watcher: None }
    }

    /// Watches from now on.
    pub(super) fn arm(self, brand: Brand) -> Self {
        let watcher = watch::watch(Arc::clone(&self.scene), brand);
        Self { scene: Arc::clone(&self.scene), watcher }
    }

    /// Looks a last time, and gives back everything that was put aside, and why that may not be all.
    pub(super) async fn disarm(mut self) -> (Vec<RefusedPath>, Option<SandboxError>) {
        if let Some(watcher) = self.watcher.take() {
            watcher.abort();
        }
        let scene = Arc::clone(&self.scene);
        let looked = tokio::task::spawn_blocking(move || scene.put_all_aside()).await;
        let unseen = looked.unwrap_or_else(|_| self.scene.put_all_aside());
        (self.scene.taken(), unseen)
    }

    /// Looks a last time, where nobody is there to be told.
    pub(super) fn put_aside(&self) {
        if let Some(error) = self.scene.put_all_aside() {
            tracing::warn!(%error, "not all that a command left was looked at");
        }
    }
}

impl Drop for Tripwire {
    fn drop(&mut self) {
        if let Some(watcher) = self.watcher.take() {
            watcher.abort();
        }
    }
}

impl Scene {
    /// Renames every protected path that was not there before.
    fn put_aside(&self) {
        let appeared = self.absent.iter().filter(|path| path.symlink_metadata().is_ok()).cloned();
        for path in
            protected_names(&self.directories).filter(|path| !self.known.contains(path)).chain(appeared)
        {
            self.refuse(path);
        }
    }

    /// The same, and what wildcards mean. Gives why that may not be all.
    fn put_all_aside(&self) -> Option<SandboxError> {
        self.put_aside();
        let found = found_unwritable(self.policy.as_ref()?, self.entries_max);
        for path in found.unwritable.into_iter().filter(|path| !self.known.contains(path)) {
            // What was put aside must not be found again under its new name.
            if !self.known.iter().any(|known| path.starts_with(known)) && path.symlink_metadata().is_ok() {
                self.refuse(path);
            }
        }
        found.unseen
    }

    /// Every directory in which something must not appear.
    #[cfg(target_os = "linux")]
    fn watched(&self) -> Vec<&Path> {
        let parents = self.absent.iter().filter_map(|path| path.parent()).filter(|parent| parent.is_dir());
        self.directories.iter().map(PathBuf::as_path).chain(parents).collect()
    }

    fn refuse(&self, path: PathBuf) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let moved_to = free_name(&path).filter(|free| std::fs::rename(&path, free).is_ok());
        tracing::warn!(path = %path.display(), "a command created a protected path, which was put aside");
        refused.push(RefusedPath { path, moved_to });
    }

    #[cfg(target_os = "linux")]
    fn count(&self) -> usize {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn taken(&self) -> Vec<RefusedPath> {
        std::mem::take(&mut *self.refused.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The protected entries of these directories, present at this moment.
fn protected_names(directories: &[PathBuf]) -> impl Iterator<Item = PathBuf> {
    let entries = directories.iter().flat_map(|dir| std::fs::read_dir(dir).into_iter().flatten().flatten());
    entries.filter(|entry| is_protected(Path::new(&entry.file_name()))).map(|entry| entry.path())
}

/// `name.refused-1`, or the first such name that is free.
fn free_name(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?;
    (1..=u32::MAX)
        .map(|number| {
            let mut free = name.to_owned();
            free.push(format!(".refused-{number}"));
            path.with_file_name(free)
        })
        .find(|free| free.symlink_metadata().is_err())
}

#[cfg(target_os = "linux")]
mod watch {
    use std::mem::MaybeUninit;
    use std::os::fd::OwnedFd;
    use std::sync::Arc;

    use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
    use tokio::io::unix::AsyncFd;
    use tokio::task::JoinHandle;

    use super::{Brand, Scene};
    use crate::sandbox::leash::end_all;

    /// Paths that are put aside before the command is ended instead.
    const REFUSALS_MAX: usize = 16;

    /// Room for some dozens of events.
    const BUFFER_BYTES: usize = 4096;

    /// `None` when this user has used up the system's watches; the look at the end is all there is then.
    pub(super) fn watch(scene: Arc<Scene>, brand: Brand) -> Option<JoinHandle<()>> {
        match open(&scene) {
            Ok(events) => Some(tokio::runtime::Handle::current().spawn(follow(events, scene, brand))),
            Err(error) => {
                tracing::debug!(%error, "protected paths are looked for at the end only");
                None
            }
        }
    }

    fn open(scene: &Scene) -> std::io::Result<AsyncFd<OwnedFd>> {
        let events = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        for directory in scene.watched() {
            let appearing = WatchFlags::CREATE | WatchFlags::MOVED_TO | WatchFlags::ONLYDIR;
            inotify::add_watch(&events, directory, appearing)?;
        }
        #[expect(deprecated, reason = "its successor is unsafe for handles that are not owned; this one is")]
        AsyncFd::new(events)
    }

    /// Any event is a reason to look: names are short, directories few.
    async fn follow(events: AsyncFd<OwnedFd>, scene: Arc<Scene>, brand: Brand) {
        while let Ok(mut ready) = events.readable().await {
            let mut buffer = [MaybeUninit::uninit(); BUFFER_BYTES];
            let mut reader = inotify::Reader::new(ready.get_inner(), &mut buffer);
            while reader.next().is_ok() {}
            ready.clear_ready();
            scene.put_aside();
            if scene.count() >= REFUSALS_MAX {
                tracing::warn!("a command that goes on creating protected paths is ended");
                // Only a runtime that ends can keep it from happening, and then the leash does it.
                let _ = tokio::task::spawn_blocking(move || end_all(&brand)).await;
                return;
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod watch {
    use std::sync::Arc;

    use super::{Brand, Scene};

    /// Seatbelt denies such names itself.
    pub(super) fn watch(_scene: Arc<Scene>, _brand: Brand) -> Option<tokio::task::JoinHandle<()>> {
        None
    }
}

#[cfg(test)]
mod tests {
    use codex_task_config::SandboxMode;

    use super::*;
    use crate::DeniedReads;
    use crate::path::{Case, DeniedPaths, PathPattern, PatternBase};
    use crate::sandbox::workspace::meant;

    #[test]
    fn what_was_there_stays_and_what_appears_is_put_aside_under_a_free_name() {
        let dir = tempfile::tempdir().expect("a folder");
        let at = |name: &str| dir.path().join(name);
        std::fs::create_dir(at(".git")).expect("a folder");
        std::fs::write(at(".mcp.json.refused-1"), "older").expect("a file");
        let directories = vec![dir.path().to_owned()];
        let known = protected_names(&directories).collect();
        let scene = Scene {
            directories,
            known,
            absent: vec![at("gen/out")],
            policy: None,
            entries_max: ENTRIES_MAX,
            refused: Mutex::default(),
        };
        std::fs::write(at(".mcp.json"), "evil").expect("a file");
        std::fs::write(at("fine.txt"), "fine").expect("a file");
        scene.put_aside();
        scene.put_aside();
        let expected = RefusedPath { path: at(".mcp.json"), moved_to: Some(at(".mcp.json.refused-2")) };
        assert_eq!(scene.taken(), [expected]);
        assert_eq!(std::fs::read_to_string(at(".mcp.json.refused-2")).expect("the content"), "evil");
        assert!(at(".git").is_dir() && at("fine.txt").is_file() && !at(".mcp.json").exists());
    }

    #[test]
    fn what_a_command_hides_behind_too_many_files_is_said_to_be_unseen_and_what_lies_before_them_is_put_aside()
     {
        let dir = tempfile::tempdir().expect("a folder");
        let root = std::fs::canonicalize(dir.path()).expect("a path");
        let base = PatternBase { settings: &root, home: None };
        let rule = PathPattern::parse("*.lock", &base, Case::Folded).expect("a pattern");
        let policy =
            SandboxPolicy::new(SandboxMode::WorkspaceWrite, [root.clone()], &root, DeniedReads::default());
        let policy = policy.with_unwritable(DeniedPaths::new([rule]));
        let mut tripwire = Tripwire::lay(&policy, &meant(&policy).expect("a small tree"));
        let scene = Arc::get_mut(&mut tripwire.scene).expect("nobody watches");
        std::fs::create_dir_all(root.join("a/b")).expect("folders");
        for name in ["evil.lock", "a/b/hidden.lock", "a/1", "a/2", "a/3"] {
            std::fs::write(root.join(name), "").expect("a file");
        }
        scene.entries_max = 4;
        assert_eq!(scene.put_all_aside(), Some(SandboxError::TooManyFiles(4)));
        let moved_to = Some(root.join("evil.lock.refused-1"));
        assert_eq!(scene.taken(), [RefusedPath { path: root.join("evil.lock"), moved_to }]);
        scene.entries_max = 100;
        assert_eq!(scene.put_all_aside(), None);
        assert_eq!(scene.taken().len(), 1, "the other one is found as soon as it can be");
    }
}
