//! What a search has found, as a model reads it.

use super::blocking::Ending;
use super::grep::{Found, TIME_MAX};
use super::grep_file::{FileHits, Wanted};

/// Characters of one reply.
const CHARS_MAX: usize = 30_000;

/// The reply to a call.
pub(super) fn text(found: Found, ending: Ending) -> String {
    let Found { shape, best, count, skipped, failed } = found;
    let files = best.seen();
    let has_dropped = best.has_dropped() || skipped > 0;
    let entries = best.into_entries().map(|((_, path), hits)| (path.display().to_string(), hits));
    let (head, lines, tail) = match shape.wanted {
        Wanted::Any => {
            let noun = if files == 1 { "file" } else { "files" };
            let paths: Vec<String> = entries.map(|(path, _)| path).collect();
            (Some(format!("Found {files} {noun}")), paths, None)
        }
        Wanted::Count => {
            let counts: Vec<String> = entries.map(|(path, hits)| format!("{path}:{}", hits.count)).collect();
            let (noun, files_noun) = (
                if count == 1 { "occurrence" } else { "occurrences" },
                if files == 1 { "file" } else { "files" },
            );
            (None, counts, Some(format!("\nFound {count} total {noun} across {files} {files_noun}.")))
        }
        Wanted::Lines => (None, joined(entries.map(|(_, hits)| hits), shape.before + shape.after > 0), None),
    };
    let mut out = Out::default();
    if lines.is_empty() {
        let none = if shape.wanted == Wanted::Any { "No files found" } else { "No matches found" };
        out.note(none.to_owned());
    } else {
        out.lines.extend(head);
        out.fill(&lines, shape.lines_max);
        let is_cut = has_dropped || out.shown < lines.len();
        out.lines.extend(tail);
        if is_cut {
            let shown = out.shown;
            out.note(format!(
                "(Results are truncated: the first {shown} are shown. Use a narrower pattern, path, glob or type, or a larger \
                 head_limit.)"
            ));
        }
    }
    if failed > 0 {
        let noun = if failed == 1 { "file" } else { "files" };
        out.note(format!("({failed} {noun} could not be searched: unreadable, or lines too long.)"));
    }
    if ending == Ending::OutOfTime {
        out.note(format!(
            "(The search was stopped after {} seconds and is not complete. Use a narrower path, glob or type.)",
            TIME_MAX.as_secs()
        ));
    }
    out.lines.join("\n")
}

/// The lines of all files; with lines around matches, files stand apart as matches do.
fn joined(files: impl Iterator<Item = FileHits>, has_context: bool) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for hits in files {
        if has_context && !lines.is_empty() {
            lines.push("--".to_owned());
        }
        lines.extend(hits.lines);
    }
    lines
}

#[derive(Default)]
struct Out {
    lines: Vec<String>,
    shown: usize,
}

impl Out {
    fn fill(&mut self, lines: &[String], lines_max: usize) {
        let mut chars = 0;
        for line in lines.iter().take(lines_max) {
            chars += line.chars().count() + 1;
            if chars > CHARS_MAX && self.shown > 0 {
                break;
            }
            self.lines.push(line.clone());
            self.shown += 1;
        }
    }

    fn note(&mut self, note: String) {
        self.lines.push(note);
    }
}
