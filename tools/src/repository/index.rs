//! Which entries of git's index are repositories of their own: the list that decides what git enters.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// The mode of an entry that stands for a commit of another repository.
const GITLINK: u32 = 0o160_000;

/// Bytes of a hash: SHA-1, SHA-256. The index does not say which; read with the wrong one it makes no sense.
const HASHES: [usize; 2] = [20, 32];

/// Bytes before the first entry: the signature, the version, the number of entries.
const HEADER: usize = 12;

/// Bytes of an entry before its hash, and where its mode stands in them.
const STAT: usize = 40;
const MODE: usize = 24;

/// Flags after the hash: whether two more bytes of them follow, and the length of the name unless that is longer.
const EXTENDED: usize = 0x4000;
const NAME_LENGTH: usize = 0x0fff;

/// An index that cannot be read as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotAnIndex;

/// The paths of the repositories that an index names, relative to the top of the working tree; none without an index.
pub(super) fn gitlinks(git_directory: &Path) -> Result<Vec<PathBuf>, NotAnIndex> {
    let bytes = match std::fs::read(git_directory.join("index")) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(_) => return Err(NotAnIndex),
    };
    let index = parsed(&bytes)?;
    let mut found = index.gitlinks;
    if let Some(shared) = index.shared {
        let bytes = std::fs::read(git_directory.join(shared)).map_err(|_| NotAnIndex)?;
        found.extend(parsed(&bytes)?.gitlinks);
    }
    Ok(found)
}

#[derive(Debug, PartialEq, Eq)]
struct Index {
    gitlinks: Vec<PathBuf>,
    /// The file that has the other entries of a split index.
    shared: Option<String>,
}

fn parsed(bytes: &[u8]) -> Result<Index, NotAnIndex> {
    HASHES.into_iter().find_map(|hash| Reader { bytes, hash }.index()).ok_or(NotAnIndex)
}

struct Reader<'a> {
    bytes: &'a [u8],
    /// Bytes of a hash.
    hash: usize,
}

