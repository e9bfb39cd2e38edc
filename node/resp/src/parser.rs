//! Finds the complete commands in a read buffer.
//!
//! The parser remembers how far it has come with an incomplete command, so a command that arrives
//! byte by byte costs no more than one that arrives at once. Positions are relative to the start
//! of the incomplete command: between two calls the caller drops the bytes reported as consumed,
//! and appends what has arrived.

use memchr::memchr;

use crate::args::{Batch, Span};
use crate::error::ProtocolError;
use crate::limits::Limits;
use crate::number::parse_i64;

/// Spans kept for the next command in pieces: few, because every idle connection has a parser.
const KEEP_SPANS: usize = 16;

/// A resumable parser of requests, one for each connection.
#[derive(Debug, Default)]
pub struct Parser {
    /// Arguments still to come of a command whose count is known.
    missing_args: usize,
    /// Length of the argument being read, when its line has been read.
    bulk_len: Option<usize>,
    /// Bytes of the incomplete command that have been dealt with.
    at: usize,
    /// Bytes behind `at` known to contain no end of line.
    searched: usize,
    /// Arguments of the incomplete command, relative to its start.
    spans: Vec<Span>,
}

/// What a call of [`Parser::parse`] found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parsed {
    /// Bytes that complete commands cover; the caller drops them once the commands have run.
    pub consumed: usize,
    /// Why the bytes behind the last command are not a request. It is the last thing to answer.
    pub error: Option<ProtocolError>,
    /// Parsing stopped because enough commands were found, not for lack of bytes.
    pub more: bool,
    /// Bytes that the argument being read lacks at least; 0 when unknown.
    pub need_bytes: usize,
}

/// What one look at the bytes of a command found.
enum Step {
    Complete,
    Incomplete,
}

impl Parser {
    /// Appends the complete commands of `buffer` to `batch`, `max_commands` at most.
    ///
    /// `batch` must be empty or hold commands of this very buffer.
    pub fn parse(
        &mut self,
        buffer: &[u8],
        limits: &Limits,
        batch: &mut Batch,
        max_commands: usize,
    ) -> Parsed {
        let mut parsed = Parsed::default();
        batch.buffer_len = buffer.len() as u32;
        let mut found = 0;
        loop {
            if found == max_commands {
                parsed.more = true;
                return parsed;
            }
            let rest = &buffer[parsed.consumed..];
            if rest.len() <= self.at {
                break;
            }
            let before = batch.spans.len();
            match self.command(rest, parsed.consumed, limits, batch) {
                Ok(Step::Complete) => {
                    parsed.consumed += self.at;
                    self.reset();
                    if batch.spans.len() > before {
                        batch.ends.push(batch.spans.len() as u32);
                        found += 1;
                    }
                }
                Ok(Step::Incomplete) => break,
                Err(error) => {
                    parsed.error = Some(error);
                    return parsed;
                }
            }
        }
        let arrived = buffer.len() - parsed.consumed;
        let end = self.bulk_len.map_or(0, |len| self.at + len + 2);
        parsed.need_bytes = end.saturating_sub(arrived);
        parsed
    }

    /// Spans there is room for, for tests of what is reserved.
    #[cfg(test)]
    pub(crate) fn span_capacity(&self) -> usize {
        self.spans.capacity()
    }

    fn reset(&mut self) {
        self.at = 0;
        self.searched = 0;
        self.bulk_len = None;
        self.missing_args = 0;
        self.spans.clear();
        self.spans.shrink_to(KEEP_SPANS);
    }

    /// Goes on with the command at the start of `rest`, which lies at `base` in the buffer.
    #[inline]
    fn command(
        &mut self,
        rest: &[u8],
        base: usize,
        limits: &Limits,
        batch: &mut Batch,
    ) -> Result<Step, ProtocolError> {
        if self.missing_args == 0 {
            if rest[0] != b'*' {
                return self.inline(rest, limits, batch);
            }
            if let Some(count) = self.short_count(rest, limits) {
                self.missing_args = count;
            } else {
                match self.line(rest, limits, ProtocolError::TooBigCount)? {
                    None => return Ok(Step::Incomplete),
                    Some(line) => self.missing_args = argument_count(&line[1..], limits)?,
                }
            }
            if self.missing_args == 0 {
                return Ok(Step::Complete);
            }
        }
        // The usual command is whole and new: its spans need no detour.
        if self.spans.is_empty() {
            let start = batch.spans.len();
            let step = self.arguments(rest, base, limits, &mut batch.spans);
            if !matches!(step, Ok(Step::Complete)) {
                let own = batch.spans.drain(start..);
                self.spans.extend(own.map(|span| Span { start: span.start - base as u32, ..span }));
            }
            return step;
        }
        let mut spans = std::mem::take(&mut self.spans);
        let step = self.arguments(rest, 0, limits, &mut spans);
        if matches!(step, Ok(Step::Complete)) {
            let base = base as u32;
            let absolute = spans.iter().map(|span| Span { start: span.start + base, ..*span });
            batch.spans.extend(absolute);
        }
        self.spans = spans;
        step
    }

