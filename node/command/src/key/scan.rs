//! SCAN: the keys of a database in small steps.
//!
//! A key that is there from the first step to the last is returned at least once. Each stripe is
//! locked only while it is looked at, and a step looks at no more keys of a stripe than COUNT.

use skep_keyspace::glob;
use skep_resp::{Args, Reply, parse_i64, parse_u64};
use skep_store::ScanCursor;

use crate::cx::Cx;
use crate::error::CommandError;

const INVALID_CURSOR: CommandError = CommandError::text("ERR invalid cursor");
const DEFAULT_COUNT: usize = 10;
/// Names of types that TYPE may ask for. Only strings exist yet.
const TYPES: [&str; 6] = ["string", "list", "set", "zset", "hash", "stream"];

/// What SCAN is asked to return.
struct Filter<'a> {
    pattern: Option<&'a [u8]>,
    count: usize,
    /// Whether keys of the only type there is are wanted.
    strings: bool,
}

impl<'a> Filter<'a> {
    fn parse(options: Args<'a>) -> Result<Filter<'a>, CommandError> {
        let mut filter = Filter { pattern: None, count: DEFAULT_COUNT, strings: true };
        let mut options = options.iter();
        while let Some(option) = options.next() {
            let value = options.next().ok_or(CommandError::SYNTAX)?;
            if option.eq_ignore_ascii_case(b"MATCH") {
                filter.pattern = (value != b"*").then_some(value);
            } else if option.eq_ignore_ascii_case(b"COUNT") {
                let count = parse_i64(value).ok_or(CommandError::NOT_INTEGER)?;
                let count = usize::try_from(count).ok().filter(|count| *count > 0);
                filter.count = count.ok_or(CommandError::SYNTAX)?;
            } else if option.eq_ignore_ascii_case(b"TYPE") {
                filter.strings = wants_strings(value)?;
            } else {
                return Err(CommandError::SYNTAX);
            }
        }
        Ok(filter)
    }

    fn takes(&self, key: &[u8]) -> bool {
        self.strings && self.pattern.is_none_or(|pattern| glob::matches(pattern, key))
    }
}

fn wants_strings(name: &[u8]) -> Result<bool, CommandError> {
    let known = TYPES.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes()));
    if !known {
        return Err(CommandError::quoting("ERR unknown type name '", name, "'"));
    }
    Ok(name.eq_ignore_ascii_case(b"string"))
}

/// `SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]`.
pub(crate) fn scan(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let cursor = ScanCursor(parse_u64(&args[1]).ok_or(INVALID_CURSOR)?);
    let first = cursor.stripe().ok_or(INVALID_CURSOR)?;
    let filter = Filter::parse(args.from(2))?;
    let database = cx.database();
    // The cursor comes before the keys in the reply, so that the keys are collected aside.
    let mut keys = Reply::new(cx.reply.protocol());
    let (mut seen, mut taken) = (0, 0);
    let mut next = cursor;
    cx.view.each_stripe_from(first, &mut |view, stripe| {
        let left = filter.count - seen;
        next = view.scan(database, next, left, |key, _| {
            seen += 1;
            if filter.takes(key) {
                keys.bulk(key);
                taken += 1;
            }
        });
        // A cursor that stays in the stripe has seen enough keys, expired ones perhaps.
        next != ScanCursor(0) && next.stripe() != Some(stripe) && seen < filter.count
    });
    cx.reply.array(2);
    cx.reply.bulk(next.0.to_string().as_bytes());
    cx.reply.array(taken);
    cx.reply.append(&mut keys);
    Ok(())
}
