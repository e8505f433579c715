//! Where a call would run and by which rules: the session's own, or rules that are given for the occasion.

use std::path::{Path, PathBuf};

use codex_task::Environment;
use codex_task_config::{
    LoadedSettings, PermissionMode, PermissionPolicy, PermissionRule, Problem, RuleBehavior, RuleOrigin,
    RuleScope, SandboxMode, Settings, SettingsOverrides, workspace_root,
};
use codex_task_tools::{Containment, Egress, Rights, Session};
use tokio_util::sync::CancellationToken;

use crate::fault::Fault;

/// What a session in the working directory may do, as the runtime computes it.
pub(crate) fn session_rights(loaded: &LoadedSettings) -> Rights {
    Rights::of_session(&loaded.settings.permissions, &loaded.environment)
}

/// A place with the settings of its session.
pub(crate) struct Place {
    pub(crate) session: Session,
    /// Where pages may be fetched from.
    pub(crate) egress: Egress,
    policy: PermissionPolicy,
    problems: Vec<Problem>,
}

/// Modes that are given for the occasion.
#[derive(Clone, Copy, Debug)]
pub(super) struct GivenModes {
    /// In place of the settings' own.
    pub(super) permission: Option<PermissionMode>,
    /// As if a sandbox held commands in this mode; without one, rules and permission mode alone decide.
    pub(super) sandbox: Option<SandboxMode>,
}

/// Rules in place of those of the settings.
#[derive(Clone, Copy, Debug)]
pub(super) struct GivenRules<'a> {
    pub(super) allow: &'a [String],
    pub(super) ask: &'a [String],
    pub(super) deny: &'a [String],
}

/// Rights, and what is worth knowing about the rules that they come from.
pub(super) struct Judged {
    pub(super) rights: Rights,
    pub(super) problems: Vec<Problem>,
}

impl GivenModes {
    fn contain(self, rights: Rights) -> Rights {
        match self.sandbox {
            Some(mode) => rights.contained(Containment::working(mode)),
            None => rights,
        }
    }
}

impl Place {
    /// The place at `root`; the working directory's repository where none is given.
    ///
    /// # Errors
    /// When there is no such directory.
    pub(crate) fn open(root: Option<&Path>, environment: &Environment) -> Result<Self, Fault> {
        let cwd = match root {
            None => environment.cwd().to_path_buf(),
            Some(root) => environment
                .cwd()
                .join(root)
                .canonicalize()
                .map_err(|error| Fault::file("cannot work in", root, &error))?,
        };
        let environment = Environment::new(&cwd, environment.variables());
        let loaded = Settings::load(&environment, &SettingsOverrides::default());
        let workspace = match root {
            None => workspace_root(&cwd),
            Some(_) => cwd,
        };
        Self::of(loaded, &workspace)
    }

    /// The place of these settings, at the root of this workspace.
    ///
    /// # Errors
    /// When the workspace cannot be worked in.
    pub(crate) fn of(loaded: LoadedSettings, workspace: &Path) -> Result<Self, Fault> {
        let Settings { permissions: policy, web, .. } = loaded.settings;
        let directories: &[PathBuf] = &policy.additional_directories;
        let session = Session::open(workspace, directories, loaded.environment, CancellationToken::new())
            .map_err(|error| Fault::new("cannot work here").because(error.to_string()))?;
        Ok(Self { session, egress: Egress::of(&web), policy, problems: loaded.problems })
    }

    /// What the settings allow here.
    pub(super) fn by_settings(&self, modes: GivenModes) -> Judged {
        let mode = modes.permission.unwrap_or(self.policy.mode);
        let rights = modes.contain(self.rights(&self.policy, mode));
        let problems = self.problems.iter().chain(rights.problems()).cloned().collect();
        Judged { rights, problems }
    }

    /// What the given rules alone allow here. One that cannot be read lets nothing run, as in a settings file.
    pub(super) fn by_given(&self, given: GivenRules<'_>, modes: GivenModes) -> Judged {
        let mut policy = PermissionPolicy::default();
        let mut problems = Vec::new();
        let lists = [
            (given.deny, RuleBehavior::Deny),
            (given.ask, RuleBehavior::Ask),
            (given.allow, RuleBehavior::Allow),
        ];
        for (texts, behavior) in lists {
            for text in texts {
                let origin = RuleOrigin { scope: RuleScope::Session, path: None, position: None };
                match PermissionRule::parse(text, behavior, origin) {
                    Ok(rule) => {
                        problems.extend(rule.lint());
                        policy.rules.push(rule);
                    }
                    Err(problem) => {
                        policy.broken.get_or_insert_with(|| problem.message.clone());
                        problems.push(*problem);
                    }
                }
            }
        }
        let rights = modes.contain(self.rights(&policy, modes.permission.unwrap_or_default()));
        problems.extend(rights.problems().iter().cloned());
        Judged { rights, problems }
    }

    /// The same rights as a session here has them: with this system's sandbox, where the settings want one.
    pub(super) fn in_session(&self, rights: &Rights) -> Rights {
        rights.clone().contained(Containment::of_this_system(&self.policy))
    }

    /// What is allowed here where no rule is.
    pub(crate) fn without_rules(&self, mode: PermissionMode) -> Rights {
        self.rights(&PermissionPolicy::default(), mode)
    }

    fn rights(&self, policy: &PermissionPolicy, mode: PermissionMode) -> Rights {
        Rights::session(policy, mode, &self.session.workspace, self.session.environment.home())
    }
}
