//! A provider's server whose every byte can be wrong: each request gets an answer and what goes wrong with it, by a script
//! or by a seed, in the stream form of any vendor. The mock is for ordinary traffic; this one is for the rest.

mod body;
mod connection;
mod dice;
mod gzip;
mod kind;
mod request;
mod send;
mod server;
mod turn;

pub use dice::{Dice, Misfortune};
pub use kind::{ErrorBody, Fault, Place};
pub use server::{Door, FaultServer, Refusing};
pub use turn::Turn;
