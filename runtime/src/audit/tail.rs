//! The newest lines of all trails, and those that follow.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_json::Value;

use super::error::AuditReadError;
use super::place::AuditPlace;

/// Bytes that are read of one file at a time when lines are followed.
const BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Which lines are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditWish {
    /// Those of the task or run whose id begins or ends like this; all lines without it.
    pub task: Option<String>,
}

/// One line, read and not verified.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditLine {
    /// As it stands.
    pub text: String,
    /// Its fields.
    pub fields: Value,
}

/// Follows all trails. Nothing is held open in between.
#[derive(Clone, Debug)]
pub struct AuditFollow {
    place: AuditPlace,
    wish: AuditWish,
    /// How far each file was read.
    read: BTreeMap<PathBuf, u64>,
}

impl AuditWish {
    fn wants(&self, line: &AuditLine) -> bool {
        let Some(task) = &self.task else { return true };
        let task = task.trim().to_ascii_lowercase();
        let is = |key: &str| line.text_of(key).is_some_and(|id| id.starts_with(&task) || id.ends_with(&task));
        is("task") || is("run")
    }
}

impl AuditLine {
    fn parse(text: &str) -> Option<Self> {
        let fields: Value = serde_json::from_str(text).ok()?;
        fields.is_object().then(|| Self { text: text.to_owned(), fields })
    }

    /// A text among its fields.
    pub fn text_of(&self, key: &str) -> Option<&str> {
        self.fields.get(key)?.as_str()
    }

    /// What lines of several sessions are sorted by.
    fn order(&self) -> (String, String, u64) {
        let text = |key| self.text_of(key).unwrap_or_default().to_owned();
        (text("ts_utc"), text("session"), self.fields.get("seq").and_then(Value::as_u64).unwrap_or_default())
    }
}

impl AuditFollow {
    /// The newest lines, at most so many, the oldest of them first; and what follows them.
    ///
    /// # Errors
    /// [`AuditReadError`].
    pub fn from_newest(
        place: AuditPlace,
        wish: AuditWish,
        most: usize,
    ) -> Result<(Vec<AuditLine>, Self), AuditReadError> {
        let mut follow = Self { place, wish, read: BTreeMap::new() };
        let mut files = follow.files()?;
        files.sort_by_key(|(path, written, _)| (Reverse(*written), Reverse(path.clone())));
        let mut newest: Vec<AuditLine> = Vec::new();
        for (path, written, bytes) in files {
            let first = newest.first().filter(|_| newest.len() == most).and_then(|line| {
                let at: jiff::Timestamp = line.text_of("ts_utc")?.parse().ok()?;
                Some(SystemTime::from(at))
            });
            if most == 0 || first.is_some_and(|first| written < first) {
                // Everything in it is older than what is there already.
                follow.read.insert(path, bytes);
                continue;
            }
            newest.extend(follow.lines_of(&path, u64::MAX)?);
            newest.sort_by_cached_key(AuditLine::order);
            newest.drain(..newest.len().saturating_sub(most));
        }
        Ok((newest, follow))
    }

    /// What has come since, in the order of time as far as it has come together.
    ///
    /// # Errors
    /// [`AuditReadError`].
    pub fn more(&mut self) -> Result<Vec<AuditLine>, AuditReadError> {
        let mut lines = Vec::new();
        for (path, _, bytes) in self.files()? {
            if self.read.get(&path).is_none_or(|read| *read != bytes) {
                lines.extend(self.lines_of(&path, BYTES_MAX)?);
            }
        }
        lines.sort_by_cached_key(AuditLine::order);
        Ok(lines)
    }

    /// The whole lines of a file behind what was read of it; a line that is no JSON is left out: `verify` tells of it.
    fn lines_of(&mut self, path: &Path, bytes_max: u64) -> Result<Vec<AuditLine>, AuditReadError> {
        let from = self.read.get(path).copied().unwrap_or_default();
        let (from, bytes) = read(path, from, bytes_max).map_err(|error| AuditReadError::file(path, error))?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        self.read.insert(path.to_path_buf(), from + whole as u64);
        let text = String::from_utf8_lossy(bytes.get(..whole).unwrap_or_default());
        Ok(text.lines().filter_map(AuditLine::parse).filter(|line| self.wish.wants(line)).collect())
    }