    /// Takes the usual `*count` line, of one digit, by a short cut.
    #[inline]
    fn short_count(&mut self, rest: &[u8], limits: &Limits) -> Option<usize> {
        let &[_, digit @ b'1'..=b'9', b'\r', _] = rest.first_chunk::<4>()? else { return None };
        let count = usize::from(digit - b'0');
        if count > limits.max_args {
            return None;
        }
        self.at = 4;
        self.searched = 0;
        Some(count)
    }

    /// Reads arguments until the command is complete or the bytes end.
    #[inline]
    fn arguments(
        &mut self,
        rest: &[u8],
        base: usize,
        limits: &Limits,
        spans: &mut Vec<Span>,
    ) -> Result<Step, ProtocolError> {
        self.short_arguments(rest, base, spans);
        while self.missing_args > 0 {
            let len = match self.bulk_len {
                Some(len) => len,
                None => {
                    match rest.get(self.at) {
                        None => return Ok(Step::Incomplete),
                        Some(b'$') => {}
                        Some(&other) => return Err(ProtocolError::ExpectedDollar(other)),
                    }
                    let Some(line) = self.line(rest, limits, ProtocolError::TooBigLength)? else {
                        return Ok(Step::Incomplete);
                    };
                    *self.bulk_len.insert(argument_len(&line[1..], limits)?)
                }
            };
            if rest.len() - self.at < len + 2 {
                return Ok(Step::Incomplete);
            }
            spans.push(Span { start: (base + self.at) as u32, len: len as u32 });
            self.at += len + 2;
            self.bulk_len = None;
            self.missing_args -= 1;
            self.short_arguments(rest, base, spans);
        }
        Ok(Step::Complete)
    }

    /// Takes the arguments that are whole and shorter than 100 bytes, which nearly all are.
    #[inline]
    fn short_arguments(&mut self, rest: &[u8], base: usize, spans: &mut Vec<Span>) {
        if self.bulk_len.is_some() {
            return;
        }
        let (mut at, mut missing_args) = (self.at, self.missing_args);
        while missing_args > 0
            && let Some((start, len)) = short_argument(rest, at)
        {
            spans.push(Span { start: (base + start) as u32, len: len as u32 });
            at = start + len + 2;
            missing_args -= 1;
        }
        if at > self.at {
            (self.at, self.missing_args, self.searched) = (at, missing_args, 0);
        }
    }

    /// Takes the line at `at`, without its end. As in Redis, the byte behind CR is not looked at.
    #[inline]
    fn line<'b>(
        &mut self,
        rest: &'b [u8],
        limits: &Limits,
        too_long: ProtocolError,
    ) -> Result<Option<&'b [u8]>, ProtocolError> {
        let tail = &rest[self.at..];
        let end = memchr(b'\r', &tail[self.searched..]).map(|end| end + self.searched);
        match end {
            // However the line is cut on its way, it is too long.
            Some(end) if end > limits.max_inline_bytes => Err(too_long),
            Some(end) if end + 2 <= tail.len() => {
                self.at += end + 2;
                self.searched = 0;
                Ok(Some(&tail[..end]))
            }
            Some(_) => Ok(None),
            None if tail.len() > limits.max_inline_bytes => Err(too_long),
            None => {
                self.searched = tail.len();
                Ok(None)
            }
        }
    }

    /// Reads an inline command: words up to the end of the line, with quotes.
    #[cold]
    fn inline(
        &mut self,
        rest: &[u8],
        limits: &Limits,
        batch: &mut Batch,
    ) -> Result<Step, ProtocolError> {
        let Some(end) = memchr(b'\n', &rest[self.searched..]).map(|end| end + self.searched) else {
            if rest.len() > limits.max_inline_bytes {
                return Err(ProtocolError::TooBigInline);
            }
            self.searched = rest.len();
            return Ok(Step::Incomplete);
        };
        if end > limits.max_inline_bytes {
            return Err(ProtocolError::TooBigInline);
        }
        let line = rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]);
        crate::inline::split(line, batch)?;
        self.at = end + 1;
        Ok(Step::Complete)
    }
}

/// The number of arguments; zero and less mean a command to pass over.
fn argument_count(digits: &[u8], limits: &Limits) -> Result<usize, ProtocolError> {
    let count = parse_i64(digits).ok_or(ProtocolError::InvalidMultibulkLength)?;
    let count = usize::try_from(count).unwrap_or(0);
    match count <= limits.max_args {
        true => Ok(count),
        false if limits.authenticated || count > i32::MAX as usize => {
            Err(ProtocolError::InvalidMultibulkLength)
        }
        false => Err(ProtocolError::UnauthenticatedMultibulkLength),
    }
}

/// Where the bytes of a whole argument of less than 100 bytes begin, and how many there are.
#[inline]
fn short_argument(rest: &[u8], at: usize) -> Option<(usize, usize)> {
    let digit = |byte: u8| usize::from(byte - b'0');
    let (head, len) = match *rest.get(at..)?.first_chunk::<5>()? {
        [b'$', one @ b'0'..=b'9', b'\r', b'\n', _] => (4, digit(one)),
        [b'$', ten @ b'1'..=b'9', one @ b'0'..=b'9', b'\r', b'\n'] => {
            (5, digit(ten) * 10 + digit(one))
        }
        _ => return None,
    };
    (rest.len() - at >= head + len + 2).then_some((at + head, len))
}

