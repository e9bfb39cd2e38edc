//! What the planner says of a node is what the node says of itself.
//!
//! `SKEP_TEST_CALIBRATION_KEYS` is how many keys are loaded: 200,000 usually, a million for the
//! claim. Figures are printed.

use std::io::Write;
use std::time::Duration;

use skep_tests::{Client, Program, Scratch, Server, TestResult};

use crate::support::{code, figure, plan};

/// How far a prediction from sizes alone may be off, as a share of the truth.
const BAR: f64 = 0.08;
/// How far one from a live profile may be off.
const LIVE_BAR: f64 = 0.03;
/// The profile is of the first of so many equal parts of the keys.
const PARTS: usize = 10;
const KEYS_DEFAULT: usize = 200_000;
/// Bytes of requests sent at once.
const BATCH_BYTES: usize = 1 << 20;
const SETTLE: Duration = Duration::from_secs(60);
/// Two samples that differ by less are the same memory; an order below `LIVE_BAR`.
const STILL: f64 = 0.001;
/// So many looks in a row must see the same: on a busy machine upkeep pauses, too.
const LOOKS: usize = 3;

/// A shape of items as `planner size --shape` names it, and how to make one.
struct Shape {
    name: &'static str,
    /// Part of the usual number of keys, so that 4 KB values do not fill small machines.
    part: f64,
    item: fn(usize) -> (String, String, bool),
}

const SHAPES: [Shape; 4] = [
    Shape {
        name: "sessions",
        part: 1.0,
        item: |n| (format!("session:{n:043}"), format!("{{\"user\":{n:0112}}}"), true),
    },
    Shape {
        name: "counters",
        part: 1.0,
        item: |n| (counter(n), format!("{:05}", n % 89_999 + 10_000), false),
    },
    Shape {
        name: "json",
        part: 0.5,
        item: |n| (format!("document:{n:015}"), format!("{{\"text\":\"{n:04085}\"}}"), false),
    },
    Shape {
        name: "mixed",
        part: 1.0,
        item: |n| (format!("object:{n:023}"), "v".repeat(mixed_bytes(n)), n % 2 == 0),
    },
];

fn counter(n: usize) -> String {
    format!("counter:{n:012}")
}

/// Sizes whose median and 99th percentile are those of the shape: log-normal by quantile, in an
/// order that has nothing to do with the keys'.
fn mixed_bytes(n: usize) -> usize {
    let share = (n.wrapping_mul(2_654_435_761) % 10_000) as f64 / 10_000.0 + 0.000_05;
    // The logistic approximation of the normal's quantile (error below 0.02 in the bulk).
    let z = (share / (1.0 - share)).ln() / 1.702;
    (160.0 * (z * (700.0f64 / 160.0).ln() / 2.326).exp()) as usize
}

/// Loads items `range` of a shape, and makes sure that all are there.
fn load(client: &mut Client, shape: &Shape, range: std::ops::Range<usize>) -> TestResult {
    let end = range.end;
    // A reply for each would take longer to read than the rest.
    client.send(b"CLIENT REPLY OFF\r\n")?;
    let mut requests = Vec::with_capacity(BATCH_BYTES * 2);
    for n in range {
        let (key, value, expires) = (shape.item)(n);
        let (count, expiry) = if expires { (5, "$2\r\nEX\r\n$6\r\n100000\r\n") } else { (3, "") };
        write!(
            requests,
            "*{count}\r\n$3\r\nSET\r\n${}\r\n{key}\r\n${}\r\n{value}\r\n{expiry}",
            key.len(),
            value.len()
        )?;
        if requests.len() > BATCH_BYTES {
            client.send(&requests)?;
            requests.clear();
        }
    }
    client.send(&requests)?;
    assert_eq!(client.say("CLIENT REPLY ON")?, r"+OK\r\n");
    assert_eq!(client.say("DBSIZE")?, format!(r":{end}\r\n"));
    Ok(())
}

