//! Which hooks are in force. A repository's own run only where the user trusts exactly its folder; those of others stay
//! where they are and are told of.

use std::path::Path;

use super::claude_file::ClaudeFile;
use super::trust::{FolderTrust, TrustedFolders, folder_of, how_to_trust};
use super::value::Settings;
use crate::hook::{HookSource, read};
use crate::json::find_string;
use crate::{AgentDefinition, Hook, Problem, RuleScope};

/// The hooks of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HookSettings {
    /// Those of the settings files that may run, from weak to strong.
    pub hooks: Vec<Hook>,
    /// The user wants no hooks but the administrator's, not even those of agent files.
    pub is_switched_off: bool,
}

/// The hooks that hold for one agent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AgentHooks {
    /// The session's and the agent's own.
    pub hooks: Vec<Hook>,
    /// Why the agent's own do not run, where they do not.
    pub withheld: Option<Problem>,
}

impl Settings {
    /// The hooks that hold for an agent: the session's, and the agent's own where its file is trusted.
    pub fn agent_hooks(&self, agent: &AgentDefinition) -> AgentHooks {
        let session = &self.hooks;
        let own = &agent.hooks;
        let (own, withheld) = match own.first() {
            None => (&[][..], None),
            Some(_) if session.is_switched_off => (&[][..], None),
            Some(first) if may_run(first, &self.trusted) => (own.as_slice(), None),
            Some(first) => (&[][..], Some(untrusted(first, own.len()))),
        };
        AgentHooks { hooks: session.hooks.iter().chain(own).cloned().collect(), withheld }
    }
}

/// Hooks as the files are read.
#[derive(Debug, Default)]
pub(super) struct HookCollector {
    hooks: Vec<Hook>,
    is_switched_off: bool,
    problems: Vec<Problem>,
}

impl HookCollector {
    /// Adds those of a file.
    ///
    /// # Errors
    /// What cannot be read. It may be what keeps agents from something: nothing may run.
    pub(super) fn add(
        &mut self,
        file: &ClaudeFile,
        text: &str,
        path: &Path,
        scope: RuleScope,
    ) -> Result<(), Box<Problem>> {
        let is_repository = scope.is_repository();
        match file.disable_all_hooks {
            Some(true) if is_repository => {
                let problem = Problem::warning("'disableAllHooks' is ignored in a repository's settings");
                let problem = problem.with_help("set it in your own settings").in_file(path);
                self.problems.push(problem.placed(find_string(text, "disableAllHooks")));
            }
            Some(off) if !is_repository => self.is_switched_off = off,
            Some(_) | None => {}
        }
        let Some(value) = &file.hooks else { return Ok(()) };
        let place = |string: &str| find_string(text, string);
        let found = read(value, &HookSource { scope, path: Some(path), stop: None, place: &place })?;
        self.hooks.extend(found.hooks);
        self.problems.extend(found.problems);
        Ok(())
    }

    /// The hooks that may run, and what is to be said of the others.
    pub(super) fn finish(self, trusted: &TrustedFolders) -> (HookSettings, Vec<Problem>) {
        let Self { hooks, is_switched_off, mut problems } = self;
        let is_on = |hook: &Hook| !is_switched_off || hook.origin.scope == RuleScope::Managed;
        let (hooks, others): (Vec<Hook>, Vec<Hook>) =
            hooks.into_iter().filter(is_on).partition(|hook| may_run(hook, trusted));
        let of_one_file = |a: &Hook, b: &Hook| a.origin.path == b.origin.path;
        let files = others.chunk_by(of_one_file);
        problems.extend(files.filter_map(|hooks| Some(untrusted(hooks.first()?, hooks.len()))));
        (HookSettings { hooks, is_switched_off }, problems)
    }
}

/// Whether a hook may run: it is the user's own, or the user trusts exactly the folder that it lies in.
fn may_run(hook: &Hook, trusted: &TrustedFolders) -> bool {
    let is_trusted = |path: &Path| trusted.of_file(path) == FolderTrust::Trusted;
    !hook.origin.scope.is_repository() || hook.origin.path.as_deref().is_some_and(is_trusted)
}

