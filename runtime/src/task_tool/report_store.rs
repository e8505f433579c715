//! Reports that are longer than the caller can show: kept whole in a file that the shown part names.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use codex_task_actors::TaskId;

use crate::private;

/// Reports that are kept; older ones are deleted.
const REPORTS_MAX: usize = 200;
/// Part of the room that goes to the beginning of a report; the rest goes to its end.
const BEGINNING_PERCENT: usize = 70;
/// Room that the words about what is left out may take at least.
const NOTICE_BYTES_MIN: usize = 80;

/// Where whole reports are kept.
#[derive(Clone, Debug)]
pub(super) struct ReportStore {
    /// `None` where there is no home directory.
    directory: Option<PathBuf>,
}

impl ReportStore {
    /// The reports below a state directory.
    pub(super) fn below(state_dir: Option<PathBuf>) -> Self {
        Self { directory: state_dir.map(|directory| directory.join("reports")) }
    }

    /// A report in at most so many bytes; a longer one is saved, and its middle replaced by words about it. Blocks.
    pub(super) fn fit(&self, task: TaskId, report: String, bytes_max: usize) -> String {
        if report.len() <= bytes_max {
            return report;
        }
        let place = match self.save(task, &report) {
            Ok(path) => format!("The full report is in {}", path.display()),
            Err(error) => format!("The full report could not be saved: {error}"),
        };
        let notice = |bytes: usize| format!("\n\n[{bytes} bytes are left out here. {place}]\n\n");
        let room = bytes_max.saturating_sub(notice(report.len()).len().max(NOTICE_BYTES_MIN));
        let beginning = beginning(&report, room * BEGINNING_PERCENT / 100);
        let end = end(&report, room.saturating_sub(beginning.len()));
        format!("{beginning}{}{end}", notice(report.len() - beginning.len() - end.len()))
    }

    fn save(&self, task: TaskId, report: &str) -> io::Result<PathBuf> {
        let none = || io::Error::new(io::ErrorKind::NotFound, "there is no home directory");
        let directory = self.directory.as_deref().ok_or_else(none)?;
        private::make_directory(directory)?;
        let path = directory.join(format!("{task}.md"));
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&path)?.write_all(report.as_bytes())?;
        // Old reports that cannot be deleted do no harm.
        let _ = delete_old(directory);
        Ok(path)
    }
}

/// Names are ids, whose order is the order of creation.
fn delete_old(directory: &Path) -> io::Result<()> {
    let mut reports: Vec<PathBuf> =
        fs::read_dir(directory)?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    reports.sort();
    for path in reports.iter().take(reports.len().saturating_sub(REPORTS_MAX)) {
        fs::remove_file(path)?;
    }
    Ok(())
}

/// At most so many bytes from the beginning, whole lines where they are not too long.
fn beginning(text: &str, bytes_max: usize) -> &str {
    let part = text.get(..text.floor_char_boundary(bytes_max)).unwrap_or_default();
    match part.rfind('\n') {
        Some(line_end) if line_end > part.len() / 2 => part.get(..line_end).unwrap_or(part),
        Some(_) | None => part,
    }
}

/// At most so many bytes from the end, whole lines where they are not too long.
fn end(text: &str, bytes_max: usize) -> &str {
    let from = text.ceil_char_boundary(text.len().saturating_sub(bytes_max));
    let part = text.get(from..).unwrap_or_default();
    match part.find('\n') {
        Some(line_end) if line_end < part.len() / 2 => part.get(line_end + 1..).unwrap_or(part),
        Some(_) | None => part,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_long_report_is_kept_whole_and_shown_in_part() {
        let state = tempfile::tempdir().expect("a folder");
        let store = ReportStore::below(Some(state.path().to_path_buf()));
        let task = TaskId::new();
        let lines: Vec<String> = (0..1_000).map(|n| format!("line {n} of the report\n")).collect();
        let report = lines.concat();
        assert_eq!(store.fit(task, report.clone(), report.len()), report);
        let path = state.path().join(format!("reports/{task}.md"));
        assert!(!path.exists(), "a report that fits is not saved");
        let shown = store.fit(task, report.clone(), 2_000);
        assert!(shown.len() <= 2_000, "{}", shown.len());
        assert!(shown.starts_with("line 0 of") && shown.ends_with("\nline 999 of the report\n"), "{shown}");
        assert!(
            shown.contains(&format!("bytes are left out here. The full report is in {}]", path.display()))
        );
        assert_eq!(fs::read_to_string(&path).expect("it is saved"), report);
    }

    #[cfg(unix)]
    #[test]
    fn reports_are_for_their_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let state = tempfile::tempdir().expect("a folder");
        let store = ReportStore::below(Some(state.path().join("codex-task")));
        let path = store.save(TaskId::new(), "x").expect("saved");
        let mode = |path: &Path| fs::metadata(path).expect("it exists").permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().expect("a folder"))), (0o600, 0o700));
    }

    #[test]
    fn only_the_newest_reports_are_kept() {
        let state = tempfile::tempdir().expect("a folder");
        let store = ReportStore::below(Some(state.path().to_path_buf()));
        let paths: Vec<PathBuf> =
            (0..REPORTS_MAX + 5).map(|_| store.save(TaskId::new(), "x").expect("saved")).collect();
        let left: Vec<bool> = paths.iter().map(|path| path.exists()).collect();
        assert_eq!(left.iter().filter(|is_left| **is_left).count(), REPORTS_MAX);
        assert!(!left[0] && left[REPORTS_MAX + 4]);
    }

    #[test]
    fn a_report_that_cannot_be_saved_says_so() {
        let shown = ReportStore::below(None).fit(TaskId::new(), "x".repeat(5_000), 1_000);
        assert!(shown.contains("could not be saved: there is no home directory"), "{shown}");
    }

    proptest! {
        #[test]
        fn the_bound_holds_for_any_text(report in any::<String>(), bytes_max in 300_usize..2_000) {
            let store = ReportStore::below(None);
            prop_assert!(store.fit(TaskId::new(), report.repeat(40), bytes_max).len() <= bytes_max);
        }
    }
}
