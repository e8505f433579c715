//! Where the files lie that tools read and change: on disk, behind the path guard, or at a host that lends its own. What
//! is read of them and made of them is the same, and so is the rule that a file is changed only as it was seen.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::blocking::{Stop, blocking};
use super::file_lock;
use super::missing::file_error;
use super::rewrite::{Found, Rewrite, Target, too_large};
use super::source::Source;
use super::text::TEXT_BYTES_MAX;
use crate::{HostTools, ResolvedPath, Session, ToolError};

/// Where the files of a toolbox's agents lie. Cheap to clone.
#[derive(Clone)]
pub(super) enum Storage {
    Disk,
    Host(Arc<dyn HostTools>),
}

/// A file that was opened.
pub(super) struct Opened<'a> {
    pub(super) source: Source<'a>,
    pub(super) path: ResolvedPath,
}

impl fmt::Debug for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Disk => "the disk",
            Self::Host(_) => "a host",
        })
    }
}

impl Storage {
    /// Opens a file, and reads it on the blocking pool.
    ///
    /// # Errors
    /// [`ToolError`] when it cannot be opened, and what `read` says.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        path: PathBuf,
        session: &Session,
        read: impl FnOnce(&Opened<'_>, &Stop) -> Result<T, ToolError> + Send + 'static,
    ) -> Result<T, ToolError> {
        match self {
            Self::Disk => {
                let guard = session.guard.clone();
                blocking(Stop::default(), move |stop| {
                    let (file, path) = guard.open_read(&path).map_err(|error| file_error(&guard, error))?;
                    read(&Opened { source: Source::File(&file), path }, stop)
                })
                .await
            }
            Self::Host(host) => {
                let path = at_host(session, &path)?;
                let content = host.read(&path.real).await?.ok_or_else(not_there)?;
                blocking(Stop::default(), move |stop| {
                    read(&Opened { source: Source::Bytes(&content), path }, stop)
                })
                .await
            }
        }
    }

    /// Replaces a file by what `change` makes of it, or creates it where `change` was given none. Gives the file's path
    /// and what `change` says of its work; nothing is written when that fails. `tool` is named to the model where a file is
    /// too large.
    ///
    /// # Errors
    /// [`ToolError`] when the file cannot be opened, read or written, and what `change` says.
    pub(super) async fn rewrite<T: Send + 'static>(
        &self,
        tool: &'static str,
        path: PathBuf,
        session: &Session,
        change: impl FnOnce(Found<'_>, &Stop) -> Result<(Vec<u8>, T), ToolError> + Send + 'static,
    ) -> Result<(ResolvedPath, T), ToolError> {
        let stamps = session.reads.clone();
        match self {
            Self::Disk => {
                let guard = session.guard.clone();
                let work = move |stop: &Stop| {
                    Rewrite { tool, guard: &guard, stamps: &stamps, stop }
                        .run(&path, |found| change(found, stop))
                };
                blocking(Stop::default(), work).await
            }
            Self::Host(host) => {
                let path = at_host(session, &path)?;
                let _lock = file_lock::lock_at_host(&path.real).await;
                let content = host.read(&path.real).await?;
                if content.as_ref().is_some_and(|content| content.len() > TEXT_BYTES_MAX) {
                    return Err(too_large(tool, &path));
                }
                let (seen, real) = (stamps.clone(), path.real.clone());
                let work = move |stop: &Stop| match &content {
                    Some(content) => change(Found::present(content, &real, &seen), stop),
                    None => change(Found::Absent(&not_there), stop),
                };
                let (new, said) = blocking(Stop::default(), work).await?;
                host.write(&path.real, &new).await?;
                stamps.record_content(&path.real, &new);
                Ok((path, said))
            }
        }
    }

    /// Writes a whole file of any size. One that is there must have been seen as it is.
    ///
    /// # Errors
    /// [`ToolError`] when it was not, or the file cannot be written.
    pub(super) async fn replace(
        &self,
        path: PathBuf,
        content: String,
        session: &Session,
    ) -> Result<(ResolvedPath, Target), ToolError> {
        let stamps = session.reads.clone();
        match self {
            Self::Disk => {
                let guard = session.guard.clone();
                let work = move |stop: &Stop| {
                    Rewrite { tool: "Write", guard: &guard, stamps: &stamps, stop }
                        .replace(&path, content.as_bytes())
                };
                blocking(Stop::default(), work).await
            }
            Self::Host(host) => {
                let path = at_host(session, &path)?;
                let _lock = file_lock::lock_at_host(&path.real).await;
                let target = match host.read(&path.real).await? {
                    Some(present) => {
                        stamps.check_content(&path.real, &present)?;
                        Target::Existed
                    }
                    None => Target::Created,
                };
                host.write(&path.real, content.as_bytes()).await?;
                stamps.record_content(&path.real, content.as_bytes());
                Ok((path, target))
            }
        }
    }
}

/// A path as a host is told it. What is a link there only the host knows.
fn at_host(session: &Session, path: &Path) -> Result<ResolvedPath, ToolError> {
    let path = session.guard.absolute(path)?;
    Ok(ResolvedPath { shown: path.clone(), real: path })
}

fn not_there() -> ToolError {
    ToolError::Input("File does not exist.".to_owned())
}
