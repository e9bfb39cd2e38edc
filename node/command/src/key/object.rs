//! OBJECT: how a value is kept and how much it is used.

use skep_resp::Args;
use skep_store::{Contents, Item, Kind, Value};

use crate::cx::Cx;
use crate::error::CommandError;
use crate::key::glance;

/// The reply of OBJECT HELP.
const HELP: &[&str] = &[
    "OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "ENCODING <key>",
    "    Tell in which form the value of <key> is kept.",
    "FREQ <key>",
    "    Tell how often <key> has been used lately, on a logarithmic scale. Asks for an",
    "    LFU eviction policy.",
    "IDLETIME <key>",
    "    Tell for about how many seconds <key> has not been used. Does not work with an",
    "    LFU eviction policy.",
    "REFCOUNT <key>",
    "    Tell how many references to the value of <key> there are.",
    "HELP",
    "    Print this help.",
];

const IS_LFU: CommandError = CommandError::text(
    "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when \
     switching between policies at runtime LRU and LFU data will take some time to adjust.",
);

const NOT_LFU: CommandError = CommandError::text(
    "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that \
     when switching between policies at runtime LRU and LFU data will take some time to adjust.",
);

const IS_ADAPTIVE: CommandError = CommandError::text(
    "ERR The allkeys-adaptive maxmemory policy is selected, idle time not tracked. Ask OBJECT FREQ \
     for the number of accesses, or select an LRU policy.",
);

/// `OBJECT ENCODING key`.
pub(crate) fn encoding(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let database = cx.database();
    let key = cx.key(&args[2]);
    match glance(&mut cx.view, database, &key, encoding_of) {
        Some(encoding) => cx.reply.bulk(encoding.as_bytes()),
        None => cx.reply.null(),
    }
    Ok(())
}

/// `OBJECT REFCOUNT key`: always one, because values are shared with replies at most.
pub(crate) fn refcount(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    number(cx, args, |_| Ok(1))
}

/// `OBJECT FREQ key`, where the policy counts accesses.
pub(crate) fn freq(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let (store, now_ms) = (cx.view.store(), cx.now_ms());
    number(cx, args, |access| match store.frequency(access, now_ms) {
        Some(count) => Ok(count as i64),
        None => Err(NOT_LFU),
    })
}

/// `OBJECT IDLETIME key`, in seconds. The adaptive policy ranks by worth and keeps no time of the
/// last access; a made-up number would mislead whoever cleans up by it.
pub(crate) fn idletime(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let (store, now_ms) = (cx.view.store(), cx.now_ms());
    number(cx, args, |access| match store.idle_ms(access, now_ms) {
        Some(idle_ms) => Ok((idle_ms / 1000) as i64),
        None if store.policy().is_lfu() => Err(IS_LFU),
        None => Err(IS_ADAPTIVE),
    })
}

/// `OBJECT HELP`.
pub(crate) fn help(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    cx.reply.array(HELP.len());
    HELP.iter().for_each(|line| cx.reply.simple(line));
    Ok(())
}

/// Answers with a number made from a key's access state, or null when the key is not there.
fn number(
    cx: &mut Cx<'_>,
    args: Args<'_>,
    of: impl FnOnce(u32) -> Result<i64, CommandError>,
) -> Result<(), CommandError> {
    let database = cx.database();
    let key = cx.key(&args[2]);
    match glance(&mut cx.view, database, &key, |item| item.access()) {
        Some(access) => cx.reply.integer(of(access)?),
        None => cx.reply.null(),
    }
    Ok(())
}

/// Longest string that counts as embedded in its key's record.
const EMBEDDED_BYTES: usize = 44;

/// In which form Redis would keep a value.
pub(crate) fn encoding_of(item: &Item<'_>) -> &'static str {
    let bytes = match item.value() {
        Value::Inline(bytes) => bytes,
        Value::Large(bytes) => bytes,
        Value::Collection(contents) => return encoding_of_collection(contents),
    };
    if item.is_modified() {
        "raw"
    } else if skep_resp::parse_i64(bytes).is_some() {
        "int"
    } else if bytes.len() <= EMBEDDED_BYTES {
        "embstr"
    } else {
        "raw"
    }
}

/// Most members of a set of integers that Redis would keep as such.
const INTEGERS_MAX: usize = 512;

/// Whether Redis would keep a list in one piece (its `list-max-listpack-size -2`).
fn has_few_bytes(list: Contents<'_>) -> bool {
    const LIMIT_BYTES: usize = 8 << 10;
    let mut bytes = 0;
    list.iter().all(|(_, value)| {
        bytes += value.len() + 2;
        bytes <= LIMIT_BYTES
    })
}

fn encoding_of_collection(contents: Contents<'_>) -> &'static str {
    let is_integer = |(member, _): (&[u8], &[u8])| skep_resp::parse_i64(member).is_some();
    match (contents.kind(), contents.is_large()) {
        (Kind::Set, _) if contents.len() <= INTEGERS_MAX && contents.iter().all(is_integer) => {
            "intset"
        }
        (Kind::List, true) if has_few_bytes(contents) => "listpack",
        (Kind::List, true) => "quicklist",
        (_, false) => "listpack",
        (Kind::SortedSet, true) => "skiplist",
        (Kind::Set | Kind::Hash, true) => "hashtable",
    }
}

#[cfg(test)]
mod tests {
    use skep_store::Policy;

    use crate::testing::Bench;

    const NOT_LFU: &str = "-ERR An LFU maxmemory policy is not selected, access frequency not \
                           tracked. Please note that when switching between policies at runtime \
                           LRU and LFU data will take some time to adjust.";
    const IS_LFU: &str = "-ERR An LFU maxmemory policy is selected, idle time not tracked. Please \
                          note that when switching between policies at runtime LRU and LFU data \
                          will take some time to adjust.";

    #[test]
    fn access_state_is_shown_where_the_policy_keeps_it() {
        for (policy, freq, idletime) in [
            (Policy::AllKeysLru, NOT_LFU, ":20"),
            (Policy::NoEviction, NOT_LFU, ":20"),
            (Policy::VolatileTtl, NOT_LFU, ":20"),
            (Policy::AllKeysLfu, ":5", IS_LFU),
            (Policy::VolatileLfu, ":5", IS_LFU),
        ] {
            let mut bench = Bench::new();
            bench.store.set_policy(policy, 10, 1);
            bench.expect(&[("SET key value", "+OK")]);
            bench.pass_ms(20_000);
            bench.expect(&[
                ("OBJECT FREQ key", freq),
                ("OBJECT IDLETIME key", idletime),
                ("OBJECT FREQ missing", "$-1"),
                ("OBJECT IDLETIME missing", "$-1"),
            ]);
        }
    }

    #[test]
    fn the_adaptive_policy_counts_accesses_and_keeps_no_time() {
        let mut bench = Bench::new();
        bench.store.set_policy(Policy::AllKeysAdaptive, 10, 1);
        bench.expect(&[("SET key value", "+OK"), ("GET key", "$5 value")]);
        bench.expect(&[("OBJECT FREQ key", ":2")]);
        let idle = bench.ask("OBJECT IDLETIME key");
        assert!(idle.starts_with("-ERR The allkeys-adaptive maxmemory policy"), "{idle}");
    }
}
