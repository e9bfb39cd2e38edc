//! LCS: the longest common subsequence of two strings.
//!
//! The table of lengths is never held whole: two rows of it are, and one bit for each cell that
//! tells where a longest subsequence goes on. That is a 32nd of what Redis allocates; requests are
//! bounded by what Redis would need, so that both refuse the same ones.

use skep_resp::{Args, Reply, parse_i64};

use crate::cx::Cx;
use crate::error::CommandError;
use crate::value::KeptValue;

const NOT_STRINGS: CommandError =
    CommandError::text("ERR The specified keys must contain string values");
const LEN_AND_IDX: CommandError =
    CommandError::text("ERR If you want both the length and indexes, please just use IDX.");
const STRING_TOO_LONG: CommandError = CommandError::text("ERR String too long for LCS");
const TABLE_TOO_LARGE: CommandError = CommandError::text(
    "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len",
);
/// Bytes of a cell of the table, by which requests are bounded.
const CELL_BYTES: usize = size_of::<u32>();

/// What is asked for.
#[derive(Clone, Copy, Default)]
struct Options {
    /// `LEN`: just the length.
    length: bool,
    /// `IDX`: where the matches are.
    ranges: bool,
    /// `MINMATCHLEN`: leave out shorter matches.
    min_match_len: usize,
    /// `WITHMATCHLEN`: with the length of each match.
    with_match_len: bool,
}

impl Options {
    fn parse(words: Args<'_>) -> Result<Options, CommandError> {
        let mut options = Options::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            if word.eq_ignore_ascii_case(b"LEN") {
                options.length = true;
            } else if word.eq_ignore_ascii_case(b"IDX") {
                options.ranges = true;
            } else if word.eq_ignore_ascii_case(b"WITHMATCHLEN") {
                options.with_match_len = true;
            } else if word.eq_ignore_ascii_case(b"MINMATCHLEN") {
                let len = words.next().ok_or(CommandError::SYNTAX)?;
                let len = parse_i64(len).ok_or(CommandError::NOT_INTEGER)?;
                options.min_match_len = usize::try_from(len).unwrap_or(0);
            } else {
                return Err(CommandError::SYNTAX);
            }
        }
        if options.length && options.ranges {
            return Err(LEN_AND_IDX);
        }
        Ok(options)
    }
}

/// `LCS key1 key2 [LEN] [IDX] [MINMATCHLEN min-match-len] [WITHMATCHLEN]`.
pub(crate) fn lcs(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let options = Options::parse(args.from(3))?;
    let one = read_value(cx, &args[1])?;
    let other = read_value(cx, &args[2])?;
    let (one, other) = (one.bytes(), other.bytes());
    check_size(one.len(), other.len(), cx.server.max_value_bytes())?;
    let table = Table::new(one, other);
    if options.length {
        cx.reply.integer(i64::from(table.length));
    } else if options.ranges {
        reply_ranges(cx.reply, &table, options);
    } else {
        let common: Vec<u8> = table.matches().map(|(at, _)| one[at]).collect();
        let common: Vec<u8> = common.into_iter().rev().collect();
        cx.reply.bulk(&common);
    }
    Ok(())
}

fn read_value(cx: &mut Cx<'_>, name: &[u8]) -> Result<KeptValue, CommandError> {
    let database = cx.database();
    let key = cx.key(name);
    let item = cx.view.read(database, &key);
    match item {
        Some(item) => KeptValue::of(item.value()).map_err(|_| NOT_STRINGS),
        None => Ok(KeptValue::Small(Vec::new())),
    }
}

fn check_size(one_len: usize, other_len: usize, limit_bytes: usize) -> Result<(), CommandError> {
    let longest = u32::MAX as usize - 1;
    if one_len >= longest || other_len >= longest {
        return Err(STRING_TOO_LONG);
    }
    let cells = (one_len + 1).checked_mul(other_len + 1);
    let bytes = cells.and_then(|cells| cells.checked_mul(CELL_BYTES));
    bytes.filter(|bytes| *bytes <= limit_bytes).map(|_| ()).ok_or(TABLE_TOO_LARGE)
}

