//! A program of the user's own that is told something and answers: begun with an input, ended with everything that it
//! started. Nothing holds it; it sees no more of the environment than a command does.

use std::convert::Infallible;
use std::io;
use std::process::ExitStatus;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::process::{ChildStdin, Command};

use super::process::{self, Ended, ProcessTree, Sink};
use super::shell_start::{free_shell, in_session};
use super::stray::Mark;
use crate::Session;

/// What is run.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ProgramLine<'a> {
    /// A line for the shell.
    Shell(&'a str),
    /// A program with its arguments.
    Program(&'a str, &'a [String]),
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProgramEnd {
    /// By itself, or by a signal.
    Exited(ExitStatus),
    /// Its time was up, and it was ended with all that it had started.
    TimedOut,
}

/// A program that has ended, with the beginning of what it wrote.
#[derive(Debug)]
pub(crate) struct ProgramOutput {
    pub(crate) end: ProgramEnd,
    pub(crate) stdout: Beginning,
    pub(crate) stderr: Beginning,
}

/// The first bytes of an output of any size.
#[derive(Debug)]
pub(crate) struct Beginning {
    bytes: Vec<u8>,
    bytes_max: usize,
    is_cut: bool,
}

impl Beginning {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { bytes: Vec::new(), bytes_max, is_cut: false }
    }

    /// Whether there was more.
    pub(crate) fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// What was kept, as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

impl Sink for Beginning {
    fn push(&mut self, bytes: &[u8]) {
        let kept = bytes.len().min(self.bytes_max - self.bytes.len());
        self.bytes.extend_from_slice(bytes.get(..kept).unwrap_or_default());
        self.is_cut |= kept < bytes.len();
    }
}

/// Runs a program to its end, at most for `time_max`, and ends whatever it leaves behind. `variables` come on top of what
/// a command sees.
///
/// # Errors
/// When it cannot be started.
///
/// # Cancel safety
/// Dropping the future ends the program and every process that it started.
pub(crate) async fn run_user_program(
    line: ProgramLine<'_>,
    variables: &[(&str, String)],
    input: &[u8],
    session: &Session,
    (time_max, stdout_bytes_max, stderr_bytes_max): (Duration, usize, usize),
) -> io::Result<ProgramOutput> {
    let mark = Mark::new();
    let command = match line {
        ProgramLine::Shell(line) => free_shell(line, session)?,
        ProgramLine::Program(program, args) => {
            let mut command = Command::new(program);
            command.args(args);
            command
        }
    };
    let mut command = in_session(command, session, &mark);
    command.envs(variables.iter().map(|(name, value)| (name, value)));
    let (tree, pipe) = ProcessTree::start_listening(command, mark)?;
    let (mut stdout, mut stderr) = (Beginning::new(stdout_bytes_max), Beginning::new(stderr_bytes_max));
    let watched = tokio::select! {
        watched = process::watch(tree, time_max, &mut stdout, &mut stderr) => watched,
        never = tell(pipe, input) => match never {},
    };
    let end = match watched?.0 {
        Ended::Exited(status) => ProgramEnd::Exited(status),
        Ended::TimedOut => ProgramEnd::TimedOut,
    };
    Ok(ProgramOutput { end, stdout, stderr })
}

/// Writes the input and closes the pipe. Whoever does not want it need not read it.
async fn tell(pipe: Option<ChildStdin>, input: &[u8]) -> Infallible {
    if let Some(mut pipe) = pipe {
        let _ = pipe.write_all(input).await; // a broken pipe is no failure of the program
    }
    std::future::pending().await
}
