//! Images and documents that a model can be shown.
//!
//! Owns: what kind a file is of, whether it is whole, how large it may be, a smaller image of one that is too large, and
//! which pages of a document are shown. What
//! a model can see is not known here: the wire formats leave out what it cannot.
//!
//! Invariant: nothing becomes an [`codex_task_config::Attachment`] that was not read from its beginning to its end as
//! what it claims to be: a vendor refuses the whole conversation for one broken image.

mod bytes;
mod crc;
mod gif;
mod image;
mod jpeg;
mod pages;
mod pdf;
mod png;
mod prepared;
mod smaller;
mod webp;

#[cfg(test)]
pub(crate) mod testing;

pub(crate) use pages::PageRange;
pub(crate) use prepared::{SNIFFED_BYTES, prepare, sniff, source_bytes_max};
