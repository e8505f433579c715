//! The private place of a sandbox: room for a command's temporary files, and nothings to put over what is hidden. It goes
//! with its session; what a process that was killed has left, the next one removes.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, FlockOperation, Mode, OFlags, Stat, flock, fstat, open, openat};
use rustix::process::geteuid;
use tempfile::TempDir;

/// How the names of all places begin.
const PREFIX: &str = "codex-task-";
/// A file that is locked as long as the process of the place lives: the kernel lets go of it, however the process ends.
const LEASE: &str = "owner";
/// Where commands write.
const TEMPORARY: &str = "tmp";

/// A directory of this process alone.
#[derive(Debug)]
pub(super) struct PrivatePlace {
    /// `None` only while it is dropped.
    held: Option<Held>,
    /// Where commands write their temporary files.
    pub(super) temporary: PathBuf,
    /// An empty file.
    pub(super) blank: PathBuf,
    /// An empty directory.
    pub(super) void: PathBuf,
    /// Written when it is first needed.
    #[cfg(target_os = "linux")]
    filter: std::sync::OnceLock<Result<PathBuf, super::SandboxError>>,
}

/// The directory, removed with everything in it when this is dropped, and after that its lease.
#[derive(Debug)]
struct Held {
    _directory: TempDir,
    /// `None` where files cannot be locked: then nobody else ever removes the place.
    _lease: Option<File>,
}

impl PrivatePlace {
    /// Creates the place: mode 0700, a name that nobody can guess.
    pub(super) fn create() -> io::Result<Self> {
        Self::create_in(&std::env::temp_dir())
    }

    fn create_in(parent: &Path) -> io::Result<Self> {
        let private = fs::Permissions::from_mode(0o700);
        let directory = tempfile::Builder::new().prefix(PREFIX).permissions(private).tempdir_in(parent)?;
        let real = fs::canonicalize(directory.path())?;
        let place = Self {
            held: Some(Held { _lease: lease(&real).ok(), _directory: directory }),
            temporary: real.join(TEMPORARY),
            blank: real.join("blank"),
            void: real.join("void"),
            #[cfg(target_os = "linux")]
            filter: std::sync::OnceLock::new(),
        };
        fs::create_dir(&place.temporary)?;
        fs::create_dir(&place.void)?;
        File::create_new(&place.blank)?;
        Ok(place)
    }

    /// A file with the filter that bubblewrap puts on a command.
    #[cfg(target_os = "linux")]
    pub(super) fn filter(&self) -> Result<&Path, super::SandboxError> {
        let written = self.filter.get_or_init(|| {
            let file = self.blank.with_file_name("filter");
            fs::write(&file, super::linux::building_filter()?)
                .map_err(super::SandboxError::at("writing the seccomp filter"))?;
            Ok(file)
        });
        written.as_deref().map_err(Clone::clone)
    }

    /// Removes the places of this user's processes that were killed; gives how many. Blocks.
    pub(super) fn tidy() -> usize {
        Self::tidy_in(&std::env::temp_dir())
    }

    fn tidy_in(parent: &Path) -> usize {
        let entries = fs::read_dir(parent).into_iter().flatten().flatten();
        let ours =
            entries.filter(|entry| entry.file_name().as_encoded_bytes().starts_with(PREFIX.as_bytes()));
        ours.filter(|entry| remove_abandoned(&entry.path())).count()
    }
}

impl Drop for PrivatePlace {
    /// A session may be dropped on the thread of an Arbiter, and what commands left may be large.
    fn drop(&mut self) {
        let held = self.held.take();
        match tokio::runtime::Handle::try_current() {
            // The runtime waits for it when it ends; one that has ended drops it here.
            Ok(runtime) => drop(runtime.spawn_blocking(move || drop(held))),
            Err(_) => drop(held),
        }
    }
}

/// Takes the lease of a new place: locked before anybody can find it by its name.
fn lease(place: &Path) -> io::Result<File> {
    let new = place.join("owner.new");
    let file = File::create_new(&new)?;
    flock(&file, FlockOperation::NonBlockingLockExclusive)?;
    fs::rename(new, place.join(LEASE))?;
    Ok(file)
}

/// Removes a place whose process has died; says whether it is gone. Links are never followed.
fn remove_abandoned(place: &Path) -> bool {
    let Ok(_lease) = take_over(place) else { return false };
    // The lease goes last, so that what cannot be removed now is found again.
    match fs::remove_dir_all(place.join(TEMPORARY)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => false,
        Ok(()) | Err(_) => fs::remove_dir_all(place).is_ok(),
    }
}

