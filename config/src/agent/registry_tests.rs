use std::path::Path;

use super::*;
use crate::{Severity, ToolSelection};

/// A repository with a package in it, and a home directory beside it.
struct Disk {
    dir: tempfile::TempDir,
}

impl Disk {
    fn new() -> Self {
        let disk = Self { dir: tempfile::tempdir().expect("a folder") };
        std::fs::create_dir_all(disk.path("repo/.git")).expect("folders");
        std::fs::create_dir_all(disk.path("repo/pkg/a")).expect("folders");
        std::fs::create_dir_all(disk.path("home")).expect("folders");
        disk
    }

    fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    fn file(&self, path: &str, text: &str) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        std::fs::write(path, text).expect("a file");
    }

    fn agent(&self, path: &str, name: &str, prompt: &str) {
        self.file(path, &format!("---\nname: {name}\ndescription: d\ntools: Read\n---\n{prompt}\n"));
    }

    fn environment(&self) -> Environment {
        Environment::new(self.path("repo/pkg/a"), [("HOME", self.path("home").to_string_lossy())])
    }

    fn load(&self) -> AgentRegistry {
        AgentRegistry::load(&self.environment(), &AgentSources::default())
    }
}

/// Name, status, source, and the end of the path, without the built-in agents.
fn listed(registry: &AgentRegistry) -> Vec<(String, AgentStatus, AgentSource)> {
    let own = registry.entries().iter().filter(|entry| entry.source != AgentSource::BuiltIn);
    own.map(|entry| (entry.name.clone(), entry.status, entry.source)).collect()
}

fn prompt(registry: &AgentRegistry, name: &str) -> String {
    registry.get(name).expect(name).prompt.clone()
}

fn reasons(registry: &AgentRegistry, name: &str) -> Vec<String> {
    let entries = registry.entries().iter().filter(|entry| entry.name == name);
    entries.flat_map(|entry| entry.problems.iter().map(|problem| problem.message.clone())).collect()
}

#[test]
fn built_in_agents_are_there_without_any_file() {
    let registry = Disk::new().load();
    let names: Vec<&str> = registry.agents().map(|agent| agent.name.as_str()).collect();
    assert_eq!(names, ["Explore", "general-purpose", "Plan"]);
    assert!(registry.entries().iter().all(|entry| entry.status == AgentStatus::Ok));
}

#[test]
fn the_command_line_beats_the_nearest_directory_beats_the_root_beats_the_user_beats_the_built_in() {
    let disk = Disk::new();
    let json = r#"{"x": {"description": "d", "prompt": "command line"}}"#;
    let load = || {
        let sources = AgentSources { command_line_json: Some(json.to_owned()), strict: false };
        AgentRegistry::load(&disk.environment(), &sources)
    };
    disk.agent("home/.claude/agents/x.md", "x", "user");
    disk.agent("home/.claude/agents/explore.md", "Explore", "mine");
    assert_eq!(prompt(&disk.load(), "x"), "user");
    assert_eq!(prompt(&disk.load(), "Explore"), "mine");
    disk.agent("repo/.claude/agents/x.md", "x", "root");
    assert_eq!(prompt(&disk.load(), "x"), "root");
    disk.agent("repo/pkg/a/.claude/agents/deep/er/x.md", "x", "nearest");
    assert_eq!(prompt(&disk.load(), "x"), "nearest");
    let registry = load();
    assert_eq!(prompt(&registry, "x"), "command line");
    let of_x: Vec<_> = registry.entries().iter().filter(|entry| entry.name == "x").collect();
    let prompts: Vec<&str> =
        of_x.iter().filter_map(|entry| Some(entry.definition.as_ref()?.prompt.as_str())).collect();
    assert_eq!(prompts, ["command line", "nearest", "root", "user"]);
    assert_eq!(of_x[0].status, AgentStatus::Ok);
    assert!(of_x[1..].iter().all(|entry| entry.status == AgentStatus::Shadowed));
    assert!(of_x[1].problems[0].message.contains("--agents"), "{:?}", of_x[1].problems);
    let explore: Vec<_> = registry.entries().iter().filter(|entry| entry.name == "Explore").collect();
    let winner = disk.path("home/.claude/agents/explore.md").display().to_string();
    assert_eq!((explore.len(), explore[1].status), (2, AgentStatus::Shadowed));
    assert!(explore[1].problems[0].message.contains(&winner), "{:?}", explore[1].problems);
}

