//! The last that a program said on its standard error.

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

/// Reads a standard error to its end and keeps the last few lines.
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
    pub(super) fn follow(mut stderr: ChildStderr, io: &Handle, hear: impl Fn(&str) + Send + 'static) -> Self {
        let kept = Arc::new(Mutex::new(Kept::default()));
        let shared = Arc::clone(&kept);
        let reader = AbortOnDropHandle::new(io.spawn(async move {
            let mut buffer = [0; KEPT_BYTES_MAX];
            while let Ok(read) = stderr.read(&mut buffer).await {
                let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
                hear(&visible_line(&String::from_utf8_lossy(bytes), KEPT_BYTES_MAX));
                shared.lock().unwrap_or_else(PoisonError::into_inner).push(bytes);
            }
        }));
        Self { kept, reader: Some(reader) }
    }

    /// Waits until everything was read; for a program that has ended.
    pub(super) async fn finished(&mut self) {
        if let Some(reader) = &mut self.reader {
            // A reader that panicked has read what it could.
            let _ = reader.await;
            self.reader = None;
        }
    }

    /// The last line that is not empty and that is wanted, on one line and bounded.
    pub(super) fn last_line(&self, is_wanted: impl Fn(&str) -> bool) -> Option<String> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).last_line(is_wanted)
    }
}

impl Kept {
    fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        let surplus = self.bytes.len().saturating_sub(KEPT_BYTES_MAX);
        self.is_cut |= surplus > 0;
        self.bytes.drain(..surplus);
    }

    fn last_line(&self, is_wanted: impl Fn(&str) -> bool) -> Option<String> {
        let text = String::from_utf8_lossy(&self.bytes);
        let mut lines = text.lines().enumerate().collect::<Vec<_>>().into_iter().rev();
        let (place, line) = lines.find(|(_, line)| !line.trim().is_empty() && is_wanted(line.trim()))?;
        // Half a secret would not be known as one: a line that lost its beginning begins with its next word.
        let is_whole = !self.is_cut || place > 0;
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
        let last = |kept: &Kept| kept.last_line(|line| !line.starts_with("Usage:"));
        let mut kept = Kept::default();
        assert_eq!(last(&kept), None);
        kept.push(b"starting\nError: no \x1b[31mdisk\n\n  \n");
        assert_eq!(last(&kept).as_deref(), Some("Error: no \\u{1b}[31mdisk"));
        for _ in 0..100 {
            kept.push(&[b'x'; 1000]);
        }
        assert!(kept.bytes.len() <= KEPT_BYTES_MAX);
        assert_eq!(last(&kept), None, "its beginning is lost");
        kept.push(b"secret end\n");
        assert_eq!(last(&kept).as_deref(), Some("end"));
        kept.push(b"whole line\n");
        kept.push(b"Usage: not the cause\n");
        assert_eq!(last(&kept).as_deref(), Some("whole line"));
    }
}
