//! What hashes, sets and sorted sets have in common: the way to a collection, SCAN of its elements, and
//! picks at random.

use std::collections::HashSet;

use skep_resp::{Args, Reply, parse_i64};
use skep_store::{Contents, Database, Key, Kind, View};

use crate::cx::Cx;
use crate::error::CommandError;
use crate::key::scan::{INVALID_CURSOR, Step, cursor_number};

const OUT_OF_RANGE: CommandError = CommandError::text("ERR value is out of range");
/// Picks with repetition that are refused: their reply could not be held.
const MAX_PICKS: i64 = 10_000_000;
/// Bytes of elements that repeat in a reply.
const MAX_PICKED_BYTES: usize = 512 << 20;

/// The collection that a key holds, read.
///
/// # Errors
/// It holds something else.
pub(crate) fn read<'v>(
    view: &'v mut View<'_>,
    database: Database,
    key: &Key<'_>,
    kind: Kind,
) -> Result<Option<Contents<'v>>, CommandError> {
    match view.read(database, key) {
        Some(item) => Ok(Some(item.collection(kind)?)),
        None => Ok(None),
    }
}

/// Calls `answer` with the reply and the collection that a key holds, if it is there.
///
/// # Errors
/// As [`read`].
pub(crate) fn with(
    cx: &mut Cx<'_>,
    name: &[u8],
    kind: Kind,
    answer: impl FnOnce(&mut Reply, Option<Contents<'_>>),
) -> Result<(), CommandError> {
    let database = cx.database();
    let key = cx.key(name);
    let contents = read(&mut cx.view, database, &key, kind)?;
    answer(cx.reply, contents);
    Ok(())
}

/// What an element's scan is asked for.
struct Filter<'a> {
    step: Step<'a>,
    has_values: bool,
}

impl<'a> Filter<'a> {
    fn parse(options: Args<'a>, kind: Kind) -> Result<Filter<'a>, CommandError> {
        let mut filter = Filter { step: Step::USUAL, has_values: kind != Kind::Set };
        let mut options = options.iter();
        while let Some(option) = options.next() {
            if kind == Kind::Hash && option.eq_ignore_ascii_case(b"NOVALUES") {
                filter.has_values = false;
                continue;
            }
            let value = options.next().ok_or(CommandError::SYNTAX)?;
            if !filter.step.take(option, value)? {
                return Err(CommandError::SYNTAX);
            }
        }
        Ok(filter)
    }
}

/// `HSCAN key cursor [MATCH pattern] [COUNT count] [NOVALUES]` and its siblings.
pub(crate) fn scan(
    cx: &mut Cx<'_>,
    args: Args<'_>,
    kind: Kind,
    reply_value: fn(&mut Reply, &[u8]),
) -> Result<(), CommandError> {
    let cursor = cursor_number(&args[2]).ok_or(INVALID_CURSOR)?;
    let database = cx.database();
    let key = cx.key(&args[1]);
    let Some(contents) = read(&mut cx.view, database, &key, kind)? else {
        // Redis looks at the options only of a scan of something.
        cx.reply.array(2);
        cx.reply.bulk(b"0");
        cx.reply.array(0);
        return Ok(());
    };
    let filter = Filter::parse(args.from(3), kind)?;
    // The cursor comes before the elements in the reply, so that they are collected aside.
    let mut elements = Reply::new(cx.reply.protocol());
    let mut count = 0;
    let next = contents.scan(cursor, filter.step.count, |field, value| {
        if filter.step.takes(field) {
            elements.bulk(field);
            count += 1;
            if filter.has_values {
                reply_value(&mut elements, value);
                count += 1;
            }
        }
    });
    cx.reply.array(2);
    cx.reply.bulk(next.to_string().as_bytes());
    cx.reply.array(count);
    cx.reply.append(&mut elements);
    Ok(())
}

/// The count of a random pick: at most so many different elements, or exactly so many that may
/// repeat.
#[derive(Clone, Copy)]
pub(crate) enum Picks {
    Different(usize),
    Repeating(usize),
}

impl Picks {
    /// # Errors
    /// No number, or one that is out of range.
    pub(crate) fn parse(text: &[u8]) -> Result<Picks, CommandError> {
        const NOT_NEGATABLE: CommandError = CommandError::text(
            "ERR value is out of range, value must between -9223372036854775807 and \
             9223372036854775807",
        );
        let count = parse_i64(text).ok_or(CommandError::NOT_INTEGER)?;
        match count {
            ..0 if count == i64::MIN => Err(NOT_NEGATABLE),
            ..0 if count < -MAX_PICKS => Err(OUT_OF_RANGE),
            ..0 => Ok(Picks::Repeating(count.unsigned_abs() as usize)),
            _ => Ok(Picks::Different(count as usize)),
        }
    }

