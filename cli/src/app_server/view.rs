//! What Codex does, in lines beside those of the tasks.

use std::collections::HashMap;
use std::fmt::Write as _;

use serde_json::Value;

use super::message::at;
use crate::render::clean::{headline, one_line};
use crate::render::width::{columns, cut};
use crate::render::{Line, Style};

/// Columns of a line where lines may be of any length.
const COLUMNS_MAX: usize = 160;
/// Longest text of a change that is kept for a question about it.
const CHANGES_BYTES_MAX: usize = 64 * 1024;

/// See the module.
#[derive(Default)]
pub(super) struct View {
    /// The last message of the model: the answer, unless something follows.
    answer: Option<String>,
    /// What items would change, by their id.
    changes: HashMap<String, String>,
    room: Option<usize>,
}

impl View {
    /// Lines of at most so many columns.
    pub(super) fn new(room: Option<usize>) -> Self {
        Self { room, ..Self::default() }
    }

    /// What the model has said last.
    pub(super) fn take_answer(&mut self) -> String {
        self.answer.take().unwrap_or_default()
    }

    /// What an item would change.
    pub(super) fn changes(&self, item: &str) -> Option<&str> {
        self.changes.get(item).map(String::as_str)
    }

    /// Lines about an item that begins.
    pub(super) fn begun(&mut self, item: &Value) -> Vec<Line> {
        let kind = at(item, "/type").as_str().unwrap_or_default();
        if matches!(kind, "userMessage" | "reasoning") {
            return Vec::new();
        }
        // Something follows: what the model has said before is no answer.
        let said = self.answer.take().map(|text| self.line("Codex: ", Style::Plain, &headline(&text)));
        let text = |name: &str| item.get(name).and_then(Value::as_str).unwrap_or_default();
        let begun = match kind {
            "commandExecution" => Some(("Codex(Running): ", text("command").to_owned())),
            "mcpToolCall" => Some(("Codex(Calling): ", format!("{} of {}", text("tool"), text("server")))),
            "webSearch" => Some(("Codex(Searching): ", text("query").to_owned())),
            "fileChange" => {
                self.changes.insert(text("id").to_owned(), changes(item));
                None
            }
            _ => None,
        };
        let begun = begun.map(|(head, text)| self.line(head, Style::Plain, &one_line(&text)));
        said.into_iter().chain(begun).collect()
    }

    /// Lines about an item that has ended.
    pub(super) fn ended(&mut self, item: &Value) -> Option<Line> {
        let text = |name: &str| item.get(name).and_then(Value::as_str).unwrap_or_default();
        let has_failed = matches!(text("status"), "failed" | "declined");
        let (head, style, shown) = match text("type") {
            "agentMessage" => {
                self.answer = Some(text("text").to_owned());
                return None;
            }
            "commandExecution" if has_failed => {
                let code = at(item, "/exitCode").as_i64().map(|code| format!(" (exit code {code})"));
                let shown = one_line(text("command")) + &code.unwrap_or_default();
                if text("status") == "declined" {
                    ("Codex(Declined): ", Style::Yellow, shown)
                } else {
                    ("Codex(Failed): ", Style::Red, shown)
                }
            }
            "fileChange" => {
                self.changes.remove(text("id"));
                let verb = if has_failed { "Codex(Not changed): " } else { "Codex(Changed): " };
                let style = if has_failed { Style::Yellow } else { Style::Plain };
                (verb, style, paths(item).join(", "))
            }
            "mcpToolCall" if has_failed => {
                ("Codex(Failed): ", Style::Red, format!("{} of {}", text("tool"), text("server")))
            }
            _ => return None,
        };
        Some(self.line(head, style, &shown))
    }

    /// A line of Codex.
    pub(super) fn line(&self, head: &str, style: Style, text: &str) -> Line {
        let room = self.room.unwrap_or(COLUMNS_MAX).saturating_sub(columns(head));
        Line::new().styled(style, head).text(cut(&one_line(text), room))
    }
}

fn paths(item: &Value) -> Vec<String> {
    let changes = at(item, "/changes").as_array().map(Vec::as_slice).unwrap_or_default();
    changes.iter().filter_map(|change| at(change, "/path").as_str().map(one_line)).collect()
}

/// The changes as a person reads them before saying yes; of a huge one that it is huge.
fn changes(item: &Value) -> String {
    let mut text = String::new();
    for change in at(item, "/changes").as_array().map(Vec::as_slice).unwrap_or_default() {
        let (path, diff) = (at(change, "/path").as_str(), at(change, "/diff").as_str());
        // Writing to a String cannot fail.
        let _ = write!(text, "{}\n{}\n", path.unwrap_or_default(), diff.unwrap_or_default().trim_end());
    }
    if text.len() <= CHANGES_BYTES_MAX {
        return text.trim_end().to_owned();
    }
    format!("{}\n({} bytes of changes are too many to show)", paths(item).join("\n"), text.len())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_answer_is_what_nothing_follows() {
        let mut view = View::new(None);
        let message = |text: &str| json!({"type": "agentMessage", "text": text});
        assert_eq!(view.ended(&message("I look.\nAt it.")), None);
        let command = json!({"type": "commandExecution", "id": "c", "command": "ls \u{1b}[2J"});
        let lines: Vec<String> = view.begun(&command).iter().map(|line| line.render(false)).collect();
        assert_eq!(lines, ["Codex: I look.", "Codex(Running): ls ␛[2J"]);
        assert_eq!(view.ended(&message("Done.")), None);
        assert!(view.begun(&json!({"type": "reasoning"})).is_empty());
        assert_eq!(view.take_answer(), "Done.");
    }

    #[test]
    fn what_has_failed_or_was_declined_is_said() {
        let mut view = View::new(Some(40));
        let mut shown = |item: Value| view.ended(&item).map(|line| line.render(false));
        let command = |status: &str, code: Value| json!({"type": "commandExecution", "status": status, "command": "make", "exitCode": code});
        assert_eq!(shown(command("completed", json!(0))), None);
        assert_eq!(shown(command("failed", json!(2))).as_deref(), Some("Codex(Failed): make (exit code 2)"));
        assert_eq!(shown(command("declined", json!(null))).as_deref(), Some("Codex(Declined): make"));
        let change =
            json!({"type": "fileChange", "status": "completed", "changes": [{"path": "a"}, {"path": "b"}]});
        assert_eq!(shown(change).as_deref(), Some("Codex(Changed): a, b"));
    }
}
