//! Inline commands: words separated by blanks, as a person types them into a terminal.
//!
//! Quoting is redis-cli's: `"..."` with `\n \r \t \b \a \xHH` and `\` before any other byte, and
//! `'...'` with `\'` only. A closing quote must be followed by a blank or the end.

use crate::args::{Batch, Span};
use crate::error::ProtocolError;

/// Splits a line and appends its words, unquoted, to the batch.
pub(crate) fn split(line: &[u8], batch: &mut Batch) -> Result<(), ProtocolError> {
    let mut rest = line;
    loop {
        while let [first, tail @ ..] = rest
            && is_blank(*first)
        {
            rest = tail;
        }
        if rest.is_empty() || rest[0] == 0 {
            return Ok(());
        }
        let start = batch.unquoted.len();
        rest = word(rest, &mut batch.unquoted)?;
        let len = (batch.unquoted.len() - start) as u32;
        batch.spans.push(Span { start: batch.buffer_len + start as u32, len });
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

/// Takes one word and returns what follows it.
fn word<'l>(line: &'l [u8], out: &mut Vec<u8>) -> Result<&'l [u8], ProtocolError> {
    let mut rest = line;
    loop {
        match rest {
            [] | [0, ..] => return Ok(&[]),
            [blank, ..] if is_blank(*blank) => return Ok(rest),
            [b'"', tail @ ..] => rest = double_quoted(tail, out)?,
            [b'\'', tail @ ..] => rest = single_quoted(tail, out)?,
            [byte, tail @ ..] => {
                out.push(*byte);
                rest = tail;
            }
        }
    }
}

fn double_quoted<'l>(line: &'l [u8], out: &mut Vec<u8>) -> Result<&'l [u8], ProtocolError> {
    let mut rest = line;
    loop {
        match rest {
            [] | [0, ..] => return Err(ProtocolError::UnbalancedQuotes),
            [b'"', tail @ ..] => return closed(tail),
            [b'\\', b'x', high, low, tail @ ..]
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                out.push(hex(*high) << 4 | hex(*low));
                rest = tail;
            }
            [b'\\', escaped, tail @ ..] => {
                out.push(match escaped {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 0x08,
                    b'a' => 0x07,
                    other => *other,
                });
                rest = tail;
            }
            [byte, tail @ ..] => {
                out.push(*byte);
                rest = tail;
            }
        }
    }
}

fn single_quoted<'l>(line: &'l [u8], out: &mut Vec<u8>) -> Result<&'l [u8], ProtocolError> {
    let mut rest = line;
    loop {
        match rest {
            [] | [0, ..] => return Err(ProtocolError::UnbalancedQuotes),
            [b'\'', tail @ ..] => return closed(tail),
            [b'\\', b'\'', tail @ ..] => {
                out.push(b'\'');
                rest = tail;
            }
            [byte, tail @ ..] => {
                out.push(*byte);
                rest = tail;
            }
        }
    }
}

/// A closing quote ends its word.
fn closed(rest: &[u8]) -> Result<&[u8], ProtocolError> {
    match rest.first() {
        None | Some(0) => Ok(rest),
        Some(byte) if is_blank(*byte) => Ok(rest),
        Some(_) => Err(ProtocolError::UnbalancedQuotes),
    }
}

fn hex(digit: u8) -> u8 {
    char::from(digit).to_digit(16).map_or(0, |value| value as u8)
}
