//! Very many agent files.

use codex_task::{Outcome, RunTask};
use codex_task_providers::scripted::Rule;

use crate::harness::{TestProject, TestRuntime, scripted};

/// Files of the story.
const FILES: usize = 10_000;
/// Bytes that the Task tool's text may have, however many agents there are.
const DESCRIPTION_BYTES_MAX: usize = 32 << 10;

#[tokio::test]
async fn fault_58_ten_thousand_agent_files_are_all_loaded_and_a_parent_reads_a_bounded_list() {
    let project = TestProject::new();
    let description = "reviews what was written, in every detail. ".repeat(8);
    for number in 0..FILES {
        let text = format!(
            "---\nname: agent-{number}\ndescription: {description}\nmodel: scripted-1\nprovider: scripted\n---\nYou are {number}.\n"
        );
        project.agent_file(&format!("agent-{number}"), &text);
    }
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
