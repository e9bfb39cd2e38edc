//! SMEMBERS, SISMEMBER and what else reads one set.

use skep_resp::{Args, Reply};
use skep_store::{Contents, Kind};

use crate::cx::Cx;
use crate::elements;
use crate::error::CommandError;

fn has(set: Option<Contents<'_>>, member: &[u8]) -> i64 {
    i64::from(set.is_some_and(|set| set.get(member).is_some()))
}

/// Replies with all members.
pub(super) fn reply_members(reply: &mut Reply, set: Option<Contents<'_>>) {
    reply.set(set.map_or(0, Contents::len));
    set.into_iter().flat_map(Contents::iter).for_each(|(member, _)| reply.bulk(member));
}

/// `SISMEMBER key member`.
pub(crate) fn sismember(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    elements::with(cx, &args[1], Kind::Set, |reply, set| reply.integer(has(set, &args[2])))
}

/// `SMISMEMBER key member [member ...]`.
pub(crate) fn smismember(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    elements::with(cx, &args[1], Kind::Set, |reply, set| {
        reply.array(args.len() - 2);
        args.iter().skip(2).for_each(|member| reply.integer(has(set, member)));
    })
}

/// `SCARD key`.
pub(crate) fn scard(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    elements::with(cx, &args[1], Kind::Set, |reply, set| {
        reply.integer(set.map_or(0, Contents::len) as i64);
    })
}

/// `SMEMBERS key`.
pub(crate) fn smembers(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    elements::with(cx, &args[1], Kind::Set, reply_members)
}

/// `SSCAN key cursor [MATCH pattern] [COUNT count]`.
pub(crate) fn sscan(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    elements::scan(cx, args, Kind::Set, |_, _| {})
}

#[cfg(test)]
mod tests {
    use crate::testing::Bench;

    const WRONG_TYPE: &str = "-WRONGTYPE Operation against a key holding the wrong kind of value";

    #[test]
    fn members_are_told_one_by_one_and_all_at_once() {
        Bench::new().expect(&[
            ("SADD s a b", ":2"),
            ("SISMEMBER s a", ":1"),
            ("SISMEMBER s x", ":0"),
            ("SISMEMBER x a", ":0"),
            ("SMISMEMBER s a x b", "*3 :1 :0 :1"),
            ("SMISMEMBER x a b", "*2 :0 :0"),
            ("SCARD s", ":2"),
            ("SCARD x", ":0"),
            ("SMEMBERS s", "*2 $1 a $1 b"),
            ("SMEMBERS x", "*0"),
            ("SSCAN s 0", "*2 $1 0 *2 $1 a $1 b"),
            ("SSCAN s 0 MATCH b* COUNT 5", "*2 $1 0 *1 $1 b"),
            ("SSCAN s 0 NOVALUES", "-ERR syntax error"),
            ("SSCAN s x", "-ERR invalid cursor"),
            ("SSCAN x 0 COUNT x", "*2 $1 0 *0"),
        ]);
        let mut bench = Bench::resp3();
        bench.expect(&[("SADD s a", ":1"), ("SMEMBERS s", "~1 $1 a"), ("SMEMBERS x", "~0")]);
    }

    #[test]
    fn a_scan_tells_every_member_of_a_large_set_once() {
        let mut bench = Bench::new();
        for number in 0..500 {
            bench.expect(&[(&format!("SADD s m{number}"), ":1")]);
        }
        let (mut cursor, mut members) = ("0".to_owned(), Vec::new());
        loop {
            let reply = bench.ask(&format!("SSCAN s {cursor} COUNT 7"));
            let mut words = reply.split(' ');
            cursor = words.nth(2).expect("a cursor").to_owned();
            members.extend(words.filter(|word| word.starts_with('m')).map(str::to_owned));
            if cursor == "0" {
                break;
            }
        }
        assert_eq!(members.len(), 500);
        members.sort();
        members.dedup();
        assert_eq!(members.len(), 500);
    }

    #[test]
    fn what_is_no_set_is_refused() {
        Bench::new().expect(&[
            ("SET string x", "+OK"),
            ("SISMEMBER string a", WRONG_TYPE),
            ("SMISMEMBER string a", WRONG_TYPE),
            ("SCARD string", WRONG_TYPE),
            ("SMEMBERS string", WRONG_TYPE),
            ("SSCAN string 0", WRONG_TYPE),
        ]);
    }
}
