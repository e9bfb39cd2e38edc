//! A sample of keys: their lengths, types, times to live, and what they take.
//!
//! Keys come from SCAN, whose order is that of hashes: its beginning is a sample. Values are not
//! read. On the server the sample counts as reads of those keys (hits, and in servers without
//! `CLIENT NO-TOUCH` their recency), which is why INFO is read before.

use std::collections::BTreeMap;

use redis::Value;

use super::{Answer, Live, integer, list, text};
use crate::error::Result;
use crate::model::profile::distribution::{bounds, mean};
use crate::model::profile::{Distribution, Sample, Shape, TypeSample};

/// Keys that a SCAN is asked for.
const SCAN_COUNT: &str = "128";
/// Calls of SCAN without a key before a database is given up.
const EMPTY_CALLS_MAX: u32 = 1000;

/// What is known of a key.
struct Seen {
    kind: String,
    key_bytes: u64,
    /// Bytes of a string, elements of anything else.
    length: Option<u64>,
    memory_bytes: Option<u64>,
    ttl_ms: Option<u64>,
}

/// Keys that were seen, of any number of nodes.
#[derive(Default)]
pub(super) struct Sampler {
    looks_at_keys: bool,
    seen: Vec<Seen>,
    /// Names that SCAN gave, and those with a prefix.
    named: u64,
    prefixed: u64,
    /// The first refusal.
    pub(super) refusal: Option<String>,
}

impl Sampler {
    /// Nothing seen yet. One that does not look at keys only counts their names.
    pub(super) fn new(looks_at_keys: bool) -> Sampler {
        Sampler { looks_at_keys, ..Sampler::default() }
    }

    /// Looks at `wanted` keys of a database, or all if there are fewer.
    ///
    /// # Errors
    /// When the connection fails.
    pub(super) fn read(&mut self, live: &mut Live, database: u32, wanted: u64) -> Result<()> {
        // Servers that do not know it count the reads.
        let _: Answer = live.ask(&["CLIENT", "NO-TOUCH", "ON"])?;
        if let Err(why) = live.ask(&["SELECT", &database.to_string()])?
            && database != 0
        {
            self.refusal.get_or_insert(why);
            return Ok(());
        }
        let (mut cursor, mut left, mut empty_calls) = ("0".to_owned(), wanted as usize, 0);
        while left > 0 && empty_calls < EMPTY_CALLS_MAX {
            let value = match live.ask(&["SCAN", &cursor, "COUNT", SCAN_COUNT])? {
                Ok(value) => value,
                Err(why) => {
                    self.refusal.get_or_insert(why);
                    return Ok(());
                }
            };
            let parts = list(&value);
            let keys: Vec<&[u8]> = parts
                .get(1)
                .map(list)
                .unwrap_or_default()
                .iter()
                .filter_map(bytes)
                .take(left)
                .collect();
            left -= keys.len();
            empty_calls = if keys.is_empty() { empty_calls + 1 } else { 0 };
            self.named += keys.len() as u64;
            self.prefixed += keys.iter().filter(|key| key.contains(&b':')).count() as u64;
            if self.looks_at_keys {
                self.look_at(live, &keys)?;
            }
            cursor = parts.first().and_then(text).unwrap_or_default();
            if cursor == "0" || cursor.is_empty() {
                break;
            }
        }
        Ok(())
    }

