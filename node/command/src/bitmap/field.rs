//! BITFIELD and BITFIELD_RO: a bitmap as integers of any width.

use skep_resp::{Args, parse_i64};

use super::integer::{Kind, Overflow};
use super::{lengthen, offset_of};
use crate::cx::Cx;
use crate::error::CommandError;
use crate::value::string_of;

const INVALID_KIND: CommandError = CommandError::text(
    "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 \
     is.",
);
const INVALID_OVERFLOW: CommandError = CommandError::text("ERR Invalid OVERFLOW type specified");
const ONLY_READS: CommandError =
    CommandError::text("ERR BITFIELD_RO only supports the GET subcommand");

/// `BITFIELD key [GET type offset | [OVERFLOW WRAP | SAT | FAIL] (SET type offset value |
/// INCRBY type offset increment)] ...`: answers each in its order; null where it failed.
pub(crate) fn bitfield(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let operations = parse(cx, args)?;
    match needed_bytes(&operations) {
        0 => read(cx, args, &operations),
        needed => write(cx, args, &operations, needed),
    }
}

/// `BITFIELD_RO key [GET type offset ...]`.
pub(crate) fn bitfield_ro(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let operations = parse(cx, args)?;
    if needed_bytes(&operations) > 0 {
        return Err(ONLY_READS);
    }
    read(cx, args, &operations)
}

/// Whether a request, which may be a wrong one, does nothing but read.
pub(crate) fn only_reads(request: Args<'_>) -> bool {
    let mut rest = request.from(2);
    while let Some(word) = rest.get(0) {
        let len = match word {
            word if word.eq_ignore_ascii_case(b"GET") => 3,
            word if word.eq_ignore_ascii_case(b"OVERFLOW") => 2,
            _ => return false,
        };
        if rest.len() < len {
            return false;
        }
        rest = rest.from(len);
    }
    true
}

/// Something to be done to one integer.
#[derive(Clone, Copy, Debug)]
struct Operation {
    act: Act,
    kind: Kind,
    /// The integer's first bit.
    offset: usize,
    overflow: Overflow,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Get,
    Set(i64),
    Add(i64),
}

/// What an operation comes to.
struct Outcome {
    reply: Option<i64>,
    written: Option<i64>,
}

impl Operation {
    /// The bytes that a value must have for it.
    fn needed_bytes(&self) -> usize {
        match self.act {
            Act::Get => 0,
            Act::Set(_) | Act::Add(_) => {
                (self.offset + self.kind.width_bits() as usize).div_ceil(8)
            }
        }
    }

    fn outcome(&self, bytes: &[u8]) -> Outcome {
        let old = self.kind.read(bytes, self.offset);
        match self.act {
            Act::Get => Outcome { reply: Some(old), written: None },
            Act::Set(value) => {
                let written = self.kind.fit(value, 0, self.overflow);
                Outcome { reply: written.and(Some(old)), written }
            }
            Act::Add(increment) => {
                let written = self.kind.fit(old, increment, self.overflow);
                Outcome { reply: written, written }
            }
        }
    }

    fn run(&self, bytes: &mut [u8]) -> Option<i64> {
        let Outcome { reply, written } = self.outcome(bytes);
        if let Some(number) = written {
            self.kind.write(bytes, self.offset, number);
        }
        reply
    }

    fn changes(&self, bytes: &[u8]) -> bool {
        let written = self.outcome(bytes).written;
        written.is_some_and(|number| number != self.kind.read(bytes, self.offset))
    }
}

