//! Integers of any width at any bit of a bitmap, the highest bit first.

/// A kind of integer: `u1` to `u63` and `i1` to `i64`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    is_signed: bool,
    width_bits: u32,
}

/// What becomes of a number that does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overflow {
    /// Its lowest bits stay.
    Wrap,
    /// The nearest number that fits takes its place.
    Saturate,
    /// Nothing is written.
    Fail,
}

impl Kind {
    /// Reads a kind.
    pub(super) fn parse(text: &[u8]) -> Option<Kind> {
        let (is_signed, digits, widest) = match text {
            [b'i', digits @ ..] => (true, digits, 64),
            [b'u', digits @ ..] => (false, digits, 63),
            _ => return None,
        };
        let width_bits = skep_resp::parse_u64(digits).filter(|width| (1..=widest).contains(width));
        width_bits.map(|width_bits| Kind { is_signed, width_bits: width_bits as u32 })
    }

    pub(super) fn width_bits(self) -> u32 {
        self.width_bits
    }

    /// The integer at a bit of a value. What lies beyond the value is zero.
    pub(super) fn read(self, bytes: &[u8], offset: usize) -> i64 {
        let window = window(bytes, offset / 8) << (offset % 8);
        self.extend((window >> (u128::BITS - self.width_bits)) as u64)
    }

    /// Writes an integer's lowest bits at a bit of a value.
    ///
    /// # Panics
    /// The value is too short.
    pub(super) fn write(self, bytes: &mut [u8], offset: usize, number: i64) {
        let first = offset / 8;
        let shift = u128::BITS - self.width_bits - (offset % 8) as u32;
        let mask = ((1 << self.width_bits) - 1) << shift;
        let window = window(bytes, first) & !mask | (u128::from(number as u64) << shift) & mask;
        let touched = (offset % 8 + self.width_bits as usize).div_ceil(8);
        bytes[first..first + touched].copy_from_slice(&window.to_be_bytes()[..touched]);
    }

    /// The sum of a number and an increment as it can be written, if it can.
    pub(super) fn fit(self, number: i64, increment: i64, overflow: Overflow) -> Option<i64> {
        let (least, most) = self.range();
        let number = match self.is_signed {
            true => i128::from(number),
            false => i128::from(number as u64),
        };
        let sum = number + i128::from(increment);
        // As in Redis, where the distance to the highest number that fits is 64 bits wide, what is
        // lower than that counts as too high.
        let is_far_below = self.width_bits < 64 && most - number > i128::from(i64::MAX);
        let nearest = if sum > most || is_far_below { most } else { least };
        match overflow {
            _ if (least..=most).contains(&sum) => Some(sum as i64),
            Overflow::Wrap => Some(self.extend(sum as u64)),
            Overflow::Saturate => Some(nearest as i64),
            Overflow::Fail => None,
        }
    }

    /// The numbers that fit.
    fn range(self) -> (i128, i128) {
        match self.is_signed {
            true => (-1 << (self.width_bits - 1), (1 << (self.width_bits - 1)) - 1),
            false => (0, (1 << self.width_bits) - 1),
        }
    }

    /// The number whose lowest bits these are.
    fn extend(self, bits: u64) -> i64 {
        let unused = u64::BITS - self.width_bits;
        match self.is_signed {
            true => (bits << unused) as i64 >> unused,
            false => (bits << unused >> unused) as i64,
        }
    }
}

/// The bits from a byte on: the widest integer at any bit of that byte lies in them.
fn window(bytes: &[u8], first: usize) -> u128 {
    let mut window = [0; 16];
    let bytes = bytes.get(first..).unwrap_or_default();
    window.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    u128::from_be_bytes(window)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all_kinds() -> impl Iterator<Item = Kind> {
        let names = (1..=64).map(|width| format!("i{width}"));
        let names = names.chain((1..=63).map(|width| format!("u{width}")));
        names.map(|name| Kind::parse(name.as_bytes()).expect("a kind"))
    }

    #[test]
    fn what_is_written_is_read_back_and_nothing_else_changes() {
        for kind in all_kinds() {
            for offset in 0..20 {
                for background in [0u8, 0xff, 0xa5] {
                    let mut bytes = [background; 12];
                    let (least, most) = kind.range();
                    for number in [least as i64, most as i64, (most / 3) as i64] {
                        kind.write(&mut bytes, offset, number);
                        assert_eq!(kind.read(&bytes, offset), number, "{kind:?} at {offset}");
                    }
                    let old = kind.read(&[background; 12], offset);
                    kind.write(&mut bytes, offset, old);
                    assert_eq!(bytes, [background; 12], "{kind:?} at {offset}");
                }
            }
        }
    }

    #[test]
    fn an_integer_that_ends_with_the_value_is_written_and_one_beyond_is_zero() {
        let kind = Kind::parse(b"u12").expect("a kind");
        let mut bytes = [0; 2];
        kind.write(&mut bytes, 4, 0xabc);
        assert_eq!(bytes, [0x0a, 0xbc]);
        assert_eq!(kind.read(&bytes, 8), 0xbc0);
        assert_eq!(kind.read(&bytes, 16), 0);
        assert_eq!(kind.read(&bytes, 1 << 40), 0);
    }

    #[test]
    fn sums_that_do_not_fit_wrap_saturate_or_fail() {
        let fit = |kind: &[u8], number, increment| {
            let kind = Kind::parse(kind).expect("a kind");
            [Overflow::Wrap, Overflow::Saturate, Overflow::Fail]
                .map(|overflow| kind.fit(number, increment, overflow))
        };
        assert_eq!(fit(b"u8", 250, 5), [Some(255); 3]);
        assert_eq!(fit(b"u8", 250, 10), [Some(4), Some(255), None]);
        assert_eq!(fit(b"u8", 5, -10), [Some(251), Some(0), None]);
        assert_eq!(fit(b"u8", -2, 0), [Some(254), Some(255), None]);
        assert_eq!(fit(b"i8", 127, 1), [Some(-128), Some(127), None]);
        assert_eq!(fit(b"i8", -128, -1), [Some(127), Some(-128), None]);
        assert_eq!(fit(b"i8", 0, i64::MIN), [Some(0), Some(-128), None]);
        assert_eq!(fit(b"i8", i64::MIN, 0), [Some(0), Some(127), None]);
        assert_eq!(fit(b"i64", i64::MAX, 1), [Some(i64::MIN), Some(i64::MAX), None]);
        assert_eq!(fit(b"i64", i64::MIN, -1), [Some(i64::MAX), Some(i64::MIN), None]);
        assert_eq!(fit(b"i64", i64::MIN, 0), [Some(i64::MIN); 3]);
        assert_eq!(fit(b"u63", i64::MAX, 1), [Some(0), Some(i64::MAX), None]);
    }

    #[test]
    fn only_kinds_of_a_width_that_is_kept_exist() {
        for wrong in ["u64", "i65", "u0", "i0", "i", "8", "I8", "u08", "u+8", "f32", ""] {
            assert_eq!(Kind::parse(wrong.as_bytes()), None, "{wrong}");
        }
    }
}
