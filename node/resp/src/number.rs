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

/// Parses a number as `strtod` does for commands: no blanks around it, infinities by name, no
/// NaN. Hexadecimal forms are not accepted.
pub fn parse_f64(text: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(text).ok()?;
    let value: f64 = text.parse().ok()?;
    let names_infinity = text.trim_start_matches(['+', '-']).len() >= 3
        && text.trim_start_matches(['+', '-']).as_bytes()[0].eq_ignore_ascii_case(&b'i');
    (!value.is_nan() && (value.is_finite() || names_infinity)).then_some(value)
}

/// Writes a number as RESP3 doubles are written: shortest digits that read back the same, an
/// exponent beyond 17 digits, `inf`, `-inf` and `nan`.
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
    let magnitude = value.abs();
    if (1e-4..1e17).contains(&magnitude) {
        return format!("{value}");
    }
    let scientific = format!("{value:e}");
    match scientific.split_once('e') {
        Some((mantissa, exponent)) if !exponent.starts_with('-') => {
            format!("{mantissa}e+{exponent:0>2}")
        }
        Some((mantissa, exponent)) => format!("{mantissa}e-{:0>2}", &exponent[1..]),
        None => scientific,
    }
}
