//! Why a page was not fetched, in words that a model can act on.

use std::time::Duration;

use crate::ToolError;
use crate::visible::visible_line;

/// Characters of a refused address that are repeated.
const SHOWN_CHARS_MAX: usize = 200;

/// A fetch that gave no page.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum FetchError {
    #[error("Error: Invalid URL \"{url}\". The URL provided could not be parsed.")]
    Invalid { url: String },
    #[error("Error: the URL is longer than 2000 characters.")]
    TooLong,
    #[error("Error: only http and https URLs are fetched, not {scheme}.")]
    Scheme { scheme: String },
    #[error("Error: the URL holds a user name or a password, and WebFetch sends no credentials.")]
    UserInfo,
    #[error(
        "WebFetch does not connect to {host}: its address belongs to this machine or to a private network. This cannot \
         be changed by a permission rule."
    )]
    NotPublic { host: String },
    #[error(
        "The server returned HTTP {status}.\n\nThe response body was not retrieved. If this URL requires authentication, \
         use an authenticated tool (for example `gh` for GitHub, or a tool of an MCP server) instead of WebFetch."
    )]
    Status { status: String },
    #[error("{host} redirects {hops} times and more on itself: no page was reached.")]
    TooManyRedirects { host: String, hops: usize },
    #[error("{host} redirects without saying where to, or to something that is no web page.")]
    BadRedirect { host: String },
    #[error("{url} is {kind}, not text. WebFetch reads web pages and text only.")]
    Binary { url: String, kind: String },
    #[error("The page at {url} is built in a way that takes too long to read.")]
    TooComplex { url: String },
    #[error("Could not fetch from {host}: {cause}.")]
    Unreachable { host: String, cause: String },
    #[error("The page did not arrive within {} seconds.", after.as_secs())]
    TimedOut { after: Duration },
}

impl FetchError {
    pub(super) fn invalid(url: &str) -> Self {
        Self::Invalid { url: visible_line(url, SHOWN_CHARS_MAX) }
    }
}

impl From<FetchError> for ToolError {
    fn from(error: FetchError) -> Self {
        let text = error.to_string();
        match error {
            FetchError::Invalid { .. }
            | FetchError::TooLong
            | FetchError::Scheme { .. }
            | FetchError::UserInfo => Self::Input(text),
            FetchError::NotPublic { .. } => Self::Refused(text),
            FetchError::TimedOut { .. } => Self::TimedOut(text),
            FetchError::Status { .. }
            | FetchError::TooManyRedirects { .. }
            | FetchError::BadRedirect { .. }
            | FetchError::Binary { .. }
            | FetchError::TooComplex { .. }
            | FetchError::Unreachable { .. } => Self::Failed(text),
        }
    }
}