fn argument_len(digits: &[u8], limits: &Limits) -> Result<usize, ProtocolError> {
    let len = parse_i64(digits).and_then(|len| usize::try_from(len).ok());
    let len = len.ok_or(ProtocolError::InvalidBulkLength)?;
    match len <= limits.max_bulk_bytes {
        true => Ok(len),
        false if limits.authenticated || len > 512 << 20 => Err(ProtocolError::InvalidBulkLength),
        false => Err(ProtocolError::UnauthenticatedBulkLength),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_in_pieces(
        bytes: &[u8],
        pieces: &[usize],
    ) -> (Vec<Vec<Vec<u8>>>, Option<ProtocolError>) {
        let (mut parser, mut buffer, mut commands) = (Parser::default(), Vec::new(), Vec::new());
        let mut from = 0;
        for &to in pieces.iter().chain([&bytes.len()]) {
            buffer.extend_from_slice(&bytes[from.min(to)..to]);
            from = to;
            let mut batch = Batch::default();
            let parsed = parser.parse(&buffer, &Limits::default(), &mut batch, usize::MAX);
            for number in 0..batch.len() {
                commands.push(batch.args(number, &buffer).iter().map(<[u8]>::to_vec).collect());
            }
            buffer.drain(..parsed.consumed);
            if parsed.error.is_some() {
                return (commands, parsed.error);
            }
        }
        (commands, None)
    }

    fn error_of(bytes: &[u8]) -> String {
        parse_in_pieces(bytes, &[]).1.map_or_else(String::new, |error| error.reply_text())
    }

    #[test]
    fn commands_are_the_same_however_they_arrive() {
        let bytes = b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$11\r\nhello\r\nworl\r\n\r\nPING \"a\\x41\" 'b c'\r\n*0\r\n\
            *-1\r\n*1\r\n$4\r\nQUIT\r\n";
        let whole = parse_in_pieces(bytes, &[]);
        assert_eq!(whole.0.len(), 3);
        assert_eq!(whole.0[0][2], b"hello\r\nworl");
        assert_eq!(whole.0[1], [&b"PING"[..], b"aA", b"b c"]);
        for cut in 0..bytes.len() {
            assert_eq!(parse_in_pieces(bytes, &[cut]), whole, "cut at {cut}");
        }
        let every: Vec<usize> = (0..bytes.len()).collect();
        assert_eq!(parse_in_pieces(bytes, &every), whole);
    }

    #[test]
    fn a_length_that_arrived_in_part_leaves_nothing_behind() {
        let bytes = b"*2\r\n$3\r\nGET\r\n$1\r\na\r\n";
        // `$3`, then its end and the next `$` by itself.
        assert_eq!(parse_in_pieces(bytes, &[6, 14]), parse_in_pieces(bytes, &[]));
    }

    #[test]
    fn broken_requests_get_the_texts_of_redis() {
        assert_eq!(error_of(b"*x\r\n"), "ERR Protocol error: invalid multibulk length");
        assert_eq!(error_of(b"*99999999999\r\n"), "ERR Protocol error: invalid multibulk length");
        assert_eq!(error_of(b"*1\r\n$-1\r\n"), "ERR Protocol error: invalid bulk length");
        assert_eq!(error_of(b"*1\r\n$999999999999\r\n"), "ERR Protocol error: invalid bulk length");
        assert_eq!(error_of(b"*1\r\nx"), "ERR Protocol error: expected '$', got 'x'");
        assert_eq!(error_of(b"GET \"a\r\n"), "ERR Protocol error: unbalanced quotes in request");
        let long = vec![b'a'; 70_000];
        assert_eq!(error_of(&long), "ERR Protocol error: too big inline request");
    }

    #[test]
    fn a_large_declared_length_reserves_nothing() {
        let mut parser = Parser::default();
        let mut batch = Batch::default();
        let parsed = parser.parse(b"*2\r\n$536870912\r\nab", &Limits::default(), &mut batch, 9);
        assert_eq!((parsed.consumed, parsed.need_bytes), (0, 536_870_912));
        assert!(batch.spans.capacity() < 100);
    }

    #[test]
    fn a_large_command_that_came_in_pieces_leaves_no_memory_behind() {
        let mut bytes = b"*1001\r\n".to_vec();
        (0..1001).for_each(|_| bytes.extend_from_slice(b"$1\r\na\r\n"));
        let (mut parser, mut batch) = (Parser::default(), Batch::default());
        let first = parser.parse(&bytes[..bytes.len() - 1], &Limits::default(), &mut batch, 9);
        assert!(first.consumed == 0 && parser.span_capacity() >= 1000);
        let second = parser.parse(&bytes, &Limits::default(), &mut batch, 9);
        assert!(second.consumed == bytes.len() && parser.span_capacity() <= KEEP_SPANS);
    }
}
