//! A server on loopback, on a thread of its own so that stories may pause their clocks.

use std::net::SocketAddr;
use std::sync::mpsc;

use axum::Router;
use tokio::sync::oneshot;

/// A running server; dropping it stops it.
pub(crate) struct Loopback {
    address: SocketAddr,
    _stop: oneshot::Sender<()>,
}

impl Loopback {
    /// Serves these routes on a port that the system chooses.
    #[expect(clippy::expect_used, reason = "test support: without a server there is no test")]
    pub(crate) fn serve(app: Router) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let (bound, address) = mpsc::sync_channel(1);
        std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("loopback");
                let _ = bound.send(listener.local_addr().expect("a bound address"));
                tokio::select! {
                    _ = axum::serve(listener, app) => {}
                    _ = stopped => {}
                }
            });
        });
        Self { address: address.recv().expect("the server thread binds"), _stop: stop }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}
