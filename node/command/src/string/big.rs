//! Whole numbers of any size, as far as reading and writing decimal fractions needs them.
//!
//! Sizes are bounded by callers: numbers that stand for floating point numbers stay below some
//! 40,000 bits.

use std::cmp::Ordering;

/// A whole number: digits of 32 bits, the least significant first, without leading zeros.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Big(Vec<u32>);

const DIGIT_BITS: usize = u32::BITS as usize;
/// The largest power of ten in a digit, and its exponent.
const CHUNK: u32 = 1_000_000_000;
const CHUNK_DIGITS: usize = 9;

impl From<u64> for Big {
    fn from(number: u64) -> Big {
        let mut big = Big(vec![number as u32, (number >> DIGIT_BITS) as u32]);
        big.trim();
        big
    }
}

impl Big {
    fn trim(&mut self) {
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
    }

    /// Whether it is zero.
    pub(super) fn is_zero(&self) -> bool {
        self.0.is_empty()
    }

    /// Bits up to the highest that is set.
    pub(super) fn bits(&self) -> usize {
        self.0.last().map_or(0, |top| self.0.len() * DIGIT_BITS - top.leading_zeros() as usize)
    }

    /// Whether any of the lowest `count` bits is set.
    pub(super) fn any_below(&self, count: usize) -> bool {
        let (whole, rest) = (count / DIGIT_BITS, count % DIGIT_BITS);
        let partly = |digit: &u32| digit & ((1 << rest) - 1) != 0;
        self.0.iter().take(whole).any(|digit| *digit != 0) || self.0.get(whole).is_some_and(partly)
    }

    /// The 64 bits from bit `from` on.
    pub(super) fn window(&self, from: usize) -> u64 {
        let digit = |at: usize| u128::from(self.0.get(at).copied().unwrap_or(0));
        let at = from / DIGIT_BITS;
        let three = digit(at) | digit(at + 1) << DIGIT_BITS | digit(at + 2) << (2 * DIGIT_BITS);
        (three >> (from % DIGIT_BITS)) as u64
    }

    /// Multiplies by a digit and adds one.
    pub(super) fn multiply_add(&mut self, factor: u32, addend: u32) {
        let mut carry = u64::from(addend);
        for digit in &mut self.0 {
            let sum = u64::from(*digit) * u64::from(factor) + carry;
            *digit = sum as u32;
            carry = sum >> DIGIT_BITS;
        }
        if carry > 0 {
            self.0.push(carry as u32);
        }
    }

    /// Multiplies by ten, `times` times.
    pub(super) fn multiply_ten(&mut self, times: usize) {
        for _ in 0..times / CHUNK_DIGITS {
            self.multiply_add(CHUNK, 0);
        }
        self.multiply_add(10u32.pow((times % CHUNK_DIGITS) as u32), 0);
    }

    /// Shifts to the left.
    pub(super) fn shift_left(&mut self, count: usize) {
        if self.is_zero() {
            return;
        }
        let rest = count % DIGIT_BITS;
        if rest > 0 {
            self.multiply_add(1 << rest, 0);
        }
        self.0.splice(0..0, std::iter::repeat_n(0, count / DIGIT_BITS));
    }

    /// Adds.
    pub(super) fn add(&mut self, other: &Big) {
        self.0.resize(self.0.len().max(other.0.len()) + 1, 0);
        let mut carry = 0;
        for (at, digit) in self.0.iter_mut().enumerate() {
            let more = other.0.get(at).copied().unwrap_or(0);
            let sum = u64::from(*digit) + u64::from(more) + carry;
            *digit = sum as u32;
            carry = sum >> DIGIT_BITS;
        }
        self.trim();
    }

    /// Subtracts a number that is not larger.
    pub(super) fn subtract(&mut self, other: &Big) {
        let mut borrow = false;
        for (at, digit) in self.0.iter_mut().enumerate() {
            let less = other.0.get(at).copied().unwrap_or(0);
            let (difference, one) = digit.overflowing_sub(less);
            let (difference, two) = difference.overflowing_sub(u32::from(borrow));
            *digit = difference;
            borrow = one || two;
        }
        debug_assert!(!borrow, "the difference of numbers is negative");
        self.trim();
    }

    /// Divides, and answers the quotient's low `bits` bits, which must be all of them, and
    /// whether there is a remainder.
    pub(super) fn divide(mut self, divisor: &Big, bits: usize) -> (u128, bool) {
        let mut divisor = divisor.clone();
        divisor.shift_left(bits - 1);
        let mut quotient = 0;
        for _ in 0..bits {
            quotient <<= 1;
            if self >= divisor {
                self.subtract(&divisor);
                quotient |= 1;
            }
            self.shift_left(1);
        }
        (quotient, !self.is_zero())
    }

    /// Its decimal digits.
    pub(super) fn to_decimal(&self) -> String {
        let mut rest = self.0.clone();
        let mut chunks = Vec::new();
        while !rest.is_empty() {
            let mut remainder = 0;
            for digit in rest.iter_mut().rev() {
                let value = remainder << DIGIT_BITS | u64::from(*digit);
                *digit = (value / u64::from(CHUNK)) as u32;
                remainder = value % u64::from(CHUNK);
            }
            chunks.push(remainder);
            while rest.last() == Some(&0) {
                rest.pop();
            }
        }
        let mut chunks = chunks.into_iter().rev();
        let mut text = chunks.next().unwrap_or(0).to_string();
        for chunk in chunks {
            text.push_str(&format!("{chunk:0CHUNK_DIGITS$}"));
        }
        text
    }
}

impl PartialOrd for Big {
    fn partial_cmp(&self, other: &Big) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Big {
    fn cmp(&self, other: &Big) -> Ordering {
        let by_len = self.0.len().cmp(&other.0.len());
        by_len.then_with(|| self.0.iter().rev().cmp(other.0.iter().rev()))
    }
}

#[cfg(test)]
mod tests {
    use super::Big;

    #[test]
    fn decimal_digits_come_out_as_they_went_in() {
        for text in ["1", "999999999", "1000000000", "340282366920938463463374607431768211456"] {
            let mut big = Big::default();
            text.bytes().for_each(|digit| big.multiply_add(10, u32::from(digit - b'0')));
            assert_eq!(big.to_decimal(), text);
        }
        assert_eq!(Big::default().to_decimal(), "0");
    }

    #[test]
    fn what_is_added_can_be_subtracted() {
        let mut small = Big::from(u64::MAX);
        small.shift_left(70);
        let mut sum = small.clone();
        let mut large = Big::from(3);
        large.multiply_ten(40);
        sum.add(&large);
        assert!(sum > large && large > small);
        sum.subtract(&large);
        assert_eq!(sum, small);
        sum.subtract(&small);
        assert!(sum.is_zero());
    }

    #[test]
    fn quotients_are_exact_and_remainders_are_told() {
        let mut ten = Big::from(1);
        ten.multiply_ten(30);
        let mut dividend = ten.clone();
        dividend.multiply_add(123_456, 0);
        assert_eq!(dividend.clone().divide(&ten, 20), (123_456, false));
        dividend.multiply_add(1, 1);
        assert_eq!(dividend.divide(&ten, 20), (123_456, true));
    }

    #[test]
    fn bits_are_where_shifting_puts_them() {
        let mut big = Big::from(0b101);
        big.shift_left(100);
        assert_eq!(big.bits(), 103);
        assert_eq!(big.window(99), 0b1010);
        assert!(!big.any_below(100) && big.any_below(101));
    }
}
