//! Who finds the address of a server by its name.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Finds addresses in another way than the system does.
pub trait NameResolver: Send + Sync {
    /// The addresses of a host, best first.
    ///
    /// # Errors
    /// When there are none: the call fails as one whose server cannot be reached.
    fn resolve(&self, name: &str) -> BoxFuture<'static, io::Result<Vec<IpAddr>>>;
}

/// Who is asked for addresses.
#[derive(Clone, Default)]
pub enum Resolver {
    /// The system.
    #[default]
    System,
    /// Somebody else.
    Own(Arc<dyn NameResolver>),
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::System => "System",
            Self::Own(_) => "Own",
        })
    }
}

/// A resolver in the HTTP client's own form.
pub(super) struct Adapter(pub(super) Arc<dyn NameResolver>);

impl Resolve for Adapter {
    fn resolve(&self, name: Name) -> Resolving {
        let resolving = self.0.resolve(name.as_str());
        Box::pin(async move {
            // The client puts the port of the address itself in the place of none.
            let addresses = resolving.await?.into_iter().map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(addresses.collect::<Vec<_>>().into_iter()) as Addrs)
        })
    }
}
