//! How much a request may ask for.

/// Bounds on requests; each is checked before memory is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest single argument (`proto-max-bulk-len`).
    pub max_bulk_bytes: usize,
    /// Most arguments of a command.
    pub max_args: usize,
    /// Longest inline command, and longest line that announces a count or length.
    pub max_inline_bytes: usize,
    /// Most unparsed bytes a client may have (`client-query-buffer-limit`). The session checks it.
    pub max_query_buffer_bytes: usize,
    /// Whether the error texts say that authentication would raise the limits.
    pub authenticated: bool,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            max_bulk_bytes: 512 << 20,
            max_args: 1 << 20,
            max_inline_bytes: 64 << 10,
            max_query_buffer_bytes: 1 << 30,
            authenticated: true,
        }
    }
}

impl Limits {
    /// What a client may send before it has authenticated: Redis's numbers.
    pub fn unauthenticated() -> Limits {
        Limits {
            max_bulk_bytes: 16 << 10,
            max_args: 10,
            max_query_buffer_bytes: 1 << 20,
            authenticated: false,
            ..Limits::default()
        }
    }
}
