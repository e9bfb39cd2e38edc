//! RESP frames as a client reads them, strictly: one frame has exactly one encoding, so that
//! frames are equal exactly if their bytes are.

use std::fmt;

use super::step::quote;

/// One reply or message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A line: `+ - : , # ( _`.
    Line(u8, Vec<u8>),
    /// Bytes with a length: `$ = !`; nothing for `$-1`.
    Bulk(u8, Option<Vec<u8>>),
    /// Frames with a count: `* % ~ >`; nothing for `*-1`. A map's keys and values alternate.
    List(u8, Option<Vec<Frame>>),
}

/// Deepest nesting that is read.
const MAX_DEPTH: usize = 16;
/// Longest string or list that is read.
const MAX_LEN: usize = 1 << 30;

/// Reads the frame at the start of `bytes`: the frame and its length, or nothing when it is not
/// complete.
///
/// # Errors
/// The bytes are no frame; the text says why.
pub fn read(bytes: &[u8]) -> Result<Option<(Frame, usize)>, String> {
    read_at(bytes, 0, MAX_DEPTH)
}

fn read_at(bytes: &[u8], at: usize, depth: usize) -> Result<Option<(Frame, usize)>, String> {
    if depth == 0 {
        return Err("nested too deep".to_owned());
    }
    let Some(line_len) = bytes[at..].windows(2).position(|pair| pair == b"\r\n") else {
        return Ok(None);
    };
    let (line, end) = (&bytes[at..at + line_len], at + line_len + 2);
    let [kind, text @ ..] = line else {
        return Err("an empty line".to_owned());
    };
    if text.contains(&b'\n') || text.contains(&b'\r') {
        return Err(format!("a line end inside of {}", quote(line)));
    }
    match kind {
        b'+' | b'-' | b',' | b'(' => Ok(Some((Frame::Line(*kind, text.to_vec()), end))),
        b':' => {
            let value = canonical(text).ok_or_else(|| format!("no integer: {}", quote(line)))?;
            Ok(Some((Frame::Line(b':', value.to_string().into_bytes()), end)))
        }
        b'#' if text == b"t" || text == b"f" => Ok(Some((Frame::Line(*kind, text.to_vec()), end))),
        b'_' if text.is_empty() => Ok(Some((Frame::Line(b'_', Vec::new()), end))),
        b'$' | b'=' | b'!' => read_bulk(bytes, *kind, len_of(line)?, end),
        b'*' | b'%' | b'~' | b'>' => read_list(bytes, *kind, len_of(line)?, end, depth),
        _ => Err(format!("no frame begins with {}", quote(&line[..line.len().min(40)]))),
    }
}

fn read_bulk(
    bytes: &[u8],
    kind: u8,
    len: Option<usize>,
    at: usize,
) -> Result<Option<(Frame, usize)>, String> {
    let Some(len) = len else {
        return Ok(Some((Frame::Bulk(kind, None), at)));
    };
    match bytes.get(at..at + len + 2) {
        None => Ok(None),
        Some(found) if found.ends_with(b"\r\n") => {
            Ok(Some((Frame::Bulk(kind, Some(found[..len].to_vec())), at + len + 2)))
        }
        Some(found) => Err(format!("no line end behind a string: {}", quote(found))),
    }
}

fn read_list(
    bytes: &[u8],
    kind: u8,
    len: Option<usize>,
    at: usize,
    depth: usize,
) -> Result<Option<(Frame, usize)>, String> {
    let Some(len) = len else {
        return Ok(Some((Frame::List(kind, None), at)));
    };
    let count = if kind == b'%' { len * 2 } else { len };
    let (mut items, mut at) = (Vec::new(), at);
    for _ in 0..count {
        match read_at(bytes, at, depth - 1)? {
            None => return Ok(None),
            Some((item, end)) => {
                items.push(item);
                at = end;
            }
        }
    }
    Ok(Some((Frame::List(kind, Some(items)), at)))
}

/// An integer in the only form that servers send.
fn canonical(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?;
    let value: i64 = text.parse().ok()?;
    (value.to_string() == text).then_some(value)
}

fn len_of(line: &[u8]) -> Result<Option<usize>, String> {
    match canonical(&line[1..]) {
        Some(-1) if line[0] == b'$' || line[0] == b'*' => Ok(None),
        Some(len) if (0..=MAX_LEN as i64).contains(&len) => Ok(Some(len as usize)),
        _ => Err(format!("no length: {}", quote(line))),
    }
}

impl Frame {
    /// The elements of a list.
    pub fn items(&self) -> &[Frame] {
        match self {
            Frame::List(_, Some(items)) => items,
            _ => &[],
        }
    }

    /// The value of an integer.
    pub fn integer(&self) -> Option<i64> {
        match self {
            Frame::Line(b':', text) => std::str::from_utf8(text).ok()?.parse().ok(),
            _ => None,
        }
    }

    /// The bytes of a string.
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Frame::Bulk(_, Some(bytes)) => Some(bytes),
            _ => None,
        }
    }

    /// Whether it is an error.
    pub fn is_error(&self) -> bool {
        match self {
            Frame::Line(kind, _) => *kind == b'-',
            Frame::Bulk(kind, _) => *kind == b'!',
            Frame::List(..) => false,
        }
    }

    /// Whether it is this status line.
    pub fn is_status(&self, text: &str) -> bool {
        *self == Frame::Line(b'+', text.as_bytes().to_vec())
    }

    /// Whether it is a message published to a channel, in either protocol.
    pub fn is_message(&self) -> bool {
        const KINDS: [&[u8]; 3] = [b"message", b"pmessage", b"smessage"];
        let first = self.items().first().and_then(Frame::bytes);
        first.is_some_and(|kind| KINDS.contains(&kind))
    }

    /// Its byte of type.
    pub fn kind(&self) -> u8 {
        match self {
            Frame::Line(kind, _) | Frame::Bulk(kind, _) | Frame::List(kind, _) => *kind,
        }
    }
}

impl fmt::Display for Frame {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Frame::Line(kind, text) => write!(out, "{}{}", char::from(*kind), quote(text)),
            Frame::Bulk(kind, None) => write!(out, "{}-1", char::from(*kind)),
            Frame::Bulk(kind, Some(bytes)) => {
                write!(out, "{}{}", char::from(*kind), quote(bytes))
            }
            Frame::List(kind, None) => write!(out, "{}-1", char::from(*kind)),
            Frame::List(kind, Some(items)) => {
                write!(out, "{}{}[", char::from(*kind), items.len())?;
                for (at, item) in items.iter().enumerate() {
                    write!(out, "{}{item}", if at == 0 { "" } else { ", " })?;
                }
                write!(out, "]")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_read_whole_or_not_at_all() {
        let bytes = b"%1\r\n+a\r\n*3\r\n:-5\r\n$3\r\na\r\n\r\n_\r\n";
        for end in 0..bytes.len() {
            assert_eq!(read(&bytes[..end]), Ok(None), "cut at {end}");
        }
        let (frame, len) = read(bytes).expect("a frame").expect("whole");
        assert_eq!(len, bytes.len());
        assert_eq!(
            frame.to_string(),
            "%2[+a, *3[:-5, $\"a\\x0d\\x0a\"..., _\"\"]]".replace("...", "")
        );
    }

    #[test]
    fn a_frame_has_one_encoding() {
        for broken in
            ["$01\r\na\r\n", "$+1\r\na\r\n", "*-2\r\n", ":1.0\r\n", "$1\r\nab\r\n", "x\r\n"]
        {
            assert!(read(broken.as_bytes()).is_err(), "{broken}");
        }
    }
}
