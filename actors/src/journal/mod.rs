//! What of a task outlives its process: the seam between the supervisor, which knows what happened, and whoever writes
//! it down. Nothing here touches a disk.

mod admission;
mod entry;
mod image;
mod seam;

pub use admission::{Admission, Transcript};
pub use entry::{JournalEntry, JournalStep, Tallied};
pub use image::{ImageError, Taken, TaskImage};
pub use seam::{Journal, JournalAck, JournalError};
