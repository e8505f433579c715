//! What all hooks of one event come to together: the strictest of them counts.

use codex_task_config::Hook;
use serde_json::{Map, Value};

use super::answer::{Answer, HookRuling};

/// One hook and what came of it.
pub(super) type Answered<'a> = (&'a Hook, Answer);

/// What becomes of a call that is about to be judged.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct BeforeCall {
    /// What the model reads instead of a result.
    pub(crate) refusal: Option<String>,
    /// Why the user should be asked.
    pub(crate) ask: Option<String>,
    /// What the call should be instead; it is judged as if the model had made it.
    pub(crate) input: Option<Map<String, Value>>,
    /// What the model should know besides.
    pub(crate) context: Vec<String>,
}

/// What is added to a result.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct AfterCall {
    pub(super) lines: Vec<String>,
}

/// What an agent begins with besides its task.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AfterStart {
    /// For the model; empty without any.
    pub context: String,
}

/// Whether an agent that has finished may end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AfterStop {
    /// It may.
    Ends,
    /// It goes on with these words.
    GoesOn(String),
}

/// What is said of all hooks of one event, whatever the event is.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Why the agent must end.
    pub(super) stop: Option<String>,
    /// For people.
    pub(super) notes: Vec<String>,
    /// Whether some hook wanted a call to be allowed.
    pub(super) has_allowed: bool,
}

impl Told {
    /// What the answers mean for the agent and for people.
    pub(super) fn of(answers: &[Answered<'_>]) -> Self {
        let mut told = Self::default();
        for (hook, answer) in answers {
            match answer {
                Answer::Said(said) => {
                    told.has_allowed |= said.ruling == Some(HookRuling::Allow);
                    if told.stop.is_none() {
                        told.stop.clone_from(&said.stop);
                    }
                }
                Answer::Failed(reason) | Answer::Unclear(reason) => {
                    told.notes.push(format!("hook {}: {reason}", named(hook)));
                }
            }
        }
        told
    }
}

impl BeforeCall {
    /// Puts the answers together. Hooks that change a call in different ways cannot both be followed: then it is refused.
    pub(super) fn of(answers: &[Answered<'_>]) -> Self {
        let mut before = Self::default();
        let mut refusals = Vec::new();
        for (hook, answer) in answers {
            let said = match answer {
                Answer::Said(said) => said,
                Answer::Unclear(reason) => {
                    refusals.push(format!("{} had to look at it, and {reason}", named(hook)));
                    continue;
                }
                Answer::Failed(_) => continue,
            };
            let reason = || said.reason.clone().unwrap_or_else(|| "no reason was given".to_owned());
            match said.ruling {
                Some(HookRuling::Deny) => refusals.push(format!("{}: {}", named(hook), reason())),
                Some(HookRuling::Ask) => {
                    before.ask.get_or_insert_with(|| format!("{}: {}", named(hook), reason()));
                }
                Some(HookRuling::Allow) | None => {}
            }
            if let Some(stop) = &said.stop {
                refusals.push(format!("{} ended the agent: {stop}", named(hook)));
            }
            before.context.extend(said.context.as_ref().map(|text| context_line(hook, text)));
            match (&before.input, &said.input) {
                (_, None) => {}
                (None, Some(input)) => before.input = Some(input.clone()),
                (Some(first), Some(second)) if first == second => {}
                (Some(_), Some(_)) => {
                    refusals.push(format!(
                        "{} changes the call in another way than a hook before it",
                        named(hook)
                    ));
                }
            }
        }
        before.refusal = (!refusals.is_empty()).then(|| {
            let reasons = refusals.join("\n");
            format!(
                "The call was refused by a hook.\n{reasons}\nSuggestion: continue without this call; hooks stand in the \
                 user's settings"
            )
        });
        before
    }
}

impl AfterCall {
    /// What the model reads behind a result.
    pub(super) fn of(answers: &[Answered<'_>]) -> Self {
        let lines = answers.iter().filter_map(|(hook, answer)| match answer {
            Answer::Said(said) => {
                let objection =
                    (said.ruling == Some(HookRuling::Deny)).then_some(said.reason.as_ref()).flatten();
                let objection = objection.map(|reason| format!("{}: {reason}", named(hook)));
                let context = said.context.as_ref().map(|text| context_line(hook, text));
                Some(objection.into_iter().chain(context))
            }
            Answer::Failed(_) | Answer::Unclear(_) => None,
        });
        Self { lines: lines.flatten().collect() }
    }
}

impl AfterStart {
    pub(super) fn of(answers: &[Answered<'_>]) -> Self {
        let texts = answers.iter().filter_map(|(hook, answer)| match answer {
            Answer::Said(said) => said.context.as_ref().map(|text| context_line(hook, text)),
            Answer::Failed(_) | Answer::Unclear(_) => None,
        });
        Self { context: texts.collect::<Vec<_>>().join("\n") }
    }
}

impl AfterStop {
    pub(super) fn of(answers: &[Answered<'_>]) -> Self {
        let must_end =
            |(_, answer): &Answered<'_>| matches!(answer, Answer::Said(said) if said.stop.is_some());
        if answers.iter().any(must_end) {
            return Self::Ends;
        }
        let reasons: Vec<String> = answers
            .iter()
            .filter_map(|(hook, answer)| match answer {
                Answer::Said(said) if said.ruling == Some(HookRuling::Deny) => {
                    let reason = said.reason.as_deref().unwrap_or("go on");
                    Some(format!("{}: {reason}", named(hook)))
                }
                Answer::Said(_) | Answer::Failed(_) | Answer::Unclear(_) => None,
            })
            .collect();
        if reasons.is_empty() { Self::Ends } else { Self::GoesOn(reasons.join("\n")) }
    }
}

fn context_line(hook: &Hook, text: &str) -> String {
    format!("{} hook additional context: {text}", hook.event.as_str())
}

/// A hook in words: what it is told of and what it runs.
fn named(hook: &Hook) -> String {
    const CHARS_MAX: usize = 120;
    let line = hook.to_string();
    match line.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}
