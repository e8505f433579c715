//! The scripts that hooks run, where they lie in reach of agents: a hook is not held by the sandbox, so a script that was
//! changed while the session runs is not run.
//!
//! Known by name only: what a script itself runs or loads is its author's business. Agents cannot write below
//! `.claude/hooks` at all.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use codex_task_config::{Hook, HookAction};
use sha2::{Digest as _, Sha256};

use crate::Session;
use crate::gate::runs_its_arguments;
use crate::shell::{self, unwrapped};

/// Bytes of a script that are compared; a longer one counts as changed when its size has.
const BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Names that a line which the parser does not understand may have for scripts.
const SCRIPT_SUFFIXES: [&str; 8] = [".sh", ".bash", ".py", ".js", ".mjs", ".ts", ".rb", ".pl"];
/// Where hooks find the project.
pub(super) const PROJECT: &str = "CLAUDE_PROJECT_DIR";

/// The scripts of a session as they were when it began. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct ScriptPins {
    /// Held for single look-ups only.
    pins: Arc<Mutex<BTreeMap<PathBuf, Fingerprint>>>,
}

/// What a file was like.
type Fingerprint = (u64, [u8; 32]);

impl ScriptPins {
    /// Remembers the scripts of a hook as they are now, unless they are remembered already.
    pub(super) fn pin(&self, hook: &Hook, session: &Session) {
        for script in scripts(hook, session) {
            let Ok(now) = fingerprint(&script) else { continue };
            self.pins.lock().unwrap_or_else(PoisonError::into_inner).entry(script).or_insert(now);
        }
    }

    /// The first script of a hook that is not what it was.
    pub(super) fn changed(&self, hook: &Hook, session: &Session) -> Option<PathBuf> {
        scripts(hook, session).into_iter().find(|script| {
            let was = self.pins.lock().unwrap_or_else(PoisonError::into_inner).get(script).copied();
            // One that came into being since then was written by somebody since then.
            was.is_none() || fingerprint(script).ok() != was
        })
    }
}

/// The files in reach of agents that a hook would run.
fn scripts(hook: &Hook, session: &Session) -> Vec<PathBuf> {
    let project = session.workspace.display().to_string();
    let filled = |text: &str| {
        let text = text.replace(&format!("${{{PROJECT}}}"), &project);
        text.replace(&format!("${PROJECT}"), &project)
    };
    let words: Vec<Vec<String>> = match &hook.action {
        HookAction::Shell { command } => {
            let command = filled(command);
            match shell::parse(&command) {
                Ok(parsed) => parsed
                    .commands
                    .iter()
                    .map(|command| unwrapped(command).words.into_iter().map(|word| word.text).collect())
                    .collect(),
                Err(_) => return of_unknown_line(&command, session),
            }
        }
        HookAction::Program { program, args } => {
            vec![[program].into_iter().chain(args).map(|text| filled(text)).collect()]
        }
        HookAction::Unknown { .. } => Vec::new(),
    };
    words.iter().filter_map(|words| script_of(words, session)).collect()
}

/// The program, or what an interpreter is told to run.
fn script_of(words: &[String], session: &Session) -> Option<PathBuf> {
    let (program, arguments) = words.split_first()?;
    if program.contains('/')
        && let Some(script) = in_reach(program, session)
    {
        return Some(script);
    }
    let mut operands = arguments.iter().filter(|word| !word.starts_with('-'));
    runs_its_arguments(program).then(|| operands.find_map(|word| in_reach(word, session))).flatten()
}

fn of_unknown_line(line: &str, session: &Session) -> Vec<PathBuf> {
    let line = line.replace(['"', '\''], "");
    let is_edge = |c: char| c.is_whitespace() || matches!(c, ';' | '|' | '&' | '(' | ')' | '`');
    let is_script = |word: &&str| SCRIPT_SUFFIXES.iter().any(|suffix| word.ends_with(suffix));
    line.split(is_edge).filter(is_script).filter_map(|word| in_reach(word, session)).collect()
}

/// The real place of a file that lies inside the workspace.
fn in_reach(word: &str, session: &Session) -> Option<PathBuf> {
    session.guard.resolve(Path::new(word)).ok().map(|path| path.real).filter(|path| path.is_file())
}

fn fingerprint(path: &Path) -> io::Result<Fingerprint> {
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    let mut bytes = Vec::new();
    file.take(BYTES_MAX).read_to_end(&mut bytes)?;
    Ok((size, Sha256::digest(&bytes).into()))
}
