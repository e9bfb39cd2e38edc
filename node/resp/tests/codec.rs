//! What is written is what is read: replies by a reader of its own in both protocols, requests
//! however they arrive, numbers as the standard library has them.

use bytes::Bytes;
use proptest::prelude::*;
use skep_resp::{
    Batch, Limits, Parser, Protocol, Reply, format_f64, parse_f64, parse_i64, parse_u64,
};
use skep_tests::differential::frame::{self, Frame};

/// Something a handler may reply.
#[derive(Clone, Debug)]
enum Answer {
    Simple(String),
    Error(String),
    Integer(i64),
    Bulk(Vec<u8>),
    Shared(Vec<u8>),
    BulkInteger(i64),
    Null,
    NullArray,
    Double(f64),
    Boolean(bool),
    BigNumber(String),
    Verbatim(Vec<u8>),
    List(Head, Vec<Answer>),
    Map(bool, Vec<(Answer, Answer)>),
}

#[derive(Clone, Copy, Debug)]
enum Head {
    Array,
    DeferredArray,
    Set,
    DeferredSet,
    Push,
}

fn answer() -> impl Strategy<Value = Answer> {
    let text = "[A-Za-z '\r\n]{0,12}";
    let bytes = prop::collection::vec(any::<u8>(), 0..40);
    let leaf = prop_oneof![
        text.prop_map(Answer::Simple),
        text.prop_map(Answer::Error),
        any::<i64>().prop_map(Answer::Integer),
        bytes.clone().prop_map(Answer::Bulk),
        bytes.clone().prop_map(Answer::Shared),
        any::<i64>().prop_map(Answer::BulkInteger),
        Just(Answer::Null),
        Just(Answer::NullArray),
        any::<f64>().prop_map(Answer::Double),
        any::<bool>().prop_map(Answer::Boolean),
        "-?[1-9][0-9]{0,40}".prop_map(Answer::BigNumber),
        bytes.prop_map(Answer::Verbatim),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        let head = prop::sample::select(vec![
            Head::Array,
            Head::DeferredArray,
            Head::Set,
            Head::DeferredSet,
            Head::Push,
        ]);
        prop_oneof![
            (head, prop::collection::vec(inner.clone(), 0..4))
                .prop_map(|(head, items)| Answer::List(head, items)),
            (any::<bool>(), prop::collection::vec((inner.clone(), inner), 0..3))
                .prop_map(|(deferred, pairs)| Answer::Map(deferred, pairs)),
        ]
    })
}

fn write(answer: &Answer, reply: &mut Reply) {
    match answer {
        Answer::Simple(text) => reply.simple(text),
        Answer::Error(text) => reply.error(text),
        Answer::Integer(number) => reply.integer(*number),
        Answer::Bulk(bytes) => reply.bulk(bytes),
        Answer::Shared(bytes) => reply.bulk_shared(Bytes::copy_from_slice(bytes)),
        Answer::BulkInteger(number) => reply.bulk_integer(*number),
        Answer::Null => reply.null(),
        Answer::NullArray => reply.null_array(),
        Answer::Double(number) => reply.double(*number),
        Answer::Boolean(value) => reply.boolean(*value),
        Answer::BigNumber(digits) => reply.big_number(digits),
        Answer::Verbatim(text) => reply.verbatim("txt", text),
        Answer::List(head, items) => write_list(*head, items, reply),
        Answer::Map(deferred, pairs) => {
            let place = deferred.then(|| reply.deferred_array());
            if place.is_none() {
                reply.map(pairs.len());
            }
            for (key, value) in pairs {
                write(key, reply);
                write(value, reply);
            }
            if let Some(place) = place {
                reply.finish_map(place, pairs.len());
            }
        }
    }
}

fn write_list(head: Head, items: &[Answer], reply: &mut Reply) {
    let place = match head {
        Head::Array => {
            reply.array(items.len());
            None
        }
        Head::Set => {
            reply.set(items.len());
            None
        }
        Head::Push => {
            reply.push(items.len());
            None
        }
        Head::DeferredArray | Head::DeferredSet => Some(reply.deferred_array()),
    };
    items.iter().for_each(|item| write(item, reply));
    match (place, head) {
        (Some(place), Head::DeferredSet) => reply.finish_set(place, items.len()),
        (Some(place), _) => reply.finish_array(place, items.len()),
        (None, _) => {}
    }
}

