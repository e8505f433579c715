//! Ids. UUIDv7, so that their order is the order of creation.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id, later than all before.
            #[expect(clippy::new_without_default, reason = "each id is different: there is no default")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }

            /// The id as text that others keep.
            pub(crate) fn shared(&self) -> Arc<str> {
                let mut digits = Uuid::encode_buffer();
                Arc::from(&*self.0.hyphenated().encode_lower(&mut digits))
            }

            /// The last eight hexadecimal digits: enough to tell the tasks of one screen apart.
            pub fn short(&self) -> String {
                let digits = self.0.simple().to_string();
                digits.get(24..).unwrap_or_default().to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    };
}

uuid_id! {
    /// One call of the Task tool.
    TaskId
}
uuid_id! {
    /// A set of tasks that are collected together.
    RunId
}
