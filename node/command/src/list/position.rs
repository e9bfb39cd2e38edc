//! LPOS: where a value is.

use skep_resp::{Args, parse_i64};
use skep_store::Kind;

use crate::cx::Cx;
use crate::elements;
use crate::error::CommandError;

/// What LPOS is asked for.
struct Search {
    /// The first match that counts; from the end if it is negative.
    rank: i64,
    /// How many matches to tell; nothing for one without a list around it.
    count: Option<usize>,
    /// How many values to look at.
    most: usize,
}

impl Search {
    fn parse(options: Args<'_>) -> Result<Search, CommandError> {
        const RANK: CommandError = CommandError::text(
            "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... \
             or use negative to start from the end of the list",
        );
        const RANK_RANGE: CommandError = CommandError::text("ERR value is out of range");
        const COUNT: CommandError = CommandError::text("ERR COUNT can't be negative");
        const MAXLEN: CommandError = CommandError::text("ERR MAXLEN can't be negative");
        let mut search = Search { rank: 1, count: None, most: usize::MAX };
        let mut options = options.iter();
        while let Some(option) = options.next() {
            let word = options.next().ok_or(CommandError::SYNTAX)?;
            let number = || parse_i64(word).ok_or(CommandError::NOT_INTEGER);
            let size = |error: CommandError| {
                number().and_then(|number| usize::try_from(number).map_err(|_| error))
            };
            // Nought stands for all.
            let all = |size: usize| if size == 0 { usize::MAX } else { size };
            if option.eq_ignore_ascii_case(b"RANK") {
                search.rank = match number()? {
                    0 => return Err(RANK),
                    i64::MIN => return Err(RANK_RANGE),
                    rank => rank,
                };
            } else if option.eq_ignore_ascii_case(b"COUNT") {
                search.count = Some(all(size(COUNT)?));
            } else if option.eq_ignore_ascii_case(b"MAXLEN") {
                search.most = all(size(MAXLEN)?);
            } else {
                return Err(CommandError::SYNTAX);
            }
        }
        Ok(search)
    }
}

/// `LPOS key element [RANK rank] [COUNT num-matches] [MAXLEN len]`.
pub(crate) fn lpos(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let search = Search::parse(args.from(3))?;
    let database = cx.database();
    let key = cx.key(&args[1]);
    let list = elements::read(&mut cx.view, database, &key, Kind::List)?;
    let matches: Vec<usize> = list.map_or_else(Vec::new, |list| {
        let (last, is_reverse) = (list.len() - 1, search.rank < 0);
        let first = if is_reverse { last } else { 0 };
        let skipped = usize::try_from(search.rank.unsigned_abs() - 1).unwrap_or(usize::MAX);
        let values = list.values_from(first, is_reverse).take(search.most).enumerate();
        let found = values.filter(|(_, value)| *value == &args[2]).skip(skipped);
        let ranks = found.map(|(at, _)| if is_reverse { last - at } else { at });
        ranks.take(search.count.unwrap_or(1)).collect()
    });
    match search.count {
        Some(_) => {
            cx.reply.array(matches.len());
            matches.iter().for_each(|rank| cx.reply.integer(*rank as i64));
        }
        None => match matches.first() {
            Some(rank) => cx.reply.integer(*rank as i64),
            None => cx.reply.null(),
        },
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::Bench;

    #[test]
    fn a_value_is_found_from_either_end() {
        Bench::new().expect(&[
            ("RPUSH l a b c 1 2 3 c c", ":8"),
            ("LPOS l c", ":2"),
            ("LPOS l c RANK 2", ":6"),
            ("LPOS l c RANK -1", ":7"),
            ("LPOS l c COUNT 2", "*2 :2 :6"),
            ("LPOS l c COUNT 0 RANK -1", "*3 :7 :6 :2"),
            ("LPOS l c COUNT 0 MAXLEN 3", "*1 :2"),
            ("LPOS l x", "$-1"),
            ("LPOS l x COUNT 1", "*0"),
            ("LPOS none x", "$-1"),
            ("LPOS l c COUNT -1", "-ERR COUNT can't be negative"),
            ("LPOS l c MAXLEN -1", "-ERR MAXLEN can't be negative"),
        ]);
    }
}