/// What is left of the table of lengths: the last one, and for each cell which way to go.
struct Table<'a> {
    one: &'a [u8],
    other: &'a [u8],
    length: u32,
    /// One bit for each pair of positions: dropping the last byte of `one` leaves more in common
    /// than dropping that of `other`.
    drops_one: Vec<u64>,
}

impl<'a> Table<'a> {
    fn new(one: &'a [u8], other: &'a [u8]) -> Table<'a> {
        let mut drops_one = vec![0u64; (one.len() * other.len()).div_ceil(64)];
        let mut above = vec![0u32; other.len() + 1];
        let mut row = above.clone();
        let mut cell = 0;
        for &byte in one {
            for (at, &other_byte) in other.iter().enumerate() {
                row[at + 1] = if byte == other_byte {
                    above[at] + 1
                } else {
                    let drops = above[at + 1] > row[at];
                    drops_one[cell / 64] |= u64::from(drops) << (cell % 64);
                    above[at + 1].max(row[at])
                };
                cell += 1;
            }
            std::mem::swap(&mut above, &mut row);
        }
        let length = above.last().copied().unwrap_or(0);
        Table { one, other, length, drops_one }
    }

    /// Positions in both strings of the bytes of a longest common subsequence, the last first.
    fn matches(&self) -> impl Iterator<Item = (usize, usize)> {
        let (mut one_end, mut other_end) = (self.one.len(), self.other.len());
        std::iter::from_fn(move || {
            while one_end > 0 && other_end > 0 {
                let (at, other_at) = (one_end - 1, other_end - 1);
                if self.one[at] == self.other[other_at] {
                    (one_end, other_end) = (at, other_at);
                    return Some((at, other_at));
                }
                let cell = at * self.other.len() + other_at;
                if self.drops_one[cell / 64] >> (cell % 64) & 1 == 1 {
                    one_end = at;
                } else {
                    other_end = other_at;
                }
            }
            None
        })
    }

    /// The stretches in which matches follow each other in both strings, the last first: where
    /// they begin and how long they are.
    fn stretches(&self) -> impl Iterator<Item = (usize, usize, usize)> {
        let mut matches = self.matches().peekable();
        std::iter::from_fn(move || {
            let (mut start, mut other_start) = matches.next()?;
            let mut len = 1;
            while let Some((before, other_before)) =
                matches.next_if(|&(at, other_at)| at + 1 == start && other_at + 1 == other_start)
            {
                (start, other_start) = (before, other_before);
                len += 1;
            }
            Some((start, other_start, len))
        })
    }
}

fn reply_ranges(reply: &mut Reply, table: &Table<'_>, options: Options) {
    reply.map(2);
    reply.bulk(b"matches");
    let head = reply.deferred_array();
    let mut count = 0;
    for (start, other_start, len) in table.stretches() {
        if len < options.min_match_len {
            continue;
        }
        reply.array(if options.with_match_len { 3 } else { 2 });
        for start in [start, other_start] {
            reply.array(2);
            reply.integer(start as i64);
            reply.integer((start + len - 1) as i64);
        }
        if options.with_match_len {
            reply.integer(len as i64);
        }
        count += 1;
    }
    reply.finish_array(head, count);
    reply.bulk(b"len");
    reply.integer(i64::from(table.length));
}

#[cfg(test)]
mod tests {
    use crate::testing::Bench;

    fn bench_with(one: &str, other: &str) -> Bench {
        let mut bench = Bench::new();
        bench.ask(&format!("MSET a {one} b {other}"));
        bench
    }

