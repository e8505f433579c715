//! What a session lends to the tools of the web: somebody who reads or searches for the agent, if there is somebody.

use std::fmt;
use std::sync::Arc;

/// Somebody, or nobody. Clones share them.
pub(crate) struct Lent<T: ?Sized>(pub(crate) Option<Arc<T>>);

impl<T: ?Sized> Clone for Lent<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: ?Sized> Default for Lent<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: ?Sized> fmt::Debug for Lent<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "somebody" } else { "nobody" })
    }
}