impl Reader<'_> {
    fn index(&self) -> Option<Index> {
        let is_index = self.bytes.starts_with(b"DIRC");
        let version = self.number(4).filter(|version| is_index && (2..=4).contains(version))?;
        let count = self.number(8)?;
        let (mut gitlinks, mut name, mut at) = (Vec::new(), Vec::new(), HEADER);
        for _ in 0..count {
            let mode = self.number(at + MODE)?;
            at = self.after_entry(at, version, &mut name)?;
            // In a split index, an entry without a name takes the place of one of the shared index.
            if mode == GITLINK && name.is_empty() {
                return None;
            }
            if mode == GITLINK {
                gitlinks.push(PathBuf::from(OsStr::from_bytes(&name)));
            }
        }
        Some(Index { gitlinks, shared: self.shared(at).ok()? })
    }

    /// Reads the name of the entry at a place, after the name of the entry before it; gives the place of the next one.
    fn after_entry(&self, at: usize, version: u32, name: &mut Vec<u8>) -> Option<usize> {
        let flags_at = at + STAT + self.hash;
        let flags = usize::from(u16::from_be_bytes(self.array(flags_at)?));
        let mut name_at = flags_at + if flags & EXTENDED == 0 { 2 } else { 4 };
        if version == 4 {
            let (stripped, after) = self.variable(name_at)?;
            name.truncate(name.len().checked_sub(stripped)?);
            name_at = after;
        } else {
            name.clear();
        }
        let written = self.bytes.get(name_at..)?.split(|byte| *byte == 0).next()?;
        name.extend_from_slice(written);
        let end = name_at + written.len();
        let is_sound = name.len().min(NAME_LENGTH) == flags & NAME_LENGTH;
        // The old versions fill up to eight bytes with at least one zero, the new one ends names with just one.
        let next = if version == 4 { end + 1 } else { at + (end - at + 8) / 8 * 8 };
        (is_sound && next <= self.bytes.len()).then_some(next)
    }

    /// The shared index that an extension behind the entries names, if any.
    fn shared(&self, mut at: usize) -> Result<Option<String>, NotAnIndex> {
        let end = self.bytes.len().checked_sub(self.hash).ok_or(NotAnIndex)?;
        while at < end {
            let name: [u8; 4] = self.array(at).ok_or(NotAnIndex)?;
            let length =
                self.number(at + 4).and_then(|length| usize::try_from(length).ok()).ok_or(NotAnIndex)?;
            if &name == b"link" {
                let hash = self.bytes.get(at + 8..at + 8 + self.hash).ok_or(NotAnIndex)?;
                return Ok(Some(format!("sharedindex.{}", hexadecimal(hash))));
            }
            at = at.checked_add(8).and_then(|at| at.checked_add(length)).ok_or(NotAnIndex)?;
        }
        if at == end { Ok(None) } else { Err(NotAnIndex) }
    }

    /// A number of any length, as packs have it: seven bits a byte, each further one counted from one.
    fn variable(&self, mut at: usize) -> Option<(usize, usize)> {
        let mut value = 0_usize;
        loop {
            let byte = *self.bytes.get(at)?;
            at += 1;
            value = value.checked_mul(128)?.checked_add(usize::from(byte & 0x7f))?;
            if byte & 0x80 == 0 {
                return Some((value, at));
            }
            value = value.checked_add(1)?;
        }
    }

    fn number(&self, at: usize) -> Option<u32> {
        self.array(at).map(u32::from_be_bytes)
    }

    fn array<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        self.bytes.get(at..at.checked_add(N)?)?.try_into().ok()
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    fn git(directory: &Path, arguments: &[&str]) {
        let mut git = Command::new("git");
        git.current_dir(directory).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        let output =
            git.args(["-c", "user.name=a", "-c", "user.email=a@b"]).args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    #[test]
    fn the_repositories_in_an_index_are_found_in_all_its_versions() {
        for (format, version) in [("sha1", "2"), ("sha1", "4"), ("sha256", "2"), ("sha256", "4")] {
            let dir = tempfile::tempdir().unwrap();
            let at = |name: &str| dir.path().join(name);
            git(dir.path(), &["init", "-q", "--object-format", format]);
            for name in ["a", "deep/er/sub", "deep/er/subs", "z"] {
                std::fs::create_dir_all(at(name)).unwrap();
                std::fs::write(at(name).join("file"), "x").unwrap();
            }
            for name in ["deep/er/sub", "z"] {
                git(&at(name), &["init", "-q", "--object-format", format]);
                git(&at(name), &["add", "file"]);
                git(&at(name), &["commit", "-q", "-m", "x"]);
            }
            assert_eq!(gitlinks(&at(".git")), Ok(Vec::new()));
            git(dir.path(), &["add", "-A"]);
            git(dir.path(), &["add", "--intent-to-add", "deep"]);
            git(dir.path(), &["update-index", "--index-version", version]);
            let expected = Ok(vec![PathBuf::from("deep/er/sub"), PathBuf::from("z")]);
            assert_eq!(gitlinks(&at(".git")), expected, "{format} {version}");
            git(dir.path(), &["update-index", "--split-index"]);
            std::fs::write(at("late"), "x").unwrap();
            git(dir.path(), &["add", "late"]);
            assert_eq!(gitlinks(&at(".git")), expected, "{format} {version}, split");
        }
    }

    #[test]
    fn what_is_no_index_is_said_to_be_none() {
        assert_eq!(parsed(b""), Err(NotAnIndex));
        assert_eq!(parsed(b"DIRC\0\0\0\x02\0\0\0\x01"), Err(NotAnIndex));
        assert_eq!(parsed(b"DIRC\0\0\0\x09\0\0\0\0aaaaaaaaaaaaaaaaaaaa"), Err(NotAnIndex));
    }

    #[test]
    fn only_an_index_that_is_missing_is_none() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(gitlinks(dir.path()), Ok(Vec::new()));
        std::fs::create_dir(dir.path().join("index")).unwrap();
        assert_eq!(gitlinks(dir.path()), Err(NotAnIndex), "what cannot be read may name anything");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), version in 2_u8..5) {
            let mut index = b"DIRC\0\0\0".to_vec();
            index.extend([version, 0, 0, 0, 3]);
            index.extend(bytes);
            let _ = parsed(&index);
        }
    }
}