    fn look_at(&mut self, live: &mut Live, keys: &[&[u8]]) -> Result<()> {
        const QUESTIONS: usize = 3;
        let questions: Vec<Vec<&[u8]>> = keys
            .iter()
            .flat_map(|key| {
                [vec![b"TYPE" as &[u8], key], vec![b"PTTL", key], vec![b"MEMORY", b"USAGE", key]]
            })
            .collect();
        let answers = live.ask_all(&questions)?;
        let kinds: Vec<String> = answers.chunks_exact(QUESTIONS).map(|of| kind(&of[0])).collect();
        let lengths: Vec<Vec<&[u8]>> = kinds
            .iter()
            .zip(keys)
            .map(|(kind, key)| vec![length_command(kind).as_bytes(), key])
            .collect();
        let lengths = live.ask_all(&lengths)?;
        let rows = answers.chunks_exact(QUESTIONS).zip(kinds).zip(lengths).zip(keys);
        for (((of_key, kind), length), key) in rows {
            for answer in of_key {
                if let Err(why) = answer {
                    self.refusal.get_or_insert_with(|| why.clone());
                }
            }
            // It is gone, or it may not be seen.
            if kind == "none" || kind.is_empty() {
                continue;
            }
            let number = |answer: &Answer| {
                let value = answer.as_ref().ok().and_then(integer);
                value.and_then(|value| u64::try_from(value).ok())
            };
            self.seen.push(Seen {
                kind,
                key_bytes: key.len() as u64,
                length: number(&length),
                memory_bytes: number(&of_key[2]),
                ttl_ms: number(&of_key[1]),
            });
        }
        Ok(())
    }

    /// What was seen; nothing if there was no key.
    pub(super) fn sample(&self) -> Option<Sample> {
        if self.named == 0 {
            return None;
        }
        let mut kinds: BTreeMap<&str, Vec<&Seen>> = BTreeMap::new();
        for seen in &self.seen {
            kinds.entry(&seen.kind).or_default().push(seen);
        }
        let types = kinds.iter().map(|(kind, seen)| ((*kind).to_owned(), of_type(kind, seen)));
        Some(Sample {
            keys: self.named,
            expiring: self.seen.iter().filter(|seen| seen.ttl_ms.is_some()).count() as u64,
            prefixed: self.prefixed,
            ttl_seconds: Distribution::of(
                self.seen.iter().filter_map(|seen| seen.ttl_ms).map(|ms| ms.div_ceil(1000)),
            ),
            types: types.collect(),
            shapes: shapes(&self.seen),
        })
    }
}

fn of_type(kind: &str, seen: &[&Seen]) -> TypeSample {
    let is_string = kind == "string";
    let lengths = |of_strings: bool| {
        Distribution::of(
            seen.iter().filter_map(|one| one.length.filter(|_| is_string == of_strings)),
        )
    };
    TypeSample {
        keys: seen.len() as u64,
        key_bytes: Distribution::of(seen.iter().map(|one| one.key_bytes)),
        value_bytes: lengths(true),
        elements: lengths(false),
        memory_bytes: Distribution::of(seen.iter().filter_map(|one| one.memory_bytes)),
    }
}

/// Strings of about one size, together.
fn shapes(seen: &[Seen]) -> Vec<Shape> {
    let mut groups: BTreeMap<(u64, u64, bool), (u64, u64, u64)> = BTreeMap::new();
    for one in seen.iter().filter(|one| one.kind == "string") {
        let Some(value_bytes) = one.length else { continue };
        let (key, value) = (bounds(one.key_bytes).0, bounds(value_bytes).0);
        let (count, keys, values) = groups.entry((key, value, one.ttl_ms.is_some())).or_default();
        *count += 1;
        *keys += one.key_bytes;
        *values += value_bytes;
    }
    let shapes = groups.into_iter().map(|((_, _, expires), (count, keys, values))| Shape {
        keys: count,
        key_bytes: mean(keys.into(), count),
        value_bytes: mean(values.into(), count),
        expires,
    });
    shapes.collect()
}

fn bytes(value: &Value) -> Option<&[u8]> {
    match value {
        Value::BulkString(bytes) => Some(bytes),
        _ => None,
    }
}

fn kind(answer: &Answer) -> String {
    answer.as_ref().ok().and_then(text).unwrap_or_default()
}

/// The command that says how long a value is, without reading it.
fn length_command(kind: &str) -> &'static str {
    match kind {
        "hash" => "HLEN",
        "list" => "LLEN",
        "set" => "SCARD",
        "zset" => "ZCARD",
        "stream" => "XLEN",
        _ => "STRLEN",
    }
}
