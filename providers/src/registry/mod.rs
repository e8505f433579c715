//! Which providers there are, and on which of them a task's model can be called.

mod build;
mod local;
mod problem;
mod provider;
mod route;
mod route_error;
mod vendor;

pub use local::{LocalServer, probe_local};
pub use problem::ProviderProblem;
pub use provider::{KeySource, Provider, ProviderRegistry};
pub use route::{Route, plan_routes};
pub use route_error::RouteError;
pub use vendor::provider_variables;