/// Takes the lease of a place that nobody holds.
///
/// # Errors
/// When it is no place of this user's, when it has no lease, or when its process lives.
fn take_over(place: &Path) -> io::Result<File> {
    let look = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let directory = open(place, look | OFlags::DIRECTORY, Mode::empty())?;
    let is_private = |stat: &Stat| Mode::from_raw_mode(stat.st_mode).intersection(Mode::RWXG | Mode::RWXO);
    let stat = fstat(&directory)?;
    if !is_own(&stat) || !is_private(&stat).is_empty() {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let file = openat(&directory, LEASE, look, Mode::empty())?;
    let stat = fstat(&file)?;
    if !is_own(&stat) || FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    flock(&file, FlockOperation::NonBlockingLockExclusive)?;
    Ok(file.into())
}

fn is_own(stat: &Stat) -> bool {
    stat.st_uid == geteuid().as_raw()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// A place as a process leaves it that is killed.
    fn abandoned(parent: &Path) -> PathBuf {
        let mut place = PrivatePlace::create_in(parent).unwrap();
        let Some(Held { _directory: directory, _lease: lease }) = place.held.take() else {
            panic!("it is held")
        };
        fs::create_dir_all(place.temporary.join("build/deep")).unwrap();
        fs::write(place.temporary.join("build/deep/file"), "x").unwrap();
        assert!(lease.is_some());
        directory.keep()
    }

    #[test]
    fn what_killed_processes_have_left_is_removed_and_nothing_else() {
        let parent = tempfile::tempdir().unwrap();
        let path = |name: &str| parent.path().join(name);
        let alive = PrivatePlace::create_in(parent.path()).unwrap();
        let mode = fs::metadata(alive.temporary.parent().unwrap()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "nobody else looks in");
        let left = abandoned(parent.path());
        // A link to what a killed process has left elsewhere, and a link to the user's files within a place.
        let elsewhere = tempfile::tempdir().unwrap();
        let linked = abandoned(elsewhere.path());
        symlink(&linked, path("codex-task-link")).unwrap();
        fs::write(elsewhere.path().join("precious"), "x").unwrap();
        symlink(elsewhere.path(), left.join("tmp/link")).unwrap();
        // Folders of that name that are not ours: without a lease, or open to others.
        fs::create_dir(path("codex-task-notes")).unwrap();
        let open = abandoned(parent.path());
        fs::set_permissions(&open, fs::Permissions::from_mode(0o755)).unwrap();

        assert_eq!(PrivatePlace::tidy_in(parent.path()), 1);
        assert!(!left.exists());
        for stays in [&alive.temporary, &linked, &open, &path("codex-task-notes"), &path("codex-task-link")] {
            assert!(stays.exists(), "{}", stays.display());
        }
        assert!(elsewhere.path().join("precious").exists());
        assert_eq!(PrivatePlace::tidy_in(parent.path()), 0);
    }

    #[test]
    fn what_cannot_be_removed_is_found_again() {
        let parent = tempfile::tempdir().unwrap();
        let left = abandoned(parent.path());
        // Where commands write there is something else now, whose parts cannot be removed as a directory's.
        fs::remove_dir_all(left.join(TEMPORARY)).unwrap();
        fs::write(left.join(TEMPORARY), "no directory").unwrap();
        assert_eq!(PrivatePlace::tidy_in(parent.path()), 0);
        assert!(left.join(LEASE).exists());
        fs::remove_file(left.join(TEMPORARY)).unwrap();
        assert_eq!(PrivatePlace::tidy_in(parent.path()), 1);
    }

    #[test]
    fn what_commands_left_is_removed_where_nobody_waits_for_it() {
        let runtime = tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).build().unwrap();
        let (begun, has_begun) = std::sync::mpsc::channel();
        let (go, wait) = std::sync::mpsc::channel::<()>();
        let temporary = runtime.block_on(async {
            let place = PrivatePlace::create().unwrap();
            fs::write(place.temporary.join("left"), "x").unwrap();
            // The only thread for such work is busy.
            tokio::task::spawn_blocking(move || {
                begun.send(()).unwrap();
                wait.recv()
            });
            has_begun.recv().unwrap();
            place.temporary.clone()
        });
        assert!(temporary.join("left").exists());
        go.send(()).unwrap();
        drop(runtime);
        assert!(!temporary.exists());
    }
}
