//! The value of `hooks`, in settings and in agent files: `{EVENT: [{matcher, hooks: [{type, command, timeout}]}]}`.
//!
//! A hook may be what keeps agents from something. So what cannot be read is never passed over: a wrong shape is an
//! error of the whole value, and a hook of an unknown kind stays, as one that cannot run.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::event::{is_elsewhere, nearest};
use super::{Hook, HookAction, HookEvent, HookFailure, HookWait};
use crate::{PermissionRule, Position, Problem, RuleBehavior, RuleOrigin, RuleScope, ToolName};

/// Hooks that one file may have.
const HOOKS_MAX: usize = 200;

/// Whose hooks are read.
pub(crate) struct HookSource<'a> {
    pub(crate) scope: RuleScope,
    pub(crate) path: Option<&'a std::path::Path>,
    /// What `Stop` means here: in an agent's file the end of that agent.
    pub(crate) stop: Option<HookEvent>,
    /// Where a text of the file stands.
    pub(crate) place: &'a dyn Fn(&str) -> Option<Position>,
}

/// What was read.
#[derive(Debug, Default)]
pub(crate) struct HooksRead {
    pub(crate) hooks: Vec<Hook>,
    /// What is worth knowing, and is no error.
    pub(crate) problems: Vec<Problem>,
}

/// Reads a value of `hooks`. Events that do not happen here are passed over; names that are no events are warnings.
///
/// # Errors
/// What cannot be read, with its place.
pub(crate) fn read(value: &Value, source: &HookSource<'_>) -> Result<HooksRead, Box<Problem>> {
    let mut reader = Reader { source, read: HooksRead::default() };
    match value {
        Value::Null => {}
        Value::Object(events) => {
            for (name, groups) in events {
                reader.event(name, groups)?;
            }
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            return Err(reader.error("hooks", "hooks: must be events with lists of hooks"));
        }
    }
    if reader.read.hooks.len() > HOOKS_MAX {
        return Err(reader.error("hooks", &format!("hooks: more than {HOOKS_MAX}")));
    }
    Ok(reader.read)
}

struct Reader<'a> {
    source: &'a HookSource<'a>,
    read: HooksRead,
}

