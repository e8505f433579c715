//! Mock providers that are strict about their protocol, for the stories and the benches.
#![expect(clippy::indexing_slicing, reason = "an index into a JSON value gives null where there is nothing")]

mod mock;

pub use mock::{Call, Format, Mock, Reply};
