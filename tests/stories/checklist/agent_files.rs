//! Rows 26 to 29: which files are agents, and what they say.

use std::path::Path;

use codex_task_config::AgentStatus;
use codex_task_tests::Reply;

use super::{Stage, project};
use crate::harness::TestProject;

fn stage(files: &[(&str, &str)]) -> Stage {
    let project = project();
    for (path, text) in files {
        project.file(Path::new(".claude/agents").join(path), text);
    }
    Stage::new(project, |_| Reply::text("done"))
}

#[tokio::test]
async fn row_26_files_that_are_not_quite_yaml_load_and_what_was_lenient_is_told() {
    for (text, description, is_told) in [
        ("---\nname: x\ndescription: Use: always\n---\nB\n", "Use: always", true),
        ("---\nname: x\ndescription: one\\ntwo\n---\nB\n", "one\ntwo", true),
        (
            "---\nname: x\ndescription: Use it. <example>user: \"hi\"</example>\n---\nB\n",
            "Use it. <example>user: \"hi\"</example>",
            true,
        ),
        ("---\r\nname: x\r\ndescription: d\r\n---\r\nB\r\n", "d", false),
        ("\u{feff}---\nname: x\ndescription: d\n---\nB\n", "d", false),
        ("---\nname: x\ndescription: |\n  one\n  two\n---\nB\n", "one\ntwo", false),
        ("---\nname: x\ndescription: >\n  one\n  two\n---\nB\n", "one two", false),
        ("---\nname: x\ndescription: \"one\\ntwo\"\n---\nB\n", "one\ntwo", false),
        ("---\nname: x\ndescription: [unclosed\n---\nB\n", "[unclosed", true),
        ("---\nname: x # a comment\ndescription: d\n---\nB\n", "d", false),
        ("---\nname: x\ndescription: d\ntools: *\n---\nB\n", "d", true),
    ] {
        let stage = stage(&[("x.md", text)]);
        let agents = stage.runtime.agents();
        let agent = agents.get("x").unwrap_or_else(|| panic!("it loads: {text:?}"));
        assert_eq!((agent.description.trim(), agent.prompt.as_str()), (description, "B"), "{text:?}");
        let entry = agents.entries().iter().find(|entry| entry.name == "x").expect("it is listed");
        assert_eq!(!entry.problems.is_empty(), is_told, "{text:?}: {:?}", entry.problems);
    }
}

#[tokio::test]
async fn row_27_what_is_no_agent_is_skipped_and_others_are_not_affected() {
    for text in [
        "---\ndescription: no name\n---\nB\n",
        "---\nname: y\n---\nB\n",
        "no frontmatter\n",
        "---\nname: y\ndescription: d\nB\n",
        "\n\n---\nname: y\ndescription: d\n---\nB\n",
        "---\nname: 123\ndescription: d\n---\nB\n",
        "---\nname: y\ndescription: 42\n---\nB\n",
        "---\nname: a:b\ndescription: d\n---\nB\n",
        "---\nname: -x\ndescription: d\n---\nB\n",
    ] {
        let stage = stage(&[("y.md", text), ("worker.md", &super::agent_file("worker", ""))]);
        let agents = stage.runtime.agents();
        let broken = agents.entries().iter().filter(|entry| entry.status == AgentStatus::Broken).count();
        assert_eq!(broken, 1, "it is reported: {text:?}");
        assert_eq!(stage.ask_worker("go").await.blocks[0], "done", "{text:?}");
    }
}

fn of_place(place: &str) -> String {
    format!("---\nname: twin\ndescription: from {place}\n---\nFrom {place}.\n")
}

#[tokio::test]
async fn row_28_the_command_line_beats_the_project_its_nearest_directory_first_then_the_user() {
    const JSON: &str = r#"{"twin": {"description": "from json", "prompt": "From json."}}"#;
    const HOME: &str = "../home/.claude/agents/twin.md";
    const ROOT: &str = ".claude/agents/twin.md";
    const NEAR: &str = "pkg/a/.claude/agents/twin.md";
    const USUAL: &str = ".claude/agents/explore.md";
    for (files, json, winner) in [
        (&[HOME][..], None, "home"),
        (&[HOME, ROOT], None, "root"),
        (&[HOME, ROOT, NEAR], None, "near"),
        (&[HOME, ROOT, NEAR], Some(JSON), "json"),
    ] {
        let project = project();
        for path in files {
            let place = match *path {
                HOME => "home",
                ROOT => "root",
                _ => "near",
            };
            project.file(path, &of_place(place));
        }
        project.file(USUAL, "---\nname: Explore\ndescription: our own\n---\nOurs.\n");
        assert_eq!(chosen(project, json, "twin"), format!("from {winner}"), "{files:?}");
    }
    let project = project();
    project.file(USUAL, "---\nname: Explore\ndescription: our own\n---\nOurs.\n");
    assert_eq!(chosen(project, None, "Explore"), "our own", "a built-in one is replaced");
}

/// The description of the agent of this name, seen from a package.
fn chosen(project: TestProject, json: Option<&str>, name: &str) -> String {
    let package = project.dir().join("pkg/a");
    std::fs::create_dir_all(&package).expect("a folder");
    let environment = project.environment().with_cwd(package);
    let stage = Stage::with(
        project,
        |_| Reply::text("done"),
        |builder| {
            let builder = builder.environment(environment);
            match json {
                Some(json) => builder.agents_json(json),
                None => builder,
            }
        },
    );
    stage.runtime.agents().get(name).expect("it is there").description.clone()
}

#[tokio::test]
async fn row_29_folders_within_the_folder_count_and_only_files_called_md() {
    for (path, is_agent) in [
        ("deep.md", true),
        ("a/b/deep.md", true),
        ("deep.MD", false),
        ("deep.txt", false),
        ("deep.yaml", false),
        ("deep", false),
    ] {
        let stage = stage(&[(path, "---\nname: deep\ndescription: d\n---\nB\n")]);
        assert_eq!(stage.runtime.agents().get("deep").is_some(), is_agent, "{path}");
    }
}
