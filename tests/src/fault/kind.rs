//! What can go wrong with an answer.

use std::time::Duration;

/// A place in the body of an answer. The body is never complete there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Behind so many bytes.
    Byte(usize),
    /// Behind so many thousandths of all bytes.
    PerMille(u16),
}

impl Place {
    /// The place in a body of this length.
    pub(super) fn within(self, length: usize) -> usize {
        let wanted = match self {
            Self::Byte(byte) => byte,
            Self::PerMille(share) => length * usize::from(share) / 1_000,
        };
        wanted.min(length.saturating_sub(1))
    }
}

/// The body of an error reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorBody {
    /// The vendor's own form.
    Vendor,
    /// A page of some gateway.
    Html,
    /// Nothing.
    Empty,
    /// So many bytes without meaning.
    Bytes(usize),
}

/// What goes wrong with an answer. The first ones do no harm: a client must bear with them.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// Each byte comes in a chunk of its own, so that code points and lines are cut everywhere.
    Bytewise,
    /// The headers come late.
    Late(Duration),
    /// Another model than the one that was asked for has answered.
    OtherModel(String),
    /// The request is read and the connection reset.
    Reset,
    /// The connection is closed inside of the response headers.
    CutHeaders,
    /// No response headers ever.
    Silent,
    /// The connection is reset inside of the body.
    ResetAt(Place),
    /// The body ends there, as if it were complete.
    EndsAt(Place),
    /// Nothing more comes, with the connection open.
    StallsAt(Place),
    /// A few bytes at a time, for ever.
    Drips {
        /// How many.
        bytes: usize,
        /// How long after each other.
        every: Duration,
    },
    /// Comments and no event, for ever.
    Comments {
        /// How long after each other.
        every: Duration,
    },
    /// A chunk whose length is no number.
    BadChunk,
    /// The stated length is more than what comes.
    LongLength,
    /// The stated length is less than what comes.
    ShortLength,
    /// Compressed without being asked, and cut.
    CutGzip,
    /// Compressed without being asked, and so many bytes when it is not.
    GzipBomb(usize),
    /// A document of this many bytes.
    HugeDocument(usize),
    /// A stream of text of this many bytes.
    HugeStream(usize),
    /// One event of this many bytes.
    HugeEvent(usize),
    /// Status 200 and a page.
    Html,
    /// Status 200 and a stream that says nothing.
    Nothing,
    /// An event that is no JSON.
    BadJson,
    /// The vendor's error, told inside of a stream that has begun.
    ErrorEvent,
    /// Each event twice.
    Doubled,
    /// The events in reverse order.
    Reversed,
    /// The model pauses instead of ending its turn: Anthropic's only.
    Pauses,
    /// An error reply.
    Status {
        /// HTTP status.
        code: u16,
        /// Headers, such as a hint when to come back.
        headers: Vec<(&'static str, String)>,
        /// What it says.
        body: ErrorBody,
    },
    /// A redirect to this address.
    Redirect(String),
}

impl Fault {
    /// An error reply of the vendor without a hint.
    pub fn status(code: u16) -> Self {
        Self::Status { code, headers: Vec::new(), body: ErrorBody::Vendor }
    }

    /// An error reply of the vendor that says when to come back, as its headers say it.
    pub fn hinted(code: u16, header: &'static str, value: impl Into<String>) -> Self {
        Self::Status { code, headers: vec![(header, value.into())], body: ErrorBody::Vendor }
    }

    /// Whether a client must bear with it, so that the answer counts.
    pub fn is_harmless(&self) -> bool {
        matches!(self, Self::None | Self::Bytewise | Self::Late(_) | Self::OtherModel(_))
    }

    /// Whether a client may find the whole answer in what comes, as far as it can tell.
    pub fn may_deliver(&self) -> bool {
        match self {
            Self::None
            | Self::Bytewise
            | Self::Late(_)
            | Self::OtherModel(_)
            | Self::ResetAt(_)
            | Self::EndsAt(_)
            | Self::StallsAt(_)
            | Self::Drips { .. }
            | Self::LongLength
            | Self::ShortLength
            | Self::Doubled
            | Self::Reversed
            | Self::Pauses => true,
            Self::Reset
            | Self::CutHeaders
            | Self::Silent
            | Self::Comments { .. }
            | Self::BadChunk
            | Self::CutGzip
            | Self::GzipBomb(_)
            | Self::HugeDocument(_)
            | Self::HugeStream(_)
            | Self::HugeEvent(_)
            | Self::Html
            | Self::Nothing
            | Self::BadJson
            | Self::ErrorEvent
            | Self::Status { .. }
            | Self::Redirect(_) => false,
        }
    }

    /// Its name, for counting.
    pub fn name(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Bytewise => "byte by byte",
            Self::Late(_) => "late headers",
            Self::OtherModel(_) => "another model",
            Self::Reset => "reset before the first byte",
            Self::CutHeaders => "cut headers",
            Self::Silent => "no headers",
            Self::ResetAt(_) => "reset in the body",
            Self::EndsAt(_) => "early end",
            Self::StallsAt(_) => "stall",
            Self::Drips { .. } => "drip",
            Self::Comments { .. } => "comments only",
            Self::BadChunk => "bad chunk",
            Self::LongLength => "length too long",
            Self::ShortLength => "length too short",
            Self::CutGzip => "cut gzip",
            Self::GzipBomb(_) => "gzip bomb",
            Self::HugeDocument(_) => "huge document",
            Self::HugeStream(_) => "huge stream",
            Self::HugeEvent(_) => "huge event",
            Self::Html => "page",
            Self::Nothing => "empty answer",
            Self::BadJson => "bad JSON",
            Self::ErrorEvent => "error in the stream",
            Self::Doubled => "doubled events",
            Self::Reversed => "reversed events",
            Self::Pauses => "pause",
            Self::Status { code: 429, .. } => "status 429",
            Self::Status { code: 500.., .. } => "status 5xx",
            Self::Status { .. } => "status 4xx",
            Self::Redirect(_) => "redirect",
        }
    }
}
