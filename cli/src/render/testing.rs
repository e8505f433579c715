//! Streams that tests read.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use codex_task::Environment;

use super::{Stream, Terminal};

/// What was written to one stream; clones share it.
#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no test panics while it writes").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Two streams in memory.
pub(crate) struct Captured {
    out: Buffer,
    err: Buffer,
    environment: Environment,
    is_terminal: bool,
}

impl Captured {
    /// Streams of a program that is no terminal.
    pub(crate) fn new(variables: &[(&str, &str)]) -> Self {
        let environment = Environment::new("/", variables.iter().copied());
        Self { out: Buffer::default(), err: Buffer::default(), environment, is_terminal: false }
    }

    /// Streams of a terminal.
    pub(crate) fn of_terminal(variables: &[(&str, &str)]) -> Self {
        Self { is_terminal: true, ..Self::new(variables) }
    }

    /// What writes to the streams.
    pub(crate) fn terminal(&self) -> Terminal {
        let stream = |buffer: &Buffer| Stream::new(self.is_terminal, None, &self.environment, buffer.clone());
        Terminal { out: stream(&self.out), err: stream(&self.err), is_plain: false, desk: None }
    }

    /// Everything on stdout.
    pub(crate) fn out(&self) -> String {
        text(&self.out)
    }

    /// Everything on stderr.
    pub(crate) fn err(&self) -> String {
        text(&self.err)
    }
}

fn text(buffer: &Buffer) -> String {
    let bytes = buffer.0.lock().expect("no test panics while it writes").clone();
    String::from_utf8(bytes).expect("we write UTF-8")
}
