//! Numbers of 80 bits, as x86 processors compute them and Redis's `long double` is on them:
//! INCRBYFLOAT answers what Redis answers there, to the last digit, on any machine.
//!
//! Reading, adding and writing round to nearest, ties to even, as the processor and the C library
//! do. Numbers too small to have all 64 bits are read with all of them; seventeen decimals never
//! show the difference. Work is bounded by [`MAX_TEXT_BYTES`] and the range of exponents.

use super::big::Big;

/// Longest text that is read as a number; Redis's bound.
const MAX_TEXT_BYTES: usize = 5 * 1024 - 1;
const MANTISSA_BITS: usize = 64;
/// Exponent of the largest numbers: just below 2^16384.
const MAX_EXPONENT: i64 = 16_384 - 64;
/// Exponent of the smallest numbers, down to half of the smallest that is not rounded to zero.
const MIN_EXPONENT: i64 = -16_446 - 63;
/// Decimal exponents of the leading digit beyond which a number certainly overflows or vanishes.
const MAX_DECIMAL_EXPONENT: i64 = 4_940;
const MIN_DECIMAL_EXPONENT: i64 = -4_970;
/// Digits behind the point.
const DECIMALS: u32 = 17;
/// Bits of a quotient, enough to round it to [`MANTISSA_BITS`].
const QUOTIENT_BITS: usize = MANTISSA_BITS + 4;

/// A number: `mantissa * 2^exponent`, the mantissa's highest bit set unless it is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extended {
    /// One that is finite.
    Finite { negative: bool, mantissa: u64, exponent: i64 },
    /// One that is not.
    Infinite,
}

/// A number that does not fit in 80 bits.
enum Unfit {
    TooLarge,
    TooSmall,
}

impl Extended {
    /// Zero.
    pub(crate) const ZERO: Extended =
        Extended::Finite { negative: false, mantissa: 0, exponent: 0 };

    /// Reads a number as C does: decimal or hexadecimal, with or without a fraction and an
    /// exponent, or an infinity by name. No blanks, no NaN; not too large or small either.
    pub(crate) fn parse(text: &[u8]) -> Option<Extended> {
        if text.len() > MAX_TEXT_BYTES {
            return None;
        }
        let (negative, text) = match text {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            rest => (false, rest),
        };
        if text.eq_ignore_ascii_case(b"inf") || text.eq_ignore_ascii_case(b"infinity") {
            return Some(Extended::Infinite);
        }
        let magnitude = match text {
            [b'0', b'x' | b'X', digits @ ..] => parse_hexadecimal(digits)?,
            digits => parse_decimal(digits)?,
        };
        match magnitude {
            Ok((mantissa, exponent)) => Some(Extended::Finite { negative, mantissa, exponent }),
            Err(Unfit::TooLarge | Unfit::TooSmall) => None,
        }
    }

    /// The sum, or nothing when it is no finite number.
    pub(crate) fn add(self, other: Extended) -> Option<Extended> {
        let (Extended::Finite { .. }, Extended::Finite { .. }) = (self, other) else { return None };
        let (negative, mut one, exponent) = self.parts();
        let (other_negative, mut two, other_exponent) = other.parts();
        let lower = exponent.min(other_exponent);
        one.shift_left((exponent - lower) as usize);
        two.shift_left((other_exponent - lower) as usize);
        let negative = if negative == other_negative {
            one.add(&two);
            negative
        } else if one >= two {
            one.subtract(&two);
            negative
        } else {
            two.subtract(&one);
            one = two;
            other_negative
        };
        match round(&one, false, lower) {
            Ok((mantissa, exponent)) => Some(Extended::Finite { negative, mantissa, exponent }),
            Err(Unfit::TooLarge) => None,
            Err(Unfit::TooSmall) => Some(Extended::ZERO),
        }
    }