/// What a client is to read.
fn expected(answer: &Answer, resp3: bool) -> Frame {
    let line = |kind: u8, text: &str| Frame::Line(kind, text.as_bytes().to_vec());
    let bulk = |bytes: &[u8]| Frame::Bulk(b'$', Some(bytes.to_vec()));
    let typed = |kind: u8, text: &str| if resp3 { line(kind, text) } else { bulk(text.as_bytes()) };
    let null = |older: Frame| if resp3 { line(b'_', "") } else { older };
    let one_line = |text: &str| text.replace(['\r', '\n'], " ");
    match answer {
        Answer::Simple(text) => line(b'+', &one_line(text)),
        Answer::Error(text) => line(b'-', &one_line(text.trim_end_matches(['\r', '\n']))),
        Answer::Integer(number) => line(b':', &number.to_string()),
        Answer::Bulk(bytes) | Answer::Shared(bytes) => bulk(bytes),
        Answer::BulkInteger(number) => bulk(number.to_string().as_bytes()),
        Answer::Null => null(Frame::Bulk(b'$', None)),
        Answer::NullArray => null(Frame::List(b'*', None)),
        Answer::Double(number) => typed(b',', &format_f64(*number)),
        Answer::Boolean(value) if resp3 => line(b'#', if *value { "t" } else { "f" }),
        Answer::Boolean(value) => line(b':', if *value { "1" } else { "0" }),
        Answer::BigNumber(digits) => typed(b'(', digits),
        Answer::Verbatim(text) if resp3 => Frame::Bulk(b'=', Some([b"txt:", &text[..]].concat())),
        Answer::Verbatim(text) => bulk(text),
        Answer::List(head, items) => {
            let kind = match head {
                Head::Set | Head::DeferredSet if resp3 => b'~',
                Head::Push if resp3 => b'>',
                _ => b'*',
            };
            Frame::List(kind, Some(items.iter().map(|item| expected(item, resp3)).collect()))
        }
        Answer::Map(_, pairs) => {
            let items = pairs.iter().flat_map(|(key, value)| [key, value]);
            let items = items.map(|item| expected(item, resp3)).collect();
            Frame::List(if resp3 { b'%' } else { b'*' }, Some(items))
        }
    }
}

/// Takes the bytes as a socket would that accepts a few at a time.
fn sent(reply: &mut Reply, step: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while !reply.is_empty() {
        let before = bytes.len();
        let mut slices = [std::io::IoSlice::new(&[]); 3];
        let count = reply.unsent(&mut slices);
        let offered = slices[..count].iter().flat_map(|slice| slice.iter().copied());
        bytes.extend(offered.take(step));
        assert!(bytes.len() > before, "nothing is offered though something is left");
        reply.advance(bytes.len() - before);
    }
    bytes
}

fn parse_in_two(bytes: &[u8], cut: usize) -> Vec<Vec<Vec<u8>>> {
    let (mut parser, mut buffer, mut commands) = (Parser::default(), Vec::new(), Vec::new());
    for piece in [&bytes[..cut], &bytes[cut..]] {
        buffer.extend_from_slice(piece);
        let mut batch = Batch::default();
        let parsed = parser.parse(&buffer, &Limits::default(), &mut batch, usize::MAX);
        assert_eq!(parsed.error, None, "cut at {cut}");
        for number in 0..batch.len() {
            commands.push(batch.args(number, &buffer).iter().map(<[u8]>::to_vec).collect());
        }
        buffer.drain(..parsed.consumed);
    }
    assert!(buffer.is_empty(), "bytes are left behind the last command");
    commands
}

