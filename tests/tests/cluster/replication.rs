//! Replicas have what their primaries have, and never half of a change.

use std::sync::atomic::{AtomicBool, Ordering};

use skep_tests::cluster::Cluster;
use skep_tests::differential::Generator;
use skep_tests::differential::random::Random;
use skep_tests::{Client, PATIENCE, TestResult, wait_until};

use crate::support::{tag_in, wait_for_equal_digests};

/// What changes keys, in the words of the differential tests; with expiries that come soon.
const STORM: &[(usize, &str)] = &[
    (10, "SET %key %value"),
    (8, "SET %key %value {NX|XX|GET|KEEPTTL|EX %seconds|PX %ms|PX 20|EXAT %unix}"),
    (3, "GETDEL %key"),
    (3, "GETEX %key {PERSIST|EX %seconds|PX %ms|PX 5}"),
    (2, "SETNX %key %value"),
    (3, "PSETEX %key 10 %value"),
    (5, "APPEND %key %value"),
    (4, "SETRANGE %key 40 %value"),
    (3, "SETBIT %key 90000 (0|1)"),
    (3, "BITFIELD %key INCRBY u8 %place 1"),
    (2, "BITOP (OR|XOR|NOT) %key %key"),
    (4, "PFADD %hll %element+++"),
    (2, "PFCOUNT %hll+"),
    (2, "PFMERGE %hll %hll+"),
    (8, "RPUSH %list %item+++"),
    (8, "LPUSH %list %item+++"),
    (3, "LPOP %list [%rank]"),
    (3, "RPOP %list"),
    (2, "LSET %list %rank %item"),
    (3, "LINSERT %list (BEFORE|AFTER) %item %item"),
    (3, "LREM %list %rank %item"),
    (1, "LTRIM %list 1 -2"),
    (4, "LMOVE %list %list (LEFT|RIGHT) (LEFT|RIGHT)"),
    (2, "RPUSH %key %item"),
    (10, "HSET %hash (%element %value)+++"),
    (3, "HDEL %hash %element+++"),
    (3, "HINCRBY %hash n %int"),
    (3, "HINCRBYFLOAT %hash f %float"),
    (2, "HSETNX %hash %element %value"),
    (8, "SADD %set %element+++"),
    (3, "SREM %set %element+++"),
    (2, "SPOP %set 3"),
    (2, "SMOVE %set %set %element"),
    (2, "SUNIONSTORE %set %set+"),
    (1, "SDIFFSTORE %set %set+"),
    (8, "ZADD %zset (%score %element)+++"),
    (3, "ZINCRBY %zset %score %element"),
    (3, "ZREM %zset %element+++"),
    (2, "ZPOPMIN %zset 2"),
    (1, "ZREMRANGEBYRANK %zset 3 9"),
    (2, "ZUNIONSTORE %zset (1 %zset|2 %zset %set)"),
    (1, "RENAME (%list|%hash) (%list|%hash)"),
    (1, "COPY (%set|%zset) (%set|%zset) [REPLACE]"),
    (1, "DEL (%set|%zset)"),
    (1, "COPY (%list|%hash) (%list|%hash) [REPLACE]"),
    (1, "DEL (%list|%hash)"),
    (1, "PEXPIRE (%list|%hash) 15"),
    (3, "INCR %key"),
    (3, "DECRBY %key %int"),
    (4, "INCRBYFLOAT %key %float"),
    (4, "MSET (%key %value)+"),
    (3, "MSETNX (%key %value)+"),
    (4, "DEL %key+"),
    (2, "UNLINK %key+"),
    (4, "RENAME %key %key"),
    (3, "RENAMENX %key %key"),
    (4, "COPY %key %key [REPLACE]"),
    (4, "EXPIRE %key %seconds [NX|XX|GT|LT]"),
    (4, "PEXPIRE %key 15"),
    (3, "PEXPIREAT %key %unixms"),
    (3, "PERSIST %key"),
    (8, "MULTI"),
    (12, "EXEC"),
    (2, "DISCARD"),
    (3, "WATCH %key"),
];
/// Commands of each connection.
const COMMANDS: usize = 3_000;
const CONNECTIONS: u64 = 3;
/// Hash tags of each primary, which its connections share.
const TAGS: usize = 5;

