//! Requests as they lie in the read buffer: ranges, not copies.

use std::ops::Index;

/// A range of the read buffer, relative to where the batch's bytes begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) len: u32,
}

/// The commands of one read, in order. Reused from read to read.
#[derive(Debug, Default)]
pub struct Batch {
    /// Arguments of all commands, one behind the other.
    pub(crate) spans: Vec<Span>,
    /// For each command, where its arguments end in `spans`.
    pub(crate) ends: Vec<u32>,
    /// Arguments of inline commands, unquoted; their spans lie behind the read buffer's own.
    pub(crate) unquoted: Vec<u8>,
    /// Length of the buffer the spans refer to; larger starts mean `unquoted`.
    pub(crate) buffer_len: u32,
}

/// Spans kept allocated between batches.
const KEEP_SPANS: usize = 16 << 10;

impl Batch {
    /// Forgets all commands and keeps the memory, unless a burst made it large.
    pub fn clear(&mut self) {
        self.spans.clear();
        self.ends.clear();
        self.unquoted.clear();
        self.spans.shrink_to(KEEP_SPANS);
        self.ends.shrink_to(KEEP_SPANS);
        self.unquoted.shrink_to(KEEP_SPANS);
    }

    /// Whether it holds no memory.
    pub fn is_bare(&self) -> bool {
        self.spans.capacity() == 0
    }

    /// Commands there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The arguments of command `number`, given the buffer it was parsed from.
    ///
    /// # Panics
    /// There is no such command, or the buffer is a shorter one.
    #[inline]
    pub fn args<'a>(&'a self, number: usize, buffer: &'a [u8]) -> Args<'a> {
        let begin = if number == 0 { 0 } else { self.ends[number - 1] as usize };
        let spans = &self.spans[begin..self.ends[number] as usize];
        Args { spans, buffer, unquoted: &self.unquoted, buffer_len: self.buffer_len }
    }
}

/// The arguments of one command; the first is its name.
#[derive(Clone, Copy, Debug)]
pub struct Args<'a> {
    spans: &'a [Span],
    buffer: &'a [u8],
    unquoted: &'a [u8],
    buffer_len: u32,
}

impl<'a> Args<'a> {
    /// Arguments there are, the name included.
    #[inline]
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether there is none. A request always has a name.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// An argument, or nothing behind the last.
    #[inline]
    pub fn get(&self, index: usize) -> Option<&'a [u8]> {
        self.spans.get(index).map(|span| self.slice(*span))
    }

    #[inline]
    fn slice(&self, span: Span) -> &'a [u8] {
        let (start, len) = (span.start as usize, span.len as usize);
        if span.start >= self.buffer_len {
            let start = start - self.buffer_len as usize;
            return &self.unquoted[start..start + len];
        }
        &self.buffer[start..start + len]
    }

    /// All arguments in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &'a [u8]> + Clone + use<'a> {
        let args = *self;
        self.spans.iter().map(move |span| args.slice(*span))
    }

    /// The arguments from number `first` on.
    pub fn from(&self, first: usize) -> Args<'a> {
        Args { spans: self.spans.get(first..).unwrap_or(&[]), ..*self }
    }

    /// Bytes of all arguments together.
    pub fn total_bytes(&self) -> usize {
        self.spans.iter().map(|span| span.len as usize).sum()
    }
}

impl Index<usize> for Args<'_> {
    type Output = [u8];

    #[inline]
    fn index(&self, index: usize) -> &[u8] {
        self.slice(self.spans[index])
    }
}

/// Arguments with a buffer of their own, such as those of a command queued by MULTI.
#[derive(Clone, Debug, Default)]
pub struct OwnedArgs {
    bytes: Vec<u8>,
    spans: Vec<Span>,
}

impl OwnedArgs {
    /// Copies arguments out of the read buffer.
    pub fn copy(args: Args<'_>) -> OwnedArgs {
        args.iter().collect()
    }

    /// The arguments.
    pub fn as_args(&self) -> Args<'_> {
        Args { spans: &self.spans, buffer: &self.bytes, unquoted: &[], buffer_len: u32::MAX }
    }
}

impl From<Args<'_>> for OwnedArgs {
    fn from(args: Args<'_>) -> OwnedArgs {
        OwnedArgs::copy(args)
    }
}

impl<'a> FromIterator<&'a [u8]> for OwnedArgs {
    fn from_iter<I: IntoIterator<Item = &'a [u8]>>(words: I) -> OwnedArgs {
        let mut owned = OwnedArgs::default();
        for word in words {
            owned.spans.push(Span { start: owned.bytes.len() as u32, len: word.len() as u32 });
            owned.bytes.extend_from_slice(word);
        }
        owned
    }
}