/// Reads all operations; there are fewer than arguments.
fn parse(cx: &Cx<'_>, args: Args<'_>) -> Result<Vec<Operation>, CommandError> {
    let mut operations = Vec::new();
    let mut overflow = Overflow::Wrap;
    let mut rest = args.from(2);
    while let Some(word) = rest.get(0) {
        let is = |name: &[u8]| word.eq_ignore_ascii_case(name);
        let is_write = is(b"SET") || is(b"INCRBY");
        let len = match rest.len() {
            2.. if is(b"OVERFLOW") => {
                overflow = overflow_of(&rest[1])?;
                rest = rest.from(2);
                continue;
            }
            3.. if is(b"GET") => 3,
            4.. if is_write => 4,
            _ => return Err(CommandError::SYNTAX),
        };
        let kind = Kind::parse(&rest[1]).ok_or(INVALID_KIND)?;
        let offset = offset_of(cx, &rest[2], Some(kind.width_bits()))?;
        let number = || parse_i64(&rest[3]).ok_or(CommandError::NOT_INTEGER);
        let act = match is_write {
            false => Act::Get,
            true if is(b"SET") => Act::Set(number()?),
            true => Act::Add(number()?),
        };
        operations.push(Operation { act, kind, offset, overflow });
        rest = rest.from(len);
    }
    Ok(operations)
}

fn overflow_of(word: &[u8]) -> Result<Overflow, CommandError> {
    match word {
        word if word.eq_ignore_ascii_case(b"WRAP") => Ok(Overflow::Wrap),
        word if word.eq_ignore_ascii_case(b"SAT") => Ok(Overflow::Saturate),
        word if word.eq_ignore_ascii_case(b"FAIL") => Ok(Overflow::Fail),
        _ => Err(INVALID_OVERFLOW),
    }
}

/// The bytes that a value must have to be written to; 0 if it is only read.
fn needed_bytes(operations: &[Operation]) -> usize {
    operations.iter().map(Operation::needed_bytes).max().unwrap_or(0)
}

fn read(cx: &mut Cx<'_>, args: Args<'_>, operations: &[Operation]) -> Result<(), CommandError> {
    let database = cx.database();
    let key = cx.key(&args[1]);
    let bytes = string_of(cx.view.read(database, &key))?.unwrap_or_default();
    cx.reply.array(operations.len());
    for operation in operations {
        reply_with(cx.reply, operation.outcome(bytes).reply);
    }
    Ok(())
}

fn write(
    cx: &mut Cx<'_>,
    args: Args<'_>,
    operations: &[Operation],
    needed_bytes: usize,
) -> Result<(), CommandError> {
    let database = cx.database();
    let key = cx.key(&args[1]);
    // As in Redis, what changes no integer is no change, but for the encoding becoming `raw`.
    let item = cx.view.find(database, &key);
    let is_raw = item.as_ref().is_some_and(|item| item.is_modified());
    let stays = string_of(item)?.is_some_and(|bytes| {
        let is_ready = is_raw && bytes.len() >= needed_bytes;
        is_ready && !operations.iter().any(|operation| operation.changes(bytes))
    });
    if stays {
        return read(cx, args, operations);
    }
    // Even if all of it fails, the value becomes as long as it would have to be.
    let replies: Vec<Option<i64>> = cx.view.edit(database, &key, |bytes| {
        lengthen(bytes, needed_bytes);
        operations.iter().map(|operation| operation.run(bytes)).collect()
    })?;
    cx.reply.array(replies.len());
    replies.into_iter().for_each(|reply| reply_with(cx.reply, reply));
    Ok(())
}