    /// The same count, of elements with their values.
    ///
    /// # Errors
    /// Twice as many cannot be told.
    pub(crate) fn with_values(self) -> Result<Picks, CommandError> {
        match self {
            Picks::Different(count) if count > i64::MAX as usize / 2 => Err(OUT_OF_RANGE),
            picks => Ok(picks),
        }
    }

    /// Picks elements at random.
    ///
    /// # Errors
    /// They are more than a reply can hold.
    pub(crate) fn pick<'v>(
        self,
        contents: Contents<'v>,
        random: &mut dyn FnMut() -> u64,
    ) -> Result<Vec<Picked<'v>>, CommandError> {
        let count = match self {
            Picks::Different(count) => return Ok(pick_different(contents, count, random)),
            Picks::Repeating(count) => count,
        };
        // One pick of a small collection is a walk over it.
        let all: Vec<_> = if contents.is_large() { Vec::new() } else { contents.iter().collect() };
        let (mut picked, mut bytes) = (Vec::new(), 0);
        for _ in 0..count {
            let one = match all.len() {
                0 => contents.pick(&mut *random),
                len => all.get((random() % len as u64) as usize).copied(),
            };
            let Some((field, value)) = one else { break };
            bytes += field.len() + value.len();
            if bytes > MAX_PICKED_BYTES {
                return Err(OUT_OF_RANGE);
            }
            picked.push((field, value));
        }
        Ok(picked)
    }
}

/// `HRANDFIELD key [count [WITHVALUES]]` and its sibling; `word` asks for values, and `reply_all` is
/// told whether they are wanted.
pub(crate) fn pick_with_values(
    cx: &mut Cx<'_>,
    args: Args<'_>,
    (kind, word): (Kind, &[u8]),
    reply_all: fn(&mut Reply, Vec<Picked<'_>>, bool),
) -> Result<(), CommandError> {
    let mut picks = args.get(2).map(Picks::parse).transpose()?;
    let has_values = match args.get(3) {
        None => false,
        Some(said) if args.len() == 4 && said.eq_ignore_ascii_case(word) => true,
        Some(_) => return Err(CommandError::SYNTAX),
    };
    if has_values {
        picks = picks.map(Picks::with_values).transpose()?;
    }
    let database = cx.database();
    let key = cx.key(&args[1]);
    let mut state = cx.view.random();
    let mut random = || crate::random::next(&mut state);
    match (picks, read(&mut cx.view, database, &key, kind)?) {
        (None, contents) => match contents.and_then(|contents| contents.pick(&mut random)) {
            Some((field, _)) => cx.reply.bulk(field),
            None => cx.reply.null(),
        },
        (Some(_), None) => cx.reply.array(0),
        (Some(picks), Some(contents)) => {
            reply_all(cx.reply, picks.pick(contents, &mut random)?, has_values);
        }
    }
    Ok(())
}

/// An element that was picked.
pub(crate) type Picked<'v> = (&'v [u8], &'v [u8]);

/// Different elements at random, `count` or all.
pub(crate) fn pick_different<'v>(
    contents: Contents<'v>,
    count: usize,
    random: &mut dyn FnMut() -> u64,
) -> Vec<Picked<'v>> {
    let len = contents.len();
    if count >= len {
        return contents.iter().collect();
    }
    if count <= len / 4 {
        // Few of many: what has been picked before is seldom picked again.
        let mut seen = HashSet::with_capacity(count);
        let mut picked = Vec::with_capacity(count);
        while picked.len() < count {
            let Some((field, value)) = contents.pick(&mut *random) else { break };
            if seen.insert(field) {
                picked.push((field, value));
            }
        }
        return picked;
    }
    let mut all: Vec<_> = contents.iter().collect();
    for at in 0..count {
        let other = at + (random() % (len - at) as u64) as usize;
        all.swap(at, other);
    }
    all.truncate(count);
    all
}
