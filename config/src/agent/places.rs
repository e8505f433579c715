//! The directories in which agents are looked for, strongest first.

use std::path::{Path, PathBuf};

use super::AgentSource;
use crate::Environment;
use crate::workspace::{project_directories, workspace_root};

/// A directory that may hold `.claude/agents`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AgentPlace {
    /// The directory that holds, or could hold, `.claude`.
    pub(crate) base: PathBuf,
    /// What its agents are.
    pub(crate) source: AgentSource,
    /// Links may not lead out of this directory.
    pub(crate) boundary: PathBuf,
}

impl AgentPlace {
    /// All places of an environment: from the working directory up to the repository's root, then the home directory.
    pub(crate) fn all(environment: &Environment) -> Vec<Self> {
        let home = environment.home();
        let cwd = environment.cwd();
        let repository = workspace_root(cwd);
        let project =
            project_directories(cwd).into_iter().filter(|dir| !home.is_some_and(|home| is_same(home, dir)));
        let mut places: Vec<Self> = project
            .map(|base| Self { base, source: AgentSource::Project, boundary: repository.clone() })
            .collect();
        places.extend(home.map(|home| Self {
            base: home.to_path_buf(),
            source: AgentSource::User,
            boundary: home.to_path_buf(),
        }));
        places
    }

    /// `.claude`.
    pub(crate) fn claude(&self) -> PathBuf {
        self.base.join(".claude")
    }

    /// `.claude/agents`.
    pub(super) fn agents(&self) -> PathBuf {
        self.base.join(".claude").join("agents")
    }
}

/// Whether two paths name one directory: a home directory may be reached through a link.
fn is_same(a: &Path, b: &Path) -> bool {
    a == b || matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}
