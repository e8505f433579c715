//! The server: raw TCP, one answer for each request, everything counted and little kept.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::connection::serve;
use super::{Fault, Turn};
use crate::loopback::Loopback;
use crate::mock::ENDS_WITH_THE_MODEL;
use crate::{Call, Format};

/// Calls that are kept: a server may run for hours.
const CALLS_KEPT: usize = 64;

type Script = dyn Fn(&Call) -> Turn + Send + Sync;
type Doorman = dyn Fn(usize) -> Door + Send + Sync;

/// What happens to a connection before anything is read from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// Requests are read and answered.
    Opens,
    /// It is reset at once.
    Resets,
    /// It is left without an answer, whatever comes.
    Ignores,
}

/// A running server; dropping it stops it.
pub struct FaultServer {
    loopback: Loopback,
    shared: Arc<Shared>,
}

pub(super) struct Shared {
    pub(super) format: Format,
    script: Box<Script>,
    doorman: Box<Doorman>,
    connections: AtomicUsize,
    requests: AtomicUsize,
    /// A turn was paused, which is sent back as it is.
    has_paused: AtomicBool,
    faults: Mutex<BTreeMap<&'static str, usize>>,
    calls: Mutex<VecDeque<Call>>,
    violations: Mutex<Vec<String>>,
}

impl FaultServer {
    /// A server that answers each request as the script says.
    ///
    /// # Panics
    /// When loopback cannot be bound: nothing can be tested then.
    pub fn start(format: Format, script: impl Fn(&Call) -> Turn + Send + Sync + 'static) -> Self {
        Self::start_behind(format, |_| Door::Opens, script)
    }

    /// The same, with connections that `doorman` judges by their number.
    ///
    /// # Panics
    /// As [`FaultServer::start`].
    #[expect(clippy::expect_used, reason = "test support: without a server there is no test")]
    pub fn start_behind(
        format: Format,
        doorman: impl Fn(usize) -> Door + Send + Sync + 'static,
        script: impl Fn(&Call) -> Turn + Send + Sync + 'static,
    ) -> Self {
        Self::start_at(Ipv4Addr::LOCALHOST.into(), format, doorman, script).expect("loopback")
    }

    /// The same at another address of this machine.
    ///
    /// # Errors
    /// When there is no such address.
    pub fn start_at(
        address: IpAddr,
        format: Format,
        doorman: impl Fn(usize) -> Door + Send + Sync + 'static,
        script: impl Fn(&Call) -> Turn + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            format,
            script: Box::new(script),
            doorman: Box::new(doorman),
            connections: AtomicUsize::new(0),
            requests: AtomicUsize::new(0),
            has_paused: AtomicBool::new(false),
            faults: Mutex::default(),
            calls: Mutex::default(),
            violations: Mutex::default(),
        });
        let serving = Arc::clone(&shared);
        let loopback = Loopback::run(address, |listener| async move {
            while let Ok((stream, _)) = listener.accept().await {
                let nth = serving.connections.fetch_add(1, Ordering::SeqCst);
                let door = (serving.doorman)(nth);
                // One task for each connection, for as long as the server lives.
                tokio::runtime::Handle::current().spawn(serve(stream, door, Arc::clone(&serving)));
            }
        })?;
        Ok(Self { loopback, shared })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.loopback.address()
    }

    /// What the vendor's base-URL variable would hold.
    pub fn base_url(&self) -> String {
        self.shared.format.base_url(self.address())
    }

    /// Connections so far.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// Requests so far.
    pub fn requests(&self) -> usize {
        self.shared.requests.load(Ordering::SeqCst)
    }

    /// How often each fault was done so far, by its name.
    pub fn faults(&self) -> BTreeMap<&'static str, usize> {
        lock(&self.shared.faults).clone()
    }

    /// The latest requests, the newest last.
    pub fn calls(&self) -> Vec<Call> {
        lock(&self.shared.calls).iter().cloned().collect()
    }

    /// What the vendor would have refused about the requests: the first of it.
    pub fn violations(&self) -> Vec<String> {
        lock(&self.shared.violations).clone()
    }
}

impl Shared {
    /// The number of the next request.
    pub(super) fn next(&self) -> usize {
        self.requests.fetch_add(1, Ordering::SeqCst)
    }

    /// What a request is answered. One that the vendor would refuse is refused.
    pub(super) fn turn(&self, call: &Call) -> Turn {
        let mut calls = lock(&self.calls);
        if calls.len() == CALLS_KEPT {
            calls.pop_front();
        }
        calls.push_back(call.clone());
        drop(calls);
        let mut violations = self.format.violations(call);
        if self.has_paused.load(Ordering::SeqCst) {
            violations.retain(|violation| violation != ENDS_WITH_THE_MODEL);
        }
        if !violations.is_empty() {
            let mut kept = lock(&self.violations);
            if kept.len() < CALLS_KEPT {
                kept.push(format!("request {}: {}", call.nth, violations.join("; ")));
            }
            return Turn::default().with(Fault::status(400));
        }
        let turn = (self.script)(call);
        self.has_paused.fetch_or(turn.fault == Fault::Pauses, Ordering::SeqCst);
        *lock(&self.faults).entry(turn.fault.name()).or_default() += 1;
        turn
    }
}

/// An address of this machine that refuses every connection, as long as this value lives.
pub struct Refusing {
    address: SocketAddr,
    _bound: tokio::net::TcpSocket,
}

impl Refusing {
    /// Takes a port and does not listen there.
    ///
    /// # Panics
    /// When loopback cannot be bound.
    #[expect(clippy::expect_used, reason = "test support: without an address there is no test")]
    pub fn start() -> Self {
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.bind((Ipv4Addr::LOCALHOST, 0).into()).expect("loopback");
        Self { address: socket.local_addr().expect("a bound address"), _bound: socket }
    }

    /// What a provider of this format would have as its base URL.
    pub fn base_url(&self, format: Format) -> String {
        format.base_url(self.address)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
