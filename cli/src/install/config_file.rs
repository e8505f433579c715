//! A client's configuration file: read whole, replaced whole or not at all, a copy of the old one kept. Links are
//! followed, so that the file stays where its owner keeps it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::fault::Fault;
use crate::replace::{permissions_of, replace, replace_as};

/// Bytes of a configuration that are read.
const BYTES_MAX: u64 = 4 << 20;
/// End of the name of the kept copy.
const BACKUP_SUFFIX: &str = ".codex-task.bak";

/// A configuration file as it was when it was read.
#[derive(Debug)]
pub(super) struct ConfigFile {
    /// Where the user knows it.
    path: PathBuf,
    /// Where it really is.
    target: PathBuf,
    /// `None` when there is none yet.
    text: Option<String>,
}

impl ConfigFile {
    /// Reads the file; one that does not exist is empty.
    pub(super) fn read(path: &Path) -> Result<Self, Fault> {
        let fault = |error: &io::Error| Fault::file("cannot read", path, error);
        let target = match path.canonicalize() {
            Ok(target) => target,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if path.is_symlink() {
                    return Err(Fault::new(format!("'{}' is a link to nothing", path.display()))
                        .because("the file that it should lead to does not exist")
                        .suggest("create that file, or remove the link"));
                }
                path.to_path_buf()
            }
            Err(error) => return Err(fault(&error)),
        };
        let text = read_text(&target).map_err(|error| fault(&error))?;
        Ok(Self { path: path.to_path_buf(), target, text })
    }

    /// Where the user knows it.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What is in it.
    pub(super) fn text(&self) -> &str {
        self.text.as_deref().unwrap_or_default()
    }

    /// A text of ours with line ends as the file has them.
    pub(super) fn with_its_line_ends(&self, text: &str) -> String {
        if self.text().contains("\r\n") { text.replace('\n', "\r\n") } else { text.to_owned() }
    }

    /// Replaces the file; the old one is kept beside it, under the name that is returned.
    pub(super) fn write(&self, text: &str) -> Result<Option<PathBuf>, Fault> {
        let fault = |error: &io::Error| Fault::file("cannot write", &self.path, error);
        if let Some(directory) = self.target.parent() {
            fs::create_dir_all(directory).map_err(|error| fault(&error))?;
        }
        if read_text(&self.target).map_err(|error| fault(&error))? != self.text {
            return Err(Fault::new(format!("'{}' was not written", self.path.display()))
                .because("another program has just changed it")
                .suggest("try again"));
        }
        let Some(old) = &self.text else {
            replace(&self.target, text).map_err(|error| fault(&error))?;
            return Ok(None);
        };
        let mut name = self.target.file_name().unwrap_or_default().to_owned();
        name.push(BACKUP_SUFFIX);
        let backup = self.target.with_file_name(name);
        // Keys may be in it: the copy is no more open than the file.
        let permissions = permissions_of(&self.target).map_err(|error| fault(&error))?;
        replace_as(&backup, old, permissions)
            .map_err(|error| Fault::file("cannot write", &backup, &error))?;
        replace(&self.target, text).map_err(|error| fault(&error))?;
        Ok(Some(backup))
    }
}

fn read_text(path: &Path) -> io::Result<Option<String>> {
    match fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() => Err(io::Error::other("it is not a file")),
        Ok(metadata) if metadata.len() > BYTES_MAX => {
            Err(io::Error::other(format!("it has more than {BYTES_MAX} bytes")))
        }
        Ok(_) => fs::read_to_string(path).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
