//! What was found when a command had ended.

use std::path::PathBuf;

use super::SandboxError;

/// What a command left behind, after it was cleaned up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Aftermath {
    /// Processes that were still running and were killed.
    pub killed: usize,
    /// Processes that could not be killed in time: asleep in the kernel.
    pub left: usize,
    /// Protected paths that the command created, in the order in which they were found.
    pub refused: Vec<RefusedPath>,
    /// Why what rules with wildcards keep from changing could not be looked for everywhere: what the command created out
    /// of sight is still there.
    pub unseen: Option<SandboxError>,
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
        let refused = self.refused.iter().map(RefusedPath::for_model);
        let unseen = self.unseen.iter().map(|why| {
            format!(
                "(The command left more than can be checked for what must not change: {why}. No other command runs in \
                 the sandbox until it is removed.)"
            )
        });
        let killed = "(Processes that the command left running were ended.)";
        let killed = (self.killed > 0).then(|| killed.to_owned());
        let lines: Vec<String> = refused.chain(unseen).chain(killed).collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }
}

impl RefusedPath {
    fn for_model(&self) -> String {
        let path = self.path.display();
        match &self.moved_to {
            Some(moved) => {
                let moved = moved.display();
                format!("{path} is protected: what the command created there was moved to {moved}.")
            }
            None => format!("{path} is protected: commands never create it."),
        }
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
        let aftermath =
            Aftermath { killed: 2, left: 0, refused, unseen: Some(SandboxError::TooManyFiles(9)) };
        let text = aftermath.for_model().expect("a text");
        assert_eq!(
            text,
            "/w/.vscode is protected: what the command created there was moved to /w/.vscode.refused-1.\n\
             (The command left more than can be checked for what must not change: the workspace has more than 9 entries, \
             too many to find all that deny rules with wildcards mean. No other command runs in the sandbox until it is \
             removed.)\n\
             (Processes that the command left running were ended.)"
        );
    }
}
