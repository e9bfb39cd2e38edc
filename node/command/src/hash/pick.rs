//! HRANDFIELD.

use skep_resp::{Args, Protocol};
use skep_store::Kind;

use crate::cx::Cx;
use crate::elements::{self, Picks};
use crate::error::CommandError;

/// `HRANDFIELD key [count [WITHVALUES]]`: different fields, or with a negative count any.
pub(crate) fn hrandfield(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let mut picks = args.get(2).map(Picks::parse).transpose()?;
    let has_values = match args.get(3) {
        None => false,
        Some(word) if args.len() == 4 && word.eq_ignore_ascii_case(b"WITHVALUES") => true,
        Some(_) => return Err(CommandError::SYNTAX),
    };
    if has_values {
        picks = picks.map(Picks::with_values).transpose()?;
    }
    let database = cx.database();
    let key = cx.key(&args[1]);
    let mut state = cx.view.random();
    let mut random = || crate::random::next(&mut state);
    let hash = elements::read(&mut cx.view, database, &key, Kind::Hash)?;
    let Some(picks) = picks else {
        match hash.and_then(|hash| hash.pick(&mut random)) {
            Some((field, _)) => cx.reply.bulk(field),
            None => cx.reply.null(),
        }
        return Ok(());
    };
    let Some(hash) = hash else {
        cx.reply.array(0);
        return Ok(());
    };
    let picked = picks.pick(hash, &mut random)?;
    let is_flat = cx.reply.protocol() == Protocol::Resp2;
    cx.reply.array(if has_values && is_flat { 2 * picked.len() } else { picked.len() });
    for (field, value) in picked {
        if has_values && !is_flat {
            cx.reply.array(2);
        }
        cx.reply.bulk(field);
        if has_values {
            cx.reply.bulk(value);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::Bench;

    #[test]
    fn fields_are_picked_once_or_again_and_again() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("HRANDFIELD h", "$-1"),
            ("HRANDFIELD h 3", "*0"),
            ("HSET h a 1", ":1"),
            ("HRANDFIELD h", "$1 a"),
            ("HRANDFIELD h 5", "*1 $1 a"),
            ("HRANDFIELD h -3", "*3 $1 a $1 a $1 a"),
            ("HRANDFIELD h 1 WITHVALUES", "*2 $1 a $1 1"),
            ("HRANDFIELD h 0", "*0"),
            ("HRANDFIELD h x", "-ERR value is not an integer or out of range"),
            ("HRANDFIELD h 1 NOPE", "-ERR syntax error"),
            ("HRANDFIELD x 9223372036854775807", "*0"),
            ("HRANDFIELD x 9223372036854775807 WITHVALUES", "-ERR value is out of range"),
        ]);
        for number in 0..200 {
            bench.expect(&[(&format!("HSET big f{number} v"), ":1")]);
        }
        for count in [3, 20, 100, 199, 200] {
            let reply = bench.ask(&format!("HRANDFIELD big {count}"));
            let fields: Vec<_> = reply.split(' ').filter(|word| word.starts_with('f')).collect();
            let different: std::collections::HashSet<_> = fields.iter().collect();
            assert_eq!((fields.len(), different.len()), (count, count));
        }
    }
}