/// `used_memory` and `used_memory_rss`, once they stand still: to `STILL`, because a kernel that
/// reclaims cold pages in the background moves the resident size by a few for minutes.
fn memory(client: &mut Client) -> TestResult<(f64, f64)> {
    let mut seen = Vec::new();
    let begin = std::time::Instant::now();
    loop {
        let now = read_memory(client)?;
        if seen.len() >= LOOKS && seen.iter().rev().take(LOOKS).all(|&last| is_still(last, now)) {
            return Ok(now);
        }
        seen.push(now);
        assert!(begin.elapsed() < SETTLE, "the node's memory does not stand still: {seen:?}");
    }
}

fn is_still(last: (f64, f64), now: (f64, f64)) -> bool {
    let near = |last: f64, now: f64| (now / last - 1.0).abs() < STILL;
    near(last.0, now.0) && near(last.1, now.1)
}

fn read_memory(client: &mut Client) -> TestResult<(f64, f64)> {
    // Half a second of nothing but PING lets upkeep run, without a guess at how fast it is.
    let begin = std::time::Instant::now();
    while begin.elapsed() < Duration::from_millis(500) {
        client.ask(&["PING"])?;
    }
    let info = client.ask(&["INFO", "memory"])?;
    let info = String::from_utf8_lossy(&info).into_owned();
    let field = |name: &str| -> TestResult<f64> {
        let line = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        Ok(line.ok_or("INFO lacks a field")?.trim().parse()?)
    };
    Ok((field("used_memory")?, field("used_memory_rss")?))
}

/// How many keys of a shape are loaded.
fn keys_of(shape: &Shape) -> TestResult<usize> {
    Ok(match std::env::var("SKEP_TEST_CALIBRATION_KEYS") {
        Ok(text) => text.parse()?,
        Err(_) => (KEYS_DEFAULT as f64 * shape.part) as usize,
    })
}

/// Compares what the planner said with what the node says, and shows both.
fn compare(what: &str, line: &str, seen: (f64, f64), bar: f64) -> TestResult {
    let done = plan(&format!("{line} --format json"))?;
    assert!(code(&done) < 2, "{done:?}");
    let said = (figure(&done.output, "used_memory")?, figure(&done.output, "used_memory_rss")?);
    let (used, resident) = (said.0 / seen.0 - 1.0, said.1 / seen.1 - 1.0);
    println!(
        "{what}: used_memory said {:.0}, seen {:.0} ({:+.2} %); RSS {:.0}, {:.0} ({:+.2} %)",
        said.0,
        seen.0,
        used * 100.0,
        said.1,
        seen.1,
        resident * 100.0
    );
    assert!(used.abs() < bar && resident.abs() < bar, "{what}: {used} {resident}");
    Ok(())
}

#[test]
#[ignore = "builds a release and loads hundreds of megabytes"]
fn memory_is_what_was_predicted_from_sizes_and_from_a_tenth_of_the_keys() -> TestResult {
    for shape in &SHAPES {
        let (keys, name) = (keys_of(shape)?, shape.name);
        let server = Server::start(Program::SkepRelease, &["--workers", "2", "--maxmemory", "0"])?;
        let mut client = server.connect()?;
        load(&mut client, shape, 0..keys / PARTS)?;
        memory(&mut client)?;
        let scratch = Scratch::new("profile")?;
        let profile = scratch.path().join("profile.json");
        let probe =
            format!("probe --from redis://{} --out {}", server.address(), profile.display());
        let done = plan(&probe)?;
        assert_eq!(code(&done), 0, "{done:?}");
        load(&mut client, shape, keys / PARTS..keys)?;
        let seen = memory(&mut client)?;
        let cluster = format!("--keys {keys} --masters 1 --mem 64G");
        let sizes = format!("size {cluster} --shape {name} --workers 2");
        compare(&format!("{name} x {keys}, sizes alone"), &sizes, seen, BAR)?;
        let live = format!("size {cluster} --model measured --from {}", profile.display());
        compare(&format!("{name} x {keys}, live profile"), &live, seen, LIVE_BAR)?;
    }
    Ok(())
}