/// Sends commands; those of one transaction are of one tag. One in some thousand empties the node.
fn storm(mut client: Client, tags: &[String], seed: u64) -> TestResult {
    let (generator, mut random) = (Generator::new(STORM), Random::new(seed));
    let mut tag = &tags[0];
    let mut is_queueing = false;
    for _ in 0..COMMANDS {
        if !is_queueing {
            tag = random.pick(tags);
        }
        let is_flush = random.below(2_000) == 0;
        let words = match is_flush {
            true => vec![b"FLUSHALL".to_vec()],
            false => generator.words_of(&mut random, tag),
        };
        let reply = client.ask(&words)?;
        match words[0].to_ascii_lowercase().as_slice() {
            b"multi" => is_queueing = true,
            b"exec" | b"discard" => is_queueing = false,
            _ => {}
        }
        assert!(!reply.starts_with(b"-CROSSSLOT"), "{}", reply.escape_ascii());
    }
    Ok(())
}

/// All keys of a node with their values and moments of expiry, as its own clients read them.
fn content(client: &mut Client) -> TestResult<Vec<String>> {
    client.say("READONLY")?;
    let keys = client.ask(&["KEYS", "*"])?;
    let (keys, _) = skep_tests::differential::frame::read(&keys)?.ok_or("no whole reply")?;
    let mut content = Vec::new();
    for key in keys.items().iter().filter_map(|key| key.bytes()) {
        let kind = client.ask(&[b"TYPE", key])?;
        let value = match kind.as_slice() {
            b"+list\r\n" => client.ask(&[b"LRANGE", key, b"0", b"-1"])?,
            b"+hash\r\n" => in_order(&client.ask(&[b"HGETALL", key])?, 2)?,
            b"+set\r\n" => in_order(&client.ask(&[b"SMEMBERS", key])?, 1)?,
            b"+zset\r\n" => client.ask(&[b"ZRANGE", key, b"0", b"-1", b"WITHSCORES"])?,
            _ => client.ask(&[b"GET", key])?,
        };
        let expiry = client.ask(&[b"PEXPIRETIME", key])?;
        let shown = [key, &value, &expiry].map(|bytes| bytes.escape_ascii().to_string());
        content.push(shown.join(" "));
    }
    content.sort();
    Ok(content)
}

/// What a reply without an order tells, one or two items at a time, in an order.
fn in_order(reply: &[u8], count: usize) -> TestResult<Vec<u8>> {
    let (reply, _) = skep_tests::differential::frame::read(reply)?.ok_or("no whole reply")?;
    let mut pairs: Vec<_> = reply.items().chunks(count).map(|pair| format!("{pair:?}")).collect();
    pairs.sort();
    Ok(pairs.concat().into_bytes())
}

#[test]
fn after_a_storm_of_changes_replicas_are_equal_to_their_primaries() -> TestResult {
    let cluster = Cluster::formed(2, 1, &[])?;
    let primaries = [cluster.primary_of(0), cluster.primary_of(16383)];
    let mut asker = cluster.node(0).connect()?;
    let tags = [0u16, 8192].map(|first| {
        let part = |part: u16| first + part * 1600..=first + part * 1600 + 1500;
        (0..TAGS as u16).map(|at| tag_in(&mut asker, part(at))).collect::<Vec<_>>()
    });
    std::thread::scope(|scope| -> TestResult {
        let mut storms = Vec::new();
        for (primary, tags) in primaries.iter().zip(&tags) {
            for number in 0..CONNECTIONS {
                let client = cluster.node(*primary).connect()?;
                let seed = *primary as u64 * 100 + number;
                storms.push(
                    scope.spawn(move || {
                        storm(client, tags, seed).map_err(|error| error.to_string())
                    }),
                );
            }
        }
        for storm in storms {
            storm.join().map_err(|_| "a storm panicked")??;
        }
        Ok(())
    })?;
    for primary in primaries {
        let replica = cluster.replica_of(primary);
        assert_eq!(cluster.node(primary).ask("WAIT 1 10000")?, "1");
        wait_for_equal_digests(&cluster, primary, replica);
        let digests = cluster.node(primary).ask("DEBUG SLOT-DIGESTS")?;
        let empty = digests.matches("0000000000000000").count();
        assert!(empty < 16_384, "nothing is left of the storm");
        let (mut one, mut other) =
            (cluster.node(primary).connect()?, cluster.node(replica).connect()?);
        let (ours, theirs) = (content(&mut one)?, content(&mut other)?);
        assert!(!ours.is_empty());
        assert_eq!(ours, theirs);
    }
    Ok(())
}

