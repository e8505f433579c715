//! `codex-task demo`: the main job without a key and without a network. Four agents work side by side on a sample
//! project with real tools; a script stands in for the model, and quotes what the tools have really found.

mod sample;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use codex_task::{Environment, RunTask, Runtime, TaskRequest};
use codex_task_config::{FolderTrust, ProviderName, SettingsOverrides};
use codex_task_providers::scripted::{Scenario, ScriptedBackend};
use tempfile::TempDir;

use crate::exit::Exit;
use crate::fault::Fault;
use crate::host::Host;
use crate::render::Style;
use crate::run::{OutputArgs, run_tasks};
use crate::session;

const SCENARIO: &str = include_str!("../../data/demo/scenario.yaml");
/// The name under which the script is registered.
const PROVIDER: &str = "scripted";
/// Agents, what people read about their tasks, and the tasks.
const TASKS: [(&str, &str, &str); 4] = [
    ("code-reviewer", "Code review in progress", "Review the shell code in src for bugs and portability."),
    ("security-audit", "Security analysis in progress", "Audit this project for security issues."),
    ("test-runner", "Running test suite", "Run the tests and find the code behind failing ones."),
    ("documentation-writer", "Updating the documentation", "Describe all commands in docs/COMMANDS.md."),
];
/// The variables that tools need; keys are not among them.
const VARIABLES: [&str; 5] = ["PATH", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR"];

/// Four agents review a sample project: real tools, a scripted model, no key, no network.
#[derive(Args, Clone, Debug)]
pub(crate) struct DemoArgs {
    /// Keeps the sample project and says where it is
    #[arg(long)]
    keep: bool,
    /// Where the sample project is or will be; a kept and changed one gives other findings
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    #[command(flatten)]
    output: OutputArgs,
}

/// The directory of the project.
enum Place {
    /// Removed when the demo ends.
    Temporary(TempDir),
    /// Stays.
    Kept(PathBuf),
}

impl Place {
    fn path(&self) -> &Path {
        match self {
            Self::Temporary(directory) => directory.path(),
            Self::Kept(path) => path,
        }
    }
}

/// Runs the demo.
pub(crate) fn run(args: &DemoArgs, host: &mut Host) -> Result<Exit, Fault> {
    if args.output.plain {
        host.terminal.make_plain();
    }
    let place = place(args, &host.environment)?;
    let directory = place.path().display().to_string();
    if !args.output.quiet {
        let text = format!("Four agents work on a sample project in {directory}, with real tools.");
        host.terminal.err.wrapped(Style::Dim, &text);
    }
    let exit = session::block_on(async {
        let builder = Runtime::builder()
            .environment(environment(place.path(), &host.environment))
            .overrides(overrides())
            .backend(Arc::new(ScriptedBackend::new(ProviderName::new(PROVIDER), scenario()?)));
        run_tasks(builder, tasks(), args.output, host).await
    })?;
    if let (Place::Kept(_), false) = (&place, args.output.quiet) {
        let text = format!(
            "Change {directory}, then run `codex-task demo --dir {directory}` to see other findings."
        );
        host.terminal.err.wrapped(Style::Dim, &text);
    }
    Ok(exit)
}

fn place(args: &DemoArgs, environment: &Environment) -> Result<Place, Fault> {
    let wrong =
        |path: &Path, error: &io::Error| Fault::file("cannot write the sample project to", path, error);
    let place = if let Some(path) = &args.dir {
        let path = environment.cwd().join(path);
        if sample::is_in(&path) {
            return Ok(Place::Kept(path));
        }
        if std::fs::read_dir(&path).is_ok_and(|mut entries| entries.next().is_some()) {
            return Err(Fault::new(format!("'{}' is not the sample project", path.display()))
                .because("the directory has other files in it")
                .suggest("name a directory that is new or empty"));
        }
        Place::Kept(path)
    } else {
        let base = environment.get("TMPDIR").map_or_else(std::env::temp_dir, PathBuf::from);
        let directory = tempfile::Builder::new().prefix("codex-task-demo-").tempdir_in(&base);
        let directory = directory.map_err(|error| wrong(&base, &error))?;
        if args.keep { Place::Kept(directory.keep()) } else { Place::Temporary(directory) }
    };
    sample::write(place.path()).map_err(|error| wrong(place.path(), &error))?;
    Ok(place)
}

/// The sample's directory, and nothing of the user's own settings, agents and keys.
fn environment(directory: &Path, outer: &Environment) -> Environment {
    let variables = VARIABLES.iter().filter_map(|name| Some((*name, outer.get(name)?)));
    Environment::new(directory, variables)
}

/// Everything goes to the script, which has one model.
fn overrides() -> SettingsOverrides {
    SettingsOverrides {
        provider: Some(PROVIDER.to_owned()),
        model: Some(PROVIDER.to_owned()),
        // The sample is our own.
        trust: FolderTrust::Trusted,
        ..SettingsOverrides::default()
    }
}

fn scenario() -> Result<Scenario, Fault> {
    Scenario::parse(SCENARIO)
        .map_err(|error| Fault::internal("the demo's script cannot be read").because(error.to_string()))
}

fn tasks() -> Vec<TaskRequest> {
    let request = |(agent, description, prompt): (&str, &str, &str)| {
        RunTask::<String>::new(agent, prompt).description(description).request
    };
    TASKS.into_iter().map(request).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_is_one() {
        assert_eq!(scenario().err(), None);
    }
}
