//! A file in blocks, so that its size does not decide how much memory reading it takes.

use std::io::{self, Read};

/// Bytes of a block; only the last one is shorter.
pub(super) const BLOCK_BYTES: usize = 64 * 1024;

/// Reads block after block.
#[derive(Debug)]
pub(super) struct Blocks<R> {
    reader: R,
    block: Vec<u8>,
}

impl<R: Read> Blocks<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, block: Vec::with_capacity(BLOCK_BYTES) }
    }

    /// The next block; `None` at the end.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn next(&mut self) -> io::Result<Option<&[u8]>> {
        self.block.clear();
        let bytes_max = u64::try_from(BLOCK_BYTES).unwrap_or(u64::MAX);
        let bytes = self.reader.by_ref().take(bytes_max).read_to_end(&mut self.block)?;
        Ok((bytes > 0).then_some(&self.block))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives few bytes at a time, as a pipe might.
    struct Slow<'a>(&'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let bytes = buffer.len().min(1000);
            self.0.read(&mut buffer[..bytes])
        }
    }

    #[test]
    fn blocks_are_full_but_for_the_last_one() {
        let content = vec![b'x'; 2 * BLOCK_BYTES + 5];
        let mut blocks = Blocks::new(Slow(&content));
        let mut sizes = Vec::new();
        while let Some(block) = blocks.next().unwrap() {
            sizes.push(block.len());
        }
        assert_eq!(sizes, [BLOCK_BYTES, BLOCK_BYTES, 5]);
    }
}
