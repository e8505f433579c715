//! A server on loopback, on a thread of its own so that stories may pause their clocks.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::mpsc;

use axum::Router;
use tokio::net::TcpListener;
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
        let serving = |listener| async move {
            let _ = axum::serve(listener, app).await; // it never ends by itself
        };
        Self::run(Ipv4Addr::LOCALHOST.into(), serving).expect("loopback")
    }

    /// Does whatever `serving` does with a listener at this address, on a port that the system chooses.
    ///
    /// # Errors
    /// When this machine has no such address.
    pub(crate) fn run<F: Future<Output = ()>>(
        address: IpAddr,
        serving: impl FnOnce(TcpListener) -> F + Send + 'static,
    ) -> std::io::Result<Self> {
        let (stop, stopped) = oneshot::channel::<()>();
        let listener = std::net::TcpListener::bind((address, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (ready, is_ready) = mpsc::sync_channel(1);
        std::thread::Builder::new().name("loopback".to_owned()).spawn(move || {
            let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime,
                Err(error) => return drop(ready.send(Err(error))),
            };
            runtime.block_on(async move {
                let listener = TcpListener::from_std(listener);
                let _ = ready.send(listener.as_ref().map(|_| ()).map_err(|error| error.kind().into()));
                let Ok(listener) = listener else { return };
                tokio::select! {
                    () = serving(listener) => {}
                    _ = stopped => {}
                }
            });
        })?;
        is_ready.recv().map_err(std::io::Error::other)??;
        Ok(Self { address, _stop: stop })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}
