//! What a shell command would run, for the gate: one parser, one answer.
//!
//! Owns: splitting a command line into simple commands with literal words. It understands a small part of Bash and says
//! so of everything else; it never guesses. Does not decide what may run.
//!
//! Invariant: when [`parse`] succeeds, every byte of the command belongs to a word, an operator, white space or a
//! comment that both the grammar and the checks here read in the same way.

mod broken;
mod command;
mod document;
mod not_understood;
mod parse;
mod spans;
mod word;
mod wrapper;

pub(crate) use command::{
    Assignment, Direction, Expansion, ParsedCommand, Redirection, Separator, SimpleCommand, Word,
};
pub(crate) use not_understood::{NotUnderstood, NotUnderstoodKind};
pub use parse::is_unseen;
pub(crate) use parse::parse;
pub(crate) use wrapper::{Unwrapped, is_safe_assignment, unwrapped};
