//! BITOP: whole bitmaps combined into another.

use std::sync::Arc;

use skep_resp::Args;
use skep_store::{Expiry, LARGE_VALUE_BYTES, NewValue};

use crate::cx::Cx;
use crate::error::CommandError;
use crate::value::string_of;

const ONE_SOURCE: CommandError =
    CommandError::text("ERR BITOP NOT must be called with a single source key.");

/// `BITOP (AND | OR | XOR | NOT | DIFF | DIFF1 | ANDOR | ONE) destkey key [key ...]`: answers the
/// length of the result, which is that of the longest source. Shorter ones end in zeros. An empty
/// result removes the destination.
pub(crate) fn bitop(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let operation = Operation::of(&args[1]).ok_or(CommandError::SYNTAX)?;
    operation.check_sources(args.len() - 3)?;
    let result = operation.run(cx, args.from(3))?;
    let database = cx.database();
    let key = cx.key(&args[2]);
    let len = result.len();
    if len == 0 {
        cx.view.remove(database, &key);
    } else {
        let value = match len < LARGE_VALUE_BYTES {
            true => NewValue::Bytes(&result),
            false => NewValue::Shared(Arc::new(result)),
        };
        cx.view.set_modified(database, &key, value, Expiry::Never)?;
    }
    cx.reply.integer(len as i64);
    Ok(())
}

/// What becomes a one in the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    /// What is one in all sources.
    And,
    /// What is one in any.
    Or,
    /// What is one in an odd number of them.
    Xor,
    /// What is zero in the only source.
    Not,
    /// What is one in the first source and in no other.
    Diff,
    /// What is one in any source but not in the first.
    Diff1,
    /// What is one in the first source and in any other.
    AndOr,
    /// What is one in exactly one source.
    One,
}

impl Operation {
    const WORDS: [(&'static [u8], Operation); 8] = [
        (b"AND", Operation::And),
        (b"OR", Operation::Or),
        (b"XOR", Operation::Xor),
        (b"NOT", Operation::Not),
        (b"DIFF", Operation::Diff),
        (b"DIFF1", Operation::Diff1),
        (b"ANDOR", Operation::AndOr),
        (b"ONE", Operation::One),
    ];

    fn of(word: &[u8]) -> Option<Operation> {
        let named = Self::WORDS.iter().find(|(name, _)| word.eq_ignore_ascii_case(name));
        named.map(|(_, operation)| *operation)
    }

    fn check_sources(self, count: usize) -> Result<(), CommandError> {
        let name = match self {
            Operation::Not if count != 1 => return Err(ONE_SOURCE),
            Operation::Diff if count < 2 => "DIFF",
            Operation::Diff1 if count < 2 => "DIFF1",
            Operation::AndOr if count < 2 => "ANDOR",
            _ => return Ok(()),
        };
        let text = format!("ERR BITOP {name} must be called with at least two source keys.");
        Err(CommandError::new(text))
    }

    /// Combines the sources.
    fn run(self, cx: &mut Cx<'_>, sources: Args<'_>) -> Result<Vec<u8>, CommandError> {
        let mut result = Vec::new();
        // Where the first source is special, the others are united before it comes.
        let (first, others) = (sources.iter().take(1), sources.iter().skip(1));
        match self {
            Operation::Not => fold(cx, &mut result, first, |_, source| !source)?,
            Operation::And => {
                fold(cx, &mut result, first, |_, source| source)?;
                fold(cx, &mut result, others, |result, source| result & source)?;
            }
            Operation::Or => {
                fold(cx, &mut result, sources.iter(), |result, source| result | source)?
            }
            Operation::Xor => {
                fold(cx, &mut result, sources.iter(), |result, source| result ^ source)?
            }
            Operation::Diff => {
                fold(cx, &mut result, others, |result, source| result | source)?;
                fold(cx, &mut result, first, |others, first| first & !others)?;
            }
            Operation::Diff1 => {
                fold(cx, &mut result, others, |result, source| result | source)?;
                fold(cx, &mut result, first, |others, first| others & !first)?;
            }
            Operation::AndOr => {
                fold(cx, &mut result, others, |result, source| result | source)?;
                fold(cx, &mut result, first, |others, first| others & first)?;
            }
            Operation::One => result = in_exactly_one(cx, sources)?,
        }
        Ok(result)
    }
}

/// Combines a result with each source in turn; the work is that of the longest so far for each.
fn fold<'a>(
    cx: &mut Cx<'_>,
    result: &mut Vec<u8>,
    sources: impl Iterator<Item = &'a [u8]>,
    combine: impl Fn(u8, u8) -> u8 + Copy,
) -> Result<(), CommandError> {
    let database = cx.database();
    for name in sources {
        let key = cx.key(name);
        let source = string_of(cx.view.read(database, &key))?.unwrap_or_default();
        apply(result, source, combine);
    }
    Ok(())
}

