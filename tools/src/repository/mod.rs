//! What has to be known about a git repository without asking git: where it is, and which repositories it has in it.

mod index;
mod place;

pub(crate) use place::Repository;
