//! Whether a client over HTTP is still there. A connection of its own it has only while an answer is on its way or while
//! it listens: a broken one may be taken up again for a while, and after that nobody waits for the answer any longer.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rmcp::model::RequestId;
use tokio::sync::Notify;
use tokio::time::Instant;

/// How long a client may be away.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// Until it takes up a connection again that was cut.
    pub(super) reconnect: Duration,
    /// Between two requests, where it has never opened a connection to listen on: it can only be known by them.
    pub(super) silence: Duration,
}

/// What became due.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Due {
    /// Nobody waits for the answers to these requests.
    pub(super) lost: Vec<RequestId>,
    /// Nobody is there at all.
    pub(super) is_absent: bool,
}

/// See the module.
#[derive(Default)]
pub(super) struct Lease {
    streams: Mutex<Streams>,
    /// Whoever waits for something to become due looks again.
    changed: Notify,
}

#[derive(Default)]
struct Streams {
    /// Connections on which the client listens to whatever comes.
    listening: usize,
    /// Connections on which answers are on their way.
    answering: usize,
    has_listened: bool,
    /// When it was heard of last; `None` before its first word, and after it was told to be absent.
    heard: Option<Instant>,
    /// Requests by the number of the stream that carries their answers.
    requests: HashMap<String, RequestId>,
    /// Requests whose answers nobody listens to, and since when.
    cut: HashMap<RequestId, Instant>,
}

impl Lease {
    /// The client has said something.
    pub(super) fn hear(&self) {
        self.change(|_| {});
    }

    /// It listens.
    pub(super) fn listen(&self) {
        self.change(|streams| {
            streams.listening += 1;
            streams.has_listened = true;
        });
    }

    /// It has stopped to listen, or its connection was cut.
    pub(super) fn stop_listening(&self) {
        self.change(|streams| streams.listening = streams.listening.saturating_sub(1));
    }

    /// It waits for the answer to a request.
    pub(super) fn await_answer(&self, request: &RequestId) {
        self.change(|streams| {
            streams.answering += 1;
            streams.cut.remove(request);
        });
    }

    /// The answer to a request comes on the stream of this number.
    pub(super) fn number(&self, stream: &str, request: &RequestId) {
        let mut streams = self.lock();
        if !streams.requests.contains_key(stream) {
            streams.requests.insert(stream.to_owned(), request.clone());
        }
    }

    /// The request whose answer comes on the stream of this number.
    pub(super) fn request_of(&self, stream: &str) -> Option<RequestId> {
        self.lock().requests.get(stream).cloned()
    }

    /// The whole answer is on its way.
    pub(super) fn answered(&self, request: &RequestId) {
        self.change(|streams| {
            streams.answering = streams.answering.saturating_sub(1);
            streams.requests.retain(|_, other| other != request);
        });
    }

    /// The connection on which an answer was to come was cut.
    pub(super) fn cut(&self, request: &RequestId) {
        self.change(|streams| {
            streams.answering = streams.answering.saturating_sub(1);
            streams.cut.insert(request.clone(), Instant::now());
        });
    }

    /// Whether a question that belongs to no request would be heard.
    pub(super) fn is_listening(&self) -> bool {
        self.lock().listening > 0
    }

    /// Waits until something is due.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub(super) async fn due(&self, patience: Patience) -> Due {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            // Before the look, so that a change in between is not missed.
            changed.as_mut().enable();
            let next = self.lock().next(patience);
            let wait = async {
                match next {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = wait => {}
                () = changed => continue,
            }
            let due = self.lock().take(Instant::now(), patience);
            if due != Due::default() {
                return due;
            }
        }
    }

    fn change(&self, change: impl FnOnce(&mut Streams)) {
        let mut streams = self.lock();
        change(&mut streams);
        // Every connection that opens or ends is a sign of life, or the last one.
        streams.heard = Some(Instant::now());
        drop(streams);
        self.changed.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, Streams> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Streams {
    /// When it will be absent, unless it is heard of before.
    fn absent_at(&self, patience: Patience) -> Option<Instant> {
        let is_connected = self.listening > 0 || self.answering > 0;
        let longest = if self.has_listened { patience.reconnect } else { patience.silence };
        self.heard.filter(|_| !is_connected).map(|heard| heard + longest)
    }

    fn next(&self, patience: Patience) -> Option<Instant> {
        let lost = self.cut.values().map(|since| *since + patience.reconnect);
        lost.chain(self.absent_at(patience)).min()
    }

    fn take(&mut self, now: Instant, patience: Patience) -> Due {
        let is_lost = |since: &Instant| *since + patience.reconnect <= now;
        let lost: Vec<RequestId> = self.cut.extract_if(|_, since| is_lost(since)).map(|(id, _)| id).collect();
        self.requests.retain(|_, request| !lost.contains(request));
        let is_absent = self.absent_at(patience).is_some_and(|at| at <= now);
        if is_absent {
            self.heard = None;
        }
        Due { lost, is_absent }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience =
        Patience { reconnect: Duration::from_secs(30), silence: Duration::from_mins(10) };

    fn id(number: i64) -> RequestId {
        RequestId::Number(number)
    }

    /// What becomes due first, and after how many seconds; nothing within two hours.
    async fn first(lease: &Lease) -> Option<(u64, Due)> {
        let began = Instant::now();
        let due = tokio::time::timeout(Duration::from_hours(2), lease.due(PATIENCE)).await.ok()?;
        Some((began.elapsed().as_secs(), due))
    }

    fn absent() -> Due {
        Due { lost: Vec::new(), is_absent: true }
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_nobody_takes_up_again_is_lost_and_one_that_is_taken_up_is_not() {
        let lease = Lease::default();
        lease.listen();
        for number in 1..=3 {
            lease.await_answer(&id(number));
            lease.number(&number.to_string(), &id(number));
            lease.cut(&id(number));
        }
        lease.await_answer(&lease.request_of("2").expect("it is known"));
        lease.await_answer(&id(3));
        lease.answered(&id(3));
        assert_eq!(first(&lease).await, Some((30, Due { lost: vec![id(1)], is_absent: false })));
        assert_eq!((lease.request_of("1"), lease.request_of("3")), (None, None));
        assert_eq!(first(&lease).await, None, "it listens, and waits for an answer");
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_listened_is_absent_soon_and_who_never_has_after_a_long_silence() {
        let lease = Lease::default();
        assert_eq!(first(&lease).await, None, "nobody has come yet");
        lease.hear();
        assert_eq!(first(&lease).await, Some((600, absent())));
        assert_eq!(first(&lease).await, None, "that is told once");
        lease.await_answer(&id(1));
        assert_eq!(first(&lease).await, None, "however long the answer takes");
        lease.answered(&id(1));
        lease.listen();
        assert!(lease.is_listening());
        lease.stop_listening();
        tokio::time::advance(Duration::from_secs(20)).await;
        lease.hear();
        assert_eq!(first(&lease).await, Some((30, absent())), "each word counts");
    }
}
