//! SPOP and SRANDMEMBER: members at random, taken out or left.

use skep_resp::{Args, parse_i64};
use skep_store::Kind;

use super::get::reply_members;
use crate::cx::Cx;
use crate::elements::{self, Picks};
use crate::error::CommandError;

/// The count of SPOP.
fn count_of(text: &[u8]) -> Result<usize, CommandError> {
    const NOT_POSITIVE: CommandError =
        CommandError::text("ERR value is out of range, must be positive");
    let count = parse_i64(text).and_then(|count| usize::try_from(count).ok());
    count.ok_or(NOT_POSITIVE)
}

/// `SPOP key [count]`: takes out a member, or at most so many.
pub(crate) fn spop(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    if args.len() > 3 {
        return Err(CommandError::SYNTAX);
    }
    let count = args.get(2).map(count_of).transpose()?;
    let database = cx.database();
    let key = cx.key(&args[1]);
    let mut state = cx.view.random();
    let item = cx.view.find(database, &key);
    let Some(set) = item.map(|item| item.collection(Kind::Set)).transpose()? else {
        match count {
            Some(_) => cx.reply.set(0),
            None => cx.reply.null(),
        }
        return Ok(());
    };
    if count.is_some_and(|count| count >= set.len()) {
        reply_members(cx.reply, Some(set));
        cx.view.remove(database, &key);
        return Ok(());
    }
    let mut random = || crate::random::next(&mut state);
    let picked = elements::pick_different(set, count.unwrap_or(1), &mut random);
    let picked: Vec<Vec<u8>> = picked.into_iter().map(|(member, _)| member.to_vec()).collect();
    cx.view.edit_collection(database, &key, Kind::Set, |set| {
        picked.iter().for_each(|member| {
            set.remove(member);
        });
    })?;
    if count.is_some() {
        cx.reply.set(picked.len());
    }
    picked.iter().for_each(|member| cx.reply.bulk(member));
    Ok(())
}

/// `SRANDMEMBER key [count]`: different members, or with a negative count any.
pub(crate) fn srandmember(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    if args.len() > 3 {
        return Err(CommandError::SYNTAX);
    }
    let picks = args.get(2).map(Picks::parse).transpose()?;
    let mut state = cx.view.random();
    let mut random = || crate::random::next(&mut state);
    let (database, key) = (cx.database(), cx.key(&args[1]));
    let set = elements::read(&mut cx.view, database, &key, Kind::Set)?;
    match (picks, set) {
        (Some(picks), Some(set)) => {
            let picked = picks.pick(set, &mut random)?;
            cx.reply.array(picked.len());
            picked.into_iter().for_each(|(member, _)| cx.reply.bulk(member));
        }
        (Some(_), None) => cx.reply.array(0),
        (None, set) => match set.and_then(|set| set.pick(&mut random)) {
            Some((member, _)) => cx.reply.bulk(member),
            None => cx.reply.null(),
        },
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use crate::testing::Bench;

    const WRONG_TYPE: &str = "-WRONGTYPE Operation against a key holding the wrong kind of value";

    fn fill(bench: &mut Bench, count: usize) {
        for number in 0..count {
            bench.expect(&[(&format!("SADD big m{number}"), ":1")]);
        }
    }

    fn members(reply: &str) -> Vec<&str> {
        reply.split(' ').filter(|word| word.starts_with('m')).collect()
    }

    #[test]
    fn members_are_picked_once_or_again_and_again() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("SRANDMEMBER s", "$-1"),
            ("SRANDMEMBER s 3", "*0"),
            ("SADD s a", ":1"),
            ("SRANDMEMBER s", "$1 a"),
            ("SRANDMEMBER s 5", "*1 $1 a"),
            ("SRANDMEMBER s -3", "*3 $1 a $1 a $1 a"),
            ("SRANDMEMBER s 0", "*0"),
            ("SRANDMEMBER s x", "-ERR value is not an integer or out of range"),
            ("SRANDMEMBER s 1 1", "-ERR syntax error"),
            ("SET string x", "+OK"),
            ("SRANDMEMBER string", WRONG_TYPE),
        ]);
        fill(&mut bench, 200);
        for count in [3, 20, 100, 199, 200] {
            let reply = bench.ask(&format!("SRANDMEMBER big {count}"));
            let picked = members(&reply);
            let different: HashSet<_> = picked.iter().collect();
            assert_eq!((picked.len(), different.len()), (count, count));
        }
        assert_eq!(members(&bench.ask("SRANDMEMBER big -300")).len(), 300);
    }

    #[test]
    fn what_is_popped_is_gone_and_the_key_with_the_last() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("SPOP s", "$-1"),
            ("SPOP s 2", "*0"),
            ("SADD s a", ":1"),
            ("SPOP s 0", "*0"),
            ("SPOP s", "$1 a"),
            ("EXISTS s", ":0"),
            ("SADD s a b", ":2"),
            ("SPOP s 5", "*2 $1 a $1 b"),
            ("EXISTS s", ":0"),
            ("SPOP s -1", "-ERR value is out of range, must be positive"),
            ("SPOP s x", "-ERR value is out of range, must be positive"),
            ("SPOP s 1 1", "-ERR syntax error"),
            ("SET string x", "+OK"),
            ("SPOP string", WRONG_TYPE),
            ("SPOP string 1", WRONG_TYPE),
        ]);
        fill(&mut bench, 200);
        let mut popped = HashSet::new();
        for count in [1, 50, 120, 500] {
            let reply = bench.ask(&format!("SPOP big {count}"));
            let before = popped.len();
            popped.extend(members(&reply).into_iter().map(str::to_owned));
            assert_eq!(popped.len(), (before + count).min(200));
            bench.expect(&[("SCARD big", &format!(":{}", 200 - popped.len()))]);
        }
        bench.recount();
    }
}
