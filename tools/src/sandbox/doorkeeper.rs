//! The shell that stands before a command: it waits for the word, while limits are set from outside, closes what this
//! process left open for children, and becomes the command.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::command::BASH;

/// The quickest shell. It can name handles of one digit only.
const SHELL: &str = "/bin/sh";

/// Without the word, because its parent is gone or failed, it begins nothing.
const WAIT: &str = "read -r word || exit 125; unset word; ";

/// Becomes the command, which has no input.
const BEGIN: &str = "exec \"$@\" </dev/null";

/// The same, with a file on the handle on which bubblewrap gets its filter.
const BEGIN_WITH_FILTER: &str = "exec \"$@\" </dev/null 9<\"$0\"";

/// The first handle that is no standard one.
const FIRST_HANDLE: u32 = 3;

/// The words of the doorkeeper; those of the command follow.
pub(super) fn words(filter: Option<PathBuf>) -> [OsString; 4] {
    let open = open_for_children();
    let name_two_digits = open.iter().any(|handle| *handle > 9);
    let bash = BASH.iter().find(|path| name_two_digits && Path::new(path).exists());
    let (begin, name) = match filter {
        Some(filter) => (BEGIN_WITH_FILTER, filter.into_os_string()),
        None => (BEGIN, "sh".into()),
    };
    let script = format!("{WAIT}{}{begin}", closing(&open));
    [bash.copied().unwrap_or(SHELL).into(), "-c".into(), script.into(), name]
}

fn closing(handles: &[u32]) -> String {
    let mut script = String::new();
    for handle in handles {
        // Writing to a string cannot fail.
        let _ = write!(script, "exec {handle}>&-; ");
    }
    script
}

/// Handles that this process, or whoever started it, left open for children: through an open file or connection a
/// command would reach what it cannot open.
#[cfg(target_os = "linux")]
fn open_for_children() -> Vec<u32> {
    let entries = std::fs::read_dir("/proc/self/fdinfo").into_iter().flatten().flatten();
    let mut handles: Vec<u32> = entries
        .filter_map(|entry| {
            let handle = entry.file_name().to_str()?.parse().ok().filter(|handle| *handle >= FIRST_HANDLE)?;
            is_inherited(&std::fs::read_to_string(entry.path()).ok()?).then_some(handle)
        })
        .collect();
    handles.sort_unstable();
    handles
}

/// Whether the `flags:` of a handle, which are octal, say that it stays open.
#[cfg(target_os = "linux")]
fn is_inherited(info: &str) -> bool {
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
    let flags = flags.and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok());
    flags.is_some_and(|flags| flags & rustix::fs::OFlags::CLOEXEC.bits() == 0)
}

/// Elsewhere it cannot be asked; the usual handles are closed, open or not.
#[cfg(not(target_os = "linux"))]
fn open_for_children() -> Vec<u32> {
    (FIRST_HANDLE..=9).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn what_stays_open_is_known_by_its_flags() {
        assert!(is_inherited("pos:\t0\nflags:\t0100001\nmnt_id:\t9\n"));
        assert!(!is_inherited("pos:\t0\nflags:\t02100001\n"));
        assert!(!is_inherited("pos:\t0\n"));
    }

    #[test]
    fn every_open_handle_is_closed_before_the_command_begins() {
        assert_eq!(closing(&[3, 251]), "exec 3>&-; exec 251>&-; ");
    }
}
