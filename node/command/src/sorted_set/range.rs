//! Which members of a sorted set a command is about: by rank, by score or by name, from either end,
//! with a limit. Every command that reads, stores or removes such members takes them from here.

use skep_resp::{Args, parse_i64};
use skep_store::Contents;

use super::score::ScoreEnd;
use crate::error::CommandError;

const NOT_A_NAME: CommandError = CommandError::text("ERR min or max not valid string range item");
const LIMITED_RANKS: CommandError = CommandError::text(
    "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
);
const NAMES_WITH_SCORES: CommandError =
    CommandError::text("ERR syntax error, WITHSCORES not supported in combination with BYLEX");

/// By what members are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    Rank,
    Score,
    Name,
}

/// What the name of a command says about its range; the rest is for its options to say.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Grammar {
    pub(super) by: Option<By>,
    pub(super) is_reversed: Option<bool>,
    /// The scores are taken along without being asked for.
    pub(super) is_stored: bool,
}

/// An end of a range of names, all of whose members should have the same score.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NameEnd<'a> {
    /// Before all (`-`).
    First,
    /// Behind all (`+`).
    Last,
    /// At this name (`[`).
    At(&'a [u8]),
    /// Next to this name (`(`).
    NextTo(&'a [u8]),
}

#[derive(Clone, Copy, Debug)]
enum Ends<'a> {
    /// From and to, from the end of the set where negative.
    Ranks(i64, i64),
    Scores(ScoreEnd, ScoreEnd),
    Names(NameEnd<'a>, NameEnd<'a>),
}

/// See the module.
#[derive(Clone, Copy, Debug)]
pub(super) struct Range<'a> {
    ends: Ends<'a>,
    is_reversed: bool,
    /// Members that are skipped; all when negative.
    offset: i64,
    /// Members at most; any number when negative.
    limit: i64,
}

impl<'a> NameEnd<'a> {
    fn parse(text: &'a [u8]) -> Result<NameEnd<'a>, CommandError> {
        match text {
            [b'-'] | [b'-', 0, ..] => Ok(NameEnd::First),
            [b'+'] | [b'+', 0, ..] => Ok(NameEnd::Last),
            [b'[', name @ ..] => Ok(NameEnd::At(name)),
            [b'(', name @ ..] => Ok(NameEnd::NextTo(name)),
            _ => Err(NOT_A_NAME),
        }
    }

    /// Whether a name is before a range that begins here.
    fn is_above(self, name: &[u8]) -> bool {
        match self {
            NameEnd::First => false,
            NameEnd::Last => true,
            NameEnd::At(end) => name < end,
            NameEnd::NextTo(end) => name <= end,
        }
    }

    /// Whether a name is behind a range that ends here.
    fn is_below(self, name: &[u8]) -> bool {
        match self {
            NameEnd::First => true,
            NameEnd::Last => false,
            NameEnd::At(end) => name > end,
            NameEnd::NextTo(end) => name >= end,
        }
    }
}

impl<'a> Range<'a> {
    /// Reads two ends, in the order of the request, and no options.
    ///
    /// # Errors
    /// They are none of their kind.
    pub(super) fn between(
        by: By,
        (one, other): (&'a [u8], &'a [u8]),
        is_reversed: bool,
    ) -> Result<Range<'a>, CommandError> {
        // Ranks are counted from where the range begins, other ends are not.
        let (low, high) = if is_reversed && by != By::Rank { (other, one) } else { (one, other) };
        let rank = |text| parse_i64(text).ok_or(CommandError::NOT_INTEGER);
        let ends = match by {
            By::Rank => Ends::Ranks(rank(low)?, rank(high)?),
            By::Score => Ends::Scores(ScoreEnd::parse(low)?, ScoreEnd::parse(high)?),
            By::Name => Ends::Names(NameEnd::parse(low)?, NameEnd::parse(high)?),
        };
        Ok(Range { ends, is_reversed, offset: 0, limit: -1 })
    }

