//! Replies, written to memory in the client's protocol. The only place that knows how RESP2 and
//! RESP3 differ.
//!
//! A reply is one growing byte vector plus a list of large values that are sent from where they
//! lie: they are never copied into the vector.

use std::io::IoSlice;

use bytes::Bytes;

/// The version of the protocol a client speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// The one every client knows.
    #[default]
    Resp2,
    /// With maps, sets, doubles, nulls and pushes; chosen by `HELLO 3`.
    Resp3,
}

/// Raw bytes that are worth a slice of their own.
const SHARED_BYTES: usize = 16 << 10;

/// Capacity kept when a burst of replies has made the vector larger.
const KEEP_BYTES: usize = 256 << 10;

/// Replies on their way to a client.
#[derive(Debug, Default)]
pub struct Reply {
    protocol: Protocol,
    bytes: Vec<u8>,
    /// Large values, each with the position in `bytes` that it stands before.
    shared: Vec<(usize, Bytes)>,
    shared_bytes: usize,
    /// Bytes already sent, of everything.
    sent: usize,
}

/// A place to come back to with [`Reply::rollback`].
#[derive(Clone, Copy, Debug)]
pub struct Checkpoint {
    bytes: usize,
    shared: usize,
    shared_bytes: usize,
}

/// An aggregate whose length is not known yet.
#[derive(Debug)]
#[must_use = "the aggregate's length must be written"]
pub struct Deferred(usize);

impl Reply {
    /// An empty reply.
    pub fn new(protocol: Protocol) -> Reply {
        Reply { protocol, ..Reply::default() }
    }

    /// The protocol written in.
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Writes in another protocol from here on.
    #[inline]
    pub fn set_protocol(&mut self, protocol: Protocol) {
        self.protocol = protocol;
    }

    fn is_resp3(&self) -> bool {
        self.protocol == Protocol::Resp3
    }

    /// Bytes not sent yet, large values included.
    #[inline]
    pub fn len_bytes(&self) -> usize {
        self.bytes.len() + self.shared_bytes - self.sent
    }

