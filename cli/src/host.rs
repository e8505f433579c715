//! What a command works with: passed in, so that tests bring their own.

use std::io::Read;
use std::sync::Arc;

use codex_task::Environment;
use codex_task_providers::ChatBackend;

use crate::approve::Keyboard;
use crate::fault::Fault;
use crate::interrupt::Interrupts;
use crate::render::Terminal;

/// Bytes of stdin that are read.
const STDIN_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// The world around a command.
pub(crate) struct Host {
    /// Variables and working directory.
    pub(crate) environment: Environment,
    /// Where output goes.
    pub(crate) terminal: Terminal,
    /// Where `-` reads from.
    pub(crate) stdin: Box<dyn Read + Send>,
    /// Backends beside the configured ones; none but in tests and in the demo.
    pub(crate) backends: Vec<Arc<dyn ChatBackend>>,
    /// Who answers questions, where it is not standard input.
    pub(crate) keyboard: Option<Keyboard>,
    /// Who interrupts, where it is not the operating system.
    pub(crate) interrupts: Option<Interrupts>,
}

impl Host {
    /// The process itself.
    pub(crate) fn of_process(environment: Environment, terminal: Terminal) -> Self {
        Self {
            environment,
            terminal,
            stdin: Box::new(std::io::stdin()),
            backends: Vec::new(),
            keyboard: None,
            interrupts: None,
        }
    }

    /// Reads all of stdin, which is `what`.
    ///
    /// # Errors
    /// A [`Fault`] when it is no text, or too much.
    pub(crate) fn read_stdin(&mut self, what: &str) -> Result<String, Fault> {
        let mut text = String::new();
        let read = (&mut self.stdin).take(STDIN_BYTES_MAX.saturating_add(1)).read_to_string(&mut text);
        read.map_err(|error| {
            Fault::new(format!("{what} cannot be read from stdin"))
                .because(error.to_string())
                .suggest("stdin must be text in UTF-8")
        })?;
        if text.len() as u64 > STDIN_BYTES_MAX {
            return Err(Fault::new(format!("{what} on stdin is too large"))
                .because(format!("more than {} MiB were given", STDIN_BYTES_MAX >> 20))
                .suggest("put it into a file, and name the file instead"));
        }
        Ok(text)
    }
}
