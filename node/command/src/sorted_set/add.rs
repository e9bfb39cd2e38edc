//! ZADD and ZINCRBY.

use skep_resp::{Args, parse_f64};
use skep_store::{Editor, Kind};

use super::put;
use super::score::NOT_A_NUMBER;
use crate::cx::Cx;
use crate::error::CommandError;

const NX_AND_XX: CommandError =
    CommandError::text("ERR XX and NX options at the same time are not compatible");
const COMPARISONS: CommandError =
    CommandError::text("ERR GT, LT, and/or NX options at the same time are not compatible");
const ONE_INCREMENT: CommandError =
    CommandError::text("ERR INCR option supports a single increment-element pair");

/// When and how scores are changed.
#[derive(Clone, Copy, Default)]
struct Options {
    /// `NX`.
    only_new: bool,
    /// `XX`.
    only_old: bool,
    /// `GT`.
    only_up: bool,
    /// `LT`.
    only_down: bool,
    /// `CH`.
    counts_changes: bool,
    /// `INCR`.
    adds: bool,
}

/// What became of a member.
enum Outcome {
    /// It stays as it was.
    Kept,
    /// It is there with this score.
    Put { score: f64, is_new: bool, is_changed: bool },
}

impl Options {
    /// Reads options. Answers as well how many there are.
    fn parse(args: Args<'_>) -> (Options, usize) {
        let mut options = Options::default();
        for (at, word) in args.iter().enumerate() {
            let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
            let option = if is("NX") {
                &mut options.only_new
            } else if is("XX") {
                &mut options.only_old
            } else if is("GT") {
                &mut options.only_up
            } else if is("LT") {
                &mut options.only_down
            } else if is("CH") {
                &mut options.counts_changes
            } else if is("INCR") {
                &mut options.adds
            } else {
                return (options, at);
            };
            *option = true;
        }
        (options, args.len())
    }

    fn check(self, pairs: usize) -> Result<(), CommandError> {
        let Options { only_new, only_old, only_up, only_down, adds, .. } = self;
        if only_new && only_old {
            Err(NX_AND_XX)
        } else if [only_new, only_up, only_down].into_iter().filter(|is_set| *is_set).count() > 1 {
            Err(COMPARISONS)
        } else if adds && pairs > 1 {
            Err(ONE_INCREMENT)
        } else {
            Ok(())
        }
    }

    fn apply(
        self,
        set: &mut Editor<'_>,
        member: &[u8],
        given: f64,
    ) -> Result<Outcome, CommandError> {
        let Some(before) = set.score(member) else {
            if self.only_old {
                return Ok(Outcome::Kept);
            }
            put(set, member, given);
            return Ok(Outcome::Put { score: given, is_new: true, is_changed: false });
        };
        let score = if self.adds { before + given } else { given };
        if self.only_new {
            return Ok(Outcome::Kept);
        }
        if score.is_nan() {
            return Err(NOT_A_NUMBER);
        }
        if (self.only_up && score <= before) || (self.only_down && score >= before) {
            return Ok(Outcome::Kept);
        }
        let is_changed = score != before;
        if is_changed {
            put(set, member, score);
        }
        Ok(Outcome::Put { score, is_new: false, is_changed })
    }
}

/// `ZADD key [NX|XX] [GT|LT] [CH] [INCR] score member [score member ...]`: answers how many members
/// are new, or with CH have another score; with INCR the sum.
pub(crate) fn zadd(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let (options, count) = Options::parse(args.from(2));
    add(cx, &args[1], options, args.from(2 + count))
}

/// `ZINCRBY key increment member`: answers the sum.
pub(crate) fn zincrby(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    add(cx, &args[1], Options { adds: true, ..Options::default() }, args.from(2))
}

