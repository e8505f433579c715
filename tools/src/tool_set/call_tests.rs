use std::sync::atomic::{AtomicUsize, Ordering};

use codex_task_config::{PermissionMode, RuleBehavior, ToolSelection};
use futures_util::future::BoxFuture;
use serde_json::json;

use super::super::testing::{Behavior, FakeTool};
use super::*;
use crate::Toolbox;
use crate::gate::testing::Bench;
use crate::gate::{Approval, Approver, GrantScope, Lasting};

fn set_with(bench: &Bench, approver: Option<Arc<dyn Approver>>) -> ToolSet {
    let tools = [
        FakeTool::named("Read", Behavior::Echo),
        FakeTool::named("Write", Behavior::Echo),
        FakeTool::named("Bash", Behavior::Echo),
        FakeTool::named("Grep", Behavior::Panic),
        FakeTool::named("LS", Behavior::Hang),
        FakeTool::named("Glob", Behavior::Flood),
    ];
    let toolbox = Toolbox::new(tools);
    let toolbox = approver.map_or(toolbox.clone(), |approver| toolbox.with_approver(approver));
    toolbox.resolve(&ToolSelection::Inherit, &[], &bench.rights, bench.session.clone()).unwrap().tool_set
}

fn bench() -> Bench {
    Bench::new(PermissionMode::Default, &[(RuleBehavior::Deny, "Read(./secrets/**)")])
}

async fn error(set: &ToolSet, name: &str, arguments: &str) -> String {
    let reply = set.call(name, arguments).await;
    assert!(reply.is_error, "{reply:?}");
    reply.text
}