/// Has one connection change things at a primary while another looks at its replica, until that has
/// seen several states.
fn watch(
    change: impl Fn(&mut Client, usize) -> TestResult + Sync,
    mut look: impl FnMut(&mut Client) -> String,
) -> TestResult {
    const STATES: usize = 30;
    let cluster = Cluster::formed(1, 1, &[])?;
    let primary = cluster.primary_of(0);
    let mut writer = cluster.node(primary).connect()?;
    let mut reader = cluster.node(cluster.replica_of(primary)).connect()?;
    reader.say("READONLY")?;
    let ends = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            for number in 0.. {
                if ends.load(Ordering::Relaxed) {
                    break;
                }
                change(&mut writer, number).map_err(|error| error.to_string())?;
            }
            Ok::<(), String>(())
        });
        let mut seen = std::collections::BTreeSet::new();
        let mut looks = 0;
        wait_until(PATIENCE, "the replica shows many states", || {
            // Many looks for each check of the clock.
            for _ in 0..200 {
                seen.insert(look(&mut reader));
                looks += 1;
            }
            seen.len() >= STATES || writing.is_finished()
        });
        ends.store(true, Ordering::Relaxed);
        println!("{looks} looks");
        writing.join().map_err(|_| "the writer panicked")??;
        Ok(())
    })
}

#[test]
fn a_replica_never_shows_half_of_a_transaction() -> TestResult {
    let change = |client: &mut Client, number: usize| -> TestResult {
        client.say("MULTI")?;
        client.say(&format!("SET {{t}}a {number}"))?;
        client.say(&format!("SET {{t}}b {number}"))?;
        client.say("EXEC")?;
        client.say(&format!("MSET {{t}}a {number}m {{t}}b {number}m"))?;
        Ok(())
    };
    watch(change, |client| {
        let said = client.say("MGET {t}a {t}b").unwrap_or_default();
        let halves: Vec<&str> = said.split("\\r\\n").filter(|it| !it.starts_with('$')).collect();
        assert!(said.contains("$-1\\r\\n$-1") || halves[1] == halves[2], "half: {said}");
        said
    })
}

#[test]
fn a_replica_never_shows_a_renamed_key_twice_or_not_at_all() -> TestResult {
    let change = |client: &mut Client, number: usize| -> TestResult {
        if number == 0 {
            client.say("SET {t}0 x")?;
        }
        let next = (number + 1) % 40;
        client.say(&format!("RENAME {{t}}{} {{t}}{next}", number % 40))?;
        Ok(())
    };
    let names: Vec<String> = (0..40).map(|number| format!("{{t}}{number}")).collect();
    let line = format!("MGET {}", names.join(" "));
    let mut was_there = false;
    watch(change, move |client| {
        let said = client.say(&line).unwrap_or_default();
        let count = said.matches("$1\\r\\nx").count();
        assert!(count == 1 || (count == 0 && !was_there), "{count} keys: {said}");
        was_there |= count == 1;
        said
    })
}

#[test]
fn a_replica_never_shows_half_of_a_transaction_that_touches_all_slots() -> TestResult {
    let change = |client: &mut Client, number: usize| -> TestResult {
        client.say("MULTI")?;
        client.say("FLUSHALL")?;
        client.say(&format!("SET {{t}}{} {number}", number % 2))?;
        client.say("EXEC")?;
        Ok(())
    };
    let mut was_there = false;
    watch(change, move |client| {
        let said = client.say("MGET {t}0 {t}1").unwrap_or_default();
        let missing = said.matches("$-1\\r\\n").count();
        assert!(missing == 1 || (missing == 2 && !was_there), "{said}");
        was_there |= missing == 1;
        said
    })
}
