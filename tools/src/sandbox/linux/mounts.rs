//! Mounts of one command: everything is read-only but the writable roots, in them what is protected is too, and what is
//! denied is covered by something empty. Landlock holds writing anyway; it does not hold changing modes and owners.
//!
//! They are made in a name space of the calling thread's own; nobody else sees them, and they are gone with the last
//! process of the command.

use std::ffi::OsString;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, OFlags, StatVfsMountFlags};
use rustix::io::Errno;
use rustix::mount::{
    MountFlags, MountPropagationFlags, mount, mount_bind, mount_bind_recursive, mount_change, mount_remount,
};
use rustix::thread::UnshareFlags;

use super::blueprint::{MountPlan, SHARED_MEMORY, TERMINALS};
use crate::sandbox::SandboxError;
use crate::sandbox::place::PrivatePlace;

/// How much shared memory one command may use, of its own.
const SHARED_MEMORY_OPTIONS: &std::ffi::CStr = c"mode=1777,size=1g";

/// Terminals that nobody else has. Who may open them is decided by the mode of each.
const TERMINALS_OPTIONS: &std::ffi::CStr = c"newinstance,ptmxmode=0666,mode=620";

/// Gives the calling thread mounts of its own and makes those of the plan.
///
/// # Errors
/// [`SandboxError::Setup`] at the first mount that cannot be made; the thread must not be used then.
pub(super) fn make(plan: &MountPlan, place: &PrivatePlace) -> Result<(), SandboxError> {
    own_name_spaces()?;
    for root in &plan.writable {
        separate(root).map_err(SandboxError::at("mounting a writable directory"))?;
    }
    // Nothing can rename a directory on which something is mounted.
    for directory in &plan.pinned {
        separate(directory).map_err(SandboxError::at("holding a directory in its place"))?;
    }
    seal(&plan.writable).map_err(SandboxError::at("making everything else read-only"))?;
    // A mount shows its directory without what is mounted below: what hides comes last.
    for path in &plan.read_only {
        hold(path).map_err(SandboxError::at("holding a protected path read-only"))?;
    }
    for path in &plan.hidden {
        cover(path, place).map_err(SandboxError::at("hiding a denied path"))?;
    }
    own_devices()
}

/// Shared memory and terminals of the command's own: in the system's it would meet other programs.
fn own_devices() -> Result<(), SandboxError> {
    let flags = MountFlags::NOSUID | MountFlags::NOEXEC;
    for (kind, path, options) in
        [(c"tmpfs", SHARED_MEMORY, SHARED_MEMORY_OPTIONS), (c"devpts", TERMINALS, TERMINALS_OPTIONS)]
    {
        if Path::new(path).is_dir() {
            mount(kind, path, kind, flags, options).map_err(SandboxError::at("making devices"))?;
        }
    }
    Ok(())
}

fn own_name_spaces() -> Result<(), SandboxError> {
    #[expect(
        deprecated,
        reason = "its successor is unsafe for file tables, and these name spaces have none"
    )]
    rustix::thread::unshare(UnshareFlags::NEWNS | UnshareFlags::NEWIPC)
        .map_err(SandboxError::at("making name spaces"))?;
    // Before anything else: without it every mount below would be made in the whole system.
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change(c"/", private).map_err(SandboxError::at("keeping mounts private"))
}

/// Mounts a writable directory, with all that is mounted in it, onto itself: a mount of its own, which stays writable.
fn separate(root: &Path) -> rustix::io::Result<()> {
    let Some((handle, _)) = opened(root)? else { return Ok(()) };
    let place = by_handle(&handle);
    mount_bind_recursive(&place, &place)
}

