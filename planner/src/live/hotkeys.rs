//! What a server says of its hot keys: `HOTKEYS GET`, of which two forms are known.
//!
//! Redis, from 8.6 on, answers with fields: `by-cpu-time-us` and `by-net-bytes` are lists in which each
//! key is followed by its sum over the commands that were sampled, one of `sample-ratio`, and beside
//! them stand the sums of all commands. One list around the fields is passed over. Valkey, with
//! `hotkey-top-k` set, answers with an entry for each key: `key`, `db`, `qps`. Fields are pairs in
//! a flat list (RESP2) or a map (RESP3); those that are not known are passed over, and so are entries
//! without a key or a number.
//!
//! Only what is there is read: nothing is started, stopped or reset. Bounds: the reply's length
//! (`stream`), and [`KEYS_MAX`] keys of it.

use redis::Value;

use super::{Live, integer, list};
use crate::error::{PlanError, Result};

/// Keys of one answer that are taken.
const KEYS_MAX: usize = 10_000;

/// What makes a key hot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Time of the processor, in microseconds.
    Cpu,
    /// Bytes received and sent.
    Net,
    /// Operations a second.
    Ops,
}

/// A key and what it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HotKey {
    /// The key as it is.
    pub key: Vec<u8>,
    /// Its database.
    pub database: u64,
    /// How much, in the unit of the measure.
    pub amount: u64,
}

/// The hottest keys by one measure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ranking {
    /// Which.
    pub measure: Measure,
    /// Keys, each once, in no order.
    pub keys: Vec<HotKey>,
    /// What all keys take, if the server says so.
    pub total: Option<u64>,
}

impl Live {
    /// The hottest keys by each measure that the server has; at least one, and none without keys. A
    /// refusal is an answer: most servers do not know the command.
    ///
    /// # Errors
    /// When the connection fails, or the server knows the command but has nothing to say; what to do
    /// then.
    pub fn hotkeys(&mut self) -> Result<std::result::Result<Vec<Ranking>, String>> {
        let value = match self.ask(&["HOTKEYS", "GET"])? {
            Ok(value) => value,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let found = rankings(&value);
        found.map(Ok).map_err(|why| PlanError::source(format!("{}: HOTKEYS", self.shown()), why))
    }
}

/// Reads either form; an error is a reason with what to do.
fn rankings(value: &Value) -> std::result::Result<Vec<Ranking>, &'static str> {
    const NOTHING_TRACKED: &str = "nothing has been tracked; start it with redis-cli HOTKEYS START \
        METRICS 2 CPU NET COUNT 64 DURATION 60, ask again when it is over, or give --by monitor";
    const NO_KEY: &str = "no key in it: in Valkey hotkey-top-k must be above 0 and a window over, in \
        Redis keys must be asked for while it tracks; ask again, or give --by monitor";
    if matches!(value, Value::Nil) {
        return Err(NOTHING_TRACKED);
    }
    let (parts, is_list) = (list(value), matches!(value, Value::Array(_)));
    let session = std::iter::once(value).chain(parts).find_map(|part| {
        let fields = fields(part)?;
        is_session(&fields).then_some(fields)
    });
    let found = match session {
        Some(fields) => of_session(&fields),
        None if !is_list || parts.iter().any(|part| fields(part).is_none()) => {
            return Err("an answer of no known form; give a trace file, or --by monitor");
        }
        None => vec![of_entries(parts)],
    };
    let found: Vec<Ranking> = found.into_iter().filter(|one| !one.keys.is_empty()).collect();
    if found.is_empty() { Err(NO_KEY) } else { Ok(found) }
}

/// Fields by name; nothing if it is no map and no list of names that are each followed by a value.
fn fields(value: &Value) -> Option<Vec<(&[u8], &Value)>> {
    match value {
        Value::Map(pairs) => {
            pairs.iter().map(|(name, value)| Some((bytes(name)?, value))).collect()
        }
        Value::Array(parts) if parts.len().is_multiple_of(2) => {
            parts.chunks_exact(2).map(|pair| Some((bytes(&pair[0])?, &pair[1]))).collect()
        }
        _ => None,
    }
}

