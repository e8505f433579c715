//! What trees of tasks may take together, reserved before each request and settled after it.

mod account;
mod reservation;
mod tree;

pub use account::Spent;
pub(crate) use reservation::{Reservation, Wish};
pub(crate) use tree::Budget;
