//! When two replies to a command are the same: to the byte, except where what is asked for is not
//! the same on two servers.

use super::frame::Frame;

/// How replies to a command are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    /// To the byte.
    Exact,
    /// Integers may differ by so much, because time passes.
    Within(i64),
    /// Lists in any order, of so many items that belong together.
    AnyOrder(usize),
    /// One step over elements from the beginning: if it is the only one, it has told all of them, in
    /// any order.
    Walk(usize),
    /// Only the types, because the values belong to the server.
    Shape,
    /// Only the outermost type, for texts of our own.
    Kind,
    /// To the byte, but a number that Redis keeps as text may be kept as a number: INCRBYFLOAT
    /// leaves text behind, which nobody can tell from what SET leaves but by this. Redis likewise
    /// remembers that a set of integers has had another member.
    Encoding,
    /// Confirmations in any order, their counts apart.
    Confirmations,
}

fn rule(words: &[Vec<u8>]) -> Rule {
    let word = |at: usize| words.get(at).map_or(Vec::new(), |word| word.to_ascii_lowercase());
    match (&word(0)[..], &word(1)[..]) {
        (b"ttl" | b"expiretime", _) | (b"object", b"idletime") => Rule::Within(5),
        (b"object", b"encoding") => Rule::Encoding,
        (b"pttl" | b"pexpiretime", _) => Rule::Within(5000),
        (b"keys", _) | (b"pubsub", b"channels" | b"shardchannels") => Rule::AnyOrder(1),
        (b"smembers" | b"sinter" | b"sunion" | b"sdiff" | b"hkeys" | b"hvals", _) => {
            Rule::AnyOrder(1)
        }
        (b"spop" | b"srandmember", _) => Rule::AnyOrder(1),
        (b"hgetall", _) => Rule::AnyOrder(2),
        (b"hrandfield", _) => Rule::AnyOrder(if words.len() > 3 { 2 } else { 1 }),
        (b"sscan", _) if word(2) == b"0" => Rule::Walk(1),
        (b"hscan", _) if word(2) == b"0" => Rule::Walk(2),
        (b"sscan" | b"hscan", _) => Rule::Kind,
        (b"randomkey" | b"time", _) | (b"client", b"id") | (b"memory", b"usage") => Rule::Shape,
        (b"zrandmember", _) => Rule::Shape,
        (b"hello", _) | (b"client", b"list" | b"info") | (_, b"help") => Rule::Kind,
        // A cursor belongs to its server; `(scan)` compares what there is to find.
        (b"slowlog", b"get" | b"len") | (b"scan", _) => Rule::Kind,
        (b"unsubscribe" | b"punsubscribe" | b"sunsubscribe", b"") => Rule::Confirmations,
        _ => Rule::Exact,
    }
}

/// Whether two lists of replies to a command are the same. `queued` are the commands of its
/// transaction, for EXEC.
pub(super) fn same(
    words: &[Vec<u8>],
    queued: &[Vec<Vec<u8>>],
    ours: &[Frame],
    theirs: &[Frame],
) -> bool {
    if rule(words) == Rule::Confirmations {
        return sorted_confirmations(ours) == sorted_confirmations(theirs);
    }
    ours.len() == theirs.len()
        && ours.iter().zip(theirs).all(|(one, other)| same_frame(words, queued, one, other))
}

/// Whether a step brought the same messages. A message reaches a client that has several
/// subscriptions for it in no particular order.
pub(super) fn same_messages(ours: &[Frame], theirs: &[Frame]) -> bool {
    sorted(ours) == sorted(theirs)
}

fn same_frame(words: &[Vec<u8>], queued: &[Vec<Vec<u8>>], one: &Frame, other: &Frame) -> bool {
    if one == other {
        return true;
    }
    if words[0].eq_ignore_ascii_case(b"exec") {
        let (ours, theirs) = (one.items(), other.items());
        return !ours.is_empty()
            && ours.len() == queued.len()
            && theirs.len() == queued.len()
            && queued.iter().zip(ours.iter().zip(theirs)).all(|(words, (one, other))| {
                same(words, &[], std::slice::from_ref(one), std::slice::from_ref(other))
            });
    }
    if one.is_error() || other.is_error() {
        return false;
    }
    match rule(words) {
        Rule::Exact | Rule::Confirmations => false,
        Rule::Within(tolerance) => match (one.integer(), other.integer()) {
            (Some(one), Some(other)) => {
                one >= 0 && other >= 0 && one.abs_diff(other) <= tolerance.unsigned_abs()
            }
            _ => false,
        },
        Rule::Encoding => match (one.bytes(), other.bytes()) {
            (Some(b"int"), Some(other)) => other == b"embstr",
            (Some(b"intset"), Some(other)) => other == b"listpack" || other == b"hashtable",
            _ => false,
        },
        Rule::AnyOrder(step) => same_in_any_order(one, other, step),
        Rule::Walk(step) => match (one.items(), other.items()) {
            ([cursor, one], [other_cursor, other]) => {
                let is_whole = cursor.bytes() == Some(b"0") && cursor == other_cursor;
                one.kind() == other.kind() && (!is_whole || same_in_any_order(one, other, step))
            }
            _ => false,
        },
        Rule::Shape => shape(one) == shape(other),
        Rule::Kind => one.kind() == other.kind(),
    }
}

/// Whether two lists have the same items, `step` of which belong together unless they are lists
/// themselves.
fn same_in_any_order(one: &Frame, other: &Frame, step: usize) -> bool {
    let groups = |frame: &Frame| {
        let is_nested = frame.items().first().is_some_and(|item| !item.items().is_empty());
        let groups = frame.items().chunks(if is_nested { 1 } else { step });
        let mut groups: Vec<_> = groups.map(|group| format!("{group:?}")).collect();
        groups.sort();
        groups
    };
    match (one, other) {
        (Frame::List(..), Frame::List(..)) => {
            one.kind() == other.kind() && groups(one) == groups(other)
        }
        _ => false,
    }
}

fn sorted(frames: &[Frame]) -> Vec<String> {
    let mut texts: Vec<String> = frames.iter().map(Frame::to_string).collect();
    texts.sort();
    texts
}

/// The types a frame is made of.
fn shape(frame: &Frame) -> String {
    match frame {
        Frame::Line(kind, _) => char::from(*kind).to_string(),
        Frame::Bulk(kind, bytes) => format!("{}{}", char::from(*kind), bytes.is_some()),
        Frame::List(kind, items) => {
            let items = items.iter().flatten().map(shape);
            format!("{}[{}]", char::from(*kind), items.collect::<Vec<_>>().join(","))
        }
    }
}

fn sorted_confirmations(frames: &[Frame]) -> (Vec<String>, Vec<String>) {
    let part = |at: usize| -> Vec<Frame> {
        frames.iter().map(|frame| frame.items().get(at).unwrap_or(frame).clone()).collect()
    };
    (sorted(&part(1)), sorted(&part(2)))
}
