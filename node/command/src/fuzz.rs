//! Runs random commands with random arguments through the dispatcher, in process.
//!
//! Promises: no command panics, each answers with exactly one well-formed reply (or what the
//! subscribe family answers), and the store's accounts agree with a recount afterwards. The loop
//! is short unless `SKEP_FUZZ_SECONDS` says how long it may take; `SKEP_SEED` repeats one.

use std::time::{Duration, Instant};

use skep_resp::Protocol;
use skep_tests::differential::Generator;
use skep_tests::differential::frame;
use skep_tests::differential::random::Random;
use skep_tests::differential::templates::{COMMON, REDIS, SINCE_72, VALKEY};

use crate::client::ReplyMode;
use crate::table;
use crate::testing::Bench;

const DEFAULT_DURATION: Duration = Duration::from_secs(4);
/// Commands between recounts.
const RECOUNT_AFTER: usize = 400;
/// Commands that a bench lives.
const BENCH_COMMANDS: usize = 4000;
/// A command with a larger number as an argument may rightly make a value that large.
const MAX_NUMBER: i64 = 200_000;

/// Words that mean something to some command.
const WORDS: &[&[u8]] = &[
    b"NX",
    b"XX",
    b"GT",
    b"LT",
    b"GET",
    b"EX",
    b"PX",
    b"EXAT",
    b"PXAT",
    b"KEEPTTL",
    b"IFEQ",
    b"a",
    b"MATCH",
    b"COUNT",
    b"TYPE",
    b"DB",
    b"REPLACE",
    b"LEN",
    b"IDX",
    b"ON",
    b"OFF",
    b"SKIP",
    b"ID",
    b"SETNAME",
    b"AUTH",
    b"SAMPLES",
    b"LADDR",
    b"USER",
    b"SKIPME",
    b"YES",
    b"NO",
    b"HELP",
    b"GET",
    b"0",
    b"-1",
    b"1",
    b"9223372036854775807",
    b"-9223372036854775808",
    b"",
    b"\0",
    b"\xff",
];

/// A command of the table, or a template's.
fn words(generator: &Generator, random: &mut Random) -> Vec<Vec<u8>> {
    if random.chance(60) {
        return generator.words(random);
    }
    let command = &table::commands()[random.below(table::commands().len())];
    let mut words: Vec<Vec<u8>> =
        command.full_name.split('|').map(|word| word.as_bytes().to_vec()).collect();
    let least = usize::from(command.row.arity.unsigned_abs());
    while words.len() < least || random.chance(40) {
        words.push(random.pick(WORDS).to_vec());
    }
    words
}

/// Whether a command may rightly need a lot of memory.
fn is_large(words: &[Vec<u8>]) -> bool {
    let number = |word: &Vec<u8>| std::str::from_utf8(word).ok()?.parse::<i64>().ok();
    words[0].eq_ignore_ascii_case(b"setrange")
        && words.iter().filter_map(number).any(|number| number > MAX_NUMBER)
}

fn shown(words: &[Vec<u8>]) -> String {
    let words = words.iter().map(|word| format!("b\"{}\"", word.escape_ascii()));
    words.collect::<Vec<_>>().join(", ")
}

fn check_reply(words: &[Vec<u8>], reply: &[u8], is_silent: bool) {
    let mut rest = reply;
    let mut count = 0;
    while !rest.is_empty() {
        match frame::read(rest) {
            Ok(Some((_, len))) => rest = &rest[len..],
            broken => panic!("{}: {broken:?} in {}", shown(words), rest.escape_ascii()),
        }
        count += 1;
    }
    let name = words[0].to_ascii_lowercase();
    let expected = match &name[..] {
        // One for each argument, or for each subscription there was.
        name if name.ends_with(b"subscribe") => count >= 1,
        // It answers only when it fails.
        b"shutdown" => count <= 1,
        _ => count == 1,
    };
    assert!(is_silent || expected, "{}: {count} replies: {}", shown(words), reply.escape_ascii());
}

fn fuzz_bench(generator: &Generator, random: &mut Random, until: Instant) -> usize {
    let mut bench = if random.chance(50) { Bench::new() } else { Bench::resp3() };
    bench.server.out_of_memory = random.chance(10);
    bench.server.max_value_bytes = 1 << 20;
    for count in 0..BENCH_COMMANDS {
        let words = words(generator, random);
        if is_large(&words) {
            continue;
        }
        let slices: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        let was_silent = bench.client.reply_mode != ReplyMode::On;
        let in_transaction = bench.client.transaction.is_some();
        let reply = bench.ask_words(&slices);
        let is_silent = was_silent || bench.client.reply_mode != ReplyMode::On;
        // Subscribing inside of a transaction answers as often as it has arguments, and the test
        // server's messages are no RESP.
        let is_exec = in_transaction && words[0].eq_ignore_ascii_case(b"exec");
        if !is_exec && !words[0].to_ascii_lowercase().ends_with(b"publish") {
            check_reply(&words, &reply, is_silent);
        }
        // Nothing that ends the conversation for good.
        *bench.server.paused.lock() = None;
        bench.client.postponed = false;
        bench.client.close_after_reply = false;
        if random.chance(1) {
            bench.client.reply_mode = ReplyMode::On;
        }
        bench.pass_ms(random.below(50) as u64);
        if count % RECOUNT_AFTER == RECOUNT_AFTER - 1 {
            bench.recount();
            if Instant::now() > until {
                return count;
            }
        }
    }
    bench.client.protocol = Protocol::Resp2;
    bench.recount();
    BENCH_COMMANDS
}

fn number_from(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[test]
fn any_arguments_get_one_reply_and_leave_the_accounts_right() {
    let duration = number_from("SKEP_FUZZ_SECONDS").map_or(DEFAULT_DURATION, Duration::from_secs);
    let seed = number_from("SKEP_SEED").unwrap_or(1);
    println!("repeat with SKEP_SEED={seed}");
    let generator = Generator::new(&[COMMON, REDIS, SINCE_72, VALKEY].concat());
    let (until, mut random, mut count) = (Instant::now() + duration, Random::new(seed), 0);
    loop {
        count += fuzz_bench(&generator, &mut random, until);
        if Instant::now() > until {
            break;
        }
    }
    println!("{count} commands");
    assert!(count >= RECOUNT_AFTER - 1, "only {count} commands were tried");
}
