//! What MONITOR prints: a line for each command that a server runs.
//!
//! `1700000000.123456 [0 127.0.0.1:5000] "SET" "key" "value" "EX" "60"`
//!
//! Reads of whole keys are requests; writes store, and tell sizes where the line has the value.
//! Commands that touch no key, or only a key's metadata, are passed over.

use std::collections::VecDeque;

use super::lines::milliseconds;
use super::{Access, Operation};

/// How a command names its keys.
#[derive(Clone, Copy)]
enum Keys {
    /// The first argument.
    First,
    /// All arguments.
    All,
    /// Every second argument from the first on; each is followed by its value.
    Pairs,
}

/// Decodes lines of MONITOR; a line may stand for several accesses.
#[derive(Default)]
pub struct MonitorDecoder {
    pending: VecDeque<(Vec<u8>, Access)>,
}

impl MonitorDecoder {
    /// An access of the lines so far.
    pub fn pending(&mut self) -> Option<Access> {
        self.pending_with_key().map(|(_, access)| access)
    }

    /// As [`MonitorDecoder::pending`], with the key.
    pub fn pending_with_key(&mut self) -> Option<(Vec<u8>, Access)> {
        self.pending.pop_front()
    }

    /// Decodes a line. Answers whether it is one of MONITOR's.
    pub fn line(&mut self, line: &[u8]) -> bool {
        let line = line.trim_ascii();
        // What redis-cli prints first.
        if line == b"OK" || line.is_empty() {
            return true;
        }
        self.command(line).is_some()
    }

    fn command(&mut self, line: &[u8]) -> Option<()> {
        let blank = line.iter().position(|&byte| byte == b' ')?;
        let time_ms = milliseconds(std::str::from_utf8(&line[..blank]).ok()?)?;
        let rest = &line[blank + 1..];
        // The address itself may have brackets.
        let end = rest.windows(3).position(|part| part == b"] \"")?;
        let arguments = arguments(&rest[end + 1..])?;
        let name = arguments.first()?.to_ascii_lowercase();
        let Some((operation, keys)) = meaning(&name) else { return Some(()) };
        let arguments = &arguments[1..];
        let step = if let Keys::Pairs = keys { 2 } else { 1 };
        let count = if let Keys::First = keys { 1 } else { arguments.len() };
        for (at, key) in arguments.iter().enumerate().take(count).step_by(step) {
            let mut access = Access { time_ms, ..Access::of_key(key, operation) };
            if operation == Operation::Set {
                let value = match name.as_slice() {
                    b"setex" | b"psetex" => arguments.get(2),
                    b"set" | b"setnx" | b"getset" | b"mset" | b"msetnx" => arguments.get(at + 1),
                    _ => None,
                };
                access.value_bytes = value.map_or(Access::SIZE_UNKNOWN, |value| value.len() as u32);
                access.ttl_ms = ttl_ms(&name, arguments).unwrap_or(0);
            }
            self.pending.push_back((key.clone(), access));
        }
        Some(())
    }
}

fn meaning(name: &[u8]) -> Option<(Operation, Keys)> {
    Some(match name {
        b"get" | b"getex" | b"strlen" | b"getrange" | b"getbit" | b"bitcount" | b"hget"
        | b"hmget" | b"hgetall" | b"hexists" | b"hlen" | b"lrange" | b"llen" | b"lindex"
        | b"smembers" | b"sismember" | b"smismember" | b"scard" | b"srandmember" | b"zrange"
        | b"zrangebyscore" | b"zrevrange" | b"zscore" | b"zmscore" | b"zrank" | b"zcard"
        | b"zcount" => (Operation::Get, Keys::First),
        b"mget" => (Operation::Get, Keys::All),
        b"set" | b"setex" | b"psetex" | b"setnx" | b"getset" | b"append" | b"setrange"
        | b"incr" | b"decr" | b"incrby" | b"decrby" | b"incrbyfloat" | b"setbit" | b"hset"
        | b"hmset" | b"hsetnx" | b"hincrby" | b"hdel" | b"lpush" | b"rpush" | b"lpop" | b"rpop"
        | b"ltrim" | b"lset" | b"sadd" | b"srem" | b"spop" | b"zadd" | b"zincrby" | b"zrem" => {
            (Operation::Set, Keys::First)
        }
        b"mset" | b"msetnx" => (Operation::Set, Keys::Pairs),
        b"del" | b"unlink" => (Operation::Delete, Keys::All),
        b"getdel" => (Operation::Delete, Keys::First),
        _ => return None,
    })
}

/// How long the value lives that a command stores.
fn ttl_ms(name: &[u8], arguments: &[Vec<u8>]) -> Option<u64> {
    let number =
        |at: usize| -> Option<u64> { std::str::from_utf8(arguments.get(at)?).ok()?.parse().ok() };
    match name {
        b"setex" => number(1)?.checked_mul(1000),
        b"psetex" => number(1),
        b"set" => {
            let option = |word: &str| {
                let is_it = |argument: &Vec<u8>| argument.eq_ignore_ascii_case(word.as_bytes());
                arguments.iter().skip(2).position(is_it).map(|at| at + 3)
            };
            match (option("EX"), option("PX")) {
                (Some(at), _) => number(at)?.checked_mul(1000),
                (None, Some(at)) => number(at),
                (None, None) => None,
            }
        }
        _ => None,
    }
}

/// Quoted words with the escapes of Redis (`sdscatrepr`).
fn arguments(mut text: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut words = Vec::new();
    loop {
        text = text.trim_ascii_start();
        let Some((b'"', mut rest)) = text.split_first() else { break };
        let mut word = Vec::new();
        loop {
            let (&byte, after) = rest.split_first()?;
            rest = after;
            match byte {
                b'"' => break,
                b'\\' => rest = escape(rest, &mut word)?,
                byte => word.push(byte),
            }
        }
        words.push(word);
        text = rest;
    }
    (text.is_empty() && !words.is_empty()).then_some(words)
}

/// Decodes what follows a backslash and answers what follows that.
fn escape<'t>(text: &'t [u8], word: &mut Vec<u8>) -> Option<&'t [u8]> {
    let (&letter, rest) = text.split_first()?;
    match letter {
        b'n' => word.push(b'\n'),
        b'r' => word.push(b'\r'),
        b't' => word.push(b'\t'),
        b'a' => word.push(7),
        b'b' => word.push(8),
        b'x' => {
            let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
            word.push(u8::from_str_radix(digits, 16).ok()?);
            return rest.get(2..);
        }
        other => word.push(other),
    }
    Some(rest)
}
