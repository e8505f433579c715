//! A walk through the bytes of a file that ends where the file does.

/// What is left of a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl<'a> Bytes<'a> {
    /// The next bytes; `None` when there are fewer.
    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// The next byte.
    pub(super) fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    /// The next two bytes, the high one first.
    pub(super) fn be16(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(self.take(2)?.try_into().ok()?))
    }

    /// The next two bytes, the low one first.
    pub(super) fn le16(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes(self.take(2)?.try_into().ok()?))
    }

    /// The next three bytes, the low one first.
    pub(super) fn le24(&mut self) -> Option<u32> {
        let low = self.le16()?;
        Some(u32::from(low) | u32::from(self.byte()?) << 16)
    }

    /// The next four bytes, the high one first.
    pub(super) fn be32(&mut self) -> Option<u32> {
        Some(u32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }

    /// The next four bytes, the low one first.
    pub(super) fn le32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    /// Whether the file ends here.
    pub(super) fn is_empty(self) -> bool {
        self.0.is_empty()
    }
}