#[tokio::test]
async fn a_valid_call_runs_with_its_arguments() {
    let set = set_with(&bench(), None);
    let reply = set.call("Read", r#"{"file_path": "a", "limit": 5}"#).await;
    assert_eq!(reply, ToolReply::text(r#"{"file_path":"a","limit":5}"#));
}

#[tokio::test]
async fn a_tool_that_the_agent_does_not_have_is_named_and_so_are_those_it_has() {
    let set = set_with(&bench(), None);
    assert_eq!(
        error(&set, "Edit", "{}").await,
        "<tool_use_error>Error: No such tool available: Edit</tool_use_error>\nAvailable tools: Bash, Glob, Grep, LS, Read, Write"
    );
    assert!(error(&set, "read", "{}").await.contains("No such tool available: read"));
    assert!(error(&set, "Вash", "{}").await.contains("No such tool available"));
    let plan = error(&set, "ExitPlanMode", "{}").await;
    assert!(
        plan.contains("</tool_use_error>\nExitPlanMode is not provided here.\nAvailable tools: "),
        "{plan}"
    );
}

#[tokio::test]
async fn arguments_that_break_the_schema_get_claude_codes_words() {
    let set = set_with(&bench(), None);
    for (arguments, issues) in [
        ("", "issue:\nThe required parameter `file_path` is missing"),
        ("{}", "issue:\nThe required parameter `file_path` is missing"),
        (
            r#"{"file_path": 1}"#,
            "issue:\nThe parameter `file_path` type is expected as `string` but provided as `number`",
        ),
        (
            r#"{"file_path": "a", "limit": "5"}"#,
            "issue:\nThe parameter `limit` type is expected as `number` but provided as `string`",
        ),
        (r#"{"file_path": "a", "path": "b"}"#, "issue:\nAn unexpected parameter `path` was provided"),
        (r#"{"file_path": "a", "items": [{}]}"#, "issue:\nThe required parameter `items[0].id` is missing"),
        ("[]", "issue:\nThe arguments must be an `object` but are provided as `array`"),
    ] {
        let expected = format!(
            "<tool_use_error>InputValidationError: Read failed due to the following {issues}</tool_use_error>"
        );
        assert_eq!(error(&set, "Read", arguments).await, expected);
    }
    let several = error(&set, "Read", r#"{"limit": 0, "x": 1}"#).await;
    assert!(several.contains("following issues:\n"), "{several}");
    assert_eq!(several.lines().count(), 4, "{several}");
    assert!(error(&set, "Read", "{\"file_path\": ").await.contains("not valid JSON"));
}

#[tokio::test]
async fn the_gate_stands_before_every_tool() {
    let set = set_with(&bench(), None);
    for (name, path, expected) in [
        ("Read", "secrets/key", "File is in a directory that is denied by your permission settings."),
        ("Write", "new", "Claude requested permissions to write to new, but you haven't granted it yet."),
        ("Bash", "make x", "Claude requested permissions to use Bash, but you haven't granted it yet."),
        ("Read", "/etc/passwd", "Permission to read /etc/passwd has been denied."),
    ] {
        let text = error(&set, name, &format!(r#"{{"file_path": "{path}"}}"#)).await;
        assert_eq!(text.lines().next(), Some(expected));
    }
}

struct Counting(Approval, AtomicUsize);

impl Approver for Counting {
    fn approve<'a>(&'a self, request: &'a ApprovalRequest) -> BoxFuture<'a, Approval> {
        assert_eq!((request.tool.as_str(), request.subject.as_str()), ("Write", "new"));
        self.1.fetch_add(1, Ordering::Relaxed);
        Box::pin(std::future::ready(self.0.clone()))
    }
}

/// Answers with these in turn, and keeps what was asked.
struct Answers(std::sync::Mutex<(Vec<Approval>, Vec<ApprovalRequest>)>);

impl Answers {
    fn new(mut answers: Vec<Approval>) -> Arc<Self> {
        answers.reverse();
        Arc::new(Self(std::sync::Mutex::new((answers, Vec::new()))))
    }

    fn asked(&self) -> Vec<String> {
        self.0.lock().unwrap().1.iter().map(|request| request.subject.clone()).collect()
    }
}

impl Approver for Answers {
    fn approve<'a>(&'a self, request: &'a ApprovalRequest) -> BoxFuture<'a, Approval> {
        let mut state = self.0.lock().unwrap();
        state.1.push(request.clone());
        let answer = state.0.pop().unwrap_or(Approval::Unanswered);
        Box::pin(std::future::ready(answer))
    }
}

#[tokio::test]
async fn always_covers_the_same_call_and_no_other() {
    let always = || Approval::GrantedAlways { scope: GrantScope::Session };
    let answers = Answers::new(vec![always(), always(), always()]);
    let set = set_with(&bench(), Some(Arc::clone(&answers) as Arc<dyn Approver>));
    for path in ["a", "a", "b", ".claude/agents/x.md", ".claude/agents/x.md", "a"] {
        // Agents are asked for each time, although "always" was said.
        let reply = set.call("Write", &json!({"file_path": path}).to_string()).await;
        let is_unanswered = answers.asked().len() > 3 && path != "a";
        assert_eq!(reply.is_error, is_unanswered, "{path}");
    }
    assert_eq!(answers.asked(), ["a", "b", ".claude/agents/x.md", ".claude/agents/x.md"]);
    let told = set.session().grants.take();
    let session = |path: &str| format!("Write({path}) until this session ends");
    assert_eq!(told, [session("a"), session("b")].into(), "what is for one call alone is not told");
    let first = answers.0.lock().unwrap().1[0].lasting.clone();
    assert_eq!(first, Lasting::Rules(vec!["Edit(./a)".to_owned()]));
}

#[tokio::test]
async fn the_users_own_words_reach_the_model() {
    let words = Approval::Refused { reason: Some("use mkdir instead".to_owned()) };
    let answers = Answers::new(vec![words, Approval::Refused { reason: None }, Approval::Unanswered]);
    let set = set_with(&bench(), Some(answers));
    let mut texts = Vec::new();
    for _ in 0..3 {
        texts.push(set.call("Write", &json!({"file_path": "a"}).to_string()).await.text);
    }
    assert!(texts[0].ends_with("the user said:\nuse mkdir instead"), "{}", texts[0]);
    assert!(texts[1].starts_with("The user doesn't want to proceed with this call of Write"), "{}", texts[1]);
    assert!(texts[2].contains("but you haven't granted it yet"), "{}", texts[2]);
}

#[tokio::test]
async fn the_approver_decides_what_is_asked_and_nothing_else() {
    for (answer, runs) in [
        (Approval::Granted, true),
        (Approval::Unanswered, false),
        (Approval::Refused { reason: None }, false),
    ] {
        let approver = Arc::new(Counting(answer, AtomicUsize::new(0)));
        let set = set_with(&bench(), Some(Arc::clone(&approver) as Arc<dyn Approver>));
        assert_eq!(set.call("Write", r#"{"file_path": "new"}"#).await.is_error, !runs);
        assert!(!set.call("Read", r#"{"file_path": "new"}"#).await.is_error);
        assert!(set.call("Write", r#"{"file_path": "secrets/new"}"#).await.is_error);
        assert_eq!(approver.1.load(Ordering::Relaxed), 1);
    }
}

#[tokio::test]
async fn a_panic_becomes_an_error_that_does_not_quote_it() {
    let set = set_with(&bench(), None);
    let text = error(&set, "Grep", r#"{"file_path": "a"}"#).await;
    assert_eq!(text, "Grep failed by a fault of its own; the call may have had effects");
    assert!(!set.call("Read", r#"{"file_path": "a"}"#).await.is_error, "the set works on");
}

#[tokio::test]
async fn cancelling_the_session_ends_a_running_call() {
    let set = set_with(&bench(), None);
    let call = set.call("LS", r#"{"file_path": "a"}"#);
    let cancel = set.session().cancel.clone();
    let (reply, ()) = tokio::join!(call, async { cancel.cancel() });
    assert_eq!(reply, ToolReply::error("cancelled"));
}

#[tokio::test]
async fn a_flood_is_cut_at_a_character() {
    let set = set_with(&bench(), None);
    let reply = set.call("Glob", r#"{"file_path": "a"}"#).await;
    assert!(!reply.is_error);
    assert!(reply.text.len() < RESULT_BYTES_MAX + 100);
    assert!(reply.text.ends_with("[cut: 2000000 bytes, at most 400000 are shown]"));
}

#[tokio::test]
async fn the_scheduler_learns_which_calls_only_read() {
    let set = set_with(&bench(), None);
    for (name, arguments, expected) in [
        ("Read", r#"{"file_path": "a"}"#, Conduct::Reads),
        ("Write", r#"{"file_path": "a"}"#, Conduct::Acts),
        ("Bash", r#"{"file_path": "ls"}"#, Conduct::Acts),
        ("Write", "{}", Conduct::Reads),
        ("Nope", "{}", Conduct::Reads),
    ] {
        assert_eq!(set.conduct(name, arguments), expected, "{name} {arguments}");
    }
}

#[test]
fn the_session_of_a_set_opens_nothing_that_is_denied() {
    let bench = bench();
    bench.file("secrets/key", "k");
    let set = set_with(&bench, None);
    assert!(bench.session.guard.open_read("secrets/key".as_ref()).is_ok());
    assert!(set.session().guard.open_read("secrets/key".as_ref()).is_err());
    assert_eq!(set.judge("Read", r#"{"file_path": "secrets/key"}"#).unwrap().decision(), Decision::Deny);
}
