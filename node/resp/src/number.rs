//! Numbers as Redis reads and writes them: strict on the way in, shortest on the way out.

/// Parses a signed integer: digits without leading zeros, blanks or plus sign, in range.
#[inline]
pub fn parse_i64(text: &[u8]) -> Option<i64> {
    match text {
        [b'-', digits @ ..] => match parse_digits(digits)? {
            0 => None,
            magnitude if magnitude <= 1 << 63 => Some((magnitude as i64).wrapping_neg()),
            _ => None,
        },
        digits => i64::try_from(parse_digits(digits)?).ok(),
    }
}

/// Parses an unsigned integer by the same rules.
pub fn parse_u64(text: &[u8]) -> Option<u64> {
    parse_digits(text)
}

#[inline]
fn parse_digits(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > 20 || (digits[0] == b'0' && digits.len() > 1) {
        return None;
    }
    digits.iter().try_fold(0u64, |value, &byte| {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

/// Parses a number as C's `strtod` does, all of the text: decimal or hexadecimal, infinities by
/// name, no NaN, no blanks before it. What is too large is infinite, what is too small is zero.
pub fn parse_f64_loosely(text: &[u8]) -> Option<f64> {
    let (sign, magnitude) = match text {
        [b'-', rest @ ..] => (-1.0, rest),
        [b'+', rest @ ..] => (1.0, rest),
        rest => (1.0, rest),
    };
    let value = match magnitude {
        [b'+' | b'-', ..] => return None,
        [b'0', b'x' | b'X', digits @ ..] => parse_hexadecimal(digits)?,
        digits => std::str::from_utf8(digits).ok()?.parse::<f64>().ok()?,
    };
    (!value.is_nan()).then_some(sign * value)
}

/// Parses a number by the same rules, but not one that is too large or too small.
pub fn parse_f64(text: &[u8]) -> Option<f64> {
    let value = parse_f64_loosely(text)?;
    let digits = text.strip_prefix(b"-").or(text.strip_prefix(b"+")).unwrap_or(text);
    let names_infinity = digits.first().is_some_and(|first| first.eq_ignore_ascii_case(&b'i'));
    let is_hexadecimal = digits.get(1).is_some_and(|second| second.eq_ignore_ascii_case(&b'x'));
    let mark = if is_hexadecimal { b'p' } else { b'e' };
    let mantissa = digits.iter().take_while(|byte| !byte.eq_ignore_ascii_case(&mark));
    let is_zero =
        mantissa.clone().all(|byte| !matches!(byte, b'1'..=b'9' | b'a'..=b'f' | b'A'..=b'F'));
    let fits = (value.is_finite() || names_infinity) && (value != 0.0 || is_zero);
    fits.then_some(value)
}

/// Parses what stands behind `0x`: digits with a point somewhere, and an exponent of two.
fn parse_hexadecimal(text: &[u8]) -> Option<f64> {
    let is_mark = |byte: &u8| byte.eq_ignore_ascii_case(&b'p');
    let (digits, exponent) = match text.iter().position(is_mark) {
        Some(at) => (&text[..at], parse_exponent(&text[at + 1..])?),
        None => (text, 0),
    };
    let mut parts = digits.splitn(2, |byte| *byte == b'.');
    let (whole, fraction) = (parts.next()?, parts.next().unwrap_or_default());
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let (mut mantissa, mut exponent) = (0u64, exponent - 4 * fraction.len() as i64);
    for byte in whole.iter().chain(fraction) {
        let digit = u64::from(char::from(*byte).to_digit(16)?);
        match mantissa >> 60 {
            0 => mantissa = mantissa << 4 | digit,
            // Beyond what is kept, a digit counts only for rounding.
            _ => {
                mantissa |= u64::from(digit != 0);
                exponent += 4;
            }
        }
    }
    if mantissa == 0 {
        return Some(0.0);
    }
    // In two steps, because the power alone may be out of range.
    let exponent = exponent.clamp(-2_200, 2_200) as i32;
    Some(mantissa as f64 * 2f64.powi(exponent / 2) * 2f64.powi(exponent - exponent / 2))
}

fn parse_exponent(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").or(text.strip_prefix(b"+")).unwrap_or(text);
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    let add = |sum: i64, digit: &u8| (sum * 10 + i64::from(digit - b'0')).min(1 << 32);
    let magnitude = is_number.then(|| digits.iter().fold(0, add))?;
    Some(if text[0] == b'-' { -magnitude } else { magnitude })
}

/// Whole numbers up to this size are written with all their digits.
const WHOLE_MAX: f64 = (i64::MAX / 2) as f64;

/// Writes a number as Redis 7.2 does: whole ones with all their digits, else the shortest digits
/// that read back the same, with an exponent where that is shorter; `inf`, `-inf` and `nan`.
pub fn format_f64(value: f64) -> String {
    if value.is_nan() {
        return "nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    if value == 0.0 {
        return if value.is_sign_negative() { "-0" } else { "0" }.to_owned();
    }
    if value.abs() <= WHOLE_MAX && value.fract() == 0.0 {
        return (value as i64).to_string();
    }
    let scientific = format!("{value:e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let digits = mantissa.bytes().filter(u8::is_ascii_digit).count() as i32;
    // The exponent of the last digit; these bounds are those of the library that Redis uses.
    let last = exponent + 1 - digits;
    let is_plain = match last {
        0.. => exponent.abs() < digits + 7,
        _ => last > -7 || exponent.abs() < 4,
    };
    match is_plain {
        true => format!("{value}"),
        false => format!("{mantissa}e{exponent:+}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{format_f64, parse_f64, parse_f64_loosely};

    #[test]
    fn numbers_are_read_as_c_reads_them() {
        for (text, number) in [
            ("0x10", 16.0),
            ("-0x1.8p1", -3.0),
            ("0x.8", 0.5),
            ("0xffffffffffffffffffp-8", 18_446_744_073_709_551_616.0),
            ("0x1p-1074", 5e-324),
            ("0x0p99999", 0.0),
            ("1.", 1.0),
            (".5", 0.5),
            ("-0", -0.0),
            ("0e999", 0.0),
            ("+INF", f64::INFINITY),
            ("-infinity", f64::NEG_INFINITY),
        ] {
            let read = parse_f64(text.as_bytes()).map(f64::to_bits);
            assert_eq!(read, Some(number.to_bits()), "{text}");
        }
        for text in ["", "nan", " 1", "1 ", "0x", "0x.", "0x1p", "0x1..8", "--1", "+-1", "1_0"] {
            assert_eq!(parse_f64_loosely(text.as_bytes()), None, "{text}");
        }
        for (text, number) in
            [("1e999", f64::INFINITY), ("1e-999", 0.0), ("0x1p9999", f64::INFINITY)]
        {
            assert_eq!(parse_f64(text.as_bytes()), None, "{text}");
            assert_eq!(parse_f64_loosely(text.as_bytes()), Some(number), "{text}");
        }
    }

    /// Each of these is what Redis 8.2 answers.
    #[test]
    fn numbers_are_written_as_redis_writes_them() {
        for (number, text) in [
            (100_000_000.0, "100000000"),
            (1e17, "100000000000000000"),
            (4e18, "4000000000000000000"),
            (5e18, "5e+18"),
            (1.5e21, "1.5e+21"),
            (-1e300, "-1e+300"),
            (0.1, "0.1"),
            (0.00001, "0.00001"),
            (1e-7, "1e-7"),
            (123_456_789.5, "123456789.5"),
            (-0.0, "-0"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(format_f64(number), text);
        }
    }
}
