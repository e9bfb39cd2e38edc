//! Compare-and-delete: DELIFEQ and DELEX, and DIGEST, which makes comparing long values cheap for
//! clients.

use skep_resp::Args;

use super::Condition;
use super::condition::digest;
use crate::cx::Cx;
use crate::error::CommandError;

const INVALID_CONDITION: CommandError =
    CommandError::text("ERR Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE");

/// `DELIFEQ key value`: removes a key that holds this value, and answers whether it did.
pub(crate) fn delifeq(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    remove_if(cx, &args[1], || Ok(Condition::Equal(&args[2])))
}

/// `DELEX key [IFEQ value | IFNE value | IFDEQ digest | IFDNE digest]`: removes a key on
/// condition, and answers whether it did.
pub(crate) fn delex(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    match (args.get(2), args.get(3)) {
        (None, _) => remove_if(cx, &args[1], || Ok(Condition::Present)),
        (Some(word), Some(with)) if args.len() == 4 => {
            remove_if(cx, &args[1], || Condition::comparison(word, with).ok_or(INVALID_CONDITION))
        }
        _ => Err(CommandError::wrong_arity("delex")),
    }
}

/// Removes a key on condition. As in Redis, nobody looks at the condition of a missing key.
fn remove_if<'a>(
    cx: &mut Cx<'_>,
    name: &[u8],
    condition: impl FnOnce() -> Result<Condition<'a>, CommandError>,
) -> Result<(), CommandError> {
    let database = cx.database();
    let key = cx.key(name);
    let removed = match cx.view.find(database, &key) {
        Some(item) => condition()?.holds(Some(item.value().bytes()))?,
        None => false,
    };
    if removed {
        cx.view.remove(database, &key);
    }
    cx.reply.integer(i64::from(removed));
    Ok(())
}

/// `DIGEST key`.
pub(crate) fn digest_of(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let database = cx.database();
    let key = cx.key(&args[1]);
    match cx.view.read(database, &key) {
        Some(item) => cx.reply.bulk(digest(item.value().bytes()?).as_bytes()),
        None => cx.reply.null(),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::Bench;

    /// XXH3-64 of the empty string, by its published test vectors.
    const EMPTY_DIGEST: &str = "2d06800538d394c2";

    #[test]
    fn delifeq_removes_only_the_value_it_names() {
        Bench::new().expect(&[
            ("DELIFEQ lock token", ":0"),
            ("SET lock token", "+OK"),
            ("DELIFEQ lock other", ":0"),
            ("DELIFEQ lock token ", ":1"),
            ("EXISTS lock", ":0"),
            ("DELIFEQ lock", "-ERR wrong number of arguments for 'delifeq' command"),
        ]);
    }

    #[test]
    fn delex_removes_on_every_kind_of_condition() {
        let mut bench = Bench::new();
        bench.ask("SET other w");
        bench.ask("SET k v");
        let right = bench.ask("DIGEST k").replace("$16 ", "");
        let wrong = bench.ask("DIGEST other").replace("$16 ", "");
        let upper = right.to_ascii_uppercase();
        for (condition, removed) in [
            ("IFEQ w".to_owned(), false),
            ("ifeq v".to_owned(), true),
            ("IFNE v".to_owned(), false),
            ("ifne w".to_owned(), true),
            (format!("IFDEQ {wrong}"), false),
            (format!("ifdeq {right}"), true),
            (format!("IFDEQ {upper}"), true),
            (format!("IFDNE {right}"), false),
            (format!("ifdne {wrong}"), true),
            (String::new(), true),
        ] {
            bench.ask("SET k v");
            let expected = format!(":{}", u8::from(removed));
            assert_eq!(bench.ask(&format!("DELEX k {condition}")), expected, "{condition}");
            let left = format!(":{}", u8::from(!removed));
            assert_eq!(bench.ask("EXISTS k"), left, "{condition}");
            assert_eq!(bench.ask(&format!("DELEX missing {condition}")), ":0", "{condition}");
        }
    }

    #[test]
    fn delex_refuses_what_is_no_condition_of_a_key_that_is_there() {
        const LENGTH: &str = "-ERR digest must be exactly 16 hexadecimal characters";
        const ARITY: &str = "-ERR wrong number of arguments for 'delex' command";
        Bench::new().expect(&[
            ("DELEX k IFEQ", ARITY),
            ("DELEX k IFEQ a IFNE b", ARITY),
            ("DELEX k NX v", ":0"),
            ("SET k v", "+OK"),
            ("DELEX k NX v", "-ERR Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE"),
            ("DELEX k IFDEQ abc", LENGTH),
            ("DELEX k IFDNE abc", LENGTH),
            ("EXISTS k", ":1"),
        ]);
    }

    #[test]
    fn a_digest_is_sixteen_digits_of_the_published_hash() {
        let mut bench = Bench::new();
        bench.expect(&[("DIGEST k", "$-1"), ("SET k ''", "+OK")]);
        assert_eq!(bench.ask("DIGEST k"), format!("$16 {EMPTY_DIGEST}"));
        assert_eq!(Bench::resp3().ask("DIGEST k"), "_");
    }
}