/// Combines the bytes of a result with those of a source; the shorter one ends in zeros.
fn apply(result: &mut Vec<u8>, source: &[u8], combine: impl Fn(u8, u8) -> u8) {
    let (both, only_source) = source.split_at(result.len().min(source.len()));
    let (shared, only_result) = result.split_at_mut(both.len());
    shared.iter_mut().zip(both).for_each(|(result, source)| *result = combine(*result, *source));
    only_result.iter_mut().for_each(|result| *result = combine(*result, 0));
    result.extend(only_source.iter().map(|source| combine(0, *source)));
}

fn in_exactly_one(cx: &mut Cx<'_>, sources: Args<'_>) -> Result<Vec<u8>, CommandError> {
    let database = cx.database();
    let (mut any, mut several) = (Vec::new(), Vec::new());
    for name in sources.iter() {
        let key = cx.key(name);
        let source = string_of(cx.view.read(database, &key))?.unwrap_or_default();
        let len = any.len().max(source.len());
        any.resize(len, 0);
        several.resize(len, 0);
        for ((any, several), source) in any.iter_mut().zip(&mut several).zip(source) {
            *several |= *any & source;
            *any |= source;
        }
    }
    apply(&mut any, &several, |any, several| any & !several);
    Ok(any)
}

#[cfg(test)]
mod tests {
    use crate::testing::Bench;

    const SYNTAX: &str = "-ERR syntax error";

    fn bench() -> Bench {
        let mut bench = Bench::new();
        bench.expect(&[
            ("SET a \"\\xf0\\xff\"", "+OK"),
            ("SET b \"\\xcc\"", "+OK"),
            ("SET c \"\\xaa\\x0f\\x01\"", "+OK"),
        ]);
        bench
    }

    #[test]
    fn shorter_and_missing_sources_end_in_zeros() {
        for (operation, expected) in [
            ("AND a b", "$2 \\xc0\\x00"),
            ("and a missing c", "$3 \\x00\\x00\\x00"),
            ("OR a b", "$2 \\xfc\\xff"),
            ("XOR a b missing", "$2 <\\xff"),
            ("XOR a b c", "$3 \\x96\\xf0\\x01"),
            ("NOT c", "$3 U\\xf0\\xfe"),
            ("AND a", "$2 \\xf0\\xff"),
            ("DIFF a b c", "$3 \\x10\\xf0\\x00"),
            ("DIFF1 a b c", "$3 \\x0e\\x00\\x01"),
            ("ANDOR a b c", "$3 \\xe0\\x0f\\x00"),
            ("ANDOR missing b c", "$3 \\x00\\x00\\x00"),
            ("ONE a b c", "$3 \\x16\\xf0\\x01"),
            ("ONE b missing", "$1 \\xcc"),
        ] {
            let mut bench = bench();
            let (operation, sources) = operation.split_once(' ').unwrap();
            let len = &expected[1..2];
            let request = format!("BITOP {operation} d {sources}");
            assert_eq!(bench.ask(&request), format!(":{len}"), "{request}");
            assert_eq!(bench.ask("GET d"), expected, "{request}");
        }
    }

    #[test]
    fn the_destination_is_overwritten_with_its_expiry_and_may_be_a_source() {
        bench().expect(&[
            ("EXPIRE a 100", ":1"),
            ("BITOP OR a a c", ":3"),
            ("GET a", "$3 \\xfa\\xff\\x01"),
            ("TTL a", ":-1"),
            ("SET n 1", "+OK"),
            ("BITOP OR n n", ":1"),
            ("OBJECT ENCODING n", "$3 raw"),
        ]);
    }

    #[test]
    fn an_empty_result_removes_the_destination() {
        bench().expect(&[
            ("BITOP XOR a missing missing", ":0"),
            ("EXISTS a", ":0"),
            ("SET empty ''", "+OK"),
            ("BITOP NOT b empty", ":0"),
            ("EXISTS b", ":0"),
        ]);
    }

    #[test]
    fn large_sources_make_a_large_result() {
        let mut bench = Bench::new();
        bench.ask_words(&[b"SET", b"a", &[b'a'; 20_000]]);
        bench.ask_words(&[b"SET", b"b", &[b'b'; 30_000]]);
        bench.expect(&[("BITOP OR d a b", ":30000"), ("GETRANGE d 19999 20000", "$2 cb")]);
        bench.recount();
    }

    #[test]
    fn too_few_or_too_many_sources_are_refused() {
        Bench::new().expect(&[
            ("BITOP NOPE d a", SYNTAX),
            ("BITOP NOT d a b", "-ERR BITOP NOT must be called with a single source key."),
            ("BITOP DIFF d a", "-ERR BITOP DIFF must be called with at least two source keys."),
            ("BITOP DIFF1 d a", "-ERR BITOP DIFF1 must be called with at least two source keys."),
            ("BITOP ANDOR d a", "-ERR BITOP ANDOR must be called with at least two source keys."),
            ("BITOP AND d", "-ERR wrong number of arguments for 'bitop' command"),
        ]);
    }
}