    /// Sign, mantissa and exponent of a finite number.
    fn parts(self) -> (bool, Big, i64) {
        match self {
            Extended::Finite { negative, mantissa, exponent } if mantissa != 0 => {
                (negative, Big::from(mantissa), exponent)
            }
            // Zero has the exponent that costs nothing to align with.
            Extended::Finite { negative, .. } => (negative, Big::default(), MAX_EXPONENT),
            Extended::Infinite => (false, Big::default(), 0),
        }
    }

    /// Writes a finite number with up to seventeen decimals and without trailing zeros.
    pub(crate) fn format(self) -> String {
        let Extended::Finite { negative, mantissa, exponent } = self else {
            return "inf".to_owned();
        };
        let magnitude = match u32::try_from(-exponent) {
            Ok(shift) => format_fraction(mantissa, shift),
            Err(_) => {
                let mut whole = Big::from(mantissa);
                whole.shift_left(exponent as usize);
                whole.to_decimal()
            }
        };
        let sign = if negative && magnitude != "0" { "-" } else { "" };
        format!("{sign}{magnitude}")
    }
}

/// Writes `mantissa / 2^shift`.
fn format_fraction(mantissa: u64, shift: u32) -> String {
    let unit = 10u128.pow(DECIMALS);
    // Less than 2^121, so that shifts of more leave nothing to round up.
    let scaled = u128::from(mantissa) * unit;
    let rounded = match shift {
        0 => scaled,
        1..=121 => {
            let (quotient, rest) = (scaled >> shift, scaled & ((1 << shift) - 1));
            let half = 1 << (shift - 1);
            quotient + u128::from(rest > half || (rest == half && quotient & 1 == 1))
        }
        _ => 0,
    };
    let (whole, fraction) = (rounded / unit, rounded % unit);
    let text = format!("{whole}.{fraction:0width$}", width = DECIMALS as usize);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Rounds `number * 2^exponent`, a bit more if `more`, to a mantissa and an exponent.
fn round(number: &Big, more: bool, exponent: i64) -> Result<(u64, i64), Unfit> {
    let bits = number.bits();
    if bits == 0 {
        return Ok((0, 0));
    }
    let excess = bits.saturating_sub(MANTISSA_BITS);
    let mut exponent = exponent + excess as i64;
    let mut mantissa = number.window(excess);
    if excess > 0 {
        let half = number.window(excess - 1) & 1 == 1;
        let rest = more || number.any_below(excess - 1);
        if half && (rest || mantissa & 1 == 1) {
            let (up, overflow) = mantissa.overflowing_add(1);
            mantissa = if overflow { 1 << (MANTISSA_BITS - 1) } else { up };
            exponent += i64::from(overflow);
        }
    }
    exponent -= i64::from(mantissa.leading_zeros());
    mantissa <<= mantissa.leading_zeros();
    let is_tie = mantissa == 1 << (MANTISSA_BITS - 1);
    if exponent > MAX_EXPONENT {
        Err(Unfit::TooLarge)
    } else if exponent < MIN_EXPONENT || (exponent == MIN_EXPONENT && is_tie) {
        Err(Unfit::TooSmall)
    } else {
        Ok((mantissa, exponent))
    }
}

/// Digits with a point somewhere, and an exponent.
struct Literal<'a> {
    whole: &'a [u8],
    fraction: &'a [u8],
    exponent: i64,
}

impl<'a> Literal<'a> {
    /// Splits a text into its parts; nothing when it has any other.
    fn split(text: &'a [u8], is_digit: fn(&u8) -> bool, mark: u8) -> Option<Literal<'a>> {
        let count = |text: &[u8]| text.iter().take_while(|byte| is_digit(byte)).count();
        let (whole, rest) = text.split_at(count(text));
        let (fraction, rest) = match rest {
            [b'.', rest @ ..] => rest.split_at(count(rest)),
            rest => (&rest[..0], rest),
        };
        let exponent = match rest {
            [] => 0,
            [letter, rest @ ..] if letter.eq_ignore_ascii_case(&mark) => parse_exponent(rest)?,
            _ => return None,
        };
        let has_digits = !(whole.is_empty() && fraction.is_empty());
        has_digits.then_some(Literal { whole, fraction, exponent })
    }

    /// All digits, without leading zeros.
    fn digits(&self) -> impl Iterator<Item = u8> + Clone + use<'a> {
        let digits = self.whole.iter().chain(self.fraction).copied();
        digits.skip_while(|digit| *digit == b'0')
    }
}

