//! LLEN, LINDEX and LRANGE.

use skep_resp::{Args, Reply};
use skep_store::{Contents, Kind};

use super::{index_argument, rank_of, ranks_of};
use crate::cx::Cx;
use crate::elements;
use crate::error::CommandError;

/// As [`elements::with`], of a list.
fn with_list(
    cx: &mut Cx<'_>,
    name: &[u8],
    answer: impl FnOnce(&mut Reply, Option<Contents<'_>>),
) -> Result<(), CommandError> {
    elements::with(cx, name, Kind::List, answer)
}

/// `LLEN key`.
pub(crate) fn llen(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    with_list(cx, &args[1], |reply, list| reply.integer(list.map_or(0, Contents::len) as i64))
}

/// `LINDEX key index`.
pub(crate) fn lindex(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let database = cx.database();
    let key = cx.key(&args[1]);
    let list = elements::read(&mut cx.view, database, &key, Kind::List)?;
    let Some(list) = list else {
        cx.reply.null();
        return Ok(());
    };
    // As in Redis, nobody looks at the index when the key is missing.
    let rank = rank_of(index_argument(&args[2])?, list.len());
    match rank.and_then(|rank| list.at(rank)) {
        Some(value) => cx.reply.bulk(value),
        None => cx.reply.null(),
    }
    Ok(())
}

/// `LRANGE key start stop`.
pub(crate) fn lrange(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let (start, end) = (index_argument(&args[2])?, index_argument(&args[3])?);
    with_list(cx, &args[1], |reply, list| {
        let ranks = ranks_of(start, end, list.map_or(0, Contents::len));
        reply.array(ranks.len());
        if let Some(list) = list.filter(|_| !ranks.is_empty()) {
            list.values_from(ranks.start, false).take(ranks.len()).for_each(|v| reply.bulk(v));
        }
    })
}
