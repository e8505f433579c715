//! Linux: mounts, capabilities, Landlock, seccomp; in this order, on one thread.
//!
//! Landlock allows and cannot deny below what it allows. Where mounts can be made, by this process if it is privileged
//! and else by bubblewrap, a protected path becomes a read-only mount and a denied one is covered by something empty.
//! Elsewhere both are cut out of what Landlock allows: a directory with something protected in it is not writable
//! itself, only what else is in it. Existing files and directories there can be changed then, but nothing new can be
//! created beside them; and neither modes and owners of files outside are held, nor has a command shared memory.
//!
//! Not held by any of this: what is reached under another name that existed before (hard links, the same directory
//! mounted elsewhere), and protected names that are created deeper than where configuration is looked for.

mod blueprint;
mod bubblewrap;
mod capabilities;
mod detect;
mod landlock;
mod mounts;
mod seccomp;
mod syscalls;
mod thread;
mod trees;

pub(super) use detect::{Mounting, support};
pub(super) use seccomp::building_filter;
pub(super) use thread::{confine, on_own_thread};
