//! Which providers there are, and on which of them a task's model can be called.

mod local;
mod provider;
mod route;

pub use local::{LocalServer, probe_local};
pub use provider::{Provider, ProviderRegistry};
pub use route::{Route, RouteError, plan_routes};
