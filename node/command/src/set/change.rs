//! SADD, SREM and SMOVE.

use skep_resp::Args;
use skep_store::Kind;

use crate::cx::Cx;
use crate::error::CommandError;

/// `SADD key member [member ...]`: answers how many members are new.
pub(crate) fn sadd(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let database = cx.database();
    let key = cx.key(&args[1]);
    let added = cx.view.edit_collection(database, &key, Kind::Set, |set| {
        args.iter().skip(2).filter(|member| set.put(member, b"")).count()
    })?;
    cx.reply.integer(added as i64);
    Ok(())
}

/// `SREM key member [member ...]`: answers how many members were there.
pub(crate) fn srem(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let database = cx.database();
    let key = cx.key(&args[1]);
    let removed = cx.view.edit_collection(database, &key, Kind::Set, |set| {
        args.iter().skip(2).filter(|member| set.remove(member)).count()
    })?;
    cx.reply.integer(removed as i64);
    Ok(())
}

/// `SMOVE source destination member`: answers whether the member was there.
pub(crate) fn smove(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let database = cx.database();
    let (source, target, member) = (cx.key(&args[1]), cx.key(&args[2]), &args[3]);
    let Some(item) = cx.view.find(database, &source) else {
        cx.reply.integer(0);
        return Ok(());
    };
    let is_there = item.collection(Kind::Set)?.get(member).is_some();
    cx.view.find(database, &target).map(|item| item.collection(Kind::Set)).transpose()?;
    if is_there && source.bytes != target.bytes {
        // In this order nothing is lost if there is no room.
        cx.view.edit_collection(database, &target, Kind::Set, |set| set.put(member, b""))?;
        cx.view.edit_collection(database, &source, Kind::Set, |set| set.remove(member))?;
    }
    cx.reply.integer(i64::from(is_there));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::Bench;

    const WRONG_TYPE: &str = "-WRONGTYPE Operation against a key holding the wrong kind of value";

    #[test]
    fn members_are_added_once_and_removed_with_their_key() {
        Bench::new().expect(&[
            ("SADD s a b a", ":2"),
            ("SADD s b c", ":1"),
            ("TYPE s", "+set"),
            ("OBJECT ENCODING s", "$8 listpack"),
            ("SREM s a x", ":1"),
            ("SREM s b c b", ":2"),
            ("EXISTS s", ":0"),
            ("SREM s b", ":0"),
            ("SADD numbers 1 2", ":2"),
            ("OBJECT ENCODING numbers", "$6 intset"),
        ]);
    }

    #[test]
    fn a_member_moves_from_one_set_to_another() {
        Bench::new().expect(&[
            ("SADD s a b", ":2"),
            ("SMOVE s t a", ":1"),
            ("SMOVE s t a", ":0"),
            ("SMOVE s s b", ":1"),
            ("SMOVE s s x", ":0"),
            ("SMOVE x s b", ":0"),
            ("SMEMBERS t", "*1 $1 a"),
            ("SMOVE s t b", ":1"),
            ("EXISTS s", ":0"),
            ("SCARD t", ":2"),
        ]);
    }

    #[test]
    fn what_is_no_set_is_refused_and_stays() {
        Bench::new().expect(&[
            ("SET string x", "+OK"),
            ("SADD s a", ":1"),
            ("SADD string a", WRONG_TYPE),
            ("SREM string a", WRONG_TYPE),
            ("SMOVE string s a", WRONG_TYPE),
            ("SMOVE s string a", WRONG_TYPE),
            ("SMOVE s string x", WRONG_TYPE),
            ("SMOVE x string a", ":0"),
            ("SMEMBERS s", "*1 $1 a"),
            ("GET string", "$1 x"),
        ]);
    }

    #[test]
    fn a_set_that_outgrows_its_record_is_the_same() {
        let mut bench = Bench::new();
        for number in 0..300 {
            bench.expect(&[(&format!("SADD s member:{number}"), ":1")]);
        }
        bench.expect(&[
            ("OBJECT ENCODING s", "$9 hashtable"),
            ("SCARD s", ":300"),
            ("SISMEMBER s member:299", ":1"),
            ("SADD s member:7", ":0"),
            ("SREM s member:7", ":1"),
            ("SMOVE s t member:8", ":1"),
            ("SCARD s", ":298"),
        ]);
        bench.recount();
    }
}