#[test]
fn of_two_files_with_one_name_the_later_path_counts_and_the_other_is_reported() {
    let disk = Disk::new();
    disk.agent("repo/.claude/agents/z.md", "x", "z");
    disk.agent("repo/.claude/agents/a/b.md", "x", "a");
    let registry = disk.load();
    assert_eq!(prompt(&registry, "x"), "z");
    let shadowed = (String::from("x"), AgentStatus::Shadowed, AgentSource::Project);
    assert_eq!(listed(&registry), [("x".into(), AgentStatus::Ok, AgentSource::Project), shadowed]);
}

#[test]
fn only_lower_case_md_files_are_read_at_any_depth() {
    let disk = Disk::new();
    for name in ["a.md", "b.MD", "c.txt", "d.yaml", ".md", "e.md~", "sub/dir/f.md", "g"] {
        disk.agent(&format!("repo/.claude/agents/{name}"), &name.replace(['/', '.'], "-"), "p");
    }
    let names: Vec<String> = listed(&disk.load()).into_iter().map(|entry| entry.0).collect();
    assert_eq!(names, ["a-md", "sub-dir-f-md"]);
}

#[test]
fn what_cannot_be_read_is_listed_as_broken_and_changes_nothing_about_others() {
    let disk = Disk::new();
    disk.agent("repo/.claude/agents/good.md", "good", "p");
    disk.file("repo/.claude/agents/README.md", "# Our agents\n");
    disk.file("repo/.claude/agents/nameless.md", "---\ndescription: d\n---\n");
    std::fs::write(disk.path("repo/.claude/agents/latin.md"), b"---\nname: caf\xe9\n---\n").expect("a file");
    disk.file("repo/.claude/agents/huge.md", &"x".repeat(2 * 1024 * 1024));
    disk.file("home/.claude/agents", "no directory");
    let registry = disk.load();
    let broken: Vec<String> = listed(&registry)
        .into_iter()
        .filter(|(_, status, _)| *status == AgentStatus::Broken)
        .map(|entry| entry.0)
        .collect();
    assert_eq!(broken, ["agents", "huge", "latin", "nameless", "README"]);
    assert_eq!(prompt(&registry, "good"), "p");
    assert_eq!(reasons(&registry, "agents"), ["is no directory"]);
    assert_eq!(reasons(&registry, "latin"), ["is not UTF-8"]);
    assert!(reasons(&registry, "huge")[0].contains("larger than"));
    assert_eq!(
        reasons(&registry, "nameless"),
        ["no name", "the file has no body: the agent has no prompt of its own"]
    );
    assert!(registry.get("nameless").is_none());
    for entry in registry.entries().iter().filter(|entry| entry.path.is_some()) {
        assert!(entry.problems.iter().all(|problem| problem.path == entry.path), "{:?}", entry.problems);
    }
}

#[test]
fn a_broken_file_does_not_shadow_a_weaker_agent() {
    let disk = Disk::new();
    disk.agent("home/.claude/agents/x.md", "x", "user");
    disk.file("repo/.claude/agents/x.md", "---\nname: x\n---\n");
    let registry = disk.load();
    assert_eq!(prompt(&registry, "x"), "user");
    let statuses: Vec<AgentStatus> = listed(&registry).into_iter().map(|entry| entry.1).collect();
    assert_eq!(statuses, [AgentStatus::Ok, AgentStatus::Broken]);
}

#[test]
fn a_home_directory_on_the_way_up_is_read_once_and_as_the_users() {
    let dir = tempfile::tempdir().expect("a folder");
    let home = dir.path().join("home");
    std::fs::create_dir_all(home.join(".git")).expect("folders");
    std::fs::create_dir_all(home.join(".claude/agents")).expect("folders");
    std::fs::create_dir_all(home.join("work")).expect("folders");
    let agent = "---\nname: x\ndescription: d\n---\np\n";
    std::fs::write(home.join(".claude/agents/x.md"), agent).expect("a file");
    let environment = Environment::new(home.join("work"), [("HOME", home.to_string_lossy())]);
    let registry = AgentRegistry::load(&environment, &AgentSources::default());
    assert_eq!(listed(&registry), [("x".into(), AgentStatus::Ok, AgentSource::User)]);
}

