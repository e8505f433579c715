//! `codex-task trust`: the user's word that the settings of a folder may widen what runs there.

mod meaning;

use std::path::{Path, PathBuf};

use clap::Args;
use codex_task::Environment;
use codex_task_config::{
    Settings, SettingsOverrides, TrustStore, TrustStoreError, shell_word, workspace_root,
};

use crate::exit::Exit;
use crate::fault::Fault;
use crate::host::Host;
use crate::render::{Line, Style, shown_path};
use crate::session;

const EXAMPLES: &str = "Examples:
  codex-task trust                 trusts the repository of the working directory
  codex-task trust --list          shows the folders that are trusted here
  codex-task trust --remove DIR

Trust covers exactly the folder: neither those below it nor those above it. Without it the settings in a folder
only narrow: their deny and ask rules count, their allow rules, directories, variables, hooks and MCP servers do not.";

/// Trusts a folder: its own settings may then allow what they ask for.
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct TrustArgs {
    /// The folder; the root of the repository, or without one the working directory when absent
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Lists the trusted folders and changes nothing
    #[arg(long, conflicts_with_all = ["folder", "remove"])]
    list: bool,
    /// Takes the trust away again
    #[arg(long)]
    remove: bool,
}

/// Does what the arguments say.
pub(crate) fn run(args: &TrustArgs, host: &mut Host) -> Result<Exit, Fault> {
    let store = TrustStore::of_user(&host.environment).map_err(|error| unusable(&error))?;
    if args.list {
        return list(&store, host);
    }
    let environment = &host.environment;
    let folder = match &args.folder {
        Some(folder) => environment.cwd().join(folder),
        None => workspace_root(environment.cwd()),
    };
    if args.remove { remove(&store, &folder, host) } else { add(&store, &folder, host) }
}

fn add(store: &TrustStore, folder: &Path, host: &mut Host) -> Result<Exit, Fault> {
    let (folder, is_new) = store.add(folder).map_err(|error| unusable(&error))?;
    let verb = if is_new { "Trusted:" } else { "Trusted already:" };
    host.terminal.out.paragraph(verb, Style::Bold, &folder.display().to_string());
    let (meanings, problems) = meaning::of(&folder, &host.environment);
    if meanings.is_empty() {
        host.terminal.err.wrapped(Style::Dim, "Its settings ask for nothing that needs trust so far.");
    } else {
        host.terminal.err.wrapped(Style::Dim, "From now on in force there:");
    }
    for meaning in meanings {
        host.terminal.err.line(Line::new().text("  ").text(crate::render::clean::one_line(&meaning)));
    }
    session::warn_of(&problems, &host.environment, &mut host.terminal);
    let undo = format!("Whoever can write to the folder can add to that. To undo: {}", undo(&folder));
    host.terminal.err.wrapped(Style::Dim, &undo);
    Ok(Exit::Success)
}

fn undo(folder: &Path) -> String {
    format!("`codex-task trust --remove {}`", shell_word(&folder.to_string_lossy()))
}

fn remove(store: &TrustStore, folder: &Path, host: &mut Host) -> Result<Exit, Fault> {
    let had = store.remove(folder).map_err(|error| unusable(&error))?;
    let shown = folder.display().to_string();
    if had {
        host.terminal.out.paragraph("No longer trusted:", Style::Bold, &shown);
    } else {
        host.terminal
            .err
            .wrapped(Style::Plain, &format!("{shown} is not in the list; see `codex-task trust --list`."));
    }
    // Somebody else's word still counts.
    let elsewhere = trusted(&host.environment.with_cwd(folder)).origin(folder);
    if let Some(origin) = elsewhere {
        session::warn(&format!("the folder is still trusted by {}", origin.as_str()), &mut host.terminal);
    }
    Ok(Exit::Success)
}

fn list(store: &TrustStore, host: &mut Host) -> Result<Exit, Fault> {
    // Folders that are gone are in the list alone, and trust nothing.
    let mut rows: Vec<(String, &str)> = Vec::new();
    let trusted = trusted(&host.environment);
    for folder in store.folders().map_err(|error| unusable(&error))? {
        if trusted.origin(&folder).is_none() {
            rows.push((folder.display().to_string(), "`codex-task trust`; the folder is gone"));
        }
    }
    rows.extend(trusted.iter().map(|(folder, origin)| (folder.display().to_string(), origin.as_str())));
    rows.sort_unstable();
    if rows.is_empty() {
        host.terminal.err.wrapped(Style::Plain, "No folder is trusted; see `codex-task trust --help`.");
    }
    for (folder, origin) in rows {
        host.terminal.out.line(Line::new().text(folder).styled(Style::Dim, format!("  by {origin}")));
    }
    let path = shown_path(store.path(), &host.environment);
    host.terminal.err.wrapped(Style::Dim, &format!("The list is {path}."));
    Ok(Exit::Success)
}

fn trusted(environment: &Environment) -> codex_task_config::TrustedFolders {
    Settings::load(environment, &SettingsOverrides::default()).settings.trusted
}

fn unusable(error: &TrustStoreError) -> Fault {
    let cause = std::error::Error::source(error).map(ToString::to_string);
    let fault = Fault::new(error.to_string()).suggest(error.help());
    match cause {
        Some(cause) => fault.because(cause),
        None => fault,
    }
}
