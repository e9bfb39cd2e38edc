//! ZREM and the ZREMRANGE commands.

use skep_resp::Args;
use skep_store::{Editor, Kind};

use super::Scored;
use super::range::{By, Range};
use super::select::copied;
use crate::cx::Cx;
use crate::error::CommandError;

/// `ZREM key member [member ...]`: answers how many members were there.
pub(crate) fn zrem(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let database = cx.database();
    let key = cx.key(&args[1]);
    let removed = cx.view.edit_collection(database, &key, Kind::SortedSet, |set| {
        args.iter().skip(2).filter(|member| set.remove(member)).count()
    })?;
    cx.reply.integer(removed as i64);
    Ok(())
}

/// `ZREMRANGEBYRANK key start stop`.
pub(crate) fn zremrangebyrank(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    remove(cx, args, By::Rank)
}

/// `ZREMRANGEBYSCORE key min max`.
pub(crate) fn zremrangebyscore(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    remove(cx, args, By::Score)
}

/// `ZREMRANGEBYLEX key min max`.
pub(crate) fn zremrangebylex(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    remove(cx, args, By::Name)
}

fn remove(cx: &mut Cx<'_>, args: Args<'_>, by: By) -> Result<(), CommandError> {
    let range = Range::between(by, (&args[2], &args[3]), false)?;
    let database = cx.database();
    let key = cx.key(&args[1]);
    let removed =
        cx.view.edit_collection(database, &key, Kind::SortedSet, |set| take(set, &range).len())?;
    cx.reply.integer(removed as i64);
    Ok(())
}

/// Removes the members of a range, and answers them in the range's order.
pub(super) fn take(set: &mut Editor<'_>, range: &Range<'_>) -> Vec<Scored> {
    let members = set.read(|contents| copied(contents, range));
    for (member, _) in &members {
        set.remove(member);
    }
    members
}

#[cfg(test)]
mod tests {
    use crate::testing::Bench;

    #[test]
    fn members_and_ranges_go_and_the_key_with_the_last() {
        Bench::new().expect(&[
            ("ZADD z 1 a 2 b 3 c 4 d 5 e 5 f 5 g", ":7"),
            ("ZREM z a x a", ":1"),
            ("ZREMRANGEBYSCORE z (2 3", ":1"),
            ("ZREMRANGEBYRANK z -1 -1", ":1"),
            ("ZREMRANGEBYLEX z [e [e", ":1"),
            ("ZRANGE z 0 -1", "*3 $1 b $1 d $1 f"),
            ("ZREMRANGEBYRANK z 5 9", ":0"),
            ("ZREMRANGEBYRANK z 0 x", "-ERR value is not an integer or out of range"),
            ("ZREMRANGEBYSCORE none -inf inf", ":0"),
            ("ZREMRANGEBYSCORE z -inf inf", ":3"),
            ("EXISTS z", ":0"),
            ("SET s string", "+OK"),
            ("ZREM s a", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            (
                "ZREMRANGEBYLEX s - +",
                "-WRONGTYPE Operation against a key holding the wrong kind of value",
            ),
        ]);
    }

    #[test]
    fn ranges_of_a_large_set_go_too() {
        let mut bench = Bench::new();
        for number in 0..1000 {
            bench.ask(&format!("ZADD z {number} m{number}"));
        }
        bench.expect(&[
            ("ZREMRANGEBYSCORE z 100 899", ":800"),
            ("ZREMRANGEBYRANK z 1 -2", ":198"),
            ("ZRANGE z 0 -1", "*2 $2 m0 $4 m999"),
        ]);
        bench.recount();
    }
}
