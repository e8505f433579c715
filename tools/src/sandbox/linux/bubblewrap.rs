//! bubblewrap: the mounts of a command where this process may make none itself, as is usual for ordinary users.
//!
//! It makes a user name space, in which it may mount what it likes, and one of process numbers: a command sees and
//! signals its own processes only. Landlock is not needed then, and would forbid the mounts.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};

use super::blueprint::MountPlan;
use super::seccomp;
use crate::sandbox::NetworkAccess;
use crate::sandbox::place::PrivatePlace;

/// Where systems keep it. Never looked up in `PATH`: a program of that name in the workspace must not be taken for it.
const PLACES: &[&str] =
    &["/usr/bin/bwrap", "/bin/bwrap", "/usr/local/bin/bwrap", "/run/current-system/sw/bin/bwrap"];

/// The file handle on which it gets its filter.
pub(super) const FILTER_HANDLE: &str = "9";

/// The program, if it is installed.
pub(super) fn installed() -> Option<&'static Path> {
    PLACES.iter().map(Path::new).find(|path| path.exists())
}

/// The words before the command: what is mounted where, and that nothing can be mounted afterwards.
pub(super) fn words(program: &Path, plan: &MountPlan, place: &PrivatePlace) -> Vec<OsString> {
    let mut words: Vec<OsString> = vec![program.into()];
    // It must not die with its parent: that means the thread which starts it, and which ends at once.
    let fixed = "--unshare-user --disable-userns --unshare-pid --unshare-ipc --cap-drop ALL \
                 --ro-bind / / --dev /dev --proc /proc --seccomp";
    words.extend(fixed.split_whitespace().chain([FILTER_HANDLE]).map(OsString::from));
    let mut mount = |kind: &str, from: &Path, to: &Path| words.extend([kind.into(), from.into(), to.into()]);
    for root in plan.writable.iter().chain(&plan.pinned) {
        mount("--bind", root, root);
    }
    for path in &plan.read_only {
        mount("--ro-bind", path, path);
    }
    for path in &plan.hidden {
        mount("--ro-bind", if path.is_dir() { &place.void } else { &place.blank }, path);
    }
    words.push("--".into());
    words
}

/// Whether it works here: many systems forbid user name spaces, and older versions lack an option. To be called on a
/// thread that ends.
pub(super) fn try_it(program: &Path, place: &PrivatePlace) -> Result<(), String> {
    seccomp::restrict_but_for_mounts(NetworkAccess::Denied).map_err(|error| error.to_string())?;
    let filter = place.filter().map_err(|error| error.to_string())?;
    let filter = std::fs::File::open(filter).map_err(|error| error.to_string())?;
    let plan = MountPlan {
        writable: vec![place.temporary.clone()],
        pinned: Vec::new(),
        read_only: vec![place.void.clone()],
        hidden: vec![place.blank.clone()],
    };
    let mut words = words(program, &plan, place)
        .into_iter()
        .map(|word| if word == FILTER_HANDLE { "0".into() } else { word });
    let tried = Command::new(words.next().unwrap_or_default())
        .args(words)
        .args(["/bin/sh", "-c", r#"echo x > "$1/probe" && ! echo x 2> /dev/null > "$2/probe""#, "sh"])
        .args([&place.temporary, &place.void])
        .env_clear()
        .stdin(filter)
        .stdout(Stdio::null())
        .output()
        .map_err(|error| error.to_string())?;
    if tried.status.success() {
        return Ok(());
    }
    let complaint = String::from_utf8_lossy(&tried.stderr);
    Err(complaint.lines().next().unwrap_or("its mounts can be written to").to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::testing::{BUBBLEWRAP, variable};

    #[test]
    fn what_is_tried_is_what_commands_get() {
        let Some(program) = variable(BUBBLEWRAP) else {
            println!("not tested: bubblewrap");
            return;
        };
        let place = PrivatePlace::create().unwrap();
        let tried = std::thread::scope(|scope| {
            scope
                .spawn(|| (try_it(Path::new(&program), &place), try_it(Path::new("/bin/false"), &place)))
                .join()
        });
        assert_eq!(tried.unwrap(), (Ok(()), Err("its mounts can be written to".to_owned())));
    }

    #[test]
    fn what_is_hidden_comes_after_what_is_held() {
        let place = PrivatePlace::create().unwrap();
        let plan = MountPlan {
            writable: vec!["/w".into()],
            pinned: vec!["/w/src".into()],
            read_only: vec!["/w/.git".into()],
            hidden: vec!["/w/.git/secret".into()],
        };
        let words = words(Path::new("/usr/bin/bwrap"), &plan, &place);
        let at = |word: &str| words.iter().position(|each| each == word).unwrap();
        assert!(
            at("--ro-bind") < at("/w") && at("/w") < at("/w/.git") && at("/w/.git") < at("/w/.git/secret")
        );
        assert_eq!(words.last().unwrap(), "--");
    }
}