fn untrusted(first: &Hook, count: usize) -> Problem {
    let text = match count {
        1 => format!("a hook is not in force, since its folder is not trusted: {first}"),
        count => format!("{count} hooks are not in force, since their folder is not trusted: {first}, ..."),
    };
    let problem = Problem::warning(text).from_origin(&first.origin);
    match &first.origin.path {
        Some(path) => problem.with_help(how_to_trust(folder_of(path))),
        None => problem,
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use serde_json::json;

    use super::*;
    use crate::{AgentName, Environment, LoadedSettings, SettingsOverrides};

    /// A home, a repository in it, and what the files of both say.
    struct Place(tempfile::TempDir);

    impl Place {
        fn new(files: &[(&str, &str)]) -> Self {
            let place = Self(tempfile::tempdir().expect("a folder"));
            place.file("repo/.git/HEAD", "");
            for (path, text) in files {
                place.file(path, text);
            }
            place
        }

        fn path(&self, path: &str) -> PathBuf {
            self.0.path().join(path)
        }

        fn file(&self, path: &str, text: &str) {
            let path = self.path(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, text).expect("a file");
        }

        fn trusting(&self, folder: &str) {
            let folder = self.path(folder);
            let yaml = format!("trusted_folders: [\"{}\"]\n", folder.display());
            self.file("home/.config/codex-task/config.yaml", &yaml);
        }

        fn load(&self) -> LoadedSettings {
            let home = self.path("home").display().to_string();
            let environment = Environment::new(self.path("repo/sub"), [("HOME", home)]);
            std::fs::create_dir_all(self.path("repo/sub")).expect("a folder");
            let managed = self.path("managed.json");
            Settings::load_with_managed(&environment, &SettingsOverrides::default(), &managed)
        }
    }

    fn hooks(command: &str) -> String {
        json!({"hooks": {"PreToolUse": [{"hooks": [{"type": "command", "command": command}]}]}}).to_string()
    }

    fn commands(hooks: &[Hook]) -> Vec<String> {
        hooks.iter().map(|hook| hook.action.to_string()).collect()
    }

    fn messages(loaded: &LoadedSettings) -> Vec<&str> {
        loaded.problems.iter().map(|problem| problem.message.as_str()).collect()
    }

    #[test]
    fn a_repositorys_hooks_run_only_where_exactly_its_folder_is_trusted_and_are_told_of_elsewhere() {
        let all = ["user", "shared", "local"];
        for (trusted, expected) in [
            (None, &all[..1]),
            (Some(""), &all[..1]),
            (Some("repo/sub"), &all[..1]),
            (Some("repo"), &all[..]),
        ] {
            let place = Place::new(&[
                ("home/.claude/settings.json", &hooks("user")),
                ("repo/.claude/settings.json", &hooks("shared")),
                ("repo/.claude/settings.local.json", &hooks("local")),
            ]);
            if let Some(trusted) = trusted {
                place.trusting(trusted);
            }
            let loaded = place.load();
            assert_eq!(commands(&loaded.settings.hooks.hooks), expected, "{trusted:?}");
            assert_eq!(loaded.problems.len(), all.len() - expected.len(), "{:?}", messages(&loaded));
            let problem = loaded.problems.first();
            assert!(
                problem.is_none_or(|it| it.message.contains("PreToolUse: shared") && it.position.is_some())
            );
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_does_not_carry_trust() {
        let place = Place::new(&[("evil/.claude/settings.json", &hooks("evil"))]);
        std::os::unix::fs::symlink(place.path("evil/.claude"), place.path("repo/.claude")).expect("a link");
        place.trusting("repo");
        assert!(place.load().settings.hooks.hooks.is_empty());
    }

    #[test]
    fn hooks_that_cannot_be_read_let_nothing_run() {
        let place = Place::new(&[("home/.claude/settings.json", r#"{"hooks": {"PreToolUse": "x"}}"#)]);
        let broken = place.load().settings.permissions.broken.unwrap_or_default();
        assert!(broken.contains("settings.json:1:12: hooks.PreToolUse: must be a list"), "{broken}");
    }

    #[test]
    fn only_the_user_switches_hooks_off_and_never_the_administrators() {
        let off = r#"{"disableAllHooks": true}"#;
        let place = Place::new(&[
            ("home/.claude/settings.json", &hooks("user")),
            ("managed.json", &hooks("managed")),
            ("repo/.claude/settings.json", off),
        ]);
        let loaded = place.load();
        assert_eq!(commands(&loaded.settings.hooks.hooks), ["user", "managed"]);
        assert_eq!(messages(&loaded), ["'disableAllHooks' is ignored in a repository's settings"]);
        place.file("home/.claude/settings.json", off);
        let hooks = place.load().settings.hooks;
        assert!(hooks.is_switched_off);
        assert_eq!(commands(&hooks.hooks), ["managed"]);
    }

    #[test]
    fn an_agents_hooks_hold_for_it_alone_and_need_the_same_trust() {
        let file = "repo/.claude/agents/a.md";
        let text = "---\nname: a\ndescription: d\nhooks:\n  PreToolUse:\n    - matcher: Bash\n      hooks:\n        - type: command\n          command: guard\n---\n";
        let place = Place::new(&[("home/.claude/settings.json", &hooks("user")), (file, text)]);
        let load = || {
            let report = crate::AgentReport::of_text(text, Some(&place.path(file)));
            let agent = report.definition.expect("an agent");
            let agent = AgentDefinition { source: crate::AgentSource::Project, ..agent };
            place.load().settings.agent_hooks(&agent)
        };
        let agents = load();
        assert_eq!(commands(&agents.hooks), ["user"]);
        let told = agents.withheld.expect("it is told").message;
        assert!(told.ends_with("PreToolUse Bash: guard"), "{told}");
        place.trusting("repo");
        assert_eq!(commands(&load().hooks), ["user", "guard"]);
        let other = AgentDefinition::new(AgentName::parse("b").expect("a name"), "d", "p");
        assert_eq!(commands(&place.load().settings.agent_hooks(&other).hooks), ["user"]);
    }
}