fn add(
    cx: &mut Cx<'_>,
    name: &[u8],
    options: Options,
    pairs: Args<'_>,
) -> Result<(), CommandError> {
    if pairs.is_empty() || !pairs.len().is_multiple_of(2) {
        return Err(CommandError::SYNTAX);
    }
    let count = pairs.len() / 2;
    options.check(count)?;
    let scores = (0..count).map(|at| parse_f64(&pairs[2 * at]).ok_or(CommandError::NOT_FLOAT));
    let scores = scores.collect::<Result<Vec<f64>, _>>()?;
    let database = cx.database();
    let key = cx.key(name);
    let (mut added, mut changed, mut sum) = (0, 0, None);
    cx.view.edit_collection(database, &key, Kind::SortedSet, |set| {
        for (at, given) in scores.iter().enumerate() {
            if let Outcome::Put { score, is_new, is_changed } =
                options.apply(set, &pairs[2 * at + 1], *given)?
            {
                added += i64::from(is_new);
                changed += i64::from(is_changed);
                sum = Some(score);
            }
        }
        Ok::<(), CommandError>(())
    })??;
    match sum {
        Some(sum) if options.adds => cx.reply.double(sum),
        None if options.adds => cx.reply.null(),
        _ => cx.reply.integer(added + if options.counts_changes { changed } else { 0 }),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::Bench;

    #[test]
    fn members_are_added_and_moved_as_the_options_say() {
        Bench::new().expect(&[
            ("ZADD z 1 a 2 b", ":2"),
            ("ZADD z 3 a 4 c", ":1"),
            ("ZADD z CH 5 a 4 c 6 d", ":2"),
            ("ZADD z NX 9 a 9 e", ":1"),
            ("ZADD z XX 7 a 9 f", ":0"),
            ("ZADD z GT CH 6 a 8 b", ":1"),
            ("ZADD z LT CH 6 a 9 b", ":1"),
            ("ZADD z INCR 1.5 a", "$3 7.5"),
            ("ZADD z NX INCR 1 a", "$-1"),
            ("ZADD z XX INCR 1 nobody", "$-1"),
            ("ZADD z GT INCR -1 a", "$-1"),
            ("ZINCRBY z -0.5 a", "$1 7"),
            ("ZINCRBY z 2 new", "$1 2"),
            ("ZRANGE z 0 -1", "*6 $3 new $1 c $1 d $1 a $1 b $1 e"),
            ("ZADD none XX 1 a", ":0"),
            ("EXISTS none", ":0"),
            ("TYPE z", "+zset"),
            ("OBJECT ENCODING z", "$8 listpack"),
        ]);
    }

    #[test]
    fn options_that_do_not_fit_and_scores_that_are_none_are_refused() {
        const COMPARISONS: &str =
            "-ERR GT, LT, and/or NX options at the same time are not compatible";
        Bench::new().expect(&[
            ("ZADD z 1", "-ERR wrong number of arguments for 'zadd' command"),
            ("ZADD z 1 a 2", "-ERR syntax error"),
            ("ZADD z NX CH", "-ERR syntax error"),
            ("ZADD z NX XX 1 a", "-ERR XX and NX options at the same time are not compatible"),
            ("ZADD z GT LT 1 a", COMPARISONS),
            ("ZADD z GT NX 1 a", COMPARISONS),
            ("ZADD z INCR 1 a 2 b", "-ERR INCR option supports a single increment-element pair"),
            ("ZADD z 1 a x b", "-ERR value is not a valid float"),
            ("ZADD z nan a", "-ERR value is not a valid float"),
            ("ZADD z 1e999 a", "-ERR value is not a valid float"),
            ("EXISTS z", ":0"),
            ("ZADD z inf a", ":1"),
            ("ZINCRBY z -inf a", "-ERR resulting score is not a number (NaN)"),
            ("ZADD z INCR -inf a", "-ERR resulting score is not a number (NaN)"),
            ("ZSCORE z a", "$3 inf"),
            ("SET s string", "+OK"),
            ("ZADD s 1 a", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ]);
    }

    #[test]
    fn scores_are_written_as_redis_writes_them() {
        let mut bench = Bench::new();
        for (given, shown) in [
            ("3.0", "3"),
            ("0.1", "0.1"),
            ("-0", "0"),
            ("0x10", "16"),
            ("1e17", "100000000000000000"),
            ("4e18", "4000000000000000000"),
            ("5e18", "5e+18"),
            ("1e-7", "1e-7"),
            ("0.00001", "0.00001"),
            ("1.5e21", "1.5e+21"),
            ("-infinity", "-inf"),
            ("123456789.5", "123456789.5"),
        ] {
            bench.ask(&format!("ZADD z {given} m"));
            assert_eq!(bench.ask("ZSCORE z m"), format!("${} {shown}", shown.len()), "{given}");
        }
    }
}
