//! What was found when a command had ended.

use std::path::PathBuf;

/// What a command left behind, after it was cleaned up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Aftermath {
    /// Processes that were still running and were killed.
    pub killed: usize,
    /// Processes that could not be killed in time: asleep in the kernel.
    pub left: usize,
    /// Protected paths that the command created, in the order in which they were found.
    pub refused: Vec<RefusedPath>,
}

/// A protected path that appeared while a command ran, and where it was put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedPath {
    /// The path that is protected.
    pub path: PathBuf,
    /// Where its content is now, harmless by its name. `None` when it was gone before it could be moved.
    pub moved_to: Option<PathBuf>,
}

impl Aftermath {
    /// What the model should know about it, if anything.
    pub fn for_model(&self) -> Option<String> {
        let killed = (self.killed > 0)
            .then(|| format!("{} processes that outlived the command were ended.", self.killed));
        let lines: Vec<String> = self.refused_for_model().into_iter().chain(killed).collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }

    /// What the model should know about protected paths, if anything.
    pub fn refused_for_model(&self) -> Option<String> {
        let mut lines = Vec::new();
        for RefusedPath { path, moved_to } in &self.refused {
            lines.push(match moved_to {
                Some(moved) => format!(
                    "{} is protected: what the command created there was moved to {}.",
                    path.display(),
                    moved.display()
                ),
                None => format!("{} is protected: commands never create it.", path.display()),
            });
        }
        (!lines.is_empty()).then(|| lines.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clean_ending_says_nothing_and_a_refused_path_is_named() {
        assert_eq!(Aftermath::default().for_model(), None);
        let refused =
            vec![RefusedPath { path: "/w/.vscode".into(), moved_to: Some("/w/.vscode.refused-1".into()) }];
        let text = Aftermath { killed: 2, left: 0, refused }.for_model().expect("a text");
        assert_eq!(
            text,
            "/w/.vscode is protected: what the command created there was moved to /w/.vscode.refused-1.\n\
             2 processes that outlived the command were ended."
        );
    }
}
