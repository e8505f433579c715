//! Reading agent files: 1,000 of them, beside reading the same bytes and doing nothing with them, in the same run.
#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a benchmark prints, and stops at the first fault"
)]

use std::path::Path;
use std::time::Duration;

use codex_task_benches::{Percentiles, head, is_smoke_run, row, serve_if_asked};
use codex_task_config::{AgentEntry, AgentRegistry, AgentSources, Environment};
use tokio::time::Instant;

const ROUNDS: usize = 21;
/// Bytes of each prompt: about the mean of agents that people publish.
const PROMPT_BYTES: usize = 6_000;

fn main() {
    if serve_if_asked() {
        return;
    }
    let (sizes, rounds): (&[usize], usize) =
        if is_smoke_run() { (&[1, 20], 2) } else { (&[1, 100, 1_000], ROUNDS) };
    head("agent files loaded", &["files", "read only ms", "loaded ms (median)", "p95 ms", "us per file"]);
    for &files in sizes {
        let project = tempfile::tempdir().expect("a folder");
        let directory = project.path().join(".claude/agents");
        std::fs::create_dir_all(&directory).expect("a folder");
        write_agents(&directory, files);
        let environment = Environment::new(project.path(), [("HOME", "/nonexistent")]);
        let floor = rounds_of(rounds, || read_only(&directory));
        let loaded = rounds_of(rounds, || {
            let registry = AgentRegistry::load(&environment, &AgentSources::default());
            let own = registry.entries().iter().filter(|entry| entry.path.is_some());
            assert!(own.clone().all(AgentEntry::is_usable), "an agent does not load");
            own.count()
        });
        let count = u32::try_from(files).expect("a small number");
        let ms = |duration: Duration| format!("{:.3}", duration.as_secs_f64() * 1e3);
        let each = format!("{:.1}", (loaded.at(50) / count).as_secs_f64() * 1e6);
        row(&[files.to_string(), ms(floor.at(50)), ms(loaded.at(50)), ms(loaded.at(95)), each]);
    }
    println!();
}

/// Runs a round again and again; each must see the same number of files.
fn rounds_of(rounds: usize, mut round: impl FnMut() -> usize) -> Percentiles {
    let expected = round();
    let timed = |_| {
        let began = Instant::now();
        assert_eq!(round(), expected);
        began.elapsed()
    };
    Percentiles::of((0..rounds).map(timed).collect())
}

fn read_only(directory: &Path) -> usize {
    let files = std::fs::read_dir(directory).expect("a folder");
    files
        .map(|file| std::fs::read(file.expect("an entry").path()).expect("a file"))
        .filter(|f| !f.is_empty())
        .count()
}

fn write_agents(directory: &Path, files: usize) {
    let prompt = "You look for what is wrong, and say where. ".repeat(PROMPT_BYTES / 43);
    for number in 0..files {
        // Half of them in the way people really write, which is not quite YAML.
        let description = if number % 2 == 0 {
            format!("\"Agent number {number}: looks at code\"")
        } else {
            format!(
                "Use this agent when code changed.\\n\\n<example>\\nuser: \"Check {number}\"\\n</example>"
            )
        };
        let text = format!(
            "---\nname: agent-{number}\ndescription: {description}\ntools: Read, Grep, Glob\nmodel: sonnet\n---\n\n{prompt}\n"
        );
        std::fs::write(directory.join(format!("agent-{number}.md")), text).expect("a file");
    }
}
