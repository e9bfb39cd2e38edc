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
    /// Lists in any order.
    AnyOrder,
    /// Only the types, because the values belong to the server.
    Shape,
    /// Only the outermost type, for texts of our own.
    Kind,
    /// To the byte, but a number that Redis keeps as text may be kept as a number: INCRBYFLOAT
    /// leaves text behind, which nobody can tell from what SET leaves but by this.
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
        (b"keys", _) | (b"pubsub", b"channels" | b"shardchannels") => Rule::AnyOrder,
        (b"randomkey" | b"time", _) | (b"client", b"id") | (b"memory", b"usage") => Rule::Shape,
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
        Rule::Encoding => one.bytes() == Some(b"int") && other.bytes() == Some(b"embstr"),
        Rule::AnyOrder => {
            sorted(one.items()) == sorted(other.items()) && one.kind() == other.kind()
        }
        Rule::Shape => shape(one) == shape(other),
        Rule::Kind => one.kind() == other.kind(),
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