/// Makes every mount read-only that is not a writable root or in one.
fn seal(writable: &[PathBuf]) -> rustix::io::Result<()> {
    for point in mount_points()? {
        if writable.iter().any(|root| point.starts_with(root)) {
            continue;
        }
        match make_read_only(&point) {
            // Not to be reached by us, and so not by the command: hidden below another mount, or forbidden.
            Err(Errno::INVAL | Errno::NOENT | Errno::ACCESS | Errno::PERM) if point != Path::new("/") => {}
            sealed => sealed?,
        }
    }
    Ok(())
}

/// Where something is mounted in the calling thread's name space.
fn mount_points() -> rustix::io::Result<Vec<PathBuf>> {
    let table = std::fs::read("/proc/thread-self/mountinfo")
        .map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
    let lines = table.split(|byte| *byte == b'\n');
    Ok(lines.filter_map(|line| line.split(|byte| *byte == b' ').nth(4)).map(unescaped).collect())
}

/// A space, tab, line feed or backslash stands as `\ooo`.
fn unescaped(field: &[u8]) -> PathBuf {
    let mut path = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((first, after)) = rest.split_first() {
        let code = after.get(..3).filter(|_| *first == b'\\');
        let code = code.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok());
        path.push(code.unwrap_or(*first));
        rest = if code.is_some() { after.get(3..).unwrap_or_default() } else { after };
    }
    PathBuf::from(OsString::from_vec(path))
}

/// Mounts a path onto itself, so that it can be neither renamed nor removed, and makes it read-only.
fn hold(path: &Path) -> rustix::io::Result<()> {
    let Some((handle, _)) = opened(path)? else { return Ok(()) };
    let place = by_handle(&handle);
    mount_bind(&place, &place)?;
    make_read_only(path)
}

/// Mounts something empty over a path.
fn cover(path: &Path, place: &PrivatePlace) -> rustix::io::Result<()> {
    let Some((handle, kind)) = opened(path)? else { return Ok(()) };
    let nothing = if kind.is_dir() { &place.void } else { &place.blank };
    mount_bind(nothing, by_handle(&handle))?;
    make_read_only(path)
}

/// The mount at `path` now is the one that was just made; what else the system said about it stays so.
fn make_read_only(path: &Path) -> rustix::io::Result<()> {
    let handle =
        rustix::fs::openat(CWD, path, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
    let present = rustix::fs::fstatvfs(&handle)?.f_flag;
    let kept = [
        (StatVfsMountFlags::NOSUID, MountFlags::NOSUID),
        (StatVfsMountFlags::NODEV, MountFlags::NODEV),
        (StatVfsMountFlags::NOEXEC, MountFlags::NOEXEC),
        (StatVfsMountFlags::NOATIME, MountFlags::NOATIME),
        (StatVfsMountFlags::RELATIME, MountFlags::RELATIME),
    ];
    let flags = kept.into_iter().filter(|(seen, _)| present.contains(*seen)).map(|(_, flag)| flag);
    let flags = flags.fold(MountFlags::BIND | MountFlags::RDONLY, MountFlags::union);
    mount_remount(by_handle(&handle), flags, c"")
}

/// A handle of what is there, unless nothing is or it has become a link.
fn opened(path: &Path) -> rustix::io::Result<Option<(OwnedFd, FileType)>> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match rustix::fs::openat(CWD, path, flags, Mode::empty()) {
        Ok(handle) => match FileType::from_raw_mode(rustix::fs::fstat(&handle)?.st_mode) {
            // It was no link when the plan was made; whoever made it one is not to profit.
            FileType::Symlink => Err(Errno::LOOP),
            kind => Ok(Some((handle, kind))),
        },
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(errno),
    }
}

fn by_handle(handle: &OwnedFd) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", handle.as_raw_fd()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_points_are_read_with_their_escapes() {
        assert_eq!(unescaped(br"/mnt/a\040b\134\011c"), Path::new("/mnt/a b\\\tc"));
        assert_eq!(unescaped(br"/mnt/\9\04"), Path::new(r"/mnt/\9\04"));
        assert!(mount_points().unwrap().contains(&PathBuf::from("/")));
    }
}