fn of_name<'v>(fields: &[(&[u8], &'v Value)], name: &str) -> Option<&'v Value> {
    let found = fields.iter().find(|(known, _)| known.eq_ignore_ascii_case(name.as_bytes()));
    found.map(|(_, value)| *value)
}

fn count(fields: &[(&[u8], &Value)], name: &str) -> Option<u64> {
    of_name(fields, name).and_then(integer).and_then(|number| u64::try_from(number).ok())
}

const BY_CPU: &str = "by-cpu-time-us";
const BY_NET: &str = "by-net-bytes";

fn is_session(fields: &[(&[u8], &Value)]) -> bool {
    ["tracking-active", BY_CPU, BY_NET].iter().any(|name| of_name(fields, name).is_some())
}

/// Redis's form. The sums of keys are of sampled commands; each stands for as many as the ratio says.
fn of_session(session: &[(&[u8], &Value)]) -> Vec<Ranking> {
    let ratio = count(session, "sample-ratio").unwrap_or(1).max(1);
    let lists = [
        (Measure::Cpu, BY_CPU, "all-commands-all-slots-us"),
        (Measure::Net, BY_NET, "net-bytes-all-commands-all-slots"),
    ];
    let rankings = lists.into_iter().filter_map(|(measure, name, all)| {
        let keys = fields(of_name(session, name)?)?;
        let key = |(key, value): &(&[u8], &Value)| {
            let amount = u64::try_from(integer(value)?).ok()?.saturating_mul(ratio);
            Some(HotKey { key: key.to_vec(), database: 0, amount })
        };
        let keys = merged(keys.iter().filter_map(key));
        Some(Ranking { measure, keys, total: count(session, all) })
    });
    rankings.collect()
}

/// Valkey's form.
fn of_entries(entries: &[Value]) -> Ranking {
    let key = |entry: &Value| {
        let fields = fields(entry)?;
        Some(HotKey {
            key: bytes(of_name(&fields, "key")?)?.to_vec(),
            database: count(&fields, "db").unwrap_or(0),
            amount: count(&fields, "qps")?,
        })
    };
    let keys = merged(entries.iter().filter_map(key));
    Ranking { measure: Measure::Ops, keys, total: None }
}

/// Each key once: what is said of it more than once, such as of its reads and of its writes, adds up.
fn merged(keys: impl Iterator<Item = HotKey>) -> Vec<HotKey> {
    let mut found = std::collections::BTreeMap::new();
    for HotKey { key, database, amount } in keys.take(KEYS_MAX) {
        let sum: &mut u64 = found.entry((key, database)).or_default();
        *sum = sum.saturating_add(amount);
    }
    let keys = found.into_iter().filter(|(_, amount)| *amount > 0);
    keys.map(|((key, database), amount)| HotKey { key, database, amount }).collect()
}

