//! What the settings of a folder may do with and without its user's trust.

use std::path::Path;

use crate::{
    Environment, FolderTrust, LoadedSettings, PermissionMode, RuleBehavior, SandboxMode, Settings,
    SettingsOverrides, TRUST_VARIABLE, TrustOrigin, TrustStore,
};

const CLAUDE: &str = r#"{
  "permissions": {"allow": ["Bash(make)", "Edit"], "deny": ["Read(./x)"], "ask": ["Bash(git push)"],
    "defaultMode": "acceptEdits", "additionalDirectories": ["/elsewhere"]},
  "env": {"STORY": "told"}
}"#;
const OWN: &str = "permissions: {allow: ['Bash(ls)'], mode: bypassPermissions}\nsandbox: read-only\n";

/// A repository whose settings say everything that they can.
struct Repository(tempfile::TempDir);

impl Repository {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let repository = Self(dir);
        std::fs::create_dir_all(repository.path("repo/.git")).expect("folders");
        repository.write("repo/.claude/settings.json", CLAUDE);
        repository.write("repo/codex-task.yaml", OWN);
        repository
    }

    fn path(&self, path: &str) -> std::path::PathBuf {
        self.0.path().canonicalize().expect("it exists").join(path)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        std::fs::write(path, text).expect("a file");
    }

    fn environment(&self, variables: &[(&str, &str)]) -> Environment {
        let home = self.path("home").display().to_string();
        Environment::new(self.path("repo"), variables.iter().copied().chain([("HOME", home.as_str())]))
    }

    fn load(&self, variables: &[(&str, &str)], trust: FolderTrust) -> LoadedSettings {
        let overrides = SettingsOverrides { trust, ..SettingsOverrides::default() };
        Settings::load_with_managed(&self.environment(variables), &overrides, Path::new("/none"))
    }

    fn origin(&self, variables: &[(&str, &str)]) -> Option<TrustOrigin> {
        self.load(variables, FolderTrust::Untrusted).settings.trusted.origin(&self.path("repo"))
    }
}

/// Allow rules, all rules, directories, variable, mode, sandbox.
fn effect(loaded: &LoadedSettings) -> (usize, usize, usize, bool, PermissionMode, SandboxMode) {
    let permissions = &loaded.settings.permissions;
    let allowed = permissions.rules.iter().filter(|rule| rule.behavior == RuleBehavior::Allow).count();
    (
        allowed,
        permissions.rules.len(),
        permissions.additional_directories.len(),
        loaded.environment.get("STORY").is_some(),
        permissions.mode,
        permissions.sandbox,
    )
}

#[test]
fn an_untrusted_folder_narrows_and_says_once_for_each_file_what_is_ignored() {
    let repository = Repository::new();
    let loaded = repository.load(&[], FolderTrust::Untrusted);
    assert_eq!(effect(&loaded), (0, 2, 0, false, PermissionMode::Default, SandboxMode::ReadOnly));
    let found: Vec<_> = loaded.problems.iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(
        found,
        [
            "not in force, since its folder is not trusted: 2 allow rules, 1 additional directory, 1 variable, \
             the permission mode acceptEdits",
            "not in force, since its folder is not trusted: 1 allow rule, the permission mode bypassPermissions",
        ]
    );
    let command =
        format!("if you trust what is in it: `codex-task trust {}`", repository.path("repo").display());
    assert!(loaded.problems.iter().all(|problem| problem.help.as_deref() == Some(&command)));
}

#[test]
fn a_trusted_folder_widens_but_never_the_sandbox() {
    let loaded = Repository::new().load(&[], FolderTrust::Trusted);
    assert_eq!(effect(&loaded), (3, 5, 1, true, PermissionMode::BypassPermissions, SandboxMode::ReadOnly));
    assert_eq!(loaded.problems, []);
    let wide = Repository::new();
    wide.write("repo/codex-task.yaml", "sandbox: danger-full-access\n");
    let loaded = wide.load(&[], FolderTrust::Trusted);
    assert_eq!(loaded.settings.permissions.sandbox, SandboxMode::WorkspaceWrite);
}

#[test]
fn the_users_word_is_taken_from_the_users_own_places() {
    let repository = Repository::new();
    assert_eq!(repository.origin(&[]), None);
    assert_eq!(repository.origin(&[(TRUST_VARIABLE, "1")]), Some(TrustOrigin::Session));
    assert_eq!(repository.origin(&[(TRUST_VARIABLE, "0")]), None);

    let repo = repository.path("repo");
    let claude = |accepted: &str| {
        let text = format!(
            r#"{{"projects": {{{:?}: {{"hasTrustDialogAccepted": {accepted}, "history": []}}}}}}"#,
            repo
        );
        repository.write("home/.claude.json", &text);
    };
    claude("false");
    assert_eq!(repository.origin(&[]), None);
    claude("\"yes\"");
    assert_eq!(repository.origin(&[]), None, "what cannot be read says nothing");
    claude("true");
    assert_eq!(repository.origin(&[]), Some(TrustOrigin::ClaudeCode));

    repository.write("home/.config/codex-task/config.yaml", "trusted_folders: [../repo, '~/../repo']\n");
    assert_eq!(repository.origin(&[]), Some(TrustOrigin::Settings));
    let relative = repository.load(&[], FolderTrust::Untrusted).problems;
    assert_eq!(relative[0].message, "trusted folder '../repo' is ignored: it is relative");

    let store = TrustStore::of_user(&repository.environment(&[])).expect("a home");
    store.add(&repo).expect("written");
    assert_eq!(repository.origin(&[]), Some(TrustOrigin::Command));
}

#[test]
fn a_repository_cannot_trust_itself() {
    let repository = Repository::new();
    let repo = repository.path("repo").display().to_string();
    repository.write(
        "repo/codex-task.yaml",
        &format!("trusted_folders: ['{repo}']\nmcp: {{trusted_folders: ['{repo}']}}\n"),
    );
    repository.write("repo/.claude/settings.json", r#"{"env": {"CODEX_TASK_TRUST": "1"}}"#);
    repository.write(
        "repo/.claude.json",
        &format!(r#"{{"projects": {{"{repo}": {{"hasTrustDialogAccepted": true}}}}}}"#),
    );
    let loaded = repository.load(&[], FolderTrust::Untrusted);
    assert_eq!(loaded.settings.trusted.iter().count(), 0);
    assert_eq!(loaded.environment.get(TRUST_VARIABLE), None);
    assert_eq!(loaded.problems.len(), 3, "{:?}", loaded.problems);
}

#[test]
fn a_list_that_cannot_be_read_trusts_nothing_and_is_told() {
    let repository = Repository::new();
    repository.write("home/.local/state/codex-task/trusted_folders.json", "{");
    let loaded = repository.load(&[], FolderTrust::Untrusted);
    assert_eq!(loaded.settings.trusted.iter().count(), 0);
    assert!(
        loaded.problems[0].message.contains("trusted_folders.json' cannot be read: EOF"),
        "{:?}",
        loaded.problems[0]
    );
}