/// Reads an exponent; ones beyond 64 bits are as good as the largest.
fn parse_exponent(text: &[u8]) -> Option<i64> {
    let (sign, digits) = match text {
        [b'-', rest @ ..] => (-1, rest),
        [b'+', rest @ ..] => (1, rest),
        rest => (1, rest),
    };
    let all_digits = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    let add = |value: i64, digit: &u8| {
        value.saturating_mul(10).saturating_add(i64::from(digit - b'0')).min(i64::MAX / 4)
    };
    all_digits.then(|| sign * digits.iter().fold(0, add))
}

fn parse_decimal(text: &[u8]) -> Option<Result<(u64, i64), Unfit>> {
    let literal = Literal::split(text, u8::is_ascii_digit, b'e')?;
    let exponent = literal.exponent - literal.fraction.len() as i64;
    let count = literal.digits().count() as i64;
    if count == 0 {
        return Some(Ok((0, 0)));
    }
    match count + exponent {
        leading if leading > MAX_DECIMAL_EXPONENT => return Some(Err(Unfit::TooLarge)),
        leading if leading < MIN_DECIMAL_EXPONENT => return Some(Err(Unfit::TooSmall)),
        _ => {}
    }
    let mut number = Big::default();
    literal.digits().for_each(|digit| number.multiply_add(10, u32::from(digit - b'0')));
    if let Ok(exponent) = usize::try_from(exponent) {
        number.multiply_ten(exponent);
        return Some(round(&number, false, 0));
    }
    let mut divisor = Big::from(1);
    divisor.multiply_ten(exponent.unsigned_abs() as usize);
    // The quotient shall have one or two bits less than it may, whatever the numbers' sizes.
    let shift = (divisor.bits() + QUOTIENT_BITS - 2) as i64 - number.bits() as i64;
    match usize::try_from(shift) {
        Ok(shift) => number.shift_left(shift),
        Err(_) => divisor.shift_left(shift.unsigned_abs() as usize),
    }
    let (quotient, more) = number.divide(&divisor, QUOTIENT_BITS);
    let mut rounded = Big::from((quotient >> 64) as u64);
    rounded.shift_left(64);
    rounded.add(&Big::from(quotient as u64));
    Some(round(&rounded, more, -shift))
}