proptest! {
    #[test]
    fn replies_are_read_as_they_were_written(
        answers in prop::collection::vec(answer(), 1..4),
        step in 1usize..100,
    ) {
        for (protocol, resp3) in [(Protocol::Resp2, false), (Protocol::Resp3, true)] {
            let mut reply = Reply::new(protocol);
            answers.iter().for_each(|answer| write(answer, &mut reply));
            let len = reply.len_bytes();
            let bytes = sent(&mut reply, step);
            prop_assert_eq!(len, bytes.len());
            let mut rest = &bytes[..];
            for answer in &answers {
                let read = frame::read(rest);
                let shown = rest.escape_ascii().to_string();
                prop_assert!(matches!(read, Ok(Some(_))), "{read:?} in {shown}");
                if let Ok(Some((found, len))) = read {
                    prop_assert_eq!(found, expected(answer, resp3), "{}", shown);
                    rest = &rest[len..];
                }
            }
            prop_assert!(rest.is_empty());
        }
    }

    #[test]
    fn what_is_rolled_back_was_never_there(kept in answer(), dropped in answer(), then in answer()) {
        let mut reply = Reply::new(Protocol::Resp3);
        write(&kept, &mut reply);
        let place = reply.checkpoint();
        write(&dropped, &mut reply);
        reply.rollback(place);
        write(&then, &mut reply);
        let mut without = Reply::new(Protocol::Resp3);
        write(&kept, &mut without);
        write(&then, &mut without);
        prop_assert_eq!(sent(&mut reply, usize::MAX), sent(&mut without, usize::MAX));
    }

    #[test]
    fn an_appended_reply_follows_what_was_there(first in answer(), second in answer()) {
        let mut both = Reply::new(Protocol::Resp2);
        write(&first, &mut both);
        let mut other = Reply::new(Protocol::Resp2);
        write(&second, &mut other);
        both.append(&mut other);
        prop_assert!(other.is_empty());
        let mut expected = Reply::new(Protocol::Resp2);
        write(&first, &mut expected);
        write(&second, &mut expected);
        prop_assert_eq!(sent(&mut both, 7), sent(&mut expected, 7));
    }

    #[test]
    fn requests_are_the_same_at_every_split(
        commands in prop::collection::vec(
            prop::collection::vec(prop::collection::vec(any::<u8>(), 0..30), 1..5),
            1..4,
        ),
    ) {
        let bytes: Vec<u8> =
            commands.iter().flat_map(|words| skep_tests::command(words)).collect();
        for cut in 0..=bytes.len() {
            prop_assert_eq!(&parse_in_two(&bytes, cut), &commands, "cut at {}", cut);
        }
    }

    #[test]
    fn integers_are_read_in_their_only_form(number in any::<i64>(), text in "[-+ 0-9]{0,22}") {
        prop_assert_eq!(parse_i64(number.to_string().as_bytes()), Some(number));
        let only = |value: i64| value.to_string() == text;
        prop_assert_eq!(parse_i64(text.as_bytes()), text.parse().ok().filter(|&value| only(value)));
        let only = |value: u64| value.to_string() == text;
        prop_assert_eq!(parse_u64(text.as_bytes()), text.parse().ok().filter(|&value| only(value)));
    }

    #[test]
    fn any_bytes_are_a_number_or_none(bytes in prop::collection::vec(any::<u8>(), 0..30)) {
        let text = std::str::from_utf8(&bytes).ok();
        let number = text.and_then(|text| text.parse::<i64>().ok());
        prop_assert!(parse_i64(&bytes).is_none() || parse_i64(&bytes) == number);
        prop_assert!(parse_f64(&bytes).is_none_or(|number| !number.is_nan()));
    }

    #[test]
    fn written_floats_are_read_back_the_same(bits in any::<u64>(), scaled in any::<i32>()) {
        for number in [f64::from_bits(bits), f64::from(scaled) / 1000.0] {
            let text = format_f64(number);
            if number.is_nan() {
                prop_assert_eq!(text, "nan");
            } else {
                let read = parse_f64(text.as_bytes());
                prop_assert_eq!(read.map(f64::to_bits), Some(number.to_bits()), "{}", text);
            }
        }
    }

    #[test]
    fn decimal_floats_are_read_as_the_standard_library_does(
        text in "[-+]?[0-9]{1,20}(\\.[0-9]{0,20})?(e[-+]?[0-9]{1,2})?",
    ) {
        prop_assert_eq!(parse_f64(text.as_bytes()), text.parse().ok());
    }
}
