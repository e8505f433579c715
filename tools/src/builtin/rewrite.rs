//! Changing a file as a whole: opened under its lock, compared with what the agent has seen, replaced at once.

use std::fs::File;
use std::path::Path;

use super::blocking::Stop;
use super::blocks::Blocks;
use super::file_lock;
use super::missing::file_error;
use super::read_stamps::ReadStamps;
use super::text::TEXT_BYTES_MAX;
use crate::{PathError, PathGuard, ResolvedPath, ToolError};

/// What a call on the blocking pool changes files with.
pub(super) struct Rewrite<'a> {
    pub(super) tool: &'static str,
    pub(super) guard: &'a PathGuard,
    pub(super) stamps: &'a ReadStamps,
    pub(super) stop: &'a Stop,
}

/// What was found where a file is to be changed.
pub(super) enum Found<'a> {
    Present(Present<'a>),
    /// What a model is told where the file should be there.
    Absent(&'a dyn Fn() -> ToolError),
}

/// What became of a file that was written as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Created,
    Existed,
}

/// A file that is there, before it is changed.
pub(super) struct Present<'a> {
    content: &'a [u8],
    real: &'a Path,
    stamps: &'a ReadStamps,
}

impl<'a> Found<'a> {
    pub(super) fn present(content: &'a [u8], real: &'a Path, stamps: &'a ReadStamps) -> Self {
        Self::Present(Present { content, real, stamps })
    }
}

impl Present<'_> {
    /// Whether there is nothing in it.
    pub(super) fn is_empty(&self) -> bool {
        self.content.is_empty()
    }

    /// Its content, if the agent has seen the file as it is now.
    ///
    /// # Errors
    /// [`ToolError::Input`] in Claude Code's words when it has not.
    pub(super) fn as_seen(&self) -> Result<&[u8], ToolError> {
        self.stamps.check_content(self.real, self.content)?;
        Ok(self.content)
    }
}

impl Rewrite<'_> {
    /// Replaces a file by what `change` makes of it, or creates it where `change` got none. Gives the file's path and
    /// what `change` says of its work; nothing is written when that fails.
    ///
    /// # Errors
    /// [`ToolError`] when the file cannot be opened, read or written, and what `change` says.
    pub(super) fn run<T>(
        &self,
        path: &Path,
        change: impl FnOnce(Found<'_>) -> Result<(Vec<u8>, T), ToolError>,
    ) -> Result<(ResolvedPath, T), ToolError> {
        let real = self.guard.resolve(path).map_err(|error| self.failed(error))?.real;
        let _lock = file_lock::lock(&real);
        let target = self.guard.create_for_write(path).map_err(|error| self.failed(error))?;
        let content = match target.existing() {
            Some(file) => Some(self.content(file, target.path())?),
            None => None,
        };
        let missing = || self.missing(path);
        let found = match &content {
            Some(content) => Found::present(content, &target.path().real, self.stamps),
            None => Found::Absent(&missing),
        };
        let (new, said) = change(found)?;
        self.stop.check()?;
        let path = target.replace(&new).map_err(|error| self.failed(error))?;
        self.stamps.record_content(&path.real, &new);
        Ok((path, said))
    }

    /// Writes a whole file. One that is there must have been seen as it is; its size makes no difference.
    ///
    /// # Errors
    /// [`ToolError`] when it was not, or the file cannot be opened or written.
    pub(super) fn replace(&self, path: &Path, content: &[u8]) -> Result<(ResolvedPath, Target), ToolError> {
        let real = self.guard.resolve(path).map_err(|error| self.failed(error))?.real;
        let _lock = file_lock::lock(&real);
        let target = self.guard.create_for_write(path).map_err(|error| self.failed(error))?;
        let was = match target.existing() {
            None => Target::Created,
            Some(file) => {
                self.stamps.check_file(&target.path().real, file)?;
                Target::Existed
            }
        };
        self.stop.check()?;
        let path = target.replace(content).map_err(|error| self.failed(error))?;
        self.stamps.record_content(&path.real, content);
        Ok((path, was))
    }

    fn missing(&self, path: &Path) -> ToolError {
        match self.guard.resolve(path) {
            Ok(path) => self.failed(PathError::NotFound(path.shown)),
            Err(error) => self.failed(error),
        }
    }

    fn content(&self, file: &File, path: &ResolvedPath) -> Result<Vec<u8>, ToolError> {
        let mut content = Vec::new();
        let mut blocks = Blocks::new(file);
        while let Some(block) =
            blocks.next().map_err(|error| self.failed(PathError::from_io(&path.shown, &error)))?
        {
            self.stop.check()?;
            content.extend_from_slice(block);
            if content.len() > TEXT_BYTES_MAX {
                return Err(too_large(self.tool, path));
            }
        }
        Ok(content)
    }

    fn failed(&self, error: PathError) -> ToolError {
        file_error(self.guard, error)
    }
}

/// What a model is told about a file that cannot be changed as a whole.
pub(super) fn too_large(tool: &str, path: &ResolvedPath) -> ToolError {
    let (mib, shown) = (TEXT_BYTES_MAX / (1024 * 1024), path.shown.display());
    ToolError::Failed(format!(
        "{shown} is too large for {tool}, which changes files of at most {mib} MiB. Use a command, e.g. sed."
    ))
}
