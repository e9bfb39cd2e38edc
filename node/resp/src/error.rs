//! Requests that break the protocol. The client causes them; after the reply the connection is
//! closed, because what follows cannot be told apart.

/// A request that is not RESP; the text is the one Redis sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// The number of arguments is no number or too large.
    #[error("Protocol error: invalid multibulk length")]
    InvalidMultibulkLength,
    /// The length of an argument is no number or too large.
    #[error("Protocol error: invalid bulk length")]
    InvalidBulkLength,
    /// As the first, for a client that has not authenticated.
    #[error("Protocol error: unauthenticated multibulk length")]
    UnauthenticatedMultibulkLength,
    /// As the second, for a client that has not authenticated.
    #[error("Protocol error: unauthenticated bulk length")]
    UnauthenticatedBulkLength,
    /// An argument does not begin with `$`.
    #[error("Protocol error: expected '$', got '{}'", char::from(*.0))]
    ExpectedDollar(u8),
    /// An inline command without an end.
    #[error("Protocol error: too big inline request")]
    TooBigInline,
    /// An argument count without an end of line.
    #[error("Protocol error: too big mbulk count string")]
    TooBigCount,
    /// An argument length without an end of line.
    #[error("Protocol error: too big bulk count string")]
    TooBigLength,
    /// An inline command with an open quote.
    #[error("Protocol error: unbalanced quotes in request")]
    UnbalancedQuotes,
}

impl ProtocolError {
    /// The error reply's text, with its code.
    pub fn reply_text(&self) -> String {
        format!("ERR {self}")
    }
}