fn reply_with(reply: &mut skep_resp::Reply, number: Option<i64>) {
    match number {
        Some(number) => reply.integer(number),
        None => reply.null(),
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::Bench;

    const SYNTAX: &str = "-ERR syntax error";
    const NOT_INTEGER: &str = "-ERR value is not an integer or out of range";
    const OFFSET_RANGE: &str = "-ERR bit offset is not an integer or out of range";
    const INVALID_KIND: &str = "-ERR Invalid bitfield type. Use something like i16 u8. Note that \
                                u64 is not supported but i64 is.";

    #[test]
    fn integers_are_set_added_to_and_read_in_order() {
        Bench::new().expect(&[
            ("BITFIELD k SET u8 0 255 GET u4 4 GET i8 0", "*3 :0 :15 :-1"),
            ("BITFIELD k INCRBY u8 0 10 get u8 0", "*2 :9 :9"),
            ("BITFIELD k SET i5 #1 -3 GET i5 #1 GET u5 5", "*3 :4 :-3 :29"),
            ("GET k", "$2 \\x0f@"),
            ("BITFIELD k GET u8 100", "*1 :0"),
            ("BITFIELD k", "*0"),
            ("BITFIELD missing GET u8 0", "*1 :0"),
            ("BITFIELD_RO k GET u8 0 OVERFLOW SAT GET u4 #0", "*2 :15 :0"),
            ("BITFIELD_RO missing GET i64 7", "*1 :0"),
            ("EXISTS missing", ":0"),
        ]);
    }

    #[test]
    fn overflow_is_handled_as_was_said_last() {
        Bench::new().expect(&[
            ("BITFIELD k INCRBY u2 0 3 OVERFLOW SAT INCRBY u2 0 1", "*2 :3 :3"),
            ("BITFIELD k OVERFLOW FAIL INCRBY u2 0 1 OVERFLOW WRAP INCRBY u2 0 1", "*2 $-1 :0"),
            ("BITFIELD k OVERFLOW FAIL SET i8 0 128 SET i8 0 -128 GET i8 0", "*3 $-1 :0 :-128"),
            ("BITFIELD new OVERFLOW FAIL INCRBY u2 100 4", "*1 $-1"),
            ("STRLEN new", ":13"),
        ]);
        Bench::resp3().expect(&[("BITFIELD k OVERFLOW FAIL SET u8 0 256", "*1 _")]);
    }

    #[test]
    fn what_changes_no_integer_is_no_change() {
        let mut bench = Bench::new();
        bench.expect(&[("SET k abc EX 100", "+OK"), ("BITFIELD k SET u8 0 1", "*1 :97")]);
        let before = bench.counters().changes;
        bench.expect(&[
            ("BITFIELD k SET u8 0 1 INCRBY u8 8 0", "*2 :1 :98"),
            ("BITFIELD k GET u8 0", "*1 :1"),
            ("TTL k", ":100"),
        ]);
        assert_eq!(bench.counters().changes, before);
        bench.expect(&[("BITFIELD k SET u8 0 1 INCRBY u8 8 1 GET u8 8", "*3 :1 :99 :99")]);
        assert_eq!(bench.counters().changes, before + 1);
    }

    #[test]
    fn what_is_wrong_anywhere_is_refused_before_anything_is_done() {
        Bench::new().expect(&[
            ("BITFIELD k SET u8 0 1 GET u8", SYNTAX),
            ("BITFIELD k SET u8 0", SYNTAX),
            ("BITFIELD k OVERFLOW", SYNTAX),
            ("BITFIELD k PUT u8 0 1", SYNTAX),
            ("BITFIELD k OVERFLOW NOPE", "-ERR Invalid OVERFLOW type specified"),
            ("BITFIELD k SET u8 0 1 GET u64 0", INVALID_KIND),
            ("BITFIELD k GET u8 -1", OFFSET_RANGE),
            ("BITFIELD k GET u8 #-1", OFFSET_RANGE),
            ("BITFIELD k GET u8 #9223372036854775807", OFFSET_RANGE),
            ("BITFIELD k SET u8 4294967296 1", OFFSET_RANGE),
            ("BITFIELD k SET u8 0 x", NOT_INTEGER),
            ("BITFIELD_RO k SET u8 0 x", NOT_INTEGER),
            ("BITFIELD_RO k SET u8 0 1", "-ERR BITFIELD_RO only supports the GET subcommand"),
            ("BITFIELD_RO k SET u8 0 1 GET nope", SYNTAX),
            ("EXISTS k", ":0"),
        ]);
    }

    #[test]
    fn clients_are_told_whether_a_request_writes() {
        const READS: &str = "*1 *2 $1 k *2 +RO +access";
        const WRITES: &str = "*1 *2 $1 k *3 +RW +access +update";
        Bench::new().expect(&[
            ("COMMAND GETKEYSANDFLAGS BITFIELD k", READS),
            ("COMMAND GETKEYSANDFLAGS BITFIELD k GET u8 0 OVERFLOW WRAP", READS),
            ("COMMAND GETKEYSANDFLAGS BITFIELD k GET u8 0 INCRBY u8 0 1", WRITES),
            ("COMMAND GETKEYSANDFLAGS BITFIELD k GET u8", WRITES),
        ]);
    }
}
