//! HSET, HSETNX, HMSET and HDEL.

use skep_resp::Args;
use skep_store::Kind;

use crate::cx::Cx;
use crate::error::CommandError;

/// `HSET key field value [field value ...]`: answers how many fields are new.
pub(crate) fn hset(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let added = set_all(cx, args, "hset")?;
    cx.reply.integer(added);
    Ok(())
}

/// `HMSET key field value [field value ...]`.
pub(crate) fn hmset(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    set_all(cx, args, "hmset")?;
    cx.reply.ok();
    Ok(())
}

fn set_all(cx: &mut Cx<'_>, args: Args<'_>, command: &str) -> Result<i64, CommandError> {
    let pairs = args.from(2);
    if !pairs.len().is_multiple_of(2) {
        return Err(CommandError::wrong_arity(command));
    }
    let database = cx.database();
    let key = cx.key(&args[1]);
    let added = cx.view.edit_collection(database, &key, Kind::Hash, |hash| {
        let numbers = 0..pairs.len() / 2;
        numbers.filter(|at| hash.put(&pairs[2 * at], &pairs[2 * at + 1])).count()
    })?;
    Ok(added as i64)
}

/// `HSETNX key field value`: answers whether it wrote.
pub(crate) fn hsetnx(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let database = cx.database();
    let key = cx.key(&args[1]);
    let written = cx.view.edit_collection(database, &key, Kind::Hash, |hash| {
        hash.get(&args[2]).is_none() && hash.put(&args[2], &args[3])
    })?;
    cx.reply.integer(i64::from(written));
    Ok(())
}

/// `HDEL key field [field ...]`: answers how many fields were there.
pub(crate) fn hdel(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let database = cx.database();
    let key = cx.key(&args[1]);
    let removed = cx.view.edit_collection(database, &key, Kind::Hash, |hash| {
        args.iter().skip(2).filter(|field| hash.remove(field)).count()
    })?;
    cx.reply.integer(removed as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::Bench;

    #[test]
    fn fields_are_written_counted_and_removed_with_their_key() {
        Bench::new().expect(&[
            ("HSET h a 1 b 2", ":2"),
            ("HSET h a 3 c 4", ":1"),
            ("HMSET h d 5", "+OK"),
            ("HSETNX h a 9", ":0"),
            ("HSETNX h e 6", ":1"),
            ("HGETALL h", "*10 $1 a $1 3 $1 b $1 2 $1 c $1 4 $1 d $1 5 $1 e $1 6"),
            ("TYPE h", "+hash"),
            ("OBJECT ENCODING h", "$8 listpack"),
            ("HDEL h a b x", ":2"),
            ("HDEL h c d e", ":3"),
            ("EXISTS h", ":0"),
            ("HDEL h c", ":0"),
        ]);
    }

    #[test]
    fn what_is_no_hash_is_refused_and_stays() {
        Bench::new().expect(&[
            ("SET s string", "+OK"),
            ("HSET s a 1", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("HDEL s a", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("HSET h a", "-ERR wrong number of arguments for 'hset' command"),
            ("HSET h a 1 b", "-ERR wrong number of arguments for 'hset' command"),
            ("GET s", "$6 string"),
            ("HSET h a 1", ":1"),
            ("GET h", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("SET h over", "+OK"),
            ("GET h", "$4 over"),
        ]);
    }

    #[test]
    fn a_hash_that_outgrows_its_record_is_the_same() {
        let mut bench = Bench::new();
        for number in 0..300 {
            bench.expect(&[(&format!("HSET h field:{number} {number}"), ":1")]);
        }
        bench.expect(&[
            ("OBJECT ENCODING h", "$9 hashtable"),
            ("HLEN h", ":300"),
            ("HGET h field:299", "$3 299"),
            ("HSET h field:7 other", ":0"),
            ("HGET h field:7", "$5 other"),
            ("RENAME h g", "+OK"),
            ("HLEN g", ":300"),
            ("COPY g i", ":1"),
            ("HDEL i field:1", ":1"),
            ("HLEN g", ":300"),
            ("HLEN i", ":299"),
        ]);
        bench.recount();
    }
}
