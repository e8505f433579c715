//! Very many agent files.

use codex_task::{Outcome, RunTask};
#[cfg(target_os = "linux")]
use codex_task_config::{AgentSources, RegistryHandle};
use codex_task_providers::scripted::Rule;

use crate::harness::{TestProject, TestRuntime, scripted};
#[cfg(target_os = "linux")]
use crate::harness::{cost_of, in_child};

/// Files of the story.
const FILES: usize = 10_000;
/// Bytes that the Task tool's text may have, however many agents there are.
const DESCRIPTION_BYTES_MAX: usize = 32 << 10;

/// Ten times as many files may cost so many times as much: what looks at each file for each other one costs a hundred.
#[cfg(target_os = "linux")]
const GROWTH_MAX: u32 = 30;

#[cfg(target_os = "linux")]
#[test]
fn fault_58_ten_thousand_agent_files_cost_ten_times_what_a_thousand_do() {
    let name = "faults::agent_files::fault_58_ten_thousand_agent_files_cost_ten_times_what_a_thousand_do";
    let story = || {
        let [few, all] = [FILES / 10, FILES].map(|files| {
            let project = many(files);
            cost_of(|| {
                let known = RegistryHandle::load(project.environment(), AgentSources::default());
                assert!(known.current().agents().count() >= files);
            })
        });
        assert!(all < few * GROWTH_MAX, "{all:?}, and {few:?} for a tenth of them");
    };
    if let Some(child) = in_child(name, story) {
        assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stderr));
    }
}

/// A project with so many agents.
fn many(files: usize) -> TestProject {
    let project = TestProject::new();
    let description = "reviews what was written, in every detail. ".repeat(8);
    for number in 0..files {
        let text = format!(
            "---\nname: agent-{number}\ndescription: {description}\nmodel: scripted-1\nprovider: scripted\n---\nYou are {number}.\n"
        );
        project.agent_file(&format!("agent-{number}"), &text);
    }
    project
}

#[tokio::test]
async fn fault_58_ten_thousand_agent_files_are_all_loaded_and_a_parent_reads_a_bounded_list() {
    let project = many(FILES);
    let model = scripted([Rule::text("done")]);
    let runtime = TestRuntime::start_in(project, |builder| builder.backend(model.clone()));
    let own = runtime.agents().agents().filter(|agent| agent.name.as_str().starts_with("agent-")).count();
    assert_eq!(own, FILES, "none is lost");
    let task = runtime.tool_catalog().task();
    assert!(task.description.len() < DESCRIPTION_BYTES_MAX, "{} bytes", task.description.len());
    let last = format!("agent-{}", FILES - 1);
    let report = runtime.run(RunTask::<String>::new(last.as_str(), "go")).await.expect("a runtime");
    assert_eq!(report.outcome, Outcome::Completed("done".into()), "the last one runs as the first");
}
