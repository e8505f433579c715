//! Asking through the client: a call that needs a yes becomes a form that the client shows its user, where it can show
//! forms. Of several clients the one is asked whose call it was. Where nobody can be, what is asked for is refused.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use codex_task::{Approval, ApprovalRequest, Approver, GrantScope, Lasting, RunId};
use futures_util::future::BoxFuture;
use rmcp::model::{
    CancelledNotificationParam, ElicitRequest, ElicitRequestParams, ElicitResult, ElicitationAction,
    ElicitationSchema, RequestId, ServerRequest,
};
use rmcp::model::{ClientResult, JsonObject};
use rmcp::service::{
    ElicitationMode, OriginatingRequestId, Peer, PeerRequestOptions, RequestContext, RoleServer, ServiceError,
};
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tracing::debug;

use super::client::Client;
use crate::approve::words_of;

/// What can be answered.
const ONCE: &str = "allow once";
const ALWAYS: &str = "always allow this very call, in this session";
const NO: &str = "no";

/// Calls whose clients are kept; the oldest are forgotten first.
const ASKED_MAX: usize = 1_000;

/// Sends questions to the clients that show forms. Clones share them.
#[derive(Clone, Default)]
pub(super) struct ClientApprover {
    /// By the run of the call: what an agent starts, and all that this starts, is in one run.
    clients: Arc<Mutex<BTreeMap<RunId, Asked>>>,
}

/// Who is asked.
#[derive(Clone)]
struct Asked {
    client: Arc<Client>,
    peer: Peer<RoleServer>,
    /// The call, on whose connection the question goes as long as it is open.
    call: RequestId,
    /// Whether the task goes on when the call is answered: then its questions go where the client listens.
    asking: Asking,
}

/// How long a client is asked about what one of its calls has started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asking {
    /// Until the call is answered.
    UntilAnswered,
    /// Also afterwards: the task goes on in the background.
    Afterwards,
}

/// A call on its way, whose client is known. Dropping it says that it was answered.
pub(super) struct Met {
    approver: ClientApprover,
    run: RunId,
    asking: Asking,
}

impl ClientApprover {
    /// Learns which client has made the call that begins this run.
    pub(super) fn meet(
        &self,
        (run, asking): (RunId, Asking),
        client: &Arc<Client>,
        context: &RequestContext<RoleServer>,
    ) -> Met {
        if context.peer.supported_elicitation_modes().contains(&ElicitationMode::Form) {
            let (client, peer, call) = (Arc::clone(client), context.peer.clone(), context.id.clone());
            let mut clients = self.lock();
            clients.insert(run, Asked { client, peer, call, asking });
            while clients.len() > ASKED_MAX && clients.pop_first().is_some() {}
        }
        Met { approver: self.clone(), run, asking }
    }

