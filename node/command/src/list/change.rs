//! LSET, LINSERT, LREM and LTRIM: changes in the middle of a list.

use skep_resp::Args;
use skep_store::Kind;

use super::{index_argument, rank_of, ranks_of};
use crate::cx::Cx;
use crate::error::CommandError;

/// `LSET key index element`.
pub(crate) fn lset(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    const RANGE: CommandError = CommandError::text("ERR index out of range");
    let database = cx.database();
    let key = cx.key(&args[1]);
    cx.view.edit_collection(database, &key, Kind::List, |list| {
        if list.is_empty() {
            return Err(CommandError::NO_SUCH_KEY);
        }
        let rank = rank_of(index_argument(&args[2])?, list.len()).ok_or(RANGE)?;
        list.set(rank, &args[3]);
        Ok(())
    })??;
    cx.reply.ok();
    Ok(())
}

/// `LINSERT key BEFORE | AFTER pivot element`: answers the new length, -1 without the pivot.
pub(crate) fn linsert(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let shift = if args[2].eq_ignore_ascii_case(b"BEFORE") {
        0
    } else if args[2].eq_ignore_ascii_case(b"AFTER") {
        1
    } else {
        return Err(CommandError::SYNTAX);
    };
    let database = cx.database();
    let key = cx.key(&args[1]);
    let len = cx.view.edit_collection(database, &key, Kind::List, |list| {
        if list.is_empty() {
            return 0;
        }
        let found = list.read(|list| list.iter().position(|(_, value)| value == &args[3]));
        let Some(rank) = found else { return -1 };
        list.insert(rank + shift, &args[4]);
        list.len() as i64
    })?;
    cx.reply.integer(len);
    Ok(())
}

/// `LREM key count element`: the first `count` of them, the last ones if it is negative, or all.
pub(crate) fn lrem(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let count = index_argument(&args[2])?;
    let most = match count {
        0 => usize::MAX,
        _ => usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX),
    };
    let database = cx.database();
    let key = cx.key(&args[1]);
    let removed = cx.view.edit_collection(database, &key, Kind::List, |list| {
        let mut ranks: Vec<usize> = list.read(|list| {
            let numbered = list.iter().enumerate();
            numbered.filter(|(_, (_, value))| *value == &args[3]).map(|(rank, _)| rank).collect()
        });
        let beyond = ranks.len().saturating_sub(most);
        if count < 0 {
            ranks.drain(..beyond);
        } else {
            ranks.truncate(ranks.len() - beyond);
        }
        list.remove_ranks(&ranks);
        ranks.len()
    })?;
    cx.reply.integer(removed as i64);
    Ok(())
}

/// `LTRIM key start stop`: keeps these values only.
pub(crate) fn ltrim(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let (start, end) = (index_argument(&args[2])?, index_argument(&args[3])?);
    let database = cx.database();
    let key = cx.key(&args[1]);
    cx.view.edit_collection(database, &key, Kind::List, |list| {
        list.keep(ranks_of(start, end, list.len()));
    })?;
    cx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::Bench;

    #[test]
    fn values_are_changed_put_between_and_removed() {
        Bench::new().expect(&[
            ("RPUSH l a b a c a", ":5"),
            ("LSET l 1 B", "+OK"),
            ("LSET l -1 A", "+OK"),
            ("LSET l 5 x", "-ERR index out of range"),
            ("LSET none 0 x", "-ERR no such key"),
            ("LINSERT l BEFORE a x", ":6"),
            ("LINSERT l AFTER A y", ":7"),
            ("LINSERT l AFTER nope y", ":-1"),
            ("LINSERT none AFTER nope y", ":0"),
            ("LRANGE l 0 -1", "*7 $1 x $1 a $1 B $1 a $1 c $1 A $1 y"),
            ("RPUSH l a", ":8"),
            ("LREM l -1 a", ":1"),
            ("LREM l 1 a", ":1"),
            ("LRANGE l 0 -1", "*6 $1 x $1 B $1 a $1 c $1 A $1 y"),
            ("LREM l 0 nope", ":0"),
            ("LTRIM l 1 -2", "+OK"),
            ("LRANGE l 0 -1", "*4 $1 B $1 a $1 c $1 A"),
            ("LTRIM l 5 9", "+OK"),
            ("EXISTS l", ":0"),
            ("LINSERT l AROUND a b", "-ERR syntax error"),
        ]);
    }
}
