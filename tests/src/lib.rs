//! Mock providers that are strict about their protocol, for the stories and the benches.

mod mock;

pub use mock::{Call, Format, Mock, Reply};
