//! The two languages the servers speak, as far as a benchmark needs them: requests are appended to
//! a buffer, answers are found in one. RESP for Redis and its kin, the text protocol for memcached.

use crate::error::{Error, Result};
use crate::workload::{KEY_BYTES, Key, append_value};

/// A language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// RESP2.
    Resp,
    /// Memcached's text protocol.
    Memcached,
}

/// The longest line that is not a value.
const LINE_BYTES_MAX: usize = 64 << 10;
/// The largest value accepted.
const VALUE_BYTES_MAX: usize = 512 << 20;

/// One answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer<'a> {
    /// A value; memcached says whose.
    Value { key: Option<&'a [u8]>, data: &'a [u8] },
    /// RESP's null.
    Absent,
    /// Memcached's end of a `get`.
    End,
    /// Done: OK, STORED, DELETED, a number, a status.
    Done(&'a [u8]),
    /// An error, with its text.
    Refused(&'a [u8]),
}

/// Makes requests of one size: everything but the key and the value is encoded once.
#[derive(Debug)]
pub(crate) struct Encoder {
    dialect: Dialect,
    expiry_seconds: Option<u32>,
    /// For the value length that `set_tail` was made for.
    value_bytes: Option<usize>,
    set_tail: Vec<u8>,
    set_end: Vec<u8>,
}

impl Encoder {
    /// Requests in a dialect; what is set expires after so many seconds, if any.
    pub(crate) fn new(dialect: Dialect, expiry_seconds: Option<u32>) -> Encoder {
        let (set_tail, set_end) = (Vec::new(), Vec::new());
        Encoder { dialect, expiry_seconds, value_bytes: None, set_tail, set_end }
    }

    /// Asks for one key.
    #[inline]
    pub(crate) fn get(&self, key: &Key, out: &mut Vec<u8>) {
        match self.dialect {
            Dialect::Resp => out.extend_from_slice(b"*2\r\n$3\r\nGET\r\n$16\r\n"),
            Dialect::Memcached => out.extend_from_slice(b"get "),
        }
        out.extend_from_slice(key);
        out.extend_from_slice(b"\r\n");
    }

    /// Asks for many keys: RESP by as many commands, memcached by one.
    #[inline]
    pub(crate) fn get_many(&self, keys: &[Key], out: &mut Vec<u8>) {
        match self.dialect {
            Dialect::Resp => keys.iter().for_each(|key| self.get(key, out)),
            Dialect::Memcached => {
                out.extend_from_slice(b"get");
                for key in keys {
                    out.push(b' ');
                    out.extend_from_slice(key);
                }
                out.extend_from_slice(b"\r\n");
            }
        }
    }

    /// Stores the key's value.
    #[inline]
    pub(crate) fn set(&mut self, key: &Key, value_bytes: usize, out: &mut Vec<u8>) {
        if self.value_bytes != Some(value_bytes) {
            self.prepare_set(value_bytes);
        }
        match (self.dialect, self.expiry_seconds) {
            (Dialect::Resp, None) => out.extend_from_slice(b"*3\r\n$3\r\nSET\r\n$16\r\n"),
            (Dialect::Resp, Some(_)) => out.extend_from_slice(b"*5\r\n$3\r\nSET\r\n$16\r\n"),
            (Dialect::Memcached, _) => out.extend_from_slice(b"set "),
        }
        out.extend_from_slice(key);
        out.extend_from_slice(&self.set_tail);
        append_value(key, value_bytes, out);
        out.extend_from_slice(&self.set_end);
    }

    fn prepare_set(&mut self, value_bytes: usize) {
        let (tail, end) = match (self.dialect, self.expiry_seconds) {
            (Dialect::Memcached, expiry) => {
                (format!(" 0 {} {value_bytes}\r\n", expiry.unwrap_or(0)), "\r\n".to_owned())
            }
            (Dialect::Resp, None) => (format!("\r\n${value_bytes}\r\n"), "\r\n".to_owned()),
            (Dialect::Resp, Some(seconds)) => {
                let digits = seconds.to_string();
                let end = format!("\r\n$2\r\nEX\r\n${}\r\n{digits}\r\n", digits.len());
                (format!("\r\n${value_bytes}\r\n"), end)
            }
        };
        (self.set_tail, self.set_end) = (tail.into_bytes(), end.into_bytes());
        self.value_bytes = Some(value_bytes);
    }

    /// Removes one key.
    pub(crate) fn delete(&self, key: &Key, out: &mut Vec<u8>) {
        match self.dialect {
            Dialect::Resp => out.extend_from_slice(b"*2\r\n$3\r\nDEL\r\n$16\r\n"),
            Dialect::Memcached => out.extend_from_slice(b"delete "),
        }
        out.extend_from_slice(key);
        out.extend_from_slice(b"\r\n");
    }
}

const _: () = assert!(KEY_BYTES == 16, "the requests above announce 16 bytes");

/// Finds the first answer in `bytes` and its length; none while it is incomplete.
#[inline]
pub(crate) fn answer(dialect: Dialect, bytes: &[u8]) -> Result<Option<(Answer<'_>, usize)>> {
    let Some(line_end) = line_end(bytes)? else { return Ok(None) };
    let (line, end) = (&bytes[..line_end], line_end + 2);
    match dialect {
        Dialect::Resp => resp_answer(line, bytes, end),
        Dialect::Memcached => memcached_answer(line, bytes, end),
    }
}

/// The position of the first CR LF.
#[inline]
fn line_end(bytes: &[u8]) -> Result<Option<usize>> {
    let window = &bytes[..bytes.len().min(LINE_BYTES_MAX)];
    match window.iter().position(|&byte| byte == b'\n') {
        Some(at) if at > 0 && window[at - 1] == b'\r' => Ok(Some(at - 1)),
        None if window.len() < LINE_BYTES_MAX => Ok(None),
        _ => Err(malformed(bytes)),
    }
}

type Found<'a> = Result<Option<(Answer<'a>, usize)>>;

