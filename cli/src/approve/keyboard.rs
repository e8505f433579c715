//! What a person types, line by line. Nothing is read before the first question, and nothing that was typed before a
//! question counts as its answer.

use std::io::BufRead as _;

use tokio::sync::mpsc;

/// Where lines come from.
pub(crate) enum Keyboard {
    /// Standard input, read by a thread from the first question on.
    Process(Option<mpsc::UnboundedReceiver<String>>),
    /// A test.
    #[cfg(test)]
    Channel(mpsc::UnboundedReceiver<String>),
}

impl Keyboard {
    /// The process's own.
    pub(crate) fn of_process() -> Self {
        Self::Process(None)
    }

    /// Forgets what was typed so far. To be called when a question comes to the front.
    pub(super) fn forget(&mut self) {
        match self {
            Self::Process(lines) => {
                forget_typed();
                let lines = lines.get_or_insert_with(read_lines);
                while lines.try_recv().is_ok() {}
            }
            // A test types ahead: it cannot see when it is asked.
            #[cfg(test)]
            Self::Channel(_) => {}
        }
    }

    /// The next line; `None` when nobody types any more.
    ///
    /// # Cancel safety
    /// No line is lost when the future is dropped.
    pub(super) async fn line(&mut self) -> Option<String> {
        match self {
            Self::Process(Some(lines)) => lines.recv().await,
            // No question was asked yet.
            Self::Process(None) => std::future::pending().await,
            #[cfg(test)]
            Self::Channel(lines) => lines.recv().await,
        }
    }
}

/// Reads on a thread of its own, which ends with standard input or with the process: a read cannot be interrupted.
fn read_lines() -> mpsc::UnboundedReceiver<String> {
    let (typed, lines) = mpsc::unbounded_channel();
    let read = move || {
        for line in std::io::stdin().lock().lines() {
            if line.map_or(true, |line| typed.send(line).is_err()) {
                return;
            }
        }
    };
    // Without the thread the channel is closed at once: nobody can answer, and questions are refused.
    let _ = std::thread::Builder::new().name("codex-task-keyboard".to_owned()).spawn(read);
    lines
}

/// Throws away what the terminal holds ready.
fn forget_typed() {
    #[cfg(unix)]
    {
        use rustix::termios::{QueueSelector, tcflush};
        // Where it cannot be thrown away, lines that were read already still are.
        let _ = tcflush(std::io::stdin(), QueueSelector::IFlush);
    }
}
