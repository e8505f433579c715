//! A workspace with rules, for the tests of the gate.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use codex_task_config::{
    Environment, PermissionMode, PermissionPolicy, PermissionRule, RuleBehavior, RuleOrigin, RuleScope,
    ToolName, ToolPattern,
};
use tokio_util::sync::CancellationToken;

use super::{GateCall, Verdict, judge};
use crate::{Access, Rights, Session};

/// A temporary workspace, a session in it, and rights.
pub(crate) struct Bench {
    pub(crate) session: Session,
    pub(crate) rights: Rights,
    /// Removes the workspace in the end.
    _directory: tempfile::TempDir,
}

impl Bench {
    pub(crate) fn new(mode: PermissionMode, rules: &[(RuleBehavior, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let workspace = directory.path().join("proj");
        std::fs::create_dir(&workspace).unwrap();
        let home = directory.path().join("home").display().to_string();
        let environment = Environment::new(&workspace, [("HOME", home)]);
        let session = Session::open(&workspace, &[], environment, CancellationToken::new()).unwrap();
        let rights = rights(mode, rules, &workspace);
        Self { session, rights, _directory: directory }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.session.workspace
    }

    pub(crate) fn file(&self, path: &str, content: &str) {
        let path = self.root().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    pub(crate) fn judge(&self, tool: &str, access: &Access) -> Verdict {
        judge(&GateCall { tool: &ToolName::new(tool), access, session: &self.session }, &self.rights)
    }

    pub(crate) fn bash(&self, command: &str) -> Verdict {
        self.judge("Bash", &Access::Execute { command: command.to_owned() })
    }

    pub(crate) fn read(&self, path: &str) -> Verdict {
        self.judge("Read", &Access::Read(PathBuf::from(path)))
    }

    pub(crate) fn write(&self, path: &str) -> Verdict {
        self.judge("Write", &Access::Write(PathBuf::from(path)))
    }
}

/// Rules as the user has written them.
pub(crate) fn rights(mode: PermissionMode, rules: &[(RuleBehavior, &str)], workspace: &Path) -> Rights {
    rights_of(RuleScope::User, mode, rules, workspace)
}

/// Rules as they stand in somebody's settings file.
pub(crate) fn rights_of(
    scope: RuleScope,
    mode: PermissionMode,
    rules: &[(RuleBehavior, &str)],
    workspace: &Path,
) -> Rights {
    let rules = rules.iter().map(|(behavior, text)| rule(scope, *behavior, text, workspace)).collect();
    let policy = PermissionPolicy { rules, mode, ..PermissionPolicy::default() };
    Rights::session(&policy, mode, workspace, Some(&workspace.with_file_name("home")))
}

fn rule(scope: RuleScope, behavior: RuleBehavior, text: &str, workspace: &Path) -> PermissionRule {
    let pattern = ToolPattern::parse(text);
    let path: Arc<Path> = workspace.join(".claude/settings.json").into();
    PermissionRule {
        behavior,
        tool: pattern.name,
        specifier: pattern.specifier,
        text: text.to_owned(),
        origin: RuleOrigin { scope, path: Some(path), position: None },
    }
}