fn parse_hexadecimal(text: &[u8]) -> Option<Result<(u64, i64), Unfit>> {
    let literal = Literal::split(text, u8::is_ascii_hexdigit, b'p')?;
    let mut number = Big::default();
    for digit in literal.digits() {
        number.multiply_add(16, char::from(digit).to_digit(16).unwrap_or(0));
    }
    let exponent = literal.exponent - 4 * literal.fraction.len() as i64;
    Some(round(&number, false, exponent))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::Extended;

    fn sum(one: &str, other: &str) -> Option<String> {
        let (one, other) = (Extended::parse(one.as_bytes())?, Extended::parse(other.as_bytes())?);
        one.add(other).map(Extended::format)
    }

    /// Each of these is what Redis answers on x86-64.
    #[test]
    fn sums_are_those_of_eighty_bit_processors() {
        for (one, other, expected) in [
            ("10.5", "0.1", "10.6"),
            ("0.1", "0.2", "0.3"),
            ("3.0e3", "200", "3200"),
            ("5.0e3", "-5e3", "0"),
            ("1e20", "1", "100000000000000000000"),
            ("1", "-1.1", "-0.1"),
            ("0", "1e-17", "0.00000000000000001"),
            ("0", "-1e-30", "0"),
            ("0", "1.7e30", "1700000000000000000048855252992"),
            ("0", "0x1.8p1", "3"),
            ("0", "18446744073709551615", "18446744073709551615"),
            ("0", "18446744073709551617", "18446744073709551616"),
            ("18446744073709551615", "18446744073709551615", "36893488147419103230"),
            ("18446744073709551616", "1", "18446744073709551616"),
            ("36893488147419103232", "3", "36893488147419103236"),
            ("0", "5.", "5"),
            ("0", ".5", "0.5"),
            ("0", "+7", "7"),
            ("0", "3e+2", "300"),
        ] {
            assert_eq!(sum(one, other).as_deref(), Some(expected), "{one} + {other}");
        }
    }

    #[test]
    fn what_is_no_number_is_not_read() {
        for text in [
            "",
            "-",
            ".",
            "e5",
            "1e",
            "1e+",
            "1 ",
            " 1",
            "1.2.3",
            "nan",
            "-nan",
            "1_0",
            "0x",
            "0x1p",
            "1e5000",
            "1e-5000",
            "infinit",
            "1e99999999999999999999",
            "1\0",
            "--1",
            "0xg",
        ] {
            assert_eq!(Extended::parse(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(Extended::parse(&[b'1'; 5 * 1024]), None);
    }

    #[test]
    fn infinities_are_read_but_never_added_to() {
        for text in ["inf", "-Infinity", "+INF"] {
            assert_eq!(Extended::parse(text.as_bytes()), Some(Extended::Infinite), "{text}");
            assert_eq!(sum(text, "1"), None, "{text}");
        }
    }

    #[test]
    fn the_largest_number_doubled_is_none() {
        let largest = "1.18973149535723176502e4932";
        assert_eq!(sum(largest, largest), None);
        let text = sum(largest, "0").unwrap();
        assert_eq!((text.len(), &text[..20]), (4933, "11897314953572317650"));
    }

    #[test]
    fn the_longest_texts_are_read_exactly() {
        let mut text = "0.".to_owned() + &"3".repeat(5000);
        assert_eq!(sum(&text, "0").as_deref(), Some("0.33333333333333333"));
        text = "9".repeat(4000) + "." + &"9".repeat(1000);
        assert_eq!(sum(&text, "0"), sum("1e4000", "0"));
    }

    /// Doubles of few decimals have few bits: they are read, and written, exactly.
    #[test]
    fn doubles_of_few_decimals_come_out_as_they_went_in() {
        let mut number = 1f64 / 1024.0;
        while number < 1e12 {
            let text = format!("{number:.10}");
            let text = text.trim_end_matches('0').trim_end_matches('.');
            assert_eq!(sum(text, "0").as_deref(), Some(text));
            number = (number * 1.5 * 1024.0).floor() / 1024.0 + 1f64 / 1024.0;
        }
    }

    proptest! {
        #[test]
        fn whole_numbers_of_63_bits_are_added_exactly(one: i64, other: i64) {
            let expected = (i128::from(one) + i128::from(other)).to_string();
            prop_assert_eq!(sum(&one.to_string(), &other.to_string()), Some(expected));
        }

        #[test]
        fn order_and_form_do_not_matter(one: i32, other: i32, shift in 0u32..18) {
            let decimal = |number: i32| format!("{:.17}", f64::from(number) / f64::from(1u32 << shift));
            let hexadecimal = |number: i32| {
                let sign = if number < 0 { "-" } else { "" };
                format!("{sign}0x{:x}p-{shift}", number.unsigned_abs())
            };
            // Seventeen decimals hold up to seventeen bits behind the point exactly.
            let expected = sum(&decimal(one), &decimal(other));
            prop_assert_eq!(&sum(&decimal(other), &decimal(one)), &expected);
            prop_assert_eq!(&sum(&hexadecimal(one), &hexadecimal(other)), &expected);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[-+0-9.eExXpPa-f]{0,40}", bytes in any::<Vec<u8>>()) {
            let _ = Extended::parse(&bytes);
            if let Some(number) = Extended::parse(text.as_bytes()) {
                prop_assert_eq!(number.add(Extended::ZERO), Some(number));
            }
        }
    }
}
