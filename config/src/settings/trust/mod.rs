//! Trust in a folder: whether the settings that lie in it may widen what runs there. Only the user gives it, in places
//! of their own; without it a repository's files narrow and nothing else.

mod folders;
mod said;
mod store;
mod withheld;

pub(super) use folders::folder_of;
pub use folders::{FolderTrust, TrustOrigin, TrustedFolders};
pub use said::TRUST_VARIABLE;
pub(super) use said::{of_claude_code, of_settings, of_this_session};
pub use store::{TrustStore, TrustStoreError};
pub(super) use withheld::{Withheld, how_to_trust};

#[cfg(test)]
mod trust_tests;
