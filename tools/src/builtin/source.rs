//! What a file is read from: the disk, or the bytes that a host gave.

use std::fs::File;
use std::io::{self, Read, Seek as _};

use super::blocks::Blocks;
use super::read_stamps::Stamp;

/// The content of one file, which can be read several times.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source<'a> {
    File(&'a File),
    Bytes(&'a [u8]),
}

impl<'a> Source<'a> {
    /// Its blocks, from the beginning.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn blocks(self) -> io::Result<Blocks<Box<dyn Read + 'a>>> {
        self.reader().map(Blocks::new)
    }

    /// Its first bytes, at most so many.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn beginning(self, bytes_max: u64) -> io::Result<Vec<u8>> {
        let mut start = Vec::new();
        self.reader()?.take(bytes_max).read_to_end(&mut start)?;
        Ok(start)
    }

    /// How it is, as far as its size tells.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn size(self) -> io::Result<Stamp> {
        match self {
            Self::File(file) => Stamp::of_size(file),
            Self::Bytes(bytes) => Ok(Stamp::of_length(bytes)),
        }
    }

    fn reader(self) -> io::Result<Box<dyn Read + 'a>> {
        match self {
            Self::File(mut file) => {
                file.rewind()?;
                Ok(Box::new(file))
            }
            Self::Bytes(bytes) => Ok(Box::new(bytes)),
        }
    }
}
