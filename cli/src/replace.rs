//! Files that are replaced whole or not at all: whoever reads one meanwhile sees the old text or the new one.

use std::fs::{self, Permissions};
use std::io::{self, Write as _};
use std::path::Path;

use tempfile::NamedTempFile;

/// Puts a text in the place of a file, which keeps its permissions; a new one has those that any new file would have. A
/// link is replaced, not followed.
pub(crate) fn replace(place: &Path, text: &str) -> io::Result<()> {
    replace_as(place, text, permissions_of(place)?)
}

/// As [`replace`], with these permissions.
pub(crate) fn replace_as(place: &Path, text: &str, permissions: Permissions) -> io::Result<()> {
    let folder = folder_of(place);
    fs::create_dir_all(folder)?;
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().set_permissions(permissions)?;
    file.as_file().sync_all()?;
    file.persist(place)?;
    Ok(())
}

/// The permissions of a file, or those that it would have as a new one.
pub(crate) fn permissions_of(place: &Path) -> io::Result<Permissions> {
    match fs::symlink_metadata(place) {
        Ok(metadata) if metadata.is_file() => Ok(metadata.permissions()),
        Ok(_) => new_permissions(folder_of(place)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => new_permissions(folder_of(place)),
        Err(error) => Err(error),
    }
}

/// What any new file in the folder would have: the user's mask applies.
fn new_permissions(folder: &Path) -> io::Result<Permissions> {
    fs::create_dir_all(folder)?;
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let probe = builder.tempfile_in(folder)?;
    Ok(probe.as_file().metadata()?.permissions())
}

fn folder_of(place: &Path) -> &Path {
    place.parent().unwrap_or_else(|| Path::new("."))
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_file_keeps_its_permissions_and_a_new_one_is_as_any_other() {
        let folder = tempfile::tempdir().expect("a folder");
        let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
        let (usual, new) = (folder.path().join("usual"), folder.path().join("below/new"));
        fs::write(&usual, "").expect("a file");
        replace(&new, "text").expect("it is written");
        assert_eq!(
            (mode(&new), fs::read_to_string(&new).expect("a text")),
            (mode(&usual), "text".to_owned())
        );
        fs::set_permissions(&new, Permissions::from_mode(0o600)).expect("it is ours");
        replace(&new, "other").expect("it is written");
        assert_eq!((mode(&new), fs::read_to_string(&new).expect("a text")), (0o600, "other".to_owned()));
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&usual, &link).expect("a link");
        replace(&link, "text").expect("it is written");
        assert!(!link.is_symlink() && fs::read_to_string(&usual).expect("a text").is_empty());
    }
}