impl Reader<'_> {
    fn event(&mut self, name: &str, groups: &Value) -> Result<(), Box<Problem>> {
        let event = match (HookEvent::parse(name), self.source.stop) {
            (Some(event), _) => event,
            (None, Some(stop)) if name == "Stop" => stop,
            (None, _) => {
                if !is_elsewhere(name) {
                    let problem = Problem::warning(format!("hooks: there is no event '{name}'"));
                    self.note(name, problem.did_you_mean(nearest(name)));
                }
                return Ok(());
            }
        };
        let wrong = |reader: &Self, what: &str| Err(reader.error(name, &format!("hooks.{name}: {what}")));
        let Value::Array(groups) = groups else {
            return wrong(self, "must be a list");
        };
        for group in groups {
            let Value::Object(group) = group else {
                return wrong(self, "an entry must have the key 'hooks', and may have 'matcher'");
            };
            let matcher = match group.get("matcher") {
                None | Some(Value::Null) => None,
                Some(Value::String(text)) => Some(text.trim()).filter(|text| !matches!(*text, "" | "*")),
                Some(_) => return wrong(self, "'matcher' must be a text"),
            };
            let Some(Value::Array(hooks)) = group.get("hooks") else {
                return wrong(self, "'hooks' must be a list");
            };
            for hook in hooks {
                let Value::Object(hook) = hook else { return wrong(self, "a hook must have a 'type'") };
                self.hook((name, event), matcher, hook)?;
            }
        }
        Ok(())
    }

    fn hook(
        &mut self,
        (name, event): (&str, HookEvent),
        matcher: Option<&str>,
        hook: &Map<String, Value>,
    ) -> Result<(), Box<Problem>> {
        let Some(kind) = hook.get("type").and_then(Value::as_str) else {
            return Err(self.error(name, &format!("hooks.{name}: a hook must have a 'type'")));
        };
        let text = |key: &str| hook.get(key).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
        let action = match (kind, text("command"), hook.get("args")) {
            ("command", Some(command), None | Some(Value::Null)) => {
                HookAction::Shell { command: command.to_owned() }
            }
            ("command", Some(program), Some(Value::Array(args))) if args.iter().all(Value::is_string) => {
                let args = args.iter().filter_map(Value::as_str).map(str::to_owned).collect();
                HookAction::Program { program: program.to_owned(), args }
            }
            ("command", Some(command), Some(_)) => {
                return Err(self.error(command, &format!("hooks.{name}: 'args' must be a list of texts")));
            }
            ("command", None, _) => {
                return Err(self.error(name, &format!("hooks.{name}: 'command' must be a text")));
            }
            (other, ..) => HookAction::Unknown { kind: other.to_owned() },
        };
        let at = text("command").unwrap_or(kind).to_owned();
        self.remark(&at, event, &action);
        let timeout = self.timeout(&at, hook.get("timeout"));
        let on_failure = match text("onFailure") {
            Some("block") => HookFailure::Blocks,
            Some(_) | None => HookFailure::Told,
        };
        let path = self.source.path.map(Arc::from);
        let origin = RuleOrigin { scope: self.source.scope, path, position: (self.source.place)(&at) };
        let condition = self.condition(&at, event, hook.get("if"), &origin);
        // What does not exist here cannot do its work beside either.
        let is_unknown = matches!(action, HookAction::Unknown { .. });
        let wait = if is_unknown { HookWait::Awaited } else { self.wait(&at, event, hook) };
        let matcher = matcher.map(str::to_owned);
        self.read.hooks.push(Hook { event, matcher, condition, action, timeout, wait, on_failure, origin });
        Ok(())
    }

    /// The calls that a hook is about. What cannot be read leaves none out.
    fn condition(
        &mut self,
        at: &str,
        event: HookEvent,
        value: Option<&Value>,
        origin: &RuleOrigin,
    ) -> Option<PermissionRule> {
        let text = match value {
            None | Some(Value::Null) => return None,
            Some(Value::String(text)) => text.as_str(),
            Some(_) => {
                let problem =
                    Problem::warning("'if' of a hook must be a text: the hook runs whatever it says");
                self.note(at, problem.with_help("write one rule, for example Bash(git push:*)"));
                return None;
            }
        };
        if !event.is_about_calls() {
            let problem = Problem::warning(format!(
                "'if' of a hook is about tool calls: as a hook of {} it never runs",
                event.as_str()
            ));
            self.note(at, problem.with_help("take the 'if' away, or narrow its matcher"));
            // Nothing that it would have to be compared with ever happens.
            let (behavior, tool, text) = (RuleBehavior::Deny, ToolName::new("*"), text.to_owned());
            return Some(PermissionRule { behavior, tool, specifier: None, text, origin: origin.clone() });
        }
        match PermissionRule::parse(text, RuleBehavior::Deny, origin.clone()) {
            Ok(rule) => {
                if let Some(problem) = rule.lint() {
                    self.read.problems.push(problem);
                }
                Some(rule)
            }
            Err(problem) => {
                let Problem { message, help, .. } = *problem;
                let problem = Problem::warning(format!(
                    "'if' of a hook cannot be read, and leaves nothing out: {message}"
                ));
                self.note(at, Problem { help, ..problem });
                None
            }
        }
    }

    /// `asyncRewake` means `async` too.
    fn wait(&mut self, at: &str, event: HookEvent, hook: &Map<String, Value>) -> HookWait {
        let is_set = |key: &str| hook.get(key).and_then(Value::as_bool) == Some(true);
        match (is_set("asyncRewake"), event) {
            (true, HookEvent::SubagentStop) => {
                let problem = Problem::warning(
                    "'asyncRewake' of a hook of SubagentStop wakes nobody: the agent does not wait for it, and has ended",
                );
                self.note(
                    at,
                    problem.with_help("without 'async' and 'asyncRewake' it can let the agent go on"),
                );
                HookWait::Beside
            }
            (true, HookEvent::PreToolUse | HookEvent::PostToolUse | HookEvent::SubagentStart) => {
                HookWait::Wakes
            }
            (false, _) if is_set("async") => HookWait::Beside,
            (false, _) => HookWait::Awaited,
        }
    }

    /// Says what of a hook is not as in Claude Code.
    fn remark(&mut self, at: &str, event: HookEvent, action: &HookAction) {
        if let HookAction::Unknown { kind } = action {
            let then = match event {
                HookEvent::PreToolUse => "the calls that it is about are refused",
                HookEvent::PostToolUse | HookEvent::SubagentStart | HookEvent::SubagentStop => {
                    "it does not run"
                }
            };
            let problem = Problem::warning(format!("hooks of the kind '{kind}' do not exist here: {then}"));
            self.note(at, problem.with_help("write it as a command, or narrow its matcher"));
        }
    }

    fn timeout(&mut self, at: &str, value: Option<&Value>) -> Duration {
        let seconds = match value {
            None | Some(Value::Null) => return Hook::TIMEOUT_DEFAULT,
            Some(value) => value.as_f64().filter(|seconds| *seconds > 0.0),
        };
        let timeout = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        if let Some(timeout) = timeout {
            return timeout.min(Hook::TIMEOUT_MAX);
        }
        let default = Hook::TIMEOUT_DEFAULT.as_secs();
        let problem = Problem::warning("'timeout' of a hook must be a number of seconds above 0");
        self.note(at, problem.with_help(format!("until then it has {default} seconds")));
        Hook::TIMEOUT_DEFAULT
    }

    fn note(&mut self, at: &str, problem: Problem) {
        let problem = self.placed(at, problem);
        self.read.problems.push(problem);
    }

    fn error(&self, at: &str, message: &str) -> Box<Problem> {
        Box::new(self.placed(at, Problem::error(message)))
    }

    fn placed(&self, at: &str, problem: Problem) -> Problem {
        let problem = problem.placed((self.source.place)(at));
        match self.source.path {
            Some(path) => problem.in_file(path),
            None => problem,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn source(stop: Option<HookEvent>) -> HookSource<'static> {
        HookSource { scope: RuleScope::User, path: None, stop, place: &|_| None }
    }

    fn of(value: &Value) -> Result<HooksRead, String> {
        read(value, &source(None)).map_err(|problem| problem.message)
    }

    fn shown(read: &HooksRead) -> Vec<String> {
        read.hooks.iter().map(ToString::to_string).collect()
    }

    fn messages(read: &HooksRead) -> Vec<&str> {
        read.problems.iter().map(|problem| problem.message.as_str()).collect()
    }

    #[test]
    fn hooks_are_read_as_claude_code_writes_them() {
        let value = json!({
            "PreToolUse": [
                {"matcher": "Bash|Edit", "hooks": [
                    {"type": "command", "command": "./check.sh", "timeout": 5},
                    {"type": "command", "command": "guard", "args": ["-x", "a b"], "onFailure": "block"},
                ]},
                {"matcher": "*", "hooks": [{"type": "command", "command": "log"}]},
            ],
            "SubagentStop": [{"hooks": [{"type": "command", "command": "done", "timeout": 1e9}]}],
            "SessionStart": "whatever this is",
        });
        let read = of(&value).expect("hooks");
        let expected = [
            "PreToolUse Bash|Edit: ./check.sh",
            "PreToolUse Bash|Edit: guard -x a b",
            "PreToolUse: log",
            "SubagentStop: done",
        ];
        assert_eq!(shown(&read), expected);
        assert_eq!(messages(&read), Vec::<&str>::new());
        let timeouts: Vec<u64> = read.hooks.iter().map(|hook| hook.timeout.as_secs()).collect();
        assert_eq!(timeouts, [5, 60, 60, 3600]);
        assert_eq!(read.hooks[1].on_failure, HookFailure::Blocks);
    }

    #[test]
    fn a_shape_that_cannot_be_read_is_an_error_and_never_no_hook() {
        for (value, expected) in [
            (json!("x"), "hooks: must be events"),
            (json!({"PreToolUse": {}}), "hooks.PreToolUse: must be a list"),
            (json!({"PreToolUse": ["x"]}), "an entry must have the key 'hooks'"),
            (json!({"PreToolUse": [{"matcher": 1, "hooks": []}]}), "'matcher' must be a text"),
            (json!({"PreToolUse": [{"matcher": "x"}]}), "'hooks' must be a list"),
            (json!({"PreToolUse": [{"hooks": ["x"]}]}), "a hook must have a 'type'"),
            (json!({"PreToolUse": [{"hooks": [{"command": "x"}]}]}), "a hook must have a 'type'"),
            (json!({"PreToolUse": [{"hooks": [{"type": "command"}]}]}), "'command' must be a text"),
            (
                json!({"PreToolUse": [{"hooks": [{"type": "command", "command": "x", "args": [1]}]}]}),
                "'args' must",
            ),
        ] {
            let error = of(&value).expect_err("no hooks");
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn what_is_not_as_in_claude_code_is_said() {
        let value = json!({
            "PreTooluse": [],
            "PostToolUse": [{"hooks": [
                {"type": "prompt", "prompt": "is it safe?"},
                {"type": "command", "command": "x", "timeout": "soon", "if": "Bash(rm"},
            ]}],
            "SubagentStop": [{"hooks": [{"type": "command", "command": "y", "asyncRewake": true}]}],
        });
        let read = of(&value).expect("hooks");
        assert_eq!(
            shown(&read),
            ["PostToolUse: a hook of the kind 'prompt'", "PostToolUse: x", "SubagentStop beside: y"]
        );
        let all = messages(&read).join("\n");
        for expected in
            ["no event 'PreTooluse'", "kind 'prompt'", "'timeout' of", "'asyncRewake' of", "'if' of"]
        {
            assert!(all.contains(expected), "{all}");
        }
        let event = read.problems.iter().find(|problem| problem.message.contains("no event"));
        assert_eq!(event.and_then(|problem| problem.help.as_deref()), Some("did you mean 'PreToolUse'?"));
    }

    #[test]
    fn a_hook_may_be_about_some_calls_and_run_beside_them() {
        let hook = |event: &str, more: Value| {
            let mut hook = json!({"type": "command", "command": "x"});
            hook.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
            of(&json!({event: [{"matcher": "Bash", "hooks": [hook]}]})).expect("a hook")
        };
        let read = hook("PreToolUse", json!({"if": "Bash(rm:*)", "async": true}));
        assert_eq!(shown(&read), ["PreToolUse Bash if Bash(rm:*) beside: x"]);
        assert_eq!(messages(&read), Vec::<&str>::new());
        let read = hook("PostToolUse", json!({"asyncRewake": true}));
        assert_eq!(shown(&read), ["PostToolUse Bash beside, wakes: x"]);
        assert_eq!(messages(&read), Vec::<&str>::new());
        for (event, condition, expected) in [
            ("PreToolUse", json!("Bsh(rm:*)"), "names a tool that does not exist"),
            ("PreToolUse", json!("rm && ls"), "leaves nothing out"),
            ("PreToolUse", json!(["Bash"]), "must be a text"),
            ("SubagentStop", json!("Bash(rm:*)"), "as a hook of SubagentStop it never runs"),
            ("SubagentStop", json!("Bash(rm"), "as a hook of SubagentStop it never runs"),
        ] {
            let read = hook(event, json!({ "if": condition }));
            assert!(messages(&read).concat().contains(expected), "{:?}", read.problems);
            assert_eq!((read.hooks.len(), read.problems.len()), (1, 1), "{:?}", read.problems);
            assert_eq!(
                read.hooks[0].condition.is_some(),
                event == "SubagentStop" || condition == "Bsh(rm:*)"
            );
        }
    }

    #[test]
    fn the_stop_of_an_agents_file_is_the_end_of_that_agent() {
        let value = json!({"Stop": [{"hooks": [{"type": "command", "command": "x"}]}]});
        assert!(of(&value).expect("hooks").hooks.is_empty());
        let agents = read(&value, &source(Some(HookEvent::SubagentStop))).expect("hooks");
        assert_eq!(shown(&agents), ["SubagentStop: x"]);
    }

    proptest! {
        #[test]
        fn every_hook_that_is_written_is_read_or_the_value_is_refused(
            matchers in prop::collection::vec(prop::option::of("[a-zA-Z|.*]{0,8}"), 0..4),
            kind in "command|prompt|http|[a-z]{1,5}",
            command in prop::option::of("[ -~]{0,12}"),
        ) {
            let hook = json!({"type": kind, "command": command});
            let groups: Vec<Value> =
                matchers.iter().map(|matcher| json!({"matcher": matcher, "hooks": [hook]})).collect();
            if let Ok(read) = of(&json!({"PreToolUse": groups})) {
                prop_assert_eq!(read.hooks.len(), matchers.len());
            }
        }
    }
}
