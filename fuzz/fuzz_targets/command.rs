//! Any text as a command line: the parser and the gate neither panic nor hang, and the parts of an understood command are
//! pieces of what was written.
#![no_main]

use std::sync::LazyLock;

use codex_task_config::{
    Environment, PermissionMode, PermissionPolicy, PermissionRule, RuleBehavior, RuleOrigin, RuleScope,
    ToolName,
};
use codex_task_tools::{Access, Decision, GateCall, Rights, Session, judge};
use libfuzzer_sys::fuzz_target;
use tokio_util::sync::CancellationToken;

/// A workspace, and rules that a payload may try to hide behind.
static PLACE: LazyLock<(tempfile::TempDir, Session, Rights)> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder");
    let environment = Environment::new(folder.path(), [("HOME", "/nowhere")]);
    let session =
        Session::open(folder.path(), &[], environment, CancellationToken::new()).expect("a session opens");
    let rules = ["git:*", "echo:*", "find:*", "sed:*", "tar:*", "xargs:*", "rm build/*"].map(|text| {
        let origin = RuleOrigin { scope: RuleScope::User, path: None, position: None };
        PermissionRule::parse(&format!("Bash({text})"), RuleBehavior::Allow, origin).expect("a rule")
    });
    let policy = PermissionPolicy { rules: rules.to_vec(), ..PermissionPolicy::default() };
    let rights = Rights::session(&policy, PermissionMode::Default, folder.path(), None);
    (folder, session, rights)
});

fuzz_target!(|command: &str| {
    let (_, session, rights) = &*PLACE;
    let access = Access::Execute { command: command.to_owned() };
    let verdict = judge(&GateCall { tool: &ToolName::new("Bash"), access: &access, session }, rights);
    for part in &verdict.parts {
        assert!(command.contains(&part.text), "a part that was not written: {:?}", part.text);
    }
    if verdict.decision() == Decision::Allow {
        assert!(!verdict.parts.is_empty(), "allowed, but not understood");
    }
});
