//! Settings that are ordered from narrow to wide: a repository's files can narrow them, never widen them.

use std::path::Path;

use crate::{Problem, RuleScope, yaml};

/// Takes such settings from one file.
pub(super) struct Narrowing<'a> {
    pub(super) scope: RuleScope,
    pub(super) path: &'a Path,
    pub(super) outline: &'a yaml::Outline,
    pub(super) problems: &'a mut Vec<Problem>,
}

impl Narrowing<'_> {
    /// Sets `present` to what the file wants, unless that is wider and the file is a repository's.
    pub(super) fn take<T: Ord>(&mut self, key: &str, wanted: Option<T>, present: &mut T) {
        let Some(wanted) = wanted else { return };
        let is_repository = matches!(self.scope, RuleScope::Project | RuleScope::Local);
        if !is_repository || wanted <= *present {
            *present = wanted;
            return;
        }
        let problem = Problem::warning(format!("'{key}' can only be narrowed here, and this is wider"));
        let problem = problem.with_help("set it in your own settings").in_file(self.path);
        self.problems.push(match self.outline.value_position(&[key]) {
            Some(at) => problem.at(at.line, at.column, at.length),
            None => problem,
        });
    }
}