fn bytes(value: &Value) -> Option<&[u8]> {
    match value {
        Value::BulkString(bytes) => Some(bytes),
        Value::SimpleString(text) | Value::VerbatimString { text, .. } => Some(text.as_bytes()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    fn flat(pairs: Vec<(&str, Value)>) -> Value {
        Value::Array(pairs.into_iter().flat_map(|(name, value)| [text(name), value]).collect())
    }

    fn map(pairs: Vec<(&str, Value)>) -> Value {
        Value::Map(pairs.into_iter().map(|(name, value)| (text(name), value)).collect())
    }

    fn key(name: &str, database: u64, amount: u64) -> HotKey {
        HotKey { key: name.as_bytes().to_vec(), database, amount }
    }

    fn session(ratio: i64) -> Vec<(&'static str, Value)> {
        vec![
            ("tracking-active", Value::Int(1)),
            ("sample-ratio", Value::Int(ratio)),
            ("selected-slots", Value::Array(vec![Value::Array(vec![Value::Int(5)])])),
            ("all-commands-all-slots-us", Value::Int(1000)),
            ("net-bytes-all-commands-all-slots", Value::Int(9000)),
            ("a-field-of-tomorrow", Value::Array(vec![Value::Nil])),
            (BY_CPU, flat(vec![("x", Value::Int(104)), ("y", Value::Int(9))])),
            (BY_NET, flat(vec![("y", Value::Int(700))])),
        ]
    }

    #[test]
    fn redis_answers_in_either_protocol_with_a_list_around_it_or_without() {
        let expected = vec![
            Ranking {
                measure: Measure::Cpu,
                keys: vec![key("x", 0, 208), key("y", 0, 18)],
                total: Some(1000),
            },
            Ranking { measure: Measure::Net, keys: vec![key("y", 0, 1400)], total: Some(9000) },
        ];
        for value in [flat(session(2)), map(session(2))] {
            assert_eq!(rankings(&value).unwrap(), expected, "{value:?}");
            let wrapped = Value::Array(vec![value]);
            assert_eq!(rankings(&wrapped).unwrap(), expected, "{wrapped:?}");
        }
    }

    #[test]
    fn valkey_answers_with_entries() {
        let entry = |name, database, qps| {
            vec![("key", text(name)), ("db", Value::Int(database)), ("qps", Value::Int(qps))]
        };
        let odd = vec![("key", text("no number")), ("type", text("read"))];
        for make in [flat, map] {
            let entries = [entry("a", 0, 70), entry("a", 3, 5), odd.clone(), entry("a", 0, 30)];
            let value = Value::Array(entries.into_iter().map(make).collect());
            let keys = vec![key("a", 0, 100), key("a", 3, 5)];
            let expected = vec![Ranking { measure: Measure::Ops, keys, total: None }];
            assert_eq!(rankings(&value).unwrap(), expected);
        }
    }

    #[test]
    fn an_answer_without_keys_says_how_to_get_some() {
        let mut empty = session(1);
        empty.truncate(5);
        for (value, hint) in [
            (Value::Nil, "HOTKEYS START"),
            (Value::Array(vec![]), "hotkey-top-k"),
            (flat(empty), "hotkey-top-k"),
            (Value::Array(vec![Value::Int(3)]), "no known form"),
            (map(vec![("what", Value::Int(1))]), "no known form"),
            (Value::Okay, "no known form"),
        ] {
            let why = rankings(&value).unwrap_err();
            assert!(why.contains(hint), "{value:?}: {why}");
        }
    }

    #[test]
    fn sums_do_not_overflow_and_keys_are_bounded() {
        let entry = |name: &str| flat(vec![("key", text(name)), ("qps", Value::Int(i64::MAX))]);
        let same = Value::Array(vec![entry("a"), entry("a"), entry("a")]);
        assert_eq!(rankings(&same).unwrap()[0].keys, [key("a", 0, u64::MAX)]);
        let many = (0..KEYS_MAX + 5).map(|at| entry(&at.to_string())).collect();
        assert_eq!(rankings(&Value::Array(many)).unwrap()[0].keys.len(), KEYS_MAX);
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<i64>().prop_map(Value::Int),
            Just(Value::Nil),
            prop_oneof!["key", "qps", BY_CPU, "sample-ratio", "[a-c]"].prop_map(|name| text(&name)),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
                proptest::collection::vec((inner.clone(), inner), 0..4).prop_map(Value::Map),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_answer_is_too_odd(value in values()) {
            for ranking in rankings(&value).unwrap_or_default() {
                prop_assert!(ranking.keys.iter().all(|key| key.amount > 0));
                prop_assert!(!ranking.keys.is_empty());
            }
        }
    }
}
