//! Where questions wait for the one person: the first is open, the others queue behind it.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use codex_task::{Approval, ApprovalRequest, GrantScope};
use codex_task_config::{FolderTrust, TrustedFolders};
use tokio::sync::mpsc;

use super::answer::{Answer, Choices};
use super::keyboard::Keyboard;
use super::project_rules;
use super::question::Question;
use super::words::{asker, visible};

/// See the module. Owned by whoever writes to the terminal; it decides nothing but what an answer means.
pub(crate) struct Desk {
    /// From the agents.
    questions: mpsc::UnboundedReceiver<Question>,
    waiting: VecDeque<Question>,
    open: Option<Question>,
    keyboard: Keyboard,
    /// Whether somebody can still type.
    is_attended: bool,
    /// The project whose settings can keep a rule.
    root: PathBuf,
    /// Whether rules that the project keeps would count.
    is_project_trusted: bool,
}

/// Something that happened at the desk.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Another question waits behind the open one.
    Queued,
    /// A question has come to the front: it must be shown.
    Opened,
    /// A line was typed.
    Typed(String),
    /// The task of the open question has ended.
    Withdrawn,
    /// Nobody types any more; what was asked is refused.
    Unattended,
}

/// What an answer came to, in words for the person.
pub(crate) struct Settled {
    pub(crate) text: String,
    /// What went wrong while it was written down.
    pub(crate) warning: Option<String>,
}

impl Desk {
    pub(super) fn new(
        questions: mpsc::UnboundedReceiver<Question>,
        keyboard: Keyboard,
        root: PathBuf,
    ) -> Self {
        Self {
            questions,
            waiting: VecDeque::new(),
            open: None,
            keyboard,
            is_attended: true,
            root,
            is_project_trusted: false,
        }
    }

    /// What is typed goes to the next desk.
    pub(super) fn into_keyboard(self) -> Keyboard {
        self.keyboard
    }

    /// Learns which folders the user trusts.
    pub(crate) fn believe(&mut self, trusted: &TrustedFolders) {
        self.is_project_trusted = trusted.of_folder(&self.root) == FolderTrust::Trusted;
    }

    /// Waits for the next thing to happen.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub(crate) async fn next(&mut self) -> Turn {
        self.waiting.retain(|question| !question.answer.is_closed());
        let Some(open) = &mut self.open else {
            let question = match self.waiting.pop_front() {
                Some(question) => Some(question),
                None => self.questions.recv().await,
            };
            // Without a question all agents are gone.
            let Some(question) = question else { return std::future::pending().await };
            if !self.is_attended {
                // Dropping it is the answer.
                drop(question);
                return Turn::Unattended;
            }
            self.keyboard.forget();
            self.open = Some(question);
            return Turn::Opened;
        };
        tokio::select! {
            biased;
            () = open.answer.closed() => {
                self.open = None;
                Turn::Withdrawn
            }
            Some(question) = self.questions.recv() => {
                self.waiting.push_back(question);
                Turn::Queued
            }
            line = self.keyboard.line() => {
                if let Some(line) = line {
                    return Turn::Typed(line);
                }
                self.is_attended = false;
                self.open = None;
                self.waiting.clear();
                Turn::Unattended
            }
        }
    }

    /// The open question.
    pub(crate) fn open(&self) -> Option<&ApprovalRequest> {
        self.open.as_ref().map(|question| &question.request)
    }

    /// Questions behind the open one.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// What can be typed, with what it means.
    pub(crate) fn choices_in_words(&self) -> Vec<(&'static str, String)> {
        let (Some(choices), Some(request)) = (self.choices(), self.open()) else { return Vec::new() };
        let agent = asker(request);
        let mut words = vec![("y", "yes, this once".to_owned())];
        if choices.session {
            words
                .push(("a", format!("yes, and {agent} is not asked about this very call again in this run")));
        }
        if let Some(rules) = choices.project {
            let rules = visible(&rules.join(", "));
            words.push((
                "p",
                format!("yes, and always in this project: {rules} in .claude/settings.local.json"),
            ));
        }
        words.push(("n", "no; words after it reach the agent: n use mkdir instead".to_owned()));
        words
    }

    fn choices(&self) -> Option<Choices> {
        self.open().map(|request| Choices::of(&request.lasting, self.is_project_trusted))
    }

    /// Takes a line for the open question; `None` when it is no answer, or when there is no question.
    pub(crate) fn answer(&mut self, line: &str) -> Option<Settled> {
        let answer = Answer::read(line, &self.choices()?)?;
        let question = self.open.take()?;
        let (approval, settled) = self.settle(answer, &question.request);
        // The task may have ended this very moment: then the answer is of no use, and does no harm.
        let _ = question.answer.send(approval);
        Some(settled)
    }

    fn settle(&self, answer: Answer, request: &ApprovalRequest) -> (Approval, Settled) {
        let said = |text: &str| Settled { text: text.to_owned(), warning: None };
        match answer {
            Answer::Once => (Approval::Granted, said("Allowed once.")),
            Answer::ThisSession => {
                let agent = asker(request);
                let text = format!("Allowed; {agent} is not asked about this call again in this run.");
                (Approval::GrantedAlways { scope: GrantScope::Session }, said(&text))
            }
            Answer::ThisProject => self.keep(request),
            Answer::No(words) => {
                let text = if words.is_some() { "Refused; the agent reads your words." } else { "Refused." };
                (Approval::Refused { reason: words }, said(text))
            }
        }
    }

    /// Writes the rules; where that fails the yes still counts, for this run.
    fn keep(&self, request: &ApprovalRequest) -> (Approval, Settled) {
        let rules = Choices::of(&request.lasting, self.is_project_trusted).project.unwrap_or_default();
        match project_rules::keep(&self.root, &rules) {
            Ok(path) => {
                let text = format!("Allowed; {} now stands in {}.", rules.join(", "), self.shown(&path));
                (Approval::GrantedAlways { scope: GrantScope::Project }, Settled { text, warning: None })
            }
            Err(error) => {
                let warning = format!("the rule was not written: {error}");
                let text = "Allowed; not asked again in this run.".to_owned();
                (
                    Approval::GrantedAlways { scope: GrantScope::Session },
                    Settled { text, warning: Some(warning) },
                )
            }
        }
    }

    fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).display().to_string()
    }
}
