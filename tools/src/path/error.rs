//! Why a path was not opened.

use std::path::{Path, PathBuf};

use crate::ToolError;

/// A refused or failed path. `Display` is what the model reads.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// The path holds a NUL byte.
    #[error("the path contains a NUL byte")]
    Nul,
    /// The path is empty.
    #[error("the path is empty")]
    Empty,
    /// `~user`: only `~` and `~/` are known.
    #[error("{} names another user's home directory", .0.display())]
    OtherHome(PathBuf),
    /// The path as written lies outside the workspace and the additional directories.
    #[error("{} is outside the workspace", .0.display())]
    Outside(PathBuf),
    /// The path as written lies inside, but a link on it leads outside.
    #[error("{} is a link that leads outside the workspace", .0.display())]
    LinkLeaves(PathBuf),
    /// The path is a link to something that does not exist.
    #[error("{} is a link to nothing", .0.display())]
    DanglingLink(PathBuf),
    /// Links that lead to each other, or a path or name that is too long.
    #[error("{} cannot be followed: too many links or too long", .0.display())]
    Unfollowable(PathBuf),
    /// Something on the path was replaced between judging and opening it.
    #[error("{} changed while it was being opened", .0.display())]
    Changed(PathBuf),
    /// A deny rule names the path; Claude Code's text.
    #[error("File is in a directory that is denied by your permission settings.")]
    Denied(PathBuf),
    /// The path decides what agents and tools may do; it is never written to.
    #[error("{} is protected: tools never write to it", .0.display())]
    Protected(PathBuf),
    /// Nothing is there.
    #[error("{} does not exist", .0.display())]
    NotFound(PathBuf),
    /// A directory, FIFO, socket or device where a file was expected.
    #[error("{} is not a regular file but {kind}", .path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
        /// What it is, e.g. `a directory`.
        kind: &'static str,
    },
    /// A file where a directory was expected.
    #[error("{} is not a directory", .0.display())]
    NotADirectory(PathBuf),
    /// The system refused: no permission, no space.
    #[error("{}: {reason}", .path.display())]
    Io {
        /// The path.
        path: PathBuf,
        /// The system's words.
        reason: String,
    },
}

impl PathError {
    /// Whether the path was refused, as against missing or broken.
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Nul
            | Self::Empty
            | Self::OtherHome(_)
            | Self::Outside(_)
            | Self::LinkLeaves(_)
            | Self::DanglingLink(_)
            | Self::Changed(_)
            | Self::Denied(_)
            | Self::Protected(_) => true,
            Self::Unfollowable(_)
            | Self::NotFound(_)
            | Self::NotAFile { .. }
            | Self::NotADirectory(_)
            | Self::Io { .. } => false,
        }
    }

    /// Translates what the system said about `path`.
    pub(super) fn from_errno(path: &Path, errno: rustix::io::Errno) -> Self {
        use rustix::io::Errno;
        let path = path.to_owned();
        match errno {
            Errno::NOENT => Self::NotFound(path),
            Errno::NOTDIR => Self::NotADirectory(path),
            Errno::ISDIR => Self::NotAFile { path, kind: "a directory" },
            Errno::NXIO => Self::NotAFile { path, kind: "a pipe or socket" },
            Errno::LOOP | Errno::NAMETOOLONG => Self::Unfollowable(path),
            Errno::XDEV => Self::LinkLeaves(path),
            other => Self::Io { path, reason: std::io::Error::from(other).to_string() },
        }
    }

    pub(crate) fn from_io(path: &Path, error: &std::io::Error) -> Self {
        match rustix::io::Errno::from_io_error(error) {
            Some(errno) => Self::from_errno(path, errno),
            None => Self::Io { path: path.to_owned(), reason: error.to_string() },
        }
    }
}

impl From<PathError> for ToolError {
    fn from(error: PathError) -> Self {
        if error.is_refusal() { Self::Refused(error.to_string()) } else { Self::Failed(error.to_string()) }
    }
}
