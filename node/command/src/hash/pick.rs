//! HRANDFIELD.

use skep_resp::{Args, Protocol, Reply};
use skep_store::Kind;

use crate::cx::Cx;
use crate::elements::{self, Picked};
use crate::error::CommandError;

/// `HRANDFIELD key [count [WITHVALUES]]`: different fields, or with a negative count any.
pub(crate) fn hrandfield(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    elements::pick_with_values(cx, args, (Kind::Hash, b"WITHVALUES"), reply_fields)
}

fn reply_fields(reply: &mut Reply, picked: Vec<Picked<'_>>, has_values: bool) {
    let is_flat = reply.protocol() == Protocol::Resp2;
    reply.array(if has_values && is_flat { 2 * picked.len() } else { picked.len() });
    for (field, value) in picked {
        if has_values && !is_flat {
            reply.array(2);
        }
        reply.bulk(field);
        if has_values {
            reply.bulk(value);
        }
    }
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
