//! The values that fill templates: few keys, so that commands meet, and the numbers and strings at
//! the edges of what parsers take.

use super::random::Random;

/// Far enough in the future that no run of the tests gets there.
pub(super) const FAR_SECONDS: i64 = 4_102_444_800;

const KEYS: &[&[u8]] =
    &[b"a", b"a", b"b", b"b", b"c", b"{a}x", b"key:1", b"", b"nul\0key", b"\xff\xfe", b"d"];
const INTEGERS: &[&str] = &[
    "0",
    "1",
    "-1",
    "2",
    "3",
    "5",
    "10",
    "-2",
    "-3",
    "-10",
    "100",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "-9223372036854775809",
    "18446744073709551615",
    "18446744073709551616",
    "99999999999999999999999",
    "2147483648",
    "-2147483649",
    "4294967296",
    "9223372036854775806",
    "",
    "abc",
    "1.0",
    "01",
    "-0",
    "+1",
    " 1",
    "1 ",
    "0x10",
    "1e3",
    "--1",
    "-",
];
const FLOATS: &[&str] = &[
    "0",
    "1",
    "-1",
    "1.5",
    "-1.5",
    "0.1",
    "0.2",
    "3.0",
    "1e3",
    "1E-3",
    "1e308",
    "-1e308",
    "1e309",
    "1e-320",
    "1e17",
    "123456789012345678",
    "3.14159265358979323846",
    "0.00000000000000001",
    "1e4930",
    "1e5000",
    "inf",
    "-inf",
    "+inf",
    "Infinity",
    "nan",
    "-nan",
    "",
    " 1",
    "1 ",
    "abc",
    "1.",
    ".5",
    "-.5",
    "+1.5",
    "0x1p3",
    "0x10",
    "5e",
    "1_000",
    "1.5.5",
    "--1",
    "1,5",
    "17179869184.0625",
    "-0",
    "-0.0",
    "9223372036854775807",
    "1e15",
    "1e16",
    "0.1e1",
];
const STRINGS: &[&[u8]] = &[
    b"",
    b"0",
    b"1",
    b"-1",
    b"10",
    b"hello",
    b"hello world",
    b"9223372036854775807",
    b"3.5",
    b"-9223372036854775808",
    b"9223372036854775808",
    b"007",
    b"+5",
    b" 5",
    b"5 ",
    b"1.50",
    b"1e5",
    b"inf",
    b"nan",
    b"\0",
    b"a\0b",
    b"\xff\xfe\x00",
    b"\r\n",
    b"line\r\nbreak",
    b"'quoted\"",
    b"10000",
    b"9999",
    b"-0",
    b"0.1",
    b"1e400",
    b"12345678901234567890",
    b"9223372036854775806",
];
const CHANNELS: &[&[u8]] = &[b"news", b"news.art", b"n", b"", b"\xff", b"{a}x"];
const PATTERNS: &[&[u8]] = &[
    b"*", b"a*", b"*a*", b"?", b"[ab]", b"[^a]", b"[a-c]", b"news*", b"n*", b"\\*", b"", b"[",
    b"[a", b"key:?", b"nope", b"**", b"*\0*", b"\\", b"[z-a]", b"[\\]]", b"*[xy]", b"\xff*",
];
const SECONDS: &[&str] = &[
    "1000",
    "5000",
    "100000",
    "0",
    "-1",
    "-1000",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775",
    "9223372036854776",
    "-9223372036854776",
    "9223372036854775808",
    "abc",
    "",
    "1.5",
    "01",
    "9223370000000000",
    "9223372036854774",
];
const MILLISECONDS: &[&str] = &[
    "1000000",
    "5000000",
    "100000000",
    "0",
    "-1",
    "-1000",
    "9223372036854775807",
    "-9223372036854775808",
    "9223370000000000000",
    "9223372036854775808",
    "abc",
    "",
    "1.5",
];

fn text(words: &[&str], random: &mut Random) -> Vec<u8> {
    random.pick(words).as_bytes().to_vec()
}

