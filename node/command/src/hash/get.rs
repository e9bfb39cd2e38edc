//! HGET, HMGET, HGETALL and what else reads a hash.

use skep_resp::Args;
use skep_store::{Contents, Kind};

use crate::cx::Cx;
use crate::elements;
use crate::error::CommandError;

/// Calls `answer` with the reply and the hash, if the key is there.
fn with_hash(
    cx: &mut Cx<'_>,
    name: &[u8],
    answer: impl FnOnce(&mut skep_resp::Reply, Option<Contents<'_>>),
) -> Result<(), CommandError> {
    let database = cx.database();
    let key = cx.key(name);
    let hash = elements::read(&mut cx.view, database, &key, Kind::Hash)?;
    answer(cx.reply, hash);
    Ok(())
}

/// `HGET key field`.
pub(crate) fn hget(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    with_hash(cx, &args[1], |reply, hash| match hash.and_then(|hash| hash.get(&args[2])) {
        Some(value) => reply.bulk(value),
        None => reply.null(),
    })
}

/// `HMGET key field [field ...]`.
pub(crate) fn hmget(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    with_hash(cx, &args[1], |reply, hash| {
        reply.array(args.len() - 2);
        for field in args.iter().skip(2) {
            match hash.and_then(|hash| hash.get(field)) {
                Some(value) => reply.bulk(value),
                None => reply.null(),
            }
        }
    })
}

/// `HGETALL key`.
pub(crate) fn hgetall(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    with_hash(cx, &args[1], |reply, hash| {
        reply.map(hash.map_or(0, Contents::len));
        for (field, value) in hash.into_iter().flat_map(Contents::iter) {
            reply.bulk(field);
            reply.bulk(value);
        }
    })
}

/// `HKEYS key`.
pub(crate) fn hkeys(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    with_hash(cx, &args[1], |reply, hash| {
        reply.array(hash.map_or(0, Contents::len));
        hash.into_iter().flat_map(Contents::iter).for_each(|(field, _)| reply.bulk(field));
    })
}

/// `HVALS key`.
pub(crate) fn hvals(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    with_hash(cx, &args[1], |reply, hash| {
        reply.array(hash.map_or(0, Contents::len));
        hash.into_iter().flat_map(Contents::iter).for_each(|(_, value)| reply.bulk(value));
    })
}

/// `HLEN key`.
pub(crate) fn hlen(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    with_hash(cx, &args[1], |reply, hash| reply.integer(hash.map_or(0, Contents::len) as i64))
}

/// `HEXISTS key field`.
pub(crate) fn hexists(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    with_hash(cx, &args[1], |reply, hash| {
        let is_there = hash.is_some_and(|hash| hash.get(&args[2]).is_some());
        reply.integer(i64::from(is_there));
    })
}

/// `HSTRLEN key field`.
pub(crate) fn hstrlen(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    with_hash(cx, &args[1], |reply, hash| {
        let value = hash.and_then(|hash| hash.get(&args[2]));
        reply.integer(value.map_or(0, <[u8]>::len) as i64);
    })
}

/// `HSCAN key cursor [MATCH pattern] [COUNT count] [NOVALUES]`.
pub(crate) fn hscan(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    elements::scan(cx, args, Kind::Hash, |reply, value| reply.bulk(value))
}

#[cfg(test)]
mod tests {
    use crate::testing::Bench;

    #[test]
    fn fields_are_read_one_by_one_and_all_at_once() {
        Bench::new().expect(&[
            ("HSET h a 1 b 22", ":2"),
            ("HGET h a", "$1 1"),
            ("HGET h x", "$-1"),
            ("HGET x a", "$-1"),
            ("HMGET h a x b", "*3 $1 1 $-1 $2 22"),
            ("HMGET x a", "*1 $-1"),
            ("HKEYS h", "*2 $1 a $1 b"),
            ("HVALS h", "*2 $1 1 $2 22"),
            ("HLEN h", ":2"),
            ("HLEN x", ":0"),
            ("HEXISTS h a", ":1"),
            ("HEXISTS h x", ":0"),
            ("HSTRLEN h b", ":2"),
            ("HSTRLEN h x", ":0"),
            ("HGETALL x", "*0"),
            ("HSCAN h 0", "*2 $1 0 *4 $1 a $1 1 $1 b $2 22"),
            ("HSCAN h 0 MATCH b* NOVALUES", "*2 $1 0 *1 $1 b"),
            ("HSCAN x 0", "*2 $1 0 *0"),
            ("HSCAN h x", "-ERR invalid cursor"),
            ("HSCAN h 0 COUNT 0", "-ERR syntax error"),
        ]);
    }
}
