//! What Codex asks its user, as a question of ours: a command outside of its sandbox, a change of files, more rights.

use codex_task::{Approval, ApprovalRequest, Confinement, Lasting};
use codex_task_config::ToolName;
use codex_task_tools::{Decision, Owner, Ruling, Verdict};
use serde_json::{Value, json};

use super::message::at;
use super::requests::Reply;
use crate::render::clean::headline;

/// Codex as the one who asks.
const ASKER: &str = "Codex";

/// What kind of yes is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Command,
    Change,
    Rights,
}

/// A question of Codex.
#[derive(Clone, Debug)]
pub(super) struct Question {
    pub(super) request: ApprovalRequest,
    kind: Kind,
    /// The rights that are asked for.
    rights: Value,
    thread: String,
    turn: String,
}

impl Question {
    /// Reads a request; `None` when it is no question. `changes` are those of the item that it is about.
    pub(super) fn read(method: &str, params: &Value, changes: Option<&str>) -> Option<Self> {
        let text = |name: &str| params.get(name).and_then(Value::as_str).unwrap_or_default();
        let (kind, tool, subject) = match method {
            "item/commandExecution/requestApproval" => (Kind::Command, "exec_command", command(params)),
            "item/fileChange/requestApproval" => {
                let root = at(params, "/grantRoot").as_str().map(|root| format!("everything below {root}"));
                let parts = [root, changes.map(str::to_owned)];
                (Kind::Change, "apply_patch", parts.into_iter().flatten().collect::<Vec<_>>().join("\n"))
            }
            "item/permissions/requestApproval" => {
                let rights = serde_json::to_string_pretty(at(params, "/permissions")).unwrap_or_default();
                (Kind::Rights, "more rights", rights)
            }
            _ => return None,
        };
        let reason = match (text("reason"), kind) {
            ("", Kind::Command) => "Codex runs it outside of its sandbox, or has to ask for each command",
            ("", Kind::Change) => "Codex has to ask for this change",
            ("", Kind::Rights) => "Codex says no reason",
            (reason, _) => reason,
        };
        let ruling = Ruling::new(Decision::Ask, reason);
        let verdict =
            Verdict { ruling, parts: Vec::new(), confinement: Confinement::Free, refusal: String::new() };
        let request = ApprovalRequest {
            owner: Owner::new(ASKER, text("itemId"), /*run*/ ""),
            tool: ToolName::new(tool),
            subject,
            verdict,
            lasting: if may_last(kind, params) { Lasting::Session } else { Lasting::Never },
        };
        let rights = at(params, "/permissions").clone();
        Some(Self {
            request,
            kind,
            rights,
            thread: text("threadId").to_owned(),
            turn: text("turnId").to_owned(),
        })
    }

    /// What is said to it, in Codex's words.
    pub(super) fn reply(&self, approval: &Approval) -> Reply {
        Reply { answer: self.answer(approval), addition: self.addition(approval) }
    }

    /// The user's words for the model. A no has no room for them: they come into the turn as the user's next message.
    fn addition(&self, approval: &Approval) -> Option<Value> {
        let Approval::Refused { reason: Some(words) } = approval else { return None };
        let text =
            format!("I said no to {} ({}): {words}", self.request.tool, headline(&self.request.subject));
        let input = json!([{"type": "text", "text": text}]);
        Some(json!({"threadId": self.thread, "expectedTurnId": self.turn, "input": input}))
    }

    fn answer(&self, approval: &Approval) -> Value {
        let is_yes = matches!(approval, Approval::Granted | Approval::GrantedAlways { .. });
        match (self.kind, approval) {
            (Kind::Rights, _) => {
                let granted = if is_yes { self.rights.clone() } else { json!({}) };
                json!({"permissions": granted, "scope": "turn"})
            }
            (_, Approval::Granted) => json!({"decision": "accept"}),
            (_, Approval::GrantedAlways { .. }) => json!({"decision": "acceptForSession"}),
            (_, Approval::Refused { .. } | Approval::Unanswered) => json!({"decision": "decline"}),
        }
    }
}