    #[test]
    fn the_subsequence_its_length_and_its_places_are_told() {
        let story: &[(&str, &str)] = &[
            ("LCS a b", "$6 mytext"),
            ("LCS a b LEN", ":6"),
            ("LCS a b IDX", "*4 $7 matches *2 *2 *2 :4 :7 *2 :5 :8 *2 *2 :2 :3 *2 :0 :1 $3 len :6"),
            (
                "LCS a b idx minmatchlen 4 withmatchlen",
                "*4 $7 matches *1 *3 *2 :4 :7 *2 :5 :8 :4 $3 len :6",
            ),
            ("LCS a b IDX MINMATCHLEN 5", "*4 $7 matches *0 $3 len :6"),
            (
                "LCS a b IDX MINMATCHLEN -5",
                "*4 $7 matches *2 *2 *2 :4 :7 *2 :5 :8 *2 *2 :2 :3 *2 :0 :1 $3 len :6",
            ),
        ];
        let mut bench = bench_with("ohmytext", "mynewtext");
        bench.expect(story);
        bench.client.protocol = skep_resp::Protocol::Resp3;
        bench.expect(&[("LCS a b IDX MINMATCHLEN 5", "%2 $7 matches *0 $3 len :6")]);
    }

    #[test]
    fn missing_keys_count_as_empty() {
        bench_with("text", "''").expect(&[
            ("LCS a missing", "$0 "),
            ("LCS a b", "$0 "),
            ("LCS missing missing LEN", ":0"),
            ("LCS a b IDX", "*4 $7 matches *0 $3 len :0"),
        ]);
    }

    #[test]
    fn options_that_make_no_sense_are_refused() {
        bench_with("a", "b").expect(&[
            (
                "LCS a b IDX LEN",
                "-ERR If you want both the length and indexes, please just use IDX.",
            ),
            ("LCS a b FOO", "-ERR syntax error"),
            ("LCS a b MINMATCHLEN", "-ERR syntax error"),
            ("LCS a b MINMATCHLEN x", "-ERR value is not an integer or out of range"),
            ("LCS a", "-ERR wrong number of arguments for 'lcs' command"),
        ]);
    }

    #[test]
    fn a_table_that_would_take_too_much_is_refused() {
        let mut bench = bench_with("aaa", "aaa");
        bench.server.max_value_bytes = 4 * 4 * 4;
        bench.expect(&[("LCS a b LEN", ":3")]);
        bench.server.max_value_bytes -= 1;
        let text = "-ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len";
        bench.expect(&[("LCS a b LEN", text)]);
    }

    #[test]
    fn a_longest_subsequence_is_found_for_all_short_strings() {
        let mut bench = Bench::new();
        let words: Vec<String> = (0u32..64)
            .map(|bits| (0..6).map(|at| if bits >> at & 1 == 1 { 'x' } else { 'y' }).collect())
            .collect();
        for one in words.iter().step_by(5) {
            for other in words.iter().step_by(3) {
                bench.ask(&format!("MSET a {one} b {other}"));
                let expected = longest_common(one.as_bytes(), other.as_bytes());
                assert_eq!(bench.ask("LCS a b LEN"), format!(":{expected}"), "{one} {other}");
                let found = bench.ask("LCS a b");
                let (head, found) = found.split_once(' ').unwrap();
                assert_eq!(head, format!("${expected}"), "{one} {other}");
                let both = [one, other];
                assert!(both.iter().all(|word| is_within(found, word)), "{found} {both:?}");
            }
        }
    }

    /// By trying all of one word's subsequences.
    fn longest_common(one: &[u8], other: &[u8]) -> usize {
        (0u32..1 << one.len())
            .filter(|bits| {
                let chosen = (0..one.len()).filter(|at| bits >> at & 1 == 1).map(|at| one[at]);
                let word: String = chosen.map(char::from).collect();
                is_within(&word, std::str::from_utf8(other).unwrap())
            })
            .map(|bits| bits.count_ones() as usize)
            .max()
            .unwrap()
    }

    fn is_within(word: &str, whole: &str) -> bool {
        let mut rest = whole.chars();
        word.chars().all(|wanted| rest.any(|found| found == wanted))
    }
}