    /// All files, when each was written last, and its length.
    fn files(&self) -> Result<Vec<(PathBuf, SystemTime, u64)>, AuditReadError> {
        let sessions = self.place.sessions();
        let sessions = sessions.map_err(|error| AuditReadError::file(self.place.trails(), error))?;
        let paths = sessions.into_values().flat_map(|files| files.segments.into_values());
        // A file that is gone by now has no lines.
        Ok(paths
            .filter_map(|path| {
                let found = fs::metadata(&path).ok()?;
                Some((path, found.modified().unwrap_or(SystemTime::UNIX_EPOCH), found.len()))
            })
            .collect())
    }
}

/// What stands in a file from here on, and where that is: a file that was cut off is read from its beginning.
fn read(path: &Path, from: u64, bytes_max: u64) -> io::Result<(u64, Vec<u8>)> {
    let mut file = File::open(path)?;
    let from = if file.metadata()?.len() < from { 0 } else { from };
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(bytes_max).read_to_end(&mut bytes)?;
    Ok((from, bytes))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    /// Two sessions whose lines come in turn.
    fn place(folder: &Path) -> AuditPlace {
        let place = AuditPlace::below(folder);
        place.make().expect("folders");
        for (session, seconds) in [("a", [1, 3, 5]), ("b", [2, 4, 6])] {
            let lines = seconds.map(|second| line(session, second));
            fs::write(place.segment(session, 1), lines.concat()).expect("a file");
        }
        place
    }

    fn line(session: &str, second: u32) -> String {
        let task = if second.is_multiple_of(3) { "11-three" } else { "22-other" };
        format!(
            "{{\"event\":\"{second}\",\"run\":\"r\",\"seq\":{second},\"session\":\"{session}\",\"task\":\"{task}\",\
             \"ts_utc\":\"2026-01-01T00:00:0{second}Z\"}}\n"
        )
    }

    fn events(lines: &[AuditLine]) -> Vec<&str> {
        lines.iter().filter_map(|line| line.text_of("event")).collect()
    }

    fn wish(task: &str) -> AuditWish {
        AuditWish { task: Some(task.to_owned()) }
    }

    #[test]
    fn the_newest_lines_of_all_sessions_come_in_the_order_of_time() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = place(folder.path());
        let newest = |wish, most| AuditFollow::from_newest(place.clone(), wish, most).expect("it is read").0;
        assert_eq!(events(&newest(AuditWish::default(), 4)), ["3", "4", "5", "6"]);
        assert_eq!(events(&newest(AuditWish::default(), 0)), Vec::<&str>::new());
        assert_eq!(events(&newest(wish("11-"), 20)), ["3", "6"]);
        assert_eq!(events(&newest(wish("THREE"), 1)), ["6"]);
        assert_eq!(events(&newest(wish("nobody"), 20)), Vec::<&str>::new());
    }

    #[test]
    fn what_follows_comes_once_it_is_whole_and_new_sessions_are_seen() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = place(folder.path());
        let (_, mut follow) =
            AuditFollow::from_newest(place.clone(), AuditWish::default(), 1).expect("it is read");
        assert!(follow.more().expect("it is read").is_empty());
        let next = line("a", 7);
        let (first, rest) = next.split_at(20);
        let mut file = fs::OpenOptions::new().append(true).open(place.segment("a", 1)).expect("it is there");
        file.write_all(first.as_bytes()).expect("it is written");
        assert!(follow.more().expect("it is read").is_empty(), "half of a line is none");
        file.write_all(rest.as_bytes()).expect("it is written");
        fs::write(place.segment("c", 1), line("c", 8)).expect("a file");
        assert_eq!(events(&follow.more().expect("it is read")), ["7", "8"]);
        assert!(follow.more().expect("it is read").is_empty());
    }
}
