//! What a command works with: passed in, so that tests bring their own.

use std::io::Read;
use std::sync::Arc;

use codex_task::Environment;
use codex_task_providers::ChatBackend;

use crate::approve::Keyboard;
use crate::interrupt::Interrupts;
use crate::render::Terminal;

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

    /// Reads all of stdin, at most so many bytes and one more, so that the caller sees that there are too many.
    pub(crate) fn read_stdin(&mut self, bytes_max: u64) -> std::io::Result<String> {
        let mut text = String::new();
        (&mut self.stdin).take(bytes_max.saturating_add(1)).read_to_string(&mut text)?;
        Ok(text)
    }
}
