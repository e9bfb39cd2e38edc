//! DEBUG: what test suites of clients ask of a server. Nothing here crashes it.
//!
//! DEBUG has no key specifications, so its row takes all keys and each key's stripe is locked by
//! hand.

use skep_keyspace::{SLOT_COUNT, Slot};
use skep_resp::{Args, Protocol, parse_i64};
use skep_store::{Expiry, Key, NewValue, Value, View};

use crate::cluster::ownership::slot_argument;
use crate::cluster::show::routes;
use crate::cx::Cx;
use crate::error::CommandError;
use crate::key::object::encoding_of;

/// The most keys one DEBUG POPULATE makes: it runs to its end on its worker.
const MAX_POPULATE: usize = 10_000_000;
/// The longest value it makes.
const MAX_POPULATE_VALUE_BYTES: usize = 1 << 20;
/// The longest sleep: beyond it, a mistake of units is more likely than a test.
const MAX_SLEEP_SECONDS: f64 = 3600.0;

const HELP: &[&str] = &[
    "DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "CHANGE-REPL-ID",
    "    Accepted; there are no replicas that would notice.",
    "DICT-RESIZING <0|1>",
    "    Accepted; the index grows a bucket at a time.",
    "ERROR <string>",
    "    Answer with an error.",
    "LOG <message>",
    "    Write a line to the standard error output.",
    "OBJECT <key>",
    "    Show how a key's value is kept.",
    "PAUSE-CRON <0|1>",
    "    Accepted; same as SET-ACTIVE-EXPIRE the other way round.",
    "POPULATE <count> [<prefix>] [<size>]",
    "    Make <count> keys named <prefix>:<number>, with values of <size> bytes.",
    "PROTOCOL <type>",
    "    Answer with a reply of a type: string, integer, double, bignum, null, array, set, map,",
    "    attrib, push, verbatim, true or false.",
    "QUICKLIST-PACKED-THRESHOLD <size>",
    "    Accepted; there are no quicklists.",
    "REPLYBUFFER <option> <value>",
    "    Accepted; there are no fixed reply buffers.",
    "SET-ACTIVE-EXPIRE <0|1>",
    "    Switch the cycle that looks for expired keys.",
    "SET-DISABLE-DENY-SCRIPTS <0|1>",
    "    Accepted; there are no scripts.",
    "SLEEP <seconds>",
    "    Block the worker that serves this connection.",
    "SLOT-DIGEST <slot>",
    "    Answer 16 hex digits that are equal on nodes with equal keys, values and expiries in a slot.",
    "SLOT-DIGESTS",
    "    Answer the digests of all slots, from slot 0 on.",
];

/// `DEBUG subcommand ...`.
pub(crate) fn debug(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    if !cx.server.debug_allowed(cx.client) {
        return Err(CommandError::text(
            "ERR DEBUG command not allowed. If the enable-debug-command option is set to \
             \"local\", you can run it from a local connection, otherwise you need to set this \
             option in the configuration file, and then restart the server.",
        ));
    }
    match (args[1].to_ascii_lowercase().as_slice(), args.len()) {
        (b"help", 2) => return super::help(cx, HELP),
        (b"sleep", 3) => sleep(cx, &args[2]),
        (b"set-active-expire", 3) => cx.server.set_active_expiry(is_on(&args[2])),
        (b"pause-cron", 3) => cx.server.set_active_expiry(!is_on(&args[2])),
        (b"object", 3..) => return object(cx, &args[2]),
        (b"populate", 3..=5) => populate(cx, args)?,
        (b"protocol", 3) => return protocol(cx, &args[2]),
        (b"slot-digest", 3) => return slot_digest(cx, &args[2]),
        (b"slot-digests", 2) => return slot_digests(cx),
        (b"error", 3) => {
            return Err(CommandError::new(String::from_utf8_lossy(&args[2]).into_owned()));
        }
        (b"log", 3) => cx.server.log(&String::from_utf8_lossy(&args[2])),
        (b"change-repl-id", 2)
        | (b"quicklist-packed-threshold" | b"set-disable-deny-scripts" | b"dict-resizing", 3)
        | (b"replybuffer", 4) => {}
        _ => return Err(super::unknown_or_wrong_count("DEBUG", &args[1])),
    }
    cx.reply.ok();
    Ok(())
}

