use std::path::PathBuf;

use super::*;
use crate::{AgentRegistry, AgentSources, Environment};

/// Longest wait for something that must happen.
const PATIENCE: Duration = Duration::from_secs(20);

struct Watched {
    dir: tempfile::TempDir,
    registry: RegistryHandle,
    watching: Option<RegistryWatcher>,
}

/// A watched repository in which `existing` is there; `None` where the system cannot watch.
fn watched(existing: &str) -> Option<Watched> {
    let dir = tempfile::tempdir().expect("a folder");
    let repo = dir.path().join("repo");
    std::fs::create_dir_all(repo.join(".git")).expect("folders");
    std::fs::create_dir_all(repo.join(existing)).expect("folders");
    let environment = Environment::new(&repo, [("HOME", dir.path().join("home").to_string_lossy())]);
    let registry = RegistryHandle::load(environment, AgentSources::default());
    let Some(watcher) = RegistryWatcher::start(&registry) else {
        println!("skipped: the system has no watches left");
        return None;
    };
    Some(Watched { dir, registry, watching: Some(watcher) })
}

impl Watched {
    fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join("repo").join(path)
    }

    fn write(&self, path: &str, name: &str, prompt: &str) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        std::fs::write(path, format!("---\nname: {name}\ndescription: d\n---\n{prompt}\n")).expect("a file");
    }

    fn prompt(&self, name: &str) -> Option<String> {
        self.registry.current().get(name).map(|agent| agent.prompt.clone())
    }

    /// Waits until the agent has this prompt, or is gone.
    fn wait_until(&self, name: &str, prompt: Option<&str>) {
        let step = Duration::from_millis(10);
        let steps = PATIENCE.as_millis() / step.as_millis();
        let is_so = || self.prompt(name).as_deref() == prompt;
        let happened = (0..steps).any(|_| {
            let happened = is_so();
            if !happened {
                thread::park_timeout(step);
            }
            happened
        });
        assert!(happened || is_so(), "{name} has not become {prompt:?} but {:?}", self.prompt(name));
    }
}

#[test]
fn a_changed_a_new_and_a_removed_file_are_live_and_a_snapshot_stays() {
    let Some(watched) = watched(".claude/agents") else { return };
    watched.write(".claude/agents/x.md", "x", "one");
    watched.wait_until("x", Some("one"));
    let snapshot = watched.registry.current();
    watched.write(".claude/agents/x.md", "x", "two");
    watched.wait_until("x", Some("two"));
    assert_eq!(snapshot.get("x").map(|agent| agent.prompt.as_str()), Some("one"));
    watched.write(".claude/agents/sub/dir/y.md", "y", "new");
    watched.wait_until("y", Some("new"));
    watched.write(".claude/agents/sub/dir/y.md", "y", "changed");
    watched.wait_until("y", Some("changed"));
    std::fs::remove_file(watched.path(".claude/agents/x.md")).expect("a file less");
    watched.wait_until("x", None);
    std::fs::rename(watched.path(".claude/agents/sub"), watched.path("elsewhere")).expect("a move");
    watched.wait_until("y", None);
}

#[test]
fn directories_that_appear_later_are_watched_and_may_go_and_come_again() {
    let Some(watched) = watched(".") else { return };
    watched.write(".claude/agents/x.md", "x", "one");
    watched.wait_until("x", Some("one"));
    watched.write(".claude/agents/x.md", "x", "two");
    watched.wait_until("x", Some("two"));
    std::fs::remove_dir_all(watched.path(".claude")).expect("a directory less");
    watched.wait_until("x", None);
    watched.write(".claude/agents/x.md", "x", "three");
    watched.wait_until("x", Some("three"));
    watched.write(".claude/agents/x.md", "x", "four");
    watched.wait_until("x", Some("four"));
}

#[test]
fn a_file_that_replaces_another_in_one_step_is_seen() {
    let Some(watched) = watched(".claude/agents") else { return };
    watched.write(".claude/agents/x.md", "x", "one");
    watched.wait_until("x", Some("one"));
    watched.write("new", "x", "two");
    std::fs::rename(watched.path("new"), watched.path(".claude/agents/x.md")).expect("a replacement");
    watched.wait_until("x", Some("two"));
}

#[test]
fn a_dropped_watcher_lets_go_of_the_registry_and_a_fixed_one_is_not_watched() {
    let fixed = RegistryHandle::fixed(AgentRegistry::default());
    assert!(RegistryWatcher::start(&fixed).is_none());
    let Some(watched) = watched(".claude/agents") else { return };
    let Watched { dir, registry, watching: running } = watched;
    let running = running.expect("it watches");
    let stopped = Arc::clone(&running.stopped);
    drop(running);
    // The thread holds the flag until it ends.
    let step = Duration::from_millis(10);
    let ended = (0..2_000).any(|_| {
        let ended = Arc::strong_count(&stopped) == 1;
        if !ended {
            thread::park_timeout(step);
        }
        ended
    });
    assert!(ended, "the thread ends");
    std::fs::write(dir.path().join("repo/.claude/agents/x.md"), "---\nname: x\ndescription: d\n---\n")
        .expect("a file");
    registry.reload();
    assert!(registry.current().get("x").is_some(), "reading by hand still works");
}

#[test]
fn reading_is_no_change_and_other_files_beside_the_agents_are_none_either() {
    let place = AgentPlace { base: "/r".into(), source: crate::AgentSource::Project, boundary: "/r".into() };
    let is_change = |kind: EventKind, path: &str| {
        is_change(&Ok(Event::new(kind).add_path(path.into())), std::slice::from_ref(&place))
    };
    let written = EventKind::Access(AccessKind::Close(AccessMode::Write));
    let opened = EventKind::Access(AccessKind::Open(AccessMode::Any));
    assert!(is_change(written, "/r/.claude/agents/x.md"));
    assert!(!is_change(opened, "/r/.claude/agents/x.md"));
    assert!(is_change(EventKind::Any, "/r/.claude/agents"));
    assert!(is_change(EventKind::Any, "/r/.claude"));
    assert!(!is_change(EventKind::Any, "/r/.claude/settings.json"));
    assert!(!is_change(EventKind::Any, "/r/notes.md"));
    assert!(super::is_change(&Err(notify::Error::generic("lost")), &[place]));
}
