//! 162 agent files that people use, against what Claude Code 2.1.330 lists from them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::{
    AgentDefinition, AgentEntry, AgentRegistry, AgentReport, AgentSource, AgentSources, AgentStatus,
    Environment, Severity, Syntax, ToolSelection, UnknownTool,
};
use serde::Deserialize;
use sha2::{Digest, Sha256};

#[derive(Deserialize)]
struct Expected {
    agents: BTreeMap<String, Listed>,
}

/// What the client lists. The details of the last agent were not recorded.
#[derive(Deserialize)]
struct Listed {
    tools: Option<String>,
    description_sha256_16: Option<String>,
}

/// The collection, where this machine has it.
fn collection() -> Option<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/agents-in-the-wild");
    let dir = dir.canonicalize().ok();
    if dir.is_none() {
        println!("skipped: the collection of agent files is not here");
    }
    dir
}

/// Copies the collection to where agents are looked for.
fn home_with(collection: &Path) -> tempfile::TempDir {
    let home = tempfile::tempdir().expect("a folder");
    copy(collection, &home.path().join(".claude/agents"));
    home
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let to = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).expect("a copy");
        }
    }
}

fn load(home: &Path) -> AgentRegistry {
    let environment = Environment::new(home.join("nowhere"), [("HOME", home.to_string_lossy())]);
    AgentRegistry::load(&environment, &AgentSources::default())
}

fn from_files(registry: &AgentRegistry) -> impl Iterator<Item = &AgentEntry> {
    registry.entries().iter().filter(|entry| entry.source == AgentSource::User)
}

#[test]
fn all_agents_in_the_wild_have_the_names_descriptions_and_tools_of_the_real_client() {
    let Some(collection) = collection() else { return };
    let expected = std::fs::read_to_string(collection.join("expected.json")).expect("expectations");
    let expected: Expected = serde_json::from_str(&expected).expect("expectations of this form");
    let home = home_with(&collection);
    let registry = load(home.path());
    let names: Vec<&str> = from_files(&registry).map(|entry| entry.name.as_str()).collect();
    assert_eq!(names, expected.agents.keys().map(String::as_str).collect::<Vec<_>>());
    for (name, listed) in &expected.agents {
        let agent = registry.get(name).expect(name);
        let tools = match &agent.tools {
            ToolSelection::Inherit => "All tools".to_owned(),
            ToolSelection::Listed(tools) => {
                tools.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
            }
        };
        let Some(digest) = &listed.description_sha256_16 else { continue };
        assert_eq!(Some(&tools), listed.tools.as_ref(), "{name}");
        let digest_of_own = Sha256::digest(agent.description.as_bytes());
        let own = digest_of_own.iter().take(8).fold(String::new(), |own, byte| format!("{own}{byte:02x}"));
        assert_eq!(own, *digest, "{name}: {}", agent.description);
    }
}

#[test]
fn what_is_odd_about_agents_in_the_wild_is_named() {
    let Some(collection) = collection() else { return };
    let home = home_with(&collection);
    let registry = load(home.path());
    let mut lenient = 0;
    let mut unknown = Vec::new();
    for entry in from_files(&registry) {
        assert!(entry.is_usable(), "{}: {:#?}", entry.name, entry.problems);
        let report = AgentReport::read(entry.path.as_deref().expect("a file"));
        if report.syntax == Some(Syntax::Lenient) {
            lenient += 1;
            assert_eq!(entry.status, AgentStatus::Warning);
            assert_eq!(report.worst(), Some(Severity::Warning), "{}", entry.name);
            let fixed = AgentReport::of_text(&report.fixed_text().expect("a fix"), entry.path.as_deref());
            // The same agent, from other bytes.
            let read = report.definition.map(|agent| AgentDefinition { sha256: None, ..agent });
            assert_eq!((fixed.syntax, &fixed.definition), (Some(Syntax::Yaml), &read));
        }
        unknown.extend(report.unknown_tools.into_iter().map(|UnknownTool { name, .. }| name));
    }
    assert_eq!(lenient, 8, "files with `: ` in an unquoted description");
    unknown.sort();
    assert_eq!(
        unknown,
        [
            "airis-mcp-gateway",
            "chrome-mcp",
            "computer-use",
            "context-manager",
            "error-coordinator",
            "pied-piper",
            "subagent-catalog:fetch",
            "subagent-catalog:search",
        ]
    );
}