    /// Whether everything is sent.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len_bytes() == 0
    }

    /// Bytes allocated.
    pub fn capacity_bytes(&self) -> usize {
        self.bytes.capacity()
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(KEEP_BYTES);
        self.shared.clear();
        self.shared_bytes = 0;
        self.sent = 0;
    }

    #[inline]
    fn line(&mut self, kind: u8, text: &[u8]) {
        self.bytes.reserve(text.len() + 3);
        self.bytes.push(kind);
        self.bytes.extend_from_slice(text);
        self.bytes.extend_from_slice(b"\r\n");
    }

    #[inline]
    fn number(&mut self, kind: u8, number: i64) {
        let mut digits = itoa::Buffer::new();
        self.line(kind, digits.format(number).as_bytes());
    }

    /// `+OK`.
    #[inline]
    pub fn ok(&mut self) {
        self.bytes.extend_from_slice(b"+OK\r\n");
    }

    /// A status word. Line ends in it become blanks.
    pub fn simple(&mut self, text: &str) {
        self.bytes.push(b'+');
        self.one_line(text.as_bytes());
    }

    /// An error; the text begins with its code. Line ends in it become blanks.
    pub fn error(&mut self, text: &str) {
        self.error_bytes(text.as_bytes());
    }

    /// An error from bytes. Line ends behind it are left out.
    pub fn error_bytes(&mut self, text: &[u8]) {
        let is_line_end = |byte: &u8| *byte == b'\r' || *byte == b'\n';
        let end = text.iter().rposition(|byte| !is_line_end(byte)).map_or(0, |last| last + 1);
        self.bytes.push(b'-');
        self.one_line(&text[..end]);
    }

    fn one_line(&mut self, text: &[u8]) {
        let blank = |&byte: &u8| if byte == b'\r' || byte == b'\n' { b' ' } else { byte };
        self.bytes.extend(text.iter().map(blank));
        self.bytes.extend_from_slice(b"\r\n");
    }

    /// An integer.
    #[inline]
    pub fn integer(&mut self, number: i64) {
        self.number(b':', number);
    }

    /// A string.
    #[inline]
    pub fn bulk(&mut self, bytes: &[u8]) {
        self.bytes.reserve(bytes.len() + 32);
        self.number(b'$', bytes.len() as i64);
        self.bytes.extend_from_slice(bytes);
        self.bytes.extend_from_slice(b"\r\n");
    }

    /// An integer as a string.
    pub fn bulk_integer(&mut self, number: i64) {
        let mut digits = itoa::Buffer::new();
        self.bulk(digits.format(number).as_bytes());
    }

    /// A string that is sent from where it lies.
    pub fn bulk_shared(&mut self, bytes: Bytes) {
        self.number(b'$', bytes.len() as i64);
        self.shared_bytes += bytes.len();
        self.shared.push((self.bytes.len(), bytes));
        self.bytes.extend_from_slice(b"\r\n");
    }

    /// Nothing, where a string could be.
    #[inline]
    pub fn null(&mut self) {
        let text: &[u8] = if self.is_resp3() { b"_\r\n" } else { b"$-1\r\n" };
        self.bytes.extend_from_slice(text);
    }

    /// Nothing, where an array could be.
    pub fn null_array(&mut self) {
        let text: &[u8] = if self.is_resp3() { b"_\r\n" } else { b"*-1\r\n" };
        self.bytes.extend_from_slice(text);
    }

    /// The head of an array of `len` replies.
    #[inline]
    pub fn array(&mut self, len: usize) {
        self.number(b'*', len as i64);
    }

    /// The head of a map of `pairs` keys, each followed by its value.
    pub fn map(&mut self, pairs: usize) {
        if self.is_resp3() {
            self.number(b'%', pairs as i64);
        } else {
            self.array(pairs * 2);
        }
    }

    /// The head of a set.
    pub fn set(&mut self, len: usize) {
        self.number(if self.is_resp3() { b'~' } else { b'*' }, len as i64);
    }

    /// The head of a message that answers no request.
    pub fn push(&mut self, len: usize) {
        self.number(if self.is_resp3() { b'>' } else { b'*' }, len as i64);
    }

    /// A number with a fraction.
    pub fn double(&mut self, number: f64) {
        let text = crate::number::format_f64(number);
        if self.is_resp3() {
            self.line(b',', text.as_bytes());
        } else {
            self.bulk(text.as_bytes());
        }
    }

    /// True or false; 1 or 0 in RESP2.
    pub fn boolean(&mut self, value: bool) {
        match (self.is_resp3(), value) {
            (true, true) => self.bytes.extend_from_slice(b"#t\r\n"),
            (true, false) => self.bytes.extend_from_slice(b"#f\r\n"),
            (false, _) => self.integer(i64::from(value)),
        }
    }

    /// An integer of any size, given as digits.
    pub fn big_number(&mut self, digits: &str) {
        if self.is_resp3() {
            self.line(b'(', digits.as_bytes());
        } else {
            self.bulk(digits.as_bytes());
        }
    }

    /// Text with a three-letter format such as `txt`.
    pub fn verbatim(&mut self, format: &str, text: &[u8]) {
        if !self.is_resp3() {
            self.bulk(text);
            return;
        }
        self.number(b'=', (format.len() + 1 + text.len()) as i64);
        self.bytes.extend_from_slice(format.as_bytes());
        self.bytes.push(b':');
        self.bytes.extend_from_slice(text);
        self.bytes.extend_from_slice(b"\r\n");
    }

    /// Begins an aggregate of unknown length.
    pub fn deferred_array(&mut self) -> Deferred {
        Deferred(self.bytes.len())
    }

    /// Writes the head of a deferred array.
    pub fn finish_array(&mut self, deferred: Deferred, len: usize) {
        self.insert_head(deferred, |reply| reply.array(len));
    }

    /// Writes the head of a deferred map.
    pub fn finish_map(&mut self, deferred: Deferred, pairs: usize) {
        self.insert_head(deferred, |reply| reply.map(pairs));
    }

    /// Writes the head of a deferred set.
    pub fn finish_set(&mut self, deferred: Deferred, len: usize) {
        self.insert_head(deferred, |reply| reply.set(len));
    }

    fn insert_head(&mut self, deferred: Deferred, head: impl FnOnce(&mut Reply)) {
        let end = self.bytes.len();
        head(self);
        let head_len = self.bytes.len() - end;
        self.bytes[deferred.0..].rotate_right(head_len);
        for (position, _) in self.shared.iter_mut().rev().take_while(|(at, _)| *at >= deferred.0) {
            *position += head_len;
        }
    }

    /// Appends bytes that are RESP already.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Appends bytes that are RESP already; large ones are sent from where they lie.
    pub fn raw_shared(&mut self, bytes: Bytes) {
        if bytes.len() < SHARED_BYTES {
            return self.raw(&bytes);
        }
        self.shared_bytes += bytes.len();
        self.shared.push((self.bytes.len(), bytes));
    }

    /// The bytes of a reply that has no large values.
    pub fn into_bytes(self) -> Vec<u8> {
        debug_assert!(self.shared.is_empty(), "large values are not in the bytes");
        self.bytes
    }

    /// Moves everything unsent of another reply behind this one.
    pub fn append(&mut self, other: &mut Reply) {
        debug_assert_eq!(other.sent, 0, "half a reply cannot be moved");
        let base = self.bytes.len();
        self.bytes.append(&mut other.bytes);
        self.shared_bytes += std::mem::take(&mut other.shared_bytes);
        self.shared.extend(other.shared.drain(..).map(|(at, bytes)| (base + at, bytes)));
    }

    /// Remembers where the next reply begins.
    #[inline]
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            bytes: self.bytes.len(),
            shared: self.shared.len(),
            shared_bytes: self.shared_bytes,
        }
    }

    /// Tells whether what was written since is a pushed message, or an array, rather than an error.
    pub fn begins_push(&self, checkpoint: Checkpoint) -> bool {
        matches!(self.bytes.get(checkpoint.bytes), Some(b'>' | b'*'))
    }

    /// Drops what was written since.
    pub fn rollback(&mut self, checkpoint: Checkpoint) {
        self.bytes.truncate(checkpoint.bytes);
        self.shared.truncate(checkpoint.shared);
        self.shared_bytes = checkpoint.shared_bytes;
    }

    /// The unsent bytes, when they lie in one piece.
    #[inline]
    pub fn unsent_piece(&self) -> Option<&[u8]> {
        if self.shared.is_empty() { self.bytes.get(self.sent..) } else { None }
    }

    /// Fills `slices` with the unsent bytes in order and returns how many slices that took.
    pub fn unsent<'r>(&'r self, slices: &mut [IoSlice<'r>]) -> usize {
        let mut skip = self.sent;
        let mut filled = 0;
        let mut put = |part: &'r [u8]| {
            let skipped = skip.min(part.len());
            skip -= skipped;
            if skipped < part.len() && filled < slices.len() {
                slices[filled] = IoSlice::new(&part[skipped..]);
                filled += 1;
            }
        };
        let mut from = 0;
        for (at, bytes) in &self.shared {
            put(&self.bytes[from..*at]);
            put(bytes);
            from = *at;
        }
        put(&self.bytes[from..]);
        filled
    }

    /// Notes that `count` more bytes were sent.
    pub fn advance(&mut self, count: usize) {
        self.sent += count;
        if self.is_empty() {
            self.clear();
        }
    }
}
