//! The last thing that a server said on its standard error.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::AsyncReadExt as _;
use tokio::process::ChildStderr;
use tokio::runtime::Handle;
use tokio_util::task::AbortOnDropHandle;

use crate::visible::visible_line;

/// Bytes that are kept.
const KEPT_BYTES_MAX: usize = 4 << 10;
/// Characters of a line that are shown.
const LINE_CHARS_MAX: usize = 300;

/// Reads a server's standard error to its end and keeps the last few lines.
pub(super) struct StderrTail {
    kept: Arc<Mutex<Kept>>,
    /// `None` once everything was read.
    reader: Option<AbortOnDropHandle<()>>,
}

#[derive(Default)]
struct Kept {
    bytes: Vec<u8>,
    /// Whether the first line may have lost its beginning.
    is_cut: bool,
}

impl StderrTail {
    pub(super) fn follow(mut stderr: ChildStderr, io: &Handle) -> Self {
        let kept = Arc::new(Mutex::new(Kept::default()));
        let shared = Arc::clone(&kept);
        let reader = AbortOnDropHandle::new(io.spawn(async move {
            let mut buffer = [0; KEPT_BYTES_MAX];
            while let Ok(read) = stderr.read(&mut buffer).await {
                let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
                shared.lock().unwrap_or_else(PoisonError::into_inner).push(bytes);
            }
        }));
        Self { kept, reader: Some(reader) }
    }

    /// Waits until everything was read; for a server that has ended.
    pub(super) async fn finished(&mut self) {
        if let Some(reader) = &mut self.reader {
            // A reader that panicked has read what it could.
            let _ = reader.await;
            self.reader = None;
        }
    }

    /// The last line that is not empty, on one line and bounded.
    pub(super) fn last_line(&self) -> Option<String> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).last_line()
    }
}

impl Kept {
    fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        let surplus = self.bytes.len().saturating_sub(KEPT_BYTES_MAX);
        self.is_cut |= surplus > 0;
        self.bytes.drain(..surplus);
    }

    fn last_line(&self) -> Option<String> {
        let text = String::from_utf8_lossy(&self.bytes);
        let line = text.lines().rev().find(|line| !line.trim().is_empty())?;
        // Half a secret would not be known as one: a line that lost its beginning begins with its next word.
        let is_whole = !self.is_cut || text.trim_end() != line.trim_end();
        let line =
            if is_whole { line } else { line.split_once(char::is_whitespace).map_or("", |(_, rest)| rest) };
        let shown = visible_line(line, LINE_CHARS_MAX);
        (!shown.is_empty()).then_some(shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_is_kept_however_much_was_said() {
        let mut kept = Kept::default();
        assert_eq!(kept.last_line(), None);
        kept.push(b"starting\nError: no \x1b[31mdisk\n\n  \n");
        assert_eq!(kept.last_line().as_deref(), Some("Error: no \\u{1b}[31mdisk"));
        for _ in 0..100 {
            kept.push(&[b'x'; 1000]);
        }
        assert!(kept.bytes.len() <= KEPT_BYTES_MAX);
        assert_eq!(kept.last_line(), None, "its beginning is lost");
        kept.push(b"secret end\n");
        assert_eq!(kept.last_line().as_deref(), Some("end"));
        kept.push(b"whole line\n");
        assert_eq!(kept.last_line().as_deref(), Some("whole line"));
    }
}