#[test]
fn strict_sessions_refuse_agents_with_tools_that_do_not_exist() {
    let disk = Disk::new();
    disk.file("repo/.claude/agents/x.md", "---\nname: x\ndescription: d\ntools: Read, Gerp\n---\np\n");
    let registry = disk.load();
    assert_eq!(listed(&registry), [("x".into(), AgentStatus::Warning, AgentSource::Project)]);
    assert!(registry.get("x").is_some());
    let strict = AgentSources { command_line_json: None, strict: true };
    let registry = AgentRegistry::load(&disk.environment(), &strict);
    assert_eq!(listed(&registry), [("x".into(), AgentStatus::Broken, AgentSource::Project)]);
    assert!(registry.get("x").is_none());
    assert_eq!(reasons(&registry, "x"), ["invalid tool specified: 'Gerp'"]);
}

#[test]
fn command_line_agents_are_read_and_wrong_ones_are_broken() {
    let read = |json: &str| {
        let sources = AgentSources { command_line_json: Some(json.to_owned()), strict: false };
        AgentRegistry::load(&Disk::new().environment(), &sources)
    };
    let registry = read(
        r#"{"a": {"description": "d", "prompt": "p", "tools": ["Read", "Grep"], "model": "opus", "maxTurns": 3}}"#,
    );
    let agent = registry.get("a").expect("an agent");
    assert_eq!(agent.tools, ToolSelection::Listed(crate::ToolPattern::parse_list("Read Grep")));
    assert_eq!((agent.source, agent.max_turns, &agent.path), (AgentSource::CommandLine, Some(3), &None));
    for (json, name, reason) in [
        ("", "--agents", "no JSON: EOF while parsing a value"),
        ("{\"a\":", "--agents", "no JSON: EOF while parsing a value"),
        ("[]", "--agents", "must be a JSON object, not a list"),
        (r#"{"a": 1}"#, "a", "agent 'a' must be an object, not a number"),
        (r#"{"a": {"prompt": "p"}}"#, "a", "no description"),
        (r#"{"a": {"description": "d"}}"#, "a", "no prompt"),
        (r#"{"a": {"description": "d", "prompt": ""}}"#, "a", "the prompt is empty"),
        (r#"{"a": {"description": "d", "prompt": 5}}"#, "a", "the prompt must be a text, not a number"),
        (r#"{"-a": {"description": "d", "prompt": "p"}}"#, "-a", "the name may not begin with a hyphen"),
        (r#"{"a": {}, "a": {}}"#, "--agents", "no JSON: 'a' stands twice"),
    ] {
        let registry = read(json);
        assert!(
            reasons(&registry, name).iter().any(|found| found == reason),
            "{json}: {:?}",
            reasons(&registry, name)
        );
        assert_eq!(registry.agents().count(), 3, "{json}");
    }
    assert_eq!(listed(&read("{}")), []);
}

#[test]
fn names_are_found_exactly_first_and_then_without_regard_to_case() {
    let agent =
        |name: &str, prompt: &str| AgentDefinition::new(AgentName::parse(name).expect("a name"), "d", prompt);
    let registry = AgentRegistry::from_definitions([
        agent("code-reviewer", "1"),
        agent("Zed", "upper"),
        agent("zed", "lower"),
        agent("Ärger", "umlaut"),
        agent("code-reviewer", "2"),
    ]);
    assert_eq!(prompt(&registry, "Code-Reviewer"), "2");
    assert_eq!(prompt(&registry, "zed"), "lower");
    assert_eq!(prompt(&registry, "Zed"), "upper");
    assert_eq!(prompt(&registry, "ÄRGER"), "umlaut");
    assert!(registry.get("nope").is_none());
    assert_eq!(registry.nearest("code-review").map(AgentName::as_str), Some("code-reviewer"));
    assert_eq!(registry.nearest("qqq"), None);
    let names: Vec<&str> = registry.agents().map(|agent| agent.name.as_str()).collect();
    assert_eq!(names, ["code-reviewer", "Zed", "zed", "Ärger"]);
    let statuses: Vec<AgentStatus> = registry.entries().iter().map(|entry| entry.status).collect();
    assert_eq!(statuses[..2], [AgentStatus::Ok, AgentStatus::Shadowed]);
}

#[test]
fn many_files_are_read_in_the_order_of_their_paths() {
    let disk = Disk::new();
    for index in 0..300 {
        disk.agent(
            &format!("repo/.claude/agents/f{index:03}.md"),
            &format!("n{}", index / 2),
            &index.to_string(),
        );
    }
    let registry = disk.load();
    assert_eq!(registry.agents().count(), 150 + 3);
    for name in 0..150 {
        assert_eq!(prompt(&registry, &format!("n{name}")), (2 * name + 1).to_string());
    }
}

#[cfg(unix)]
mod links {
    use std::os::unix::fs::symlink;

    use super::*;

    fn link(disk: &Disk, target: &str, path: &str) {
        let path = disk.path(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        symlink(disk.path(target), path).expect("a link");
    }

    #[test]
    fn links_within_the_repository_are_followed_and_links_out_of_it_are_broken() {
        let disk = Disk::new();
        disk.agent("repo/shared/in.md", "in", "p");
        disk.agent("repo/shared/more/deep.md", "deep", "p");
        disk.agent("outside/out.md", "out", "secret");
        link(&disk, "repo/shared/in.md", "repo/.claude/agents/in.md");
        link(&disk, "repo/shared/more", "repo/.claude/agents/more");
        link(&disk, "outside/out.md", "repo/.claude/agents/out.md");
        link(&disk, "outside", "repo/.claude/agents/outside");
        link(&disk, "nowhere.md", "repo/.claude/agents/dangling.md");
        link(&disk, "repo/.claude/agents/loop.md", "repo/.claude/agents/loop.md");
        let registry = disk.load();
        let names: Vec<_> = listed(&registry).into_iter().map(|(name, status, _)| (name, status)).collect();
        let broken = |name: &str| (name.to_owned(), AgentStatus::Broken);
        let fine = |name: &str| (name.to_owned(), AgentStatus::Ok);
        assert_eq!(
            names,
            [broken("dangling"), fine("deep"), fine("in"), broken("loop"), broken("out"), broken("outside")]
        );
        assert!(reasons(&registry, "out")[0].starts_with("is a link that leads out of"));
        assert!(reasons(&registry, "outside")[0].starts_with("is a link that leads out of"));
    }

    #[test]
    fn a_whole_directory_of_agents_that_lies_elsewhere_is_broken() {
        let disk = Disk::new();
        disk.agent("outside/out.md", "out", "secret");
        link(&disk, "outside", "repo/.claude/agents");
        let registry = disk.load();
        assert_eq!(listed(&registry), [("agents".into(), AgentStatus::Broken, AgentSource::Project)]);
        let reason = &registry.entries().iter().find(|entry| entry.name == "agents").expect("it").problems[0];
        assert_eq!(reason.severity, Severity::Error);
    }

    #[test]
    fn circles_of_links_end_and_what_is_no_file_is_broken() {
        let disk = Disk::new();
        disk.agent("repo/.claude/agents/x.md", "x", "p");
        link(&disk, "repo/.claude/agents", "repo/.claude/agents/again");
        link(&disk, "repo", "repo/.claude/agents/all");
        let made =
            std::process::Command::new("mkfifo").arg(disk.path("repo/.claude/agents/pipe.md")).status();
        let registry = disk.load();
        let x = registry.entries().iter().filter(|entry| entry.name == "x").count();
        assert_eq!(x, 1);
        if made.is_ok_and(|status| status.success()) {
            assert_eq!(reasons(&registry, "pipe"), ["is no regular file"]);
        }
    }
}

#[test]
fn a_directory_deeper_than_the_bound_is_broken() {
    let disk = Disk::new();
    let deep = format!("repo/.claude/agents/{}x.md", "d/".repeat(20));
    disk.agent(&deep, "x", "p");
    let registry = disk.load();
    assert!(registry.get("x").is_none());
    assert_eq!(reasons(&registry, "d"), ["lies deeper than 16 directories"]);
    assert!(Path::new(&disk.path(&deep)).exists());
}