/// The answer to what nobody is asked about here; `None` when it is no known request.
pub(super) fn declined(method: &str) -> Option<Value> {
    match method {
        "mcpServer/elicitation/request" => Some(json!({"action": "decline"})),
        "item/tool/requestUserInput" => Some(json!({"answers": {}})),
        "applyPatchApproval" | "execCommandApproval" => Some(json!({"decision": "denied"})),
        _ => None,
    }
}

/// The whole command; and the host, where it is about the network.
fn command(params: &Value) -> String {
    let command = at(params, "/command").as_str().unwrap_or_default();
    match at(params, "/networkApprovalContext/host").as_str() {
        Some(host) => format!("{command}\nreaches {host}"),
        None => command.to_owned(),
    }
}

/// Whether Codex takes a yes for the session. For a command it says so.
fn may_last(kind: Kind, params: &Value) -> bool {
    match kind {
        Kind::Command => match at(params, "/availableDecisions").as_array() {
            Some(decisions) => decisions.iter().any(|decision| decision == "acceptForSession"),
            None => false,
        },
        Kind::Change => true,
        Kind::Rights => false,
    }
}

#[cfg(test)]
mod tests {
    use codex_task::GrantScope;

    use super::*;

    #[test]
    fn only_a_yes_is_a_yes_and_it_lasts_no_longer_than_codex_offers() {
        let always = Approval::GrantedAlways { scope: GrantScope::Session };
        let refused = Approval::Refused { reason: None };
        let command = json!({"command": "rm -r x", "availableDecisions": ["accept", "acceptForSession"]});
        let of =
            |method: &str, params: &Value| Question::read(method, params, Some("a.rs\n+x")).expect("one");
        let asked = of("item/commandExecution/requestApproval", &command);
        assert_eq!((&*asked.request.subject, &asked.request.lasting), ("rm -r x", &Lasting::Session));
        for (approval, decision) in [
            (&Approval::Granted, "accept"),
            (&always, "acceptForSession"),
            (&refused, "decline"),
            (&Approval::Unanswered, "decline"),
        ] {
            assert_eq!(asked.reply(approval), json!({"decision": decision}).into());
        }
        let once = of("item/commandExecution/requestApproval", &json!({"command": "ls"}));
        assert_eq!(once.request.lasting, Lasting::Never);
        let change = of("item/fileChange/requestApproval", &json!({"grantRoot": "/x", "reason": "why"}));
        assert_eq!(change.request.subject, "everything below /x\na.rs\n+x");
        assert_eq!(change.request.verdict.ruling.reason, "why");
        let rights = json!({"permissions": {"network": {"enabled": true}}});
        let asked = of("item/permissions/requestApproval", &rights);
        assert_eq!(asked.answer(&refused)["permissions"], json!({}));
        assert_eq!(asked.answer(&Approval::Granted)["permissions"], rights["permissions"]);
        assert!(Question::read("item/tool/call", &json!({}), None).is_none());
    }

    #[test]
    fn the_users_words_come_into_the_turn_that_has_asked() {
        let asked = json!({"command": "rm -r x\nls", "threadId": "T", "turnId": "U"});
        let asked = Question::read("item/commandExecution/requestApproval", &asked, None).expect("one");
        let no = asked.reply(&Approval::Refused { reason: Some("keep x".to_owned()) });
        assert_eq!(no.answer, json!({"decision": "decline"}));
        let text = "I said no to exec_command (rm -r x): keep x";
        let input = json!([{"type": "text", "text": text}]);
        assert_eq!(no.addition, Some(json!({"threadId": "T", "expectedTurnId": "U", "input": input})));
        assert_eq!(asked.reply(&Approval::Refused { reason: None }).addition, None);
    }
}