/// Makes the value of a slot.
///
/// # Panics
/// No slot has this name; names are literals of this crate.
pub(super) fn fill(random: &mut Random, slot: &str) -> Vec<u8> {
    match slot {
        "key" => random.pick(KEYS).to_vec(),
        "value" => value(random),
        "lcs" => (0..random.below(40)).map(|_| *random.pick(b"abc")).collect(),
        "int" => integer(random),
        "offset" => match random.below(3) {
            0 => random.below(60_000).to_string().into_bytes(),
            1 => random.below(20).to_string().into_bytes(),
            _ => text(&["536870911", "536870912", "-1", "4294967296", "abc", "0"], random),
        },
        "bitoffset" => match random.below(6) {
            0 => random.below(1_000_000).to_string().into_bytes(),
            1 => text(&["4294967295", "4294967296", "-1", "abc", "#1", ""], random),
            _ => random.below(200).to_string().into_bytes(),
        },
        "place" => match random.below(6) {
            0 => text(
                &["4294967296", "-1", "abc", "#-1", "#abc", "#", "9223372036854775807"],
                random,
            ),
            1 | 2 => format!("#{}", random.below(20)).into_bytes(),
            _ => random.below(200).to_string().into_bytes(),
        },
        "field" => match random.below(12) {
            0 => text(&["u64", "i65", "u0", "I8", "8", "i", "", "u-1", "i08"], random),
            1 => text(&["u63", "i64", "i1", "u1"], random),
            _ => [random.pick(&["u", "i"]), &*(1 + random.below(63)).to_string()].concat().into(),
        },
        "hll" => random.pick(&[&b"h"[..], b"h", b"i", b"{h}j", b"a"]).to_vec(),
        "element" => random.below(100_000).to_string().into_bytes(),
        "sketch" => sketch(random),
        "float" => match random.below(3) {
            0 => random_float(random).into_bytes(),
            _ => text(FLOATS, random),
        },
        "seconds" => mostly(random, SECONDS, 3),
        "ms" => mostly(random, MILLISECONDS, 3),
        "unix" => unix(random, 1),
        "unixms" => unix(random, 1000),
        "db" => text(&["0", "1", "1", "2", "15", "16", "-1", "abc", "", "99999999999"], random),
        "cursor" => text(
            &["abc", "-1", "1.5", "18446744073709551615", "18446744073709551616", "0x0", "+0"],
            random,
        ),
        "type" => text(&["string", "STRING", "list", "zset", "nope", ""], random),
        "channel" => random.pick(CHANNELS).to_vec(),
        "pattern" => random.pick(PATTERNS).to_vec(),
        "name" => random.pick(&[&b"me"[..], b"", b"with blank", b"new\nline", b"\xff"]).to_vec(),
        other => panic!("no such slot: {other}"),
    }
}

/// A HyperLogLog as a string: dense, or sparse and almost too long for that; sometimes broken.
fn sketch(random: &mut Random) -> Vec<u8> {
    const HEADER_BYTES: usize = 16;
    const REGISTERS: usize = 1 << 14;
    let is_dense = random.chance(50);
    let mut value = b"HYLL\0\0\0\0\0\0\0\0\0\0\0\x80".to_vec();
    if is_dense {
        // Mostly low ranks, as in real ones.
        value.extend((0..REGISTERS * 6 / 8).map(|_| (random.bits() & random.bits()) as u8));
    } else {
        value[4] = 1;
        let (mut left, runs) = (REGISTERS, random.below(2984));
        for _ in 0..runs {
            let run = random.bits() as u8 | 0x80;
            let len = usize::from(run & 3) + 1;
            value.push(run);
            left -= len;
        }
        let last = left - 1;
        value.extend([0x40 | (last >> 8) as u8, last as u8]);
    }
    match random.below(12) {
        0 => value.truncate(random.below(value.len())),
        1 => value.push(0),
        2 => value[random.below(HEADER_BYTES)] ^= 1,
        _ => {}
    }
    value
}

/// One of the first `usual` two times of three, else any.
fn mostly(random: &mut Random, words: &[&str], usual: usize) -> Vec<u8> {
    let words = if random.below(3) > 0 { &words[..usual] } else { words };
    text(words, random)
}

fn integer(random: &mut Random) -> Vec<u8> {
    match random.below(4) {
        0 => (random.below(60) as i64 - 30).to_string().into_bytes(),
        1 => text(&INTEGERS[..10], random),
        _ => text(INTEGERS, random),
    }
}

fn unix(random: &mut Random, scale: i64) -> Vec<u8> {
    match random.below(4) {
        0 | 1 => ((FAR_SECONDS + random.below(5) as i64 * 1000) * scale).to_string().into_bytes(),
        2 => text(&["1", "1000", "1000000", "0", "-1"], random),
        _ => {
            text(&["9223372036854775807", "9223372036854775", "-9223372036854775808", "x"], random)
        }
    }
}

fn random_float(random: &mut Random) -> String {
    let digits = random.below(1_000_000) as f64 - 500_000.0;
    let scale = 10f64.powi(random.below(12) as i32 - 6);
    format!("{}", digits * scale)
}

fn value(random: &mut Random) -> Vec<u8> {
    match random.below(10) {
        0..=3 => random.pick(STRINGS).to_vec(),
        4 => integer(random),
        5 => random_float(random).into_bytes(),
        6 => (0..random.below(40)).map(|_| random.bits() as u8).collect(),
        // Around the lengths at which encodings and ways of sending change.
        7 => vec![b'x'; *random.pick(&[20, 21, 43, 44, 45, 46, 63, 64, 65, 127, 128, 129])],
        8 if random.chance(15) => {
            let len = *random.pick(&[16_383, 16_384, 16_385, 20_000, 70_000]);
            vec![b'L'; len]
        }
        _ => random.pick(&[&b"abcabc"[..], b"ababcb", b"bca", b"xyz"]).to_vec(),
    }
}
