//! Files and directories that are only their owner's: prompts and results are nobody else's business.

use std::fs::DirBuilder;
#[cfg(feature = "store")]
use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

/// How a new file is written.
#[cfg(feature = "store")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opened {
    /// Only ever at its end.
    ToAppend,
    /// Anew each time.
    InPlace,
}

/// A file that is only its owner's, and new.
#[cfg(feature = "store")]
pub(crate) fn create(path: &Path, opened: Opened) -> io::Result<File> {
    let mut options = OpenOptions::new();
    // A link is no new file, wherever it leads.
    options.create_new(true).write(true).append(opened == Opened::ToAppend);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Makes a directory and those above it; what is there stays as it is.
pub(crate) fn make_directory(directory: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}
