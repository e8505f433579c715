//! Settings that are ordered from narrow to wide: a repository's files can narrow them, never widen them.

use std::path::Path;

use super::file::AuditFile;
use super::value::{AuditSettings, ResumePolicy};
use crate::{PermissionPolicy, Problem, RuleScope, SandboxMode, SandboxUnavailable, yaml};

/// Takes such settings from one file.
pub(super) struct Narrowing<'a> {
    pub(super) scope: RuleScope,
    pub(super) path: &'a Path,
    pub(super) outline: &'a yaml::Outline,
    pub(super) problems: &'a mut Vec<Problem>,
}

impl Narrowing<'_> {
    /// Takes what a file says about the sandbox.
    pub(super) fn take_sandbox(
        mut self,
        (mode, unavailable): (Option<SandboxMode>, Option<SandboxUnavailable>),
        policy: &mut PermissionPolicy,
    ) {
        self.take("sandbox", mode, &mut policy.sandbox);
        self.take("sandbox_unavailable", unavailable, &mut policy.sandbox_unavailable);
    }

    /// Takes when runs go on that were cut off: what that costs is the user's decision.
    pub(super) fn take_resume(self, wanted: Option<ResumePolicy>, present: &mut ResumePolicy) {
        let is_repository = self.scope.is_repository();
        match wanted {
            Some(ResumePolicy::Auto) if is_repository => {
                let problem = Problem::warning("'resume: auto' is ignored in a repository's file");
                let problem = problem.with_help("set it in your own config.yaml").in_file(self.path);
                self.problems.push(problem.placed(self.outline.position(&["resume"])));
            }
            Some(policy) => *present = policy,
            None => {}
        }
    }

    /// Takes what the audit trail is to be: what is written down of a project is not for the project to say.
    pub(super) fn take_audit(self, wanted: AuditFile, present: &mut AuditSettings) {
        if !self.scope.is_repository() {
            present.enabled = wanted.enabled.unwrap_or(present.enabled);
            present.texts = wanted.texts.unwrap_or(present.texts);
        } else if wanted != AuditFile::default() {
            let problem = Problem::warning("'audit' is ignored in a repository's file");
            let problem = problem.with_help("set it in your own config.yaml").in_file(self.path);
            self.problems.push(problem.placed(self.outline.position(&["audit"])));
        }
    }

    /// Sets `present` to what the file wants, unless that is wider and the file is a repository's.
    fn take<T: Ord>(&mut self, key: &str, wanted: Option<T>, present: &mut T) {
        let Some(wanted) = wanted else { return };
        if !self.scope.is_repository() || wanted <= *present {
            *present = wanted;
            return;
        }
        let problem = Problem::warning(format!("'{key}' can only be narrowed here, and this is wider"));
        let problem = problem.with_help("set it in your own settings").in_file(self.path);
        self.problems.push(problem.placed(self.outline.value_position(&[key])));
    }
}
