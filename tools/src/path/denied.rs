//! The paths that the user's rules keep from reading: looked at again whenever a file is opened.

use std::path::Path;
use std::sync::Arc;

use super::{PathPattern, ResolvedPath};

/// Compiled deny patterns; empty when no rule denies a path.
#[derive(Clone, Debug, Default)]
pub(crate) struct DeniedPaths {
    patterns: Arc<[PathPattern]>,
}

impl DeniedPaths {
    /// Takes the patterns of all rules that deny reading.
    pub(crate) fn new(patterns: impl IntoIterator<Item = PathPattern>) -> Self {
        Self { patterns: patterns.into_iter().collect() }
    }

    /// The files and directories that the patterns name outright; they need not exist.
    pub(crate) fn places(&self) -> impl Iterator<Item = &Path> {
        self.patterns.iter().filter_map(PathPattern::place)
    }

    /// Whether some pattern names no single place, so that what it means has to be looked for.
    pub(crate) fn has_globs(&self) -> bool {
        self.patterns.iter().any(|pattern| pattern.place().is_none())
    }

    /// Whether a single absolute path is denied.
    pub(crate) fn covers(&self, path: &Path) -> bool {
        self.patterns.iter().any(|pattern| pattern.matches(path))
    }

    /// Whether the path as written or as resolved is denied.
    pub(crate) fn covers_either(&self, path: &ResolvedPath) -> bool {
        self.covers(&path.shown) || self.covers(&path.real)
    }
}