/// As Redis reads it: a number other than 0.
fn is_on(argument: &[u8]) -> bool {
    parse_i64(argument).is_some_and(|number| number != 0)
}

/// `DEBUG SLEEP seconds`: what is no number counts as 0, as in Redis.
fn sleep(cx: &Cx<'_>, seconds: &[u8]) {
    let seconds = std::str::from_utf8(seconds).ok().and_then(|text| text.parse::<f64>().ok());
    let seconds = seconds.unwrap_or(0.0).clamp(0.0, MAX_SLEEP_SECONDS);
    // Of NaN nothing is left.
    cx.server.sleep((seconds * 1e6) as u64);
}

/// Calls `act` with a view that holds a key's stripe.
fn with_stripe_of<R>(
    view: &mut View<'_>,
    key: &Key<'_>,
    act: impl FnOnce(&mut View<'_>) -> R,
) -> Option<R> {
    let (mut act, mut answer) = (Some(act), None);
    view.each_stripe_from(key.stripe(), &mut |view, _| {
        answer = act.take().map(|act| act(view));
        false
    });
    answer
}

/// `DEBUG OBJECT key`.
fn object(cx: &mut Cx<'_>, key: &[u8]) -> Result<(), CommandError> {
    let (database, now_ms, store) = (cx.database(), cx.now_ms(), cx.view.store());
    let key = cx.key(key);
    let line = with_stripe_of(&mut cx.view, &key, |view| {
        let item = view.peek(database, &key)?;
        let (place, len) = match item.value() {
            Value::Collection(_) => (std::ptr::null(), item.memory_bytes()),
            string => string.bytes().map_or((std::ptr::null(), 0), |b| (b.as_ptr(), b.len())),
        };
        let idle_seconds = store.idle_ms(item.access(), now_ms).unwrap_or(0) / 1000;
        Some(format!(
            "Value at:{:p} refcount:1 encoding:{} serializedlength:{} lru:{} lru_seconds_idle:{}",
            place,
            encoding_of(&item),
            len + 1,
            item.access(),
            idle_seconds
        ))
    });
    cx.reply.simple(&line.flatten().ok_or(CommandError::NO_SUCH_KEY)?);
    Ok(())
}

/// `DEBUG POPULATE count [prefix] [size]`: keys that exist stay as they are.
fn populate(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    const POSITIVE: CommandError =
        CommandError::text("ERR value is out of range, must be positive");
    const TOO_MUCH: CommandError =
        CommandError::text("ERR DEBUG POPULATE makes at most 10000000 keys of 1 MiB at a time");
    let number = |at: usize| -> Result<Option<usize>, CommandError> {
        let number = |word| parse_i64(word).and_then(|number| usize::try_from(number).ok());
        args.get(at).map(|word| number(word).ok_or(POSITIVE)).transpose()
    };
    let (count, size) = (number(2)?.unwrap_or(0), number(4)?);
    if count > MAX_POPULATE || size.unwrap_or(0) > MAX_POPULATE_VALUE_BYTES {
        return Err(TOO_MUCH);
    }
    let prefix = args.get(3).unwrap_or(b"key");
    let database = cx.database();
    for index in 0..count {
        let name = [prefix, format!(":{index}").as_bytes()].concat();
        let mut value = format!("value:{index}").into_bytes();
        value.resize(size.unwrap_or(value.len()), 0);
        let key = cx.view.key(&name);
        let outcome = with_stripe_of(&mut cx.view, &key, |view| {
            if view.peek(database, &key).is_some() {
                return Ok(());
            }
            view.set(database, &key, NewValue::Bytes(&value), Expiry::Never)
        });
        outcome.unwrap_or(Ok(()))?;
    }
    Ok(())
}

/// `DEBUG SLOT-DIGEST slot`: only nodes of a cluster keep digests.
fn slot_digest(cx: &mut Cx<'_>, slot: &[u8]) -> Result<(), CommandError> {
    routes(cx)?;
    let slot = slot_argument(slot)?;
    put_digest(cx, slot);
    Ok(())
}

/// `DEBUG SLOT-DIGESTS`: no lock is taken, so they are not of one moment while others write.
fn slot_digests(cx: &mut Cx<'_>) -> Result<(), CommandError> {
    routes(cx)?;
    cx.reply.array(SLOT_COUNT);
    (0..SLOT_COUNT as u16).filter_map(Slot::new).for_each(|slot| put_digest(cx, slot));
    Ok(())
}

fn put_digest(cx: &mut Cx<'_>, slot: Slot) {
    let digest = cx.view.store().digest(slot);
    cx.reply.bulk(format!("{digest:016x}").as_bytes());
}

/// `DEBUG PROTOCOL type`: the samples that Redis answers with, which clients test against.
fn protocol(cx: &mut Cx<'_>, kind: &[u8]) -> Result<(), CommandError> {
    let is_resp3 = cx.reply.protocol() == Protocol::Resp3;
    let reply = &mut *cx.reply;
    let numbers = |reply: &mut skep_resp::Reply| (0..3).for_each(|number| reply.integer(number));
    match kind.to_ascii_lowercase().as_slice() {
        b"string" => reply.bulk(b"Hello World"),
        b"integer" => reply.integer(12345),
        b"double" => reply.double(3141.0 / 1000.0),
        b"null" => reply.null(),
        b"array" => {
            reply.array(3);
            numbers(reply);
        }
        b"set" => {
            reply.set(3);
            numbers(reply);
        }
        b"map" => {
            reply.map(3);
            for number in 0..3 {
                reply.integer(number);
                reply.boolean(number == 1);
            }
        }
        b"attrib" => {
            if is_resp3 {
                reply.raw(b"|1\r\n$14\r\nkey-popularity\r\n*2\r\n$7\r\nkey:123\r\n:90\r\n");
            }
            reply.bulk(b"Some real reply following the attribute");
        }
        b"push" if is_resp3 => {
            reply.push(2);
            reply.bulk(b"server-cpu-usage");
            reply.integer(42);
            reply.bulk(b"Some real reply following the push reply");
        }
        b"push" => {
            return Err(CommandError::text("ERR RESP2 is not supported by this command"));
        }
        b"true" => reply.boolean(true),
        b"false" => reply.boolean(false),
        b"verbatim" => reply.verbatim("txt", b"This is a verbatim\nstring"),
        b"bignum" => reply.big_number("1234567999999999999999999999999999999"),
        _ => {
            return Err(CommandError::text(
                "ERR Wrong protocol type name. Please use one of the following: \
                 string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false",
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::cluster::fixture;
    use crate::testing::Bench;

    #[test]
    fn nodes_of_a_cluster_show_the_digests_of_their_slots() {
        let mut bench = fixture::bench(1);
        bench.expect(&[
            ("DEBUG SLOT-DIGEST 5061", "$16 0000000000000000"),
            ("DEBUG SLOT-DIGEST 16384", "-ERR Invalid or out of range slot"),
            ("DEBUG SLOT-DIGEST x", "-ERR Invalid or out of range slot"),
        ]);
        let all = bench.ask("DEBUG SLOT-DIGESTS");
        assert!(all.starts_with("*16384 $16 0000000000000000 $16"), "{}", &all[..40]);
        let alone = "-ERR This instance has cluster support disabled";
        Bench::new().expect(&[("DEBUG SLOT-DIGEST 1", alone), ("DEBUG SLOT-DIGESTS", alone)]);
    }

    #[test]
    fn what_tests_switch_reaches_the_server() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("DEBUG SLEEP 0.25", "+OK"),
            ("DEBUG sleep nonsense", "+OK"),
            ("DEBUG SET-ACTIVE-EXPIRE 0", "+OK"),
            ("DEBUG LOG hello", "+OK"),
        ]);
        let asked = bench.server.requests.lock();
        assert_eq!(*asked, ["sleep 250000", "sleep 0", "active expiry: false", "log hello"]);
    }

    #[test]
    fn unknown_words_and_wrong_counts_are_refused() {
        let refused = |word: &str| {
            format!(
                "-ERR unknown subcommand or wrong number of arguments for '{word}'. Try DEBUG HELP."
            )
        };
        let mut bench = Bench::new();
        for (request, word) in [("jmap", "jmap"), ("sleep", "sleep"), ("object", "object")] {
            assert_eq!(bench.ask(&format!("DEBUG {request}")), refused(word));
        }
        bench.expect(&[
            ("DEBUG", "-ERR wrong number of arguments for 'debug' command"),
            ("DEBUG ERROR \"MINE of my own\"", "-MINE of my own"),
        ]);
    }

    #[test]
    fn a_value_is_described_in_redis_format() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("DEBUG OBJECT key", "-ERR no such key"),
            ("SET key 12345", "+OK"),
            ("MULTI", "+OK"),
            ("DEBUG OBJECT key", "+QUEUED"),
        ]);
        let line = bench.ask("EXEC");
        assert!(line.starts_with("*1 +Value at:0x"), "{line}");
        let fields = " refcount:1 encoding:int serializedlength:6 lru:";
        assert!(line.contains(fields) && line.ends_with(" lru_seconds_idle:0"), "{line}");
    }

    #[test]
    fn keys_are_made_by_number_and_existing_ones_kept() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("SET key:1 mine", "+OK"),
            ("DEBUG POPULATE 3", "+OK"),
            ("MGET key:0 key:1 key:2 key:3", "*4 $7 value:0 $4 mine $7 value:2 $-1"),
            ("DEBUG POPULATE 1 other 9", "+OK"),
            ("GET other:0", r"$9 value:0\x00\x00"),
            ("DEBUG POPULATE -1", "-ERR value is out of range, must be positive"),
            (
                "DEBUG POPULATE 99999999",
                "-ERR DEBUG POPULATE makes at most 10000000 keys of 1 MiB at a time",
            ),
        ]);
    }

    #[test]
    fn samples_of_every_reply_type_are_as_redis_has_them() {
        Bench::resp3().expect(&[
            ("DEBUG PROTOCOL double", ",3.141"),
            ("DEBUG PROTOCOL null", "_"),
            ("DEBUG PROTOCOL set", "~3 :0 :1 :2"),
            ("DEBUG PROTOCOL map", "%3 :0 #f :1 #t :2 #f"),
            (
                "DEBUG PROTOCOL attrib",
                "|1 $14 key-popularity *2 $7 key:123 :90 $39 Some real reply following the \
                 attribute",
            ),
            (
                "DEBUG PROTOCOL push",
                ">2 $16 server-cpu-usage :42 $40 Some real reply following the push reply",
            ),
            ("DEBUG PROTOCOL verbatim", r"=29 txt:This is a verbatim\nstring"),
            ("DEBUG PROTOCOL bignum", "(1234567999999999999999999999999999999"),
        ]);
        Bench::new().expect(&[
            ("DEBUG PROTOCOL push", "-ERR RESP2 is not supported by this command"),
            ("DEBUG PROTOCOL attrib", "$39 Some real reply following the attribute"),
            ("DEBUG PROTOCOL map", "*6 :0 :0 :1 :1 :2 :0"),
        ]);
    }
}
