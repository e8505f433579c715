//! Which files a session's tools may touch, and the only way they open them.
//!
//! Owns: turning what a model wrote into a path, judging it, and opening it by directory handle. Does not decide what
//! the user's rules say (that is the gate's work); it only keeps the paths that those rules deny, so that a file is
//! judged once more at the moment when it is opened.
//!
//! Invariant: no file is opened or created outside the session's roots, whatever links lie on the way and whoever
//! changes them meanwhile.

mod denied;
mod error;
mod guard;
mod pattern;
mod protected;
mod root;
mod write;

pub(crate) use denied::DeniedPaths;
pub use error::PathError;
pub(crate) use guard::normalised;
pub use guard::{PathGuard, ResolvedPath};
pub(crate) use pattern::{Case, PathPattern, PatternBase};
pub use protected::Protection;
pub use write::WriteTarget;
