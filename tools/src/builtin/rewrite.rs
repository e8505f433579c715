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

/// A file that is there, before it is changed.
pub(super) struct Present<'a> {
    content: &'a [u8],
    real: &'a Path,
    stamps: &'a ReadStamps,
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
        change: impl FnOnce(Option<Present<'_>>) -> Result<(Vec<u8>, T), ToolError>,
    ) -> Result<(ResolvedPath, T), ToolError> {
        let real = self.guard.resolve(path).map_err(|error| self.failed(error))?.real;
        let _lock = file_lock::lock(&real);
        let target = self.guard.create_for_write(path).map_err(|error| self.failed(error))?;
        let content = match target.existing() {
            Some(file) => Some(self.content(file, target.path())?),
            None => None,
        };
        let real = &target.path().real;
        let present = content.as_deref().map(|content| Present { content, real, stamps: self.stamps });
        let (new, said) = change(present)?;
        self.stop.check()?;
        let path = target.replace(&new).map_err(|error| self.failed(error))?;
        self.stamps.record_content(&path.real, &new);
        Ok((path, said))
    }

    /// What a model is told about a file that should be there.
    pub(super) fn missing(&self, path: &Path) -> ToolError {
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
                let (mib, tool) = (TEXT_BYTES_MAX / (1024 * 1024), self.tool);
                let shown = path.shown.display();
                return Err(ToolError::Failed(format!(
                    "{shown} is too large for {tool}, which changes files of at most {mib} MiB. Use a command, e.g. sed."
                )));
            }
        }
        Ok(content)
    }

    fn failed(&self, error: PathError) -> ToolError {
        file_error(self.guard, error)
    }
}