#[inline]
fn resp_answer<'a>(line: &'a [u8], bytes: &'a [u8], end: usize) -> Found<'a> {
    match line {
        b"$-1" | b"_" => Ok(Some((Answer::Absent, end))),
        [b'$', digits @ ..] => {
            let data = data(digits, bytes, end)?;
            Ok(data.map(|(data, end)| (Answer::Value { key: None, data }, end)))
        }
        [b'+' | b':', text @ ..] => Ok(Some((Answer::Done(text), end))),
        [b'-', text @ ..] => Ok(Some((Answer::Refused(text), end))),
        _ => Err(malformed(bytes)),
    }
}

#[inline]
fn memcached_answer<'a>(line: &'a [u8], bytes: &'a [u8], end: usize) -> Found<'a> {
    if let Some(rest) = line.strip_prefix(b"VALUE ") {
        let mut words = rest.split(|&byte| byte == b' ');
        let (key, digits) = (words.next(), words.nth(1));
        let digits = digits.ok_or_else(|| malformed(bytes))?;
        let data = data(digits, bytes, end)?;
        return Ok(data.map(|(data, end)| (Answer::Value { key, data }, end)));
    }
    let answer = match line {
        b"END" => Answer::End,
        b"ERROR" => Answer::Refused(line),
        _ if line.starts_with(b"SERVER_ERROR") || line.starts_with(b"CLIENT_ERROR") => {
            Answer::Refused(line)
        }
        _ => Answer::Done(line),
    };
    Ok(Some((answer, end)))
}

/// The data behind a line that announces its length, and the end of its CR LF.
#[inline]
fn data<'a>(digits: &[u8], bytes: &'a [u8], start: usize) -> Result<Option<(&'a [u8], usize)>> {
    let length = digits.iter().try_fold(0usize, |sum, &digit| match digit {
        b'0'..=b'9' if sum <= VALUE_BYTES_MAX => Ok(sum * 10 + usize::from(digit - b'0')),
        _ => Err(malformed(bytes)),
    })?;
    let end = start + length;
    match bytes.get(end..end + 2) {
        None => Ok(None),
        Some(b"\r\n") => Ok(Some((&bytes[start..end], end + 2))),
        Some(_) => Err(malformed(bytes)),
    }
}

