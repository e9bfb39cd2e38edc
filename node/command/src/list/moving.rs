//! LMOVE and RPOPLPUSH: a value from one list to another, or around the same one.

use skep_resp::Args;
use skep_store::{End, Kind};

use super::end_named;
use crate::cx::Cx;
use crate::error::CommandError;

/// `LMOVE source destination LEFT | RIGHT LEFT | RIGHT`: answers the value.
pub(crate) fn lmove(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    move_value(cx, args, end_named(&args[3])?, end_named(&args[4])?)
}

/// `RPOPLPUSH source destination`.
pub(crate) fn rpoplpush(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    move_value(cx, args, End::Right, End::Left)
}

fn move_value(cx: &mut Cx<'_>, args: Args<'_>, from: End, to: End) -> Result<(), CommandError> {
    let database = cx.database();
    let (source, target) = (cx.key(&args[1]), cx.key(&args[2]));
    let list = crate::elements::read(&mut cx.view, database, &source, Kind::List)?;
    let Some(list) = list else {
        cx.reply.null();
        return Ok(());
    };
    let rank = if from == End::Left { 0 } else { list.len() - 1 };
    let value = list.at(rank).unwrap_or_default().to_vec();
    if source.bytes == target.bytes {
        cx.view.edit_collection(database, &source, Kind::List, |list| {
            list.pop(from);
            list.push(to, &value);
        })?;
    } else {
        // First what may fail.
        cx.view.edit_collection(database, &target, Kind::List, |list| list.push(to, &value))?;
        cx.view.edit_collection(database, &source, Kind::List, |list| list.pop(from))?;
    }
    cx.reply.bulk(&value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::Bench;

    #[test]
    fn values_move_between_lists_and_around_one() {
        Bench::new().expect(&[
            ("RPUSH {l}a 1 2 3", ":3"),
            ("LMOVE {l}a {l}b LEFT RIGHT", "$1 1"),
            ("RPOPLPUSH {l}a {l}b", "$1 3"),
            ("LRANGE {l}b 0 -1", "*2 $1 3 $1 1"),
            ("LMOVE {l}b {l}b LEFT RIGHT", "$1 3"),
            ("LRANGE {l}b 0 -1", "*2 $1 1 $1 3"),
            ("LMOVE {l}a {l}b LEFT LEFT", "$1 2"),
            ("EXISTS {l}a", ":0"),
            ("LMOVE {l}a {l}b LEFT LEFT", "$-1"),
            ("LMOVE {l}b {l}a UP LEFT", "-ERR syntax error"),
            ("SET {l}s x", "+OK"),
            (
                "LMOVE {l}b {l}s LEFT LEFT",
                "-WRONGTYPE Operation against a key holding the wrong kind of value",
            ),
            ("LLEN {l}b", ":3"),
        ]);
    }
}