    /// The lowest or highest members.
    pub(super) fn end(count: usize, is_highest: bool) -> Range<'a> {
        let limit = i64::try_from(count).unwrap_or(i64::MAX);
        Range { ends: Ends::Ranks(0, -1), is_reversed: is_highest, offset: 0, limit }
    }

    /// Reads two ends and options behind them. Answers as well whether scores are asked for.
    ///
    /// # Errors
    /// Wrong options, or ends.
    pub(super) fn parse(
        args: Args<'a>,
        grammar: Grammar,
    ) -> Result<(Range<'a>, bool), CommandError> {
        let Grammar { mut by, mut is_reversed, is_stored } = grammar;
        let (mut offset, mut limit, mut has_scores) = (0, -1, false);
        let integer = |text| parse_i64(text).ok_or(CommandError::NOT_INTEGER);
        let mut at = 2;
        while let Some(word) = args.get(at) {
            let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
            if !is_stored && is("WITHSCORES") {
                has_scores = true;
            } else if is("LIMIT") && args.len() > at + 2 {
                offset = integer(&args[at + 1])?;
                limit = integer(&args[at + 2])?;
                at += 2;
            } else if is_reversed.is_none() && is("REV") {
                is_reversed = Some(true);
            } else if by.is_none() && is("BYLEX") {
                by = Some(By::Name);
            } else if by.is_none() && is("BYSCORE") {
                by = Some(By::Score);
            } else {
                return Err(CommandError::SYNTAX);
            }
            at += 1;
        }
        let by = by.unwrap_or(By::Rank);
        match by {
            By::Rank if limit != -1 => return Err(LIMITED_RANKS),
            By::Name if has_scores => return Err(NAMES_WITH_SCORES),
            // An offset without a limit means nothing.
            By::Rank => offset = 0,
            By::Score | By::Name => {}
        }
        let ends = args.get(0).zip(args.get(1)).ok_or(CommandError::SYNTAX)?;
        let range = Range::between(by, ends, is_reversed.unwrap_or(false))?;
        Ok((Range { offset, limit, ..range }, has_scores))
    }

    /// The ranks of the range's members, lowest first, whichever way they are read. The cost is that
    /// of finding them.
    pub(super) fn ranks(&self, set: Contents<'_>) -> std::ops::Range<usize> {
        let whole = match self.ends {
            Ends::Ranks(from, to) => self.by_rank(set.len(), from, to),
            Ends::Scores(low, high) => {
                let first = set.count_before(|score, _| !low.is_above(score));
                first..set.count_before(|score, _| high.is_below(score))
            }
            Ends::Names(low, high) => {
                let is_in_or_behind = |name: &[u8]| !low.is_above(name);
                let first = set.count_before(|_, name| is_in_or_behind(name));
                // Where scores differ, what comes before the range may look as if it came behind.
                first..set.count_before(|_, name| is_in_or_behind(name) && high.is_below(name))
            }
        };
        self.limited(whole.start..whole.end.max(whole.start))
    }

    fn by_rank(&self, len: usize, from: i64, to: i64) -> std::ops::Range<usize> {
        let len = len as i64;
        let place = |rank: i64| if rank < 0 { len.saturating_add(rank) } else { rank };
        let first = place(from).max(0).min(len);
        let end = place(to).saturating_add(1).clamp(first, len);
        let (first, end) = if self.is_reversed { (len - end, len - first) } else { (first, end) };
        first as usize..end as usize
    }

    fn limited(&self, whole: std::ops::Range<usize>) -> std::ops::Range<usize> {
        let skipped = usize::try_from(self.offset).unwrap_or(usize::MAX).min(whole.len());
        let most = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let count = most.min(whole.len() - skipped);
        if self.is_reversed {
            let end = whole.end - skipped;
            end - count..end
        } else {
            let first = whole.start + skipped;
            first..first + count
        }
    }

    /// Calls `visit` with the range's members, whose ranks are given, in the order they are asked for.
    pub(super) fn each<'v>(
        &self,
        set: Contents<'v>,
        ranks: &std::ops::Range<usize>,
        mut visit: impl FnMut(&'v [u8], f64),
    ) {
        if ranks.is_empty() {
            return;
        }
        let from = if self.is_reversed { ranks.end - 1 } else { ranks.start };
        let mut left = ranks.len();
        set.each_from(from, self.is_reversed, |member, score| {
            visit(member, score);
            left -= 1;
            left > 0
        });
    }
}
