//! Reading one file: regular, of bearable size, UTF-8.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::document::BODY_BYTES_MAX;
use crate::{Problem, yaml};

/// Bytes of a whole file, at most; which part is too large is found when it is cut.
const FILE_BYTES_MAX: usize = BODY_BYTES_MAX + yaml::Limits::FRONTMATTER.bytes_max + 1024;

/// Reads a file's text.
///
/// # Errors
/// Why it cannot be read.
pub(crate) fn read(path: &Path) -> Result<String, Box<Problem>> {
    // Opening a named pipe would wait for its writer: look before.
    let metadata = path.metadata().map_err(|error| unreadable(&error))?;
    if !metadata.is_file() {
        return Err(Box::new(
            Problem::error("is no regular file").with_help("put a file with the agent in its place"),
        ));
    }
    let file = File::open(path).map_err(|error| unreadable(&error))?;
    let size = usize::try_from(metadata.len()).unwrap_or(usize::MAX);
    if size > FILE_BYTES_MAX {
        let message = format!("is larger than {} KiB", FILE_BYTES_MAX / 1024);
        return Err(Box::new(
            Problem::error(message).with_help("shorten it: all of it is sent with each call"),
        ));
    }
    let mut bytes = Vec::with_capacity(size + 1);
    let limit = u64::try_from(FILE_BYTES_MAX).unwrap_or(u64::MAX);
    file.take(limit).read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
    String::from_utf8(bytes).map_err(|error| not_text(error.as_bytes(), error.utf8_error().valid_up_to()))
}

/// Why something on disk cannot be read.
pub(super) fn unreadable(error: &io::Error) -> Box<Problem> {
    let help = match error.kind() {
        io::ErrorKind::PermissionDenied => "check its permissions",
        _ => "check the file, and where it leads if it is a link",
    };
    Box::new(Problem::error(format!("cannot be read: {error}")).with_help(help))
}

fn not_text(bytes: &[u8], valid_up_to: usize) -> Box<Problem> {
    let before = bytes.get(..valid_up_to).unwrap_or_default();
    let line = before.split(|byte| *byte == b'\n').count();
    let last = before.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    let column = String::from_utf8_lossy(last).chars().count() + 1;
    Box::new(Problem::error("is not UTF-8").at(line, column, 1).with_help("save the file as UTF-8"))
}
