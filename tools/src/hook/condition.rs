//! Which calls of its tools a hook is about: its `if`, a rule that is asked of the gate.

use codex_task_config::{Hook, PermissionMode, PermissionPolicy, RuleBehavior};

use crate::gate::{Decision, GateCall, judge};
use crate::{Access, Rights, Session};

/// A compiled `if`.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    /// Rights that nothing but this rule limits.
    rights: Rights,
}

impl Condition {
    /// What a hook says; `None` when it is about all calls.
    pub(super) fn of(hook: &Hook, session: &Session) -> Option<Self> {
        let mut rule = hook.condition.clone()?;
        // Read as a rule that refuses, so that every spelling and every part of a command counts.
        rule.behavior = RuleBehavior::Deny;
        let policy = PermissionPolicy { rules: vec![rule], ..PermissionPolicy::default() };
        let (mode, home) = (PermissionMode::BypassPermissions, session.environment.home());
        Some(Self { rights: Rights::session(&policy, mode, &session.workspace, home) })
    }

    /// Whether the hook is about a call. A command that is not understood may be any.
    pub(super) fn means(&self, call: &GateCall<'_>) -> bool {
        let rights = self.rights.within(&call.session.workspace);
        match call.access {
            Access::Delegate { agent } => rights.agent_denied_by(agent).is_some(),
            Access::Execute { .. } => judge(call, &rights).decision() != Decision::Allow,
            Access::Read(_)
            | Access::Write(_)
            | Access::Fetch { .. }
            | Access::Search { .. }
            | Access::Remote { .. }
            | Access::Nothing => judge(call, &rights).ruling.rule.is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use codex_task_config::{
        HookAction, HookEvent, HookFailure, HookWait, PermissionRule, RuleOrigin, RuleScope, ToolName,
    };

    use super::*;
    use crate::gate::testing::Bench;

    fn hook(condition: &str) -> Hook {
        let origin = RuleOrigin { scope: RuleScope::User, path: None, position: None };
        Hook {
            event: HookEvent::PreToolUse,
            matcher: None,
            condition: Some(PermissionRule::parse(condition, RuleBehavior::Deny, origin.clone()).unwrap()),
            action: HookAction::Shell { command: "x".to_owned() },
            timeout: Duration::from_secs(1),
            wait: HookWait::Awaited,
            on_failure: HookFailure::Told,
            origin,
        }
    }

    fn means(condition: &str, tool: &str, access: &Access) -> bool {
        let bench = Bench::new(PermissionMode::Default, &[]);
        let (tool, session) = (ToolName::new(tool), &bench.session);
        let condition = Condition::of(&hook(condition), session).unwrap();
        condition.means(&GateCall { tool: &tool, access, session })
    }

    #[test]
    fn a_command_is_meant_by_any_of_its_parts_and_when_it_is_not_understood() {
        for (condition, command, expected) in [
            ("Bash(git push:*)", "git push origin", true),
            ("Bash(git push:*)", "git status", false),
            ("Bash(git push:*)", "ls && git push", true),
            ("Bash(git push:*)", "FOO=bar git push", true),
            ("Bash(git *)", "git status", true),
            ("Bash(rm:*)", "ls | wc -l", false),
            ("Bash(rm:*)", "case x in x) ls;; esac", true),
            ("Bash", "ls", true),
            ("Edit(./src/**)", "ls", false),
            ("Edit(./src/**)", "echo x > src/a", true),
        ] {
            let access = Access::Execute { command: command.to_owned() };
            assert_eq!(means(condition, "Bash", &access), expected, "{condition} {command}");
        }
    }

    #[test]
    fn files_hosts_agents_and_servers_are_meant_by_name() {
        let bench = Bench::new(PermissionMode::Default, &[]);
        let write = |path: &str| Access::Write(bench.root().join(path));
        let fetch = Access::Fetch { url: "https://a.example/".into(), host: "a.example".into() };
        let start = Access::Delegate { agent: "helper".into() };
        let remote = Access::Remote { changes: crate::RemoteChanges::Possible };
        for (condition, tool, access, expected) in [
            ("Edit(*.ts)", "Write", &write("deep/a.ts"), true),
            ("Edit(*.ts)", "Write", &write("a.rs"), false),
            ("Read(*.ts)", "Write", &write("a.rs"), false),
            ("WebFetch(domain:a.example)", "WebFetch", &fetch, true),
            ("WebFetch(domain:b.example)", "WebFetch", &fetch, false),
            ("Agent(helper)", "Task", &start, true),
            ("Task(other)", "Task", &start, false),
            ("mcp__db__*", "mcp__db__query", &remote, true),
            ("mcp__db__*", "mcp__web__get", &remote, false),
        ] {
            // The same workspace for the rule and the call.
            let (tool, session) = (ToolName::new(tool), &bench.session);
            let compiled = Condition::of(&hook(condition), session).unwrap();
            assert_eq!(compiled.means(&GateCall { tool: &tool, access, session }), expected, "{condition}");
        }
    }
}
