//! Finds where a reply ends, in RESP2 and RESP3, without interpreting it.
//!
//! Written apart from the codec in `node/resp`, so that a mistake there cannot hide itself here.

/// Bytes that are no reply of either protocol.
#[derive(Debug, PartialEq, Eq)]
pub struct Malformed {
    /// Where, from the start of the reply.
    pub offset: usize,
    /// What was expected there.
    pub expected: &'static str,
}

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "malformed reply: no {} at byte {}", self.expected, self.offset)
    }
}

impl std::error::Error for Malformed {}

/// The length of the first whole reply in `bytes`, if all of it is there. Attributes belong to the
/// reply that follows them.
///
/// # Errors
/// When the bytes are no reply, however they go on.
pub fn frame_len(bytes: &[u8]) -> Result<Option<usize>, Malformed> {
    let mut at = 0;
    let mut values_left = 1u64;
    while values_left > 0 {
        let Some(end_of_line) = line_end(bytes, at)? else { return Ok(None) };
        let kind = bytes[at];
        let line = &bytes[at + 1..end_of_line - 2];
        let malformed = |expected| Malformed { offset: at, expected };
        values_left -= 1;
        let mut next = end_of_line;
        match kind {
            b'+' | b'-' | b'(' | b',' => {}
            b':' => drop(number(line).ok_or_else(|| malformed("integer"))?),
            b'_' if line.is_empty() => {}
            b'#' if line == b"t" || line == b"f" => {}
            b'$' | b'=' | b'!' => {
                let len = number(line).ok_or_else(|| malformed("length"))?;
                if let Ok(len) = usize::try_from(len) {
                    next += len + 2;
                    if bytes.len() < next {
                        return Ok(None);
                    }
                    if &bytes[next - 2..next] != b"\r\n" {
                        return Err(Malformed { offset: next - 2, expected: "end of string" });
                    }
                } else if len != -1 || kind != b'$' {
                    return Err(malformed("length"));
                }
            }
            b'*' | b'~' | b'>' | b'%' | b'|' => {
                let count = number(line).ok_or_else(|| malformed("count"))?;
                values_left += match (kind, u64::try_from(count)) {
                    (b'*', Err(_)) if count == -1 => 0,
                    (_, Err(_)) => return Err(malformed("count")),
                    (b'%', Ok(pairs)) => pairs * 2,
                    (b'|', Ok(pairs)) => pairs * 2 + 1,
                    (_, Ok(count)) => count,
                };
            }
            _ => return Err(malformed("type byte")),
        }
        at = next;
    }
    Ok(Some(at))
}

/// Where the line that starts at `at` ends, after its CRLF.
fn line_end(bytes: &[u8], at: usize) -> Result<Option<usize>, Malformed> {
    let Some(feed) = bytes[at..].iter().position(|&byte| byte == b'\n') else { return Ok(None) };
    let end = at + feed + 1;
    if feed < 2 || bytes[end - 2] != b'\r' {
        return Err(Malformed { offset: at, expected: "line" });
    }
    Ok(Some(end))
}

fn number(text: &[u8]) -> Option<i64> {
    let is_plain = text.first() != Some(&b'+');
    std::str::from_utf8(text).ok().filter(|_| is_plain)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPLIES: [&[u8]; 14] = [
        b"+OK\r\n",
        b"-ERR no\r\n",
        b":-12\r\n",
        b"$-1\r\n",
        b"*-1\r\n",
        b"$0\r\n\r\n",
        b"$5\r\na\r\nb\n\r\n",
        b"*0\r\n",
        b"*2\r\n*1\r\n:1\r\n$1\r\nx\r\n",
        b"%2\r\n+a\r\n:1\r\n+b\r\n~1\r\n_\r\n",
        b">3\r\n+message\r\n+c\r\n+m\r\n",
        b"|1\r\n+ttl\r\n:3\r\n#t\r\n",
        b",1.5\r\n",
        b"=7\r\ntxt:abc\r\n",
    ];

    #[test]
    fn a_reply_ends_where_it_ends_and_not_a_byte_earlier() {
        for reply in REPLIES {
            let shown = reply.escape_ascii();
            for len in 0..reply.len() {
                assert_eq!(frame_len(&reply[..len]), Ok(None), "{len} bytes of {shown}");
            }
            let followed = [reply, b"+NEXT\r\n"].concat();
            assert_eq!(frame_len(&followed), Ok(Some(reply.len())), "{shown}");
        }
    }

    #[test]
    fn what_is_no_reply_is_refused() {
        for bytes in [&b"hello\r\n"[..], b":x\r\n", b"$-2\r\n", b"*+1\r\n", b"$1\r\nxyz", b"+\n"] {
            assert!(frame_len(bytes).is_err(), "{}", bytes.escape_ascii());
        }
    }
}
