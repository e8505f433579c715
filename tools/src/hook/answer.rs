//! What one hook answered: its exit code, and the JSON that it printed.

use codex_task_config::{Hook, HookEvent, HookFailure, HookWait};
use serde_json::{Map, Value};

use crate::builtin::{ProgramEnd, ProgramOutput};
use crate::visible::{first_chars, visible};

/// Characters of a text of a hook's that are passed on.
pub(super) const TEXT_CHARS_MAX: usize = 10_000;
/// Exit code by which a hook refuses.
const BLOCKS: i32 = 2;
/// Exit codes by which the shell says that it could not run the program.
const NOT_RUN: [i32; 2] = [126, 127];

/// What came of one hook.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Answer {
    /// It said something, or that it has nothing to say.
    Said(Said),
    /// It failed in a way that says nothing about the call.
    Failed(String),
    /// It did not do what it is there for: it did not run, or nobody can tell what it meant.
    Unclear(String),
}

/// What a hook said.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Said {
    pub(super) ruling: Option<HookRuling>,
    /// Why, for the model.
    pub(super) reason: Option<String>,
    /// What the call should be instead.
    pub(super) input: Option<Map<String, Value>>,
    /// What the model should know besides.
    pub(super) context: Option<String>,
    /// Why the agent must end.
    pub(super) stop: Option<String>,
}

/// What a hook wants of a call, or of an agent's end. Ordered from mild to strict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum HookRuling {
    /// It has no objection, which grants nothing.
    Allow,
    /// The user should be asked.
    Ask,
    /// Not so.
    Deny,
}

impl Answer {
    /// Reads what a program that has ended meant.
    pub(super) fn of(hook: &Hook, output: &ProgramOutput) -> Self {
        let status = match output.end {
            ProgramEnd::TimedOut => return Self::Unclear("it took too long and was ended".to_owned()),
            ProgramEnd::Exited(status) => status,
        };
        let words_of = |text: &str| (!text.trim().is_empty()).then(|| shown(text.trim()));
        let words = || words_of(&output.stderr.text());
        let said = |text: Option<String>| text.map(|text| format!(": {text}")).unwrap_or_default();
        match status.code() {
            Some(0) if output.stdout.is_cut() => Self::Unclear("it printed more than is read".to_owned()),
            Some(0) => match Said::parse(hook.event, &output.stdout.text()) {
                Ok(said) => Self::Said(said),
                Err(reason) => Self::Unclear(format!("its answer cannot be read: {reason}")),
            },
            Some(BLOCKS) => {
                // Whoever has to run for long may have printed its words where others answer.
                let printed = || words_of(&output.stdout.text()).filter(|_| hook.wait == HookWait::Wakes);
                let reason = words().or_else(printed).unwrap_or_else(|| "it gave no reason".to_owned());
                Self::Said(Said { ruling: Some(HookRuling::Deny), reason: Some(reason), ..Said::default() })
            }
            Some(code) if NOT_RUN.contains(&code) => {
                Self::Unclear(format!("its program could not be run (exit code {code}){}", said(words())))
            }
            Some(code) => {
                let text = format!("it failed with exit code {code}{}", said(words()));
                match hook.on_failure {
                    HookFailure::Blocks => Self::Unclear(text),
                    HookFailure::Told => Self::Failed(text),
                }
            }
            None => Self::Unclear(format!("it was ended by a signal{}", said(words()))),
        }
    }
}

impl Said {
    /// Reads what a hook printed. Text that is no object is for people: it says nothing.
    fn parse(event: HookEvent, printed: &str) -> Result<Self, String> {
        if !printed.trim_start().starts_with('{') {
            return Ok(Self::default());
        }
        let answer: Map<String, Value> = serde_json::from_str(printed).map_err(|error| error.to_string())?;
        let fields = Fields(&answer);
        let specific = match answer.get("hookSpecificOutput") {
            None | Some(Value::Null) => None,
            Some(Value::Object(specific)) => Some(specific),
            Some(_) => return Err("'hookSpecificOutput' is no object".to_owned()),
        };
        let mut said = Self::default();
        let reason = fields.text("reason")?;
        match fields.text("decision")? {
            None => {}
            Some("block" | "deny") => said.rule(HookRuling::Deny, reason),
            Some("ask") => said.rule(HookRuling::Ask, reason),
            Some("approve" | "allow") => said.rule(HookRuling::Allow, reason),
            Some(other) => return Err(format!("'{}' is no decision", other.escape_debug())),
        }
        if let Some(specific) = specific {
            said.specific(event, &Fields(specific))?;
        }
        match answer.get("continue") {
            None | Some(Value::Null | Value::Bool(true)) => {}
            Some(Value::Bool(false)) => {
                let why = fields.text("stopReason")?.or(reason).unwrap_or("a hook ended the agent");
                said.stop = Some(shown(why));
            }
            Some(_) => return Err("'continue' must be true or false".to_owned()),
        }
        Ok(said)
    }

    fn specific(&mut self, event: HookEvent, fields: &Fields<'_>) -> Result<(), String> {
        match fields.text("hookEventName")? {
            Some(name) if name != event.as_str() && !(name == "Stop" && event == HookEvent::SubagentStop) => {
                return Err(format!(
                    "it answers to {}, and was told of {}",
                    name.escape_debug(),
                    event.as_str()
                ));
            }
            Some(_) | None => {}
        }
        let reason = fields.text("permissionDecisionReason")?;
        match fields.text("permissionDecision")? {
            None => {}
            Some("allow") => self.rule(HookRuling::Allow, reason),
            Some("ask" | "defer") => self.rule(HookRuling::Ask, reason),
            Some("deny") => self.rule(HookRuling::Deny, reason),
            Some(other) => return Err(format!("'{}' is no permission decision", other.escape_debug())),
        }
        self.context = fields.text("additionalContext")?.map(shown);
        match fields.0.get("updatedInput") {
            None | Some(Value::Null) => {}
            Some(Value::Object(input)) => self.input = Some(input.clone()),
            Some(_) => return Err("'updatedInput' is no object".to_owned()),
        }
        Ok(())
    }

    /// The stricter of what was said in two ways counts.
    fn rule(&mut self, ruling: HookRuling, reason: Option<&str>) {
        if self.ruling.is_none_or(|before| ruling > before) {
            self.ruling = Some(ruling);
            self.reason = reason.filter(|text| !text.trim().is_empty()).map(shown);
        }
    }
}

/// The fields of an object; one of another type is an error, never absent.
struct Fields<'a>(&'a Map<String, Value>);

impl<'a> Fields<'a> {
    fn text(&self, key: &str) -> Result<Option<&'a str>, String> {
        match self.0.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(format!("'{key}' must be a text")),
        }
    }
}

/// A hook's text as it is passed on.
fn shown(text: &str) -> String {
    visible(first_chars(text, TEXT_CHARS_MAX)).into_owned()
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
