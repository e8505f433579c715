//! Frontmatter that is no YAML, read line by line as people mean it. Each entry is still read as YAML where it can be
//! alone, so that one odd line changes nothing about the others.
//!
//! Invariant: what is read here can be written as YAML with the same value (`write::line`); features that are refused
//! (anchors, tags, keys that stand twice) are refused here too.

mod entry;
mod line;
mod read;
mod text;

use super::field::Field;
use crate::Problem;
use entry::Entries;

/// What the lenient reading found.
#[derive(Debug)]
pub(super) struct Reading {
    /// All keys, in the order of the file.
    pub(super) fields: Vec<Field>,
    /// Lines that belong to no key: their number and text.
    pub(super) strays: Vec<(usize, String)>,
}

/// Reads a frontmatter line by line.
///
/// # Errors
/// The first thing that cannot be read, or that is refused.
pub(super) fn read(frontmatter: &str) -> Result<Reading, Box<Problem>> {
    let Entries { all, strays, .. } = Entries::group(frontmatter)?;
    let fields = all.iter().map(entry::Entry::read).collect::<Result<_, _>>()?;
    let strays = strays.into_iter().map(|line| (line.number, line.text.to_owned())).collect();
    Ok(Reading { fields, strays })
}
