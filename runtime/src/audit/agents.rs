//! The agents as the trail knows them: what was loaded, what has changed since, who stands in whose shadow.

use std::collections::BTreeMap;

use codex_task_config::{AgentEntry, AgentRegistry, AgentSource, AgentStatus};
use serde_json::json;

use super::fields::object;
use super::line::Fields;
use super::redact::Redactor;

/// What was written down of each agent file, or of each agent without one.
#[derive(Debug, Default)]
pub(super) struct AgentBook {
    known: BTreeMap<Key, Known>,
    is_read: bool,
}

/// Name, source and file: two files may give one name.
type Key = (String, AgentSource, Option<String>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Known {
    sha256: Option<String>,
    status: AgentStatus,
}

impl AgentBook {
    /// The lines for what is new, has changed or is gone since the agents were read last.
    pub(super) fn lines(
        &mut self,
        registry: &AgentRegistry,
        redactor: &Redactor,
    ) -> Vec<(&'static str, Fields)> {
        let found: BTreeMap<Key, Known> = registry.entries().iter().map(known).collect();
        let mut lines = Vec::new();
        for (key, now) in &found {
            match self.known.get(key) {
                Some(before) if before == now => {}
                before => {
                    let event = name(now, before.is_some() || self.is_read);
                    lines.push((event, fields(key, now, redactor)));
                }
            }
        }
        for (key, before) in &self.known {
            if !found.contains_key(key) {
                lines.push(("agent_removed", fields(key, before, redactor)));
            }
        }
        (self.known, self.is_read) = (found, true);
        lines
    }
}

/// `agent_load` is the session's first look, `agent_reload` what has changed since.
fn name(now: &Known, is_later: bool) -> &'static str {
    match (now.status, is_later) {
        (AgentStatus::Shadowed, _) => "agent_shadowed",
        (AgentStatus::Broken, _) => "agent_broken",
        (AgentStatus::Ok | AgentStatus::Warning, false) => "agent_load",
        (AgentStatus::Ok | AgentStatus::Warning, true) => "agent_reload",
    }
}

fn known(entry: &AgentEntry) -> (Key, Known) {
    let file = entry.path.as_deref().map(|path| path.display().to_string());
    let sha256 = entry.definition.as_ref().and_then(|agent| agent.sha256.as_deref().map(str::to_owned));
    ((entry.name.clone(), entry.source, file), Known { sha256, status: entry.status })
}

fn fields((name, source, file): &Key, known: &Known, redactor: &Redactor) -> Fields {
    object(json!({
        "agent": redactor.shown(name),
        "source": source,
        "file": file,
        "agent_file_sha256": known.sha256,
    }))
}

#[cfg(test)]
mod tests {
    use codex_task_config::{AgentSources, AuditTexts, Environment};

    use super::*;

    #[test]
    fn the_first_look_loads_and_later_ones_tell_only_what_has_changed() {
        let folder = tempfile::tempdir().expect("a folder");
        let environment = Environment::new(folder.path(), std::iter::empty::<(String, String)>());
        let agents = folder.path().join(".claude/agents");
        std::fs::create_dir_all(&agents).expect("a folder");
        let write = |name: &str, body: &str| {
            let text = format!("---\nname: {name}\ndescription: d\n---\n{body}\n");
            std::fs::write(agents.join(format!("{name}.md")), text).expect("a file");
        };
        let redactor = Redactor::new(AuditTexts::Hashed, environment.clone(), Vec::new());
        let mut book = AgentBook::default();
        let mut read = || {
            let registry = AgentRegistry::load(&environment, &AgentSources::default());
            let lines = book.lines(&registry, &redactor).into_iter();
            let named = |(event, fields): (&'static str, Fields)| {
                (event, fields["agent"].as_str().unwrap_or_default().to_owned(), fields)
            };
            lines.map(named).collect::<Vec<_>>()
        };
        write("one", "first");
        write("general-purpose", "mine");
        let loaded = read();
        let of = |lines: &[(&'static str, String, Fields)], event: &str, agent: &str| {
            lines.iter().filter(|(name, of, _)| *name == event && of == agent).count()
        };
        assert_eq!(
            (of(&loaded, "agent_load", "one"), of(&loaded, "agent_shadowed", "general-purpose")),
            (1, 1)
        );
        assert!(read().is_empty(), "nothing has changed");
        write("one", "second");
        write("two", "new");
        std::fs::remove_file(agents.join("general-purpose.md")).expect("it is there");
        let later = read();
        assert_eq!((of(&later, "agent_reload", "one"), of(&later, "agent_reload", "two")), (1, 1));
        assert_eq!(of(&later, "agent_removed", "general-purpose"), 1);
        let hash = later
            .iter()
            .find(|(_, agent, _)| agent == "one")
            .map(|(_, _, fields)| &fields["agent_file_sha256"]);
        let text = std::fs::read(agents.join("one.md")).expect("a file");
        assert_eq!(hash, Some(&json!(codex_task_config::sha256_hex(text))));
    }
}