#[cold]
fn malformed(bytes: &[u8]) -> Error {
    let shown = &bytes[..bytes.len().min(80)];
    Error::new(format!("not an answer: {}", shown.escape_ascii()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::key;

    fn all(dialect: Dialect, mut bytes: &[u8]) -> Vec<String> {
        let mut answers = Vec::new();
        while let Some((answer, length)) = answer(dialect, bytes).unwrap() {
            answers.push(format!("{answer:?}"));
            bytes = &bytes[length..];
        }
        answers
    }

    #[test]
    fn answers_of_resp_are_told_apart() {
        let bytes = b"$3\r\na\r\n\r\n$-1\r\n+OK\r\n:12\r\n-ERR no\r\n$0\r\n\r\n";
        let answers = all(Dialect::Resp, bytes);
        assert_eq!(answers.len(), 6);
        assert_eq!(answer(Dialect::Resp, bytes).unwrap().unwrap().1, 9);
        assert_eq!(answers[1], "Absent");
        assert!(answers[2].starts_with("Done") && answers[4].starts_with("Refused"));
    }

    #[test]
    fn answers_of_memcached_are_told_apart() {
        let bytes = b"VALUE k 0 5\r\nEND\r\n\r\nEND\r\nSTORED\r\nSERVER_ERROR object too large\r\n";
        let (first, length) = answer(Dialect::Memcached, bytes).unwrap().unwrap();
        assert_eq!(first, Answer::Value { key: Some(b"k"), data: b"END\r\n" });
        assert_eq!(length, 20);
        let answers = all(Dialect::Memcached, bytes);
        assert_eq!(answers[1], "End");
        assert!(answers[2].starts_with("Done") && answers[3].starts_with("Refused"));
    }

    #[test]
    fn an_incomplete_answer_is_waited_for_at_every_cut() {
        for (dialect, bytes) in [
            (Dialect::Resp, &b"$3\r\nabc\r\n"[..]),
            (Dialect::Resp, b"+OK\r\n"),
            (Dialect::Memcached, b"VALUE k 0 3\r\nabc\r\n"),
        ] {
            for cut in 0..bytes.len() {
                assert_eq!(answer(dialect, &bytes[..cut]).unwrap(), None, "{dialect:?} {cut}");
            }
            assert!(answer(dialect, bytes).unwrap().is_some());
        }
    }

    #[test]
    fn nonsense_is_an_error() {
        for bytes in
            [&b"?\r\n"[..], b"$x\r\n", b"$1\r\nabc\r\n", b"abc\n", b"$99999999999999999\r\n"]
        {
            assert!(answer(Dialect::Resp, bytes).is_err(), "{}", bytes.escape_ascii());
        }
        assert!(answer(Dialect::Memcached, b"VALUE k\r\n").is_err());
    }

    #[test]
    fn requests_are_the_bytes_the_servers_expect() {
        let (key, mut out) = (key(0), Vec::new());
        let name = String::from_utf8(key.to_vec()).unwrap();
        let mut resp = Encoder::new(Dialect::Resp, Some(100));
        resp.set(&key, 3, &mut out);
        let value = &name[..3];
        let expected = format!(
            "*5\r\n$3\r\nSET\r\n$16\r\n{name}\r\n$3\r\n{value}\r\n$2\r\nEX\r\n$3\r\n100\r\n"
        );
        assert_eq!(String::from_utf8(std::mem::take(&mut out)).unwrap(), expected);
        let mut memcached = Encoder::new(Dialect::Memcached, None);
        memcached.set(&key, 3, &mut out);
        memcached.get_many(&[key, key], &mut out);
        memcached.delete(&key, &mut out);
        let expected =
            format!("set {name} 0 0 3\r\n{value}\r\nget {name} {name}\r\ndelete {name}\r\n");
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
