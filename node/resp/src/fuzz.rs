//! Feeds the parser bytes that nobody would send, in every kind of piece.
//!
//! Promises: it never panics, finds the same commands however the bytes are cut, and never holds
//! more memory than what has arrived explains. The loop is short unless `SKEP_FUZZ_SECONDS` says
//! how long it may take; `SKEP_SEED` repeats one.

use std::time::{Duration, Instant};

use skep_tests::differential::random::Random;

use crate::args::Batch;
use crate::error::ProtocolError;
use crate::limits::Limits;
use crate::parser::Parser;

/// Inputs worth changing: each is at some edge of the protocol.
const CORPUS: &[&[u8]] = &[
    b"*1\r\n$4\r\nPING\r\n",
    b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$5\r\n12345\r\n*2\r\n$3\r\nGET\r\n$1\r\na\r\n",
    b"PING\r\n",
    b"SET a \"b \\x41\\n\" 'c \\' d'\n",
    b"\r\n\n*0\r\n*-1\r\nPING\r\n",
    b"*2\r\n$536870912\r\nab",
    b"*2147483647\r\n$1\r\na\r\n",
    b"*1\r\n$0\r\n\r\n*1\r\n$00\r\n\r\n",
    b"*99999999999999999999\r\n",
    b"*1\r\n$-1\r\n",
    b"*1\r\n:5\r\n",
    b"*1\r\n$1\r\nabc\r\n",
    b"*1\r$4\rPING\r\n",
    b"\0\0\0\r\nGET \0 b\r\n",
    b"\"open\r\n",
    b"\"a\"b\r\n",
    b"*1\r\n$12\r\n*1\r\n$1\r\na\r\n\r\n",
    b"*10\r\n$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n",
    b"*+1\r\n$+4\r\nPING\r\n",
    b"* 1\r\n$ 4\r\nPING\r\n",
];

/// Pieces that mean something to the parser.
const WORDS: &[&[u8]] = &[
    b"*",
    b"$",
    b"\r\n",
    b"\r",
    b"\n",
    b"\0",
    b"0",
    b"1",
    b"-1",
    b"2147483648",
    b"536870913",
    b"\"",
    b"'",
    b"\\x",
    b" ",
    b"*3\r\n",
    b"$3\r\n",
    b"9223372036854775807",
    b"-9223372036854775808",
];

/// Longest input; the limits of the tests are smaller, so that they are met.
const MAX_INPUT_BYTES: usize = 2000;
const DEFAULT_DURATION: Duration = Duration::from_secs(2);

fn limits(random: &mut Random) -> Limits {
    match random.below(3) {
        0 => Limits::default(),
        1 => Limits::unauthenticated(),
        _ => Limits { max_inline_bytes: 64, max_args: 5, max_bulk_bytes: 120, ..Limits::default() },
    }
}

fn input(random: &mut Random) -> Vec<u8> {
    let mut bytes = random.pick(CORPUS).to_vec();
    for _ in 0..random.below(8) {
        let at = random.below(bytes.len() + 1);
        match random.below(6) {
            0 if !bytes.is_empty() => {
                let at = random.below(bytes.len());
                bytes[at] = random.bits() as u8;
            }
            1 => drop(bytes.splice(at..at, random.pick(WORDS).iter().copied())),
            2 => drop(bytes.splice(at..at, random.pick(CORPUS).iter().copied())),
            3 => bytes.truncate(at),
            4 => {
                let end = (at + random.below(6)).min(bytes.len());
                bytes.drain(at..end);
            }
            _ => drop(bytes.splice(at..at, vec![b'7'; random.below(120)])),
        }
    }
    bytes.truncate(MAX_INPUT_BYTES);
    bytes
}

type Found = (Vec<Vec<Vec<u8>>>, Option<ProtocolError>);

/// Parses bytes that arrive in pieces which end at `cuts`.
fn parse(bytes: &[u8], cuts: &[usize], limits: &Limits, max_commands: usize) -> Found {
    let (mut parser, mut batch) = (Parser::default(), Batch::default());
    let (mut buffer, mut commands, mut from) = (Vec::new(), Vec::new(), 0);
    for &cut in cuts.iter().chain([&bytes.len()]) {
        buffer.extend_from_slice(&bytes[from..cut]);
        from = cut;
        loop {
            batch.clear();
            let parsed = parser.parse(&buffer, limits, &mut batch, max_commands);
            assert!(batch.len() <= max_commands, "more commands than asked for");
            assert!(parsed.consumed <= buffer.len(), "more consumed than there was");
            for number in 0..batch.len() {
                let args = batch.args(number, &buffer);
                assert!(!args.is_empty() && args.len() <= limits.max_args.max(bytes.len()));
                commands.push(args.iter().map(<[u8]>::to_vec).collect());
            }
            assert!(parsed.need_bytes <= limits.max_bulk_bytes + 2, "needs more than may come");
            check_memory(&parser, &batch, bytes.len());
            buffer.drain(..parsed.consumed);
            if parsed.error.is_some() {
                return (commands, parsed.error);
            }
            if !parsed.more {
                break;
            }
        }
    }
    (commands, None)
}

/// Nothing is reserved for what has only been announced.
fn check_memory(parser: &Parser, batch: &Batch, arrived: usize) {
    let bound = 2 * arrived + 64;
    let held = [
        parser.span_capacity(),
        batch.spans.capacity(),
        batch.ends.capacity(),
        batch.unquoted.capacity(),
    ];
    assert!(held.iter().all(|&capacity| capacity <= bound), "{held:?} for {arrived} bytes");
}

fn check(bytes: &[u8], cuts: &[usize], limits: &Limits, max_commands: usize) {
    let whole = parse(bytes, &[], limits, usize::MAX);
    let every: Vec<usize> = (0..bytes.len()).collect();
    for (cuts, most) in [(cuts, max_commands), (&every[..], 1), (&[], 1)] {
        let found = parse(bytes, cuts, limits, most);
        let shown = bytes.escape_ascii();
        assert!(
            found == whole,
            "b\"{shown}\" cut at {cuts:?}, {most} at a time:\n{found:?}\nat once:\n{whole:?}"
        );
    }
}

fn number_from(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[test]
fn any_bytes_in_any_pieces_are_the_same_commands() {
    let duration = number_from("SKEP_FUZZ_SECONDS").map_or(DEFAULT_DURATION, Duration::from_secs);
    let seed = number_from("SKEP_SEED").unwrap_or(1);
    println!("repeat with SKEP_SEED={seed}");
    for bytes in CORPUS {
        check(bytes, &[bytes.len() / 2], &Limits::default(), 2);
    }
    let (begin, mut random, mut count) = (Instant::now(), Random::new(seed), 0u64);
    while begin.elapsed() < duration {
        let bytes = input(&mut random);
        let mut cuts: Vec<usize> =
            (0..random.below(5)).map(|_| random.below(bytes.len() + 1)).collect();
        cuts.sort_unstable();
        check(&bytes, &cuts, &limits(&mut random), 1 + random.below(4));
        count += 1;
    }
    println!("{count} inputs");
    assert!(count > 100, "only {count} inputs were tried");
}