    /// Who is asked about a call of a task, if anybody would hear it.
    fn asked(&self, request: &ApprovalRequest) -> Option<Asked> {
        let run: RunId = request.owner.run.parse().ok()?;
        let asked = self.lock().get(&run)?.clone();
        (asked.asking == Asking::UntilAnswered || asked.client.hears()).then_some(asked)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<RunId, Asked>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Met {
    fn drop(&mut self) {
        if self.asking == Asking::UntilAnswered {
            self.approver.lock().remove(&self.run);
        }
    }
}

impl Approver for ClientApprover {
    fn approve<'a>(&'a self, request: &'a ApprovalRequest) -> BoxFuture<'a, Approval> {
        Box::pin(async move {
            let Some(asked) = self.asked(request) else { return Approval::Unanswered };
            let Some(form) = form(request) else { return Approval::Unanswered };
            match ask(asked, form).await {
                Ok(result) => read(&result, &request.lasting),
                Err(error) => {
                    debug!(%error, "the client did not answer a question");
                    Approval::Unanswered
                }
            }
        })
    }
}

/// The question, in the words that a terminal would show.
fn form(request: &ApprovalRequest) -> Option<ElicitRequestParams> {
    let message: Vec<String> = words_of(request).iter().map(crate::approve::Words::plain).collect();
    let always = (request.lasting != Lasting::Never).then_some(ALWAYS);
    let answers: Vec<&str> = [Some(ONCE), always, Some(NO)].into_iter().flatten().collect();
    let schema = json!({
        "type": "object",
        "properties": {
            "answer": {"type": "string", "title": "May it run?", "enum": answers},
            "words": {"type": "string", "title": "Words for the agent, if not"},
        },
        "required": ["answer"],
    });
    let schema: JsonObject = serde_json::from_value(schema).ok()?;
    let requested_schema = ElicitationSchema::from_json_schema(schema).ok()?;
    Some(ElicitRequestParams::FormElicitationParams {
        meta: None,
        message: message.join("\n"),
        requested_schema,
    })
}

/// Sends the form and waits; dropping the future takes the question back.
async fn ask(asked: Asked, form: ElicitRequestParams) -> Result<ElicitResult, ServiceError> {
    let Asked { peer: client, call, asking, .. } = asked;
    let mut request = ElicitRequest::new(form);
    if asking == Asking::UntilAnswered {
        request.extensions.insert(OriginatingRequestId(call));
    }
    let request = ServerRequest::ElicitRequest(request);
    let asked = client.send_cancellable_request(request, PeerRequestOptions::default()).await?;
    let mut open = Open { client, id: Some(asked.id.clone()), io: Handle::current() };
    let answered = asked.await_response().await;
    open.id = None;
    match answered? {
        ClientResult::ElicitResult(result) => Ok(result),
        _ => Err(ServiceError::UnexpectedResponse),
    }
}

/// What the client's answer means. A client that may not ask its user declines by itself, so that this is no word of
/// the user's.
fn read(result: &ElicitResult, lasting: &Lasting) -> Approval {
    if result.action != ElicitationAction::Accept {
        return Approval::Unanswered;
    }
    let field =
        |name: &str| result.content.as_ref().and_then(|content| content.get(name)).and_then(Value::as_str);
    match field("answer") {
        Some(ONCE) => Approval::Granted,
        Some(ALWAYS) if *lasting != Lasting::Never => Approval::GrantedAlways { scope: GrantScope::Session },
        Some(NO) => Approval::Refused { reason: field("words").map(str::to_owned) },
        Some(_) | None => Approval::Unanswered,
    }
}

/// A question that nobody waits for any longer is taken back.
struct Open {
    client: Peer<RoleServer>,
    /// `None` when it was answered.
    id: Option<RequestId>,
    io: Handle,
}

impl Drop for Open {
    fn drop(&mut self) {
        let Some(id) = self.id.take() else { return };
        let client = self.client.clone();
        let reason = Some("the task has ended".to_owned());
        // A client that is gone has no form open either.
        drop(self.io.spawn(async move {
            let cancelled = CancelledNotificationParam::new(Some(id), reason);
            let _ = client.notify_cancelled(cancelled).await;
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_offered_is_a_yes() {
        let of = |action, answer: Value, lasting: &Lasting| {
            read(&ElicitResult::new(action).with_content(json!({"answer": answer, "words": "w"})), lasting)
        };
        let accept = ElicitationAction::Accept;
        let session = Lasting::Session;
        assert_eq!(of(accept.clone(), json!(ONCE), &session), Approval::Granted);
        let always = Approval::GrantedAlways { scope: GrantScope::Session };
        assert_eq!(of(accept.clone(), json!(ALWAYS), &session), always);
        assert_eq!(of(accept.clone(), json!(ALWAYS), &Lasting::Never), Approval::Unanswered);
        assert_eq!(of(accept.clone(), json!(NO), &session), Approval::Refused { reason: Some("w".into()) });
        assert_eq!(of(accept.clone(), json!(true), &session), Approval::Unanswered);
        assert_eq!(of(accept, json!("yes"), &session), Approval::Unanswered);
        assert_eq!(of(ElicitationAction::Decline, json!(ONCE), &session), Approval::Unanswered);
        assert_eq!(of(ElicitationAction::Cancel, json!(ONCE), &session), Approval::Unanswered);
    }
}
