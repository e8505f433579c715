//! What Codex wants from us, while it is being worked on: any number of calls and questions at once.

use std::collections::HashMap;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

/// What is said to a request.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reply {
    /// The answer.
    pub(super) answer: Value,
    /// What is added to the turn with it, where the answer itself has no room for it.
    pub(super) addition: Option<Value>,
}

impl From<Value> for Reply {
    fn from(answer: Value) -> Self {
        Self { answer, addition: None }
    }
}

/// A request that was dealt with.
pub(super) struct Dealt {
    /// Its id.
    pub(super) id: Value,
    /// What is said to it; nothing where Codex no longer wants an answer.
    pub(super) reply: Option<Reply>,
}

/// See the module.
#[derive(Default)]
pub(super) struct Requests {
    running: FuturesUnordered<BoxFuture<'static, Dealt>>,
    /// Takes a request back, by its id as text.
    open: HashMap<String, CancellationToken>,
}

impl Requests {
    /// Works on a request.
    pub(super) fn begin(&mut self, id: Value, work: BoxFuture<'static, Reply>) {
        let token = CancellationToken::new();
        self.open.insert(id.to_string(), token.clone());
        self.running.push(Box::pin(async move {
            tokio::select! {
                biased;
                () = token.cancelled() => Dealt { id, reply: None },
                reply = work => Dealt { id, reply: Some(reply) },
            }
        }));
    }

    /// Codex no longer waits for this one: its task is cancelled, its question put away.
    pub(super) fn withdraw(&mut self, id: &Value) {
        if let Some(token) = self.open.remove(&id.to_string()) {
            token.cancel();
        }
    }

    /// Whether nothing is being worked on.
    pub(super) fn is_empty(&self) -> bool {
        self.running.is_empty()
    }

    /// The next one that was dealt with; without any it never comes.
    ///
    /// # Cancel safety
    /// No answer is lost when the future is dropped.
    pub(super) async fn next(&mut self) -> Dealt {
        match self.running.next().await {
            Some(dealt) => {
                self.open.remove(&dealt.id.to_string());
                dealt
            }
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn a_request_that_is_taken_back_gets_no_answer_and_no_other_waits_for_it() {
        let mut requests = Requests::default();
        requests.begin(json!(0), Box::pin(std::future::pending()));
        requests.begin(json!("b"), Box::pin(std::future::ready(json!("done").into())));
        let dealt = requests.next().await;
        assert_eq!((dealt.id, dealt.reply), (json!("b"), Some(json!("done").into())));
        requests.withdraw(&json!("b"));
        requests.withdraw(&json!(0));
        let dealt = requests.next().await;
        assert_eq!((dealt.id, dealt.reply), (json!(0), None));
        assert!(requests.is_empty());
    }
}
