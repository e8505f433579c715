//! What a story wants answered.

use std::time::Duration;

use serde_json::Value;

/// An answer, in neutral form; each format sends it as its vendor would.
#[derive(Clone, Debug)]
pub enum Reply {
    /// A text.
    Text(String),
    /// Tool calls: names and arguments.
    Tools(Vec<(String, Value)>),
    /// A web search of the provider's own, what it found and what is said of it; refused where none was asked for.
    Searched {
        /// Titles and addresses of the pages.
        pages: Vec<(String, String)>,
        /// The answer, in two pieces that cite a page each.
        text: String,
        /// Whether the provider pauses instead of ending the turn.
        pauses: bool,
    },
    /// The same after a while, before the response headers.
    After(Duration, Box<Reply>),
    /// An error reply in the vendor's form.
    Status {
        /// HTTP status.
        code: u16,
        /// The vendor's message.
        message: String,
        /// `retry-after`, in seconds.
        retry_after: Option<u64>,
    },
    /// An error reply with these headers and this body, whatever they are.
    Raw {
        /// HTTP status.
        code: u16,
        /// Headers beside the content type.
        headers: Vec<(&'static str, String)>,
        /// The body, as JSON.
        body: Value,
    },
    /// The stream of this text, with these response headers.
    TextWith {
        /// The text.
        text: String,
        /// Headers.
        headers: Vec<(&'static str, String)>,
    },
    /// The stream of this text, cut off in the middle: the connection is reset.
    CutOff(String),
    /// The stream of this text without its terminal event.
    Unfinished(String),
    /// The first half of this text, then silence with the connection open.
    Stalls(String),
    /// No answer at all, with the connection open.
    Hangs,
    /// A redirect to this address.
    Redirect(String),
    /// Status 200 and an HTML page, as from a wrong base URL.
    Html(String),
}

impl Reply {
    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// One tool call.
    pub fn tool(name: &str, arguments: Value) -> Self {
        Self::Tools(vec![(name.to_owned(), arguments)])
    }

    /// Whether the server answers at all, as opposed to refusing or saying nothing.
    pub(super) fn is_stream(&self) -> bool {
        match self {
            Self::Text(_)
            | Self::Tools(_)
            | Self::TextWith { .. }
            | Self::Searched { .. }
            | Self::CutOff(_)
            | Self::Unfinished(_)
            | Self::Stalls(_) => true,
            Self::After(_, inner) => inner.is_stream(),
            Self::Status { .. } | Self::Raw { .. } | Self::Hangs | Self::Redirect(_) | Self::Html(_) => false,
        }
    }

    /// A search that found one page.
    pub fn searched(text: &str) -> Self {
        let pages = vec![("A page".to_owned(), "https://docs.example/page".to_owned())];
        Self::Searched { pages, text: text.to_owned(), pauses: false }
    }

    /// An error reply.
    pub fn status(code: u16, message: &str) -> Self {
        Self::Status { code, message: message.to_owned(), retry_after: None }
    }
}
