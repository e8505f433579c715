//! A question in words. The person and a client that asks for us read the same ones.

use std::fmt::Write as _;
use std::time::Duration;

use codex_task::ApprovalRequest;
use codex_task_tools::{Confinement, DecidingRule, Decision, is_unseen};
use tokio::time::Instant;

use crate::render::clean::neutral;
use crate::render::figures::duration;

/// One line of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Words {
    /// Who wants what.
    Head(String),
    /// A line of the command, the path or the address.
    Subject(String),
    /// A part of a command, and what was decided about it.
    Part(String),
    /// A label and its text.
    About(&'static str, String),
}

impl Words {
    /// As plain text.
    pub(crate) fn plain(&self) -> String {
        match self {
            Self::Head(text) => text.clone(),
            Self::Subject(text) => format!("  | {text}"),
            Self::Part(text) => format!("  {text}"),
            Self::About(label, text) => format!("{label} {text}"),
        }
    }
}

/// Everything that a yes is about. The subject is whole, however long: nobody says yes to what they have not seen.
pub(crate) fn asked(request: &ApprovalRequest) -> Vec<Words> {
    let verdict = &request.verdict;
    let agent = asker(request);
    let mut words = vec![Words::Head(format!("{agent} wants to use {}", visible(request.tool.as_str())))];
    words.extend(visible(&request.subject).lines().map(|line| Words::Subject(line.to_owned())));
    if verdict.parts.len() > 1 {
        words.push(Words::About("Parts:", String::new()));
        for part in &verdict.parts {
            let decision = part.ruling.decision;
            let reason = if decision == Decision::Allow {
                String::new()
            } else {
                format!(" ({})", visible(&part.ruling.reason))
            };
            let text = visible(&part.text).replace('\n', " ");
            words.push(Words::Part(format!("{}: {text}{reason}", decision.as_str())));
        }
    }
    words.push(Words::About("Why:", visible(&verdict.ruling.reason)));
    if let Some(rule) = &verdict.ruling.rule {
        words.push(Words::About("Rule:", visible(&place(rule))));
    }
    words.extend(limits(request));
    words
}

/// The agent; what is read or run for a prompt has none.
pub(super) fn asker(request: &ApprovalRequest) -> String {
    if request.owner.agent.is_empty() { "the prompt".to_owned() } else { visible(&request.owner.agent) }
}

/// Where it would run, and how long there is to answer.
fn limits(request: &ApprovalRequest) -> impl Iterator<Item = Words> {
    let is_command = request.tool.as_str() == "Bash";
    let runs = is_command.then(|| match request.verdict.confinement {
        Confinement::Free => "with your own rights, outside of the sandbox".to_owned(),
        Confinement::Sandbox(mode) => format!("in the sandbox ({mode})"),
    });
    let left = request.owner.ends_at().map(|ends_at| {
        let left = ends_at.saturating_duration_since(Instant::now());
        // Whole seconds: nobody answers faster.
        format!("{} left; waiting for you counts", duration(Duration::from_secs(left.as_secs())))
    });
    let runs = runs.map(|text| Words::About("Runs:", text));
    runs.into_iter().chain(left.map(|text| Words::About("Time:", text)))
}

fn place(rule: &DecidingRule) -> String {
    let line = rule.origin.position.map(|at| format!(":{}", at.line)).unwrap_or_default();
    match rule.origin.path.as_deref() {
        Some(path) => format!("{}, {}{line}", rule.text, path.display()),
        None => format!("{}, of the session", rule.text),
    }
}

/// A text that a terminal only shows, with characters that one does not see made visible.
pub(super) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in neutral(text).chars() {
        if is_unseen(c) || matches!(c, '\u{2028}' | '\u{2029}') {
            // Writing to a String cannot fail.
            let _ = write!(shown, "<U+{:04X}>", u32::from(c));
        } else {
            shown.push(c);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_question_is_obeyed_or_unseen() {
        assert_eq!(visible("ls\u{200b} \x1b[2J\u{202e}x\r"), "ls<U+200B> ␛[2J<U+202E>x␍");
        assert_eq!(visible("rm\u{fe0f}\u{e0151} x\u{206a}"), "rm<U+FE0F><U+E0151> x<U+206A>");
        assert_eq!(visible("plain, ünï, 日本"), "plain, ünï, 日本");
    }
}
