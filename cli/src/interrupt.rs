//! Ctrl-C and SIGTERM, as something that can be awaited.

use std::io;

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
#[cfg(test)]
use tokio::sync::mpsc;

use crate::fault::Fault;
use crate::host::Host;

/// What asks the command to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interruption {
    /// Ctrl-C: somebody wants the end now.
    Interrupt,
    /// SIGTERM: a session, a container or an operator wants an orderly end.
    Terminate,
}

/// Where interruptions come from.
pub(crate) enum Interrupts {
    /// The operating system.
    #[cfg(unix)]
    Signals {
        /// Ctrl-C.
        interrupt: Signal,
        /// `kill`, a closing session, a container that stops.
        terminate: Signal,
    },
    /// Ctrl-C, where there are no signals.
    #[cfg(not(unix))]
    Console,
    /// A test.
    #[cfg(test)]
    Channel(mpsc::UnboundedReceiver<Interruption>),
}

impl Interrupts {
    /// Those of this host.
    ///
    /// # Errors
    /// A [`Fault`] when the operating system has no signals to give.
    pub(crate) fn of(host: &mut Host) -> Result<Self, Fault> {
        match host.interrupts.take() {
            Some(interrupts) => Ok(interrupts),
            None => Self::listen()
                .map_err(|error| Fault::internal("signals cannot be heard").because(error.to_string())),
        }
    }

    /// Listens from now on; the process is no longer ended by the signals themselves. Must be called inside of tokio.
    fn listen() -> io::Result<Self> {
        #[cfg(unix)]
        return Ok(Self::Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        });
        #[cfg(not(unix))]
        return Ok(Self::Console);
    }

    /// Waits for the next one.
    ///
    /// # Cancel safety
    /// No interruption is lost when the future is dropped.
    pub(crate) async fn next(&mut self) -> Interruption {
        let came = match self {
            #[cfg(unix)]
            Self::Signals { interrupt, terminate } => tokio::select! {
                signal = interrupt.recv() => signal.map(|()| Interruption::Interrupt),
                signal = terminate.recv() => signal.map(|()| Interruption::Terminate),
            },
            #[cfg(not(unix))]
            Self::Console => tokio::signal::ctrl_c().await.ok().map(|()| Interruption::Interrupt),
            #[cfg(test)]
            Self::Channel(receiver) => receiver.recv().await,
        };
        match came {
            Some(came) => came,
            // Nobody can interrupt any longer.
            None => std::future::pending().await,
        }
    }
}
