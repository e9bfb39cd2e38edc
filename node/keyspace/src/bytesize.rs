//! Sizes in bytes as people write them, with the units of redis.conf: `k`, `m` and `g` are powers
//! of 1000, `kb`, `mb` and `gb` powers of 1024.
//!
//! Reading is strict (no fractions, no signs, no blanks) and never overflows silently.

/// Units in the order of their size; the longer of two alike comes first.
const UNITS: [(&str, u64); 7] = [
    ("gb", 1 << 30),
    ("g", 1_000_000_000),
    ("mb", 1 << 20),
    ("m", 1_000_000),
    ("kb", 1 << 10),
    ("k", 1_000),
    ("b", 1),
];

/// Reads a size such as `1gb`, `100mb`, `1k` or `512`. Nothing if it is none, or too large.
///
/// ```
/// use skep_keyspace::bytesize;
/// assert_eq!(bytesize::parse("1k"), Some(1000));
/// assert_eq!(bytesize::parse("1kb"), Some(1024));
/// assert_eq!(bytesize::parse("1.5gb"), None);
/// ```
pub fn parse(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    if unit.is_empty() {
        return Some(number);
    }
    let is_it = |(name, _): &&(&str, u64)| unit.eq_ignore_ascii_case(name);
    let (_, factor) = UNITS.iter().find(is_it)?;
    number.checked_mul(*factor)
}

/// Writes a size exactly, with the largest binary unit that leaves a whole number: the shortest
/// text that [`parse`] reads as the same size, and that redis-server reads too.
///
/// ```
/// use skep_keyspace::bytesize;
/// assert_eq!(bytesize::print(3 << 30), "3gb");
/// assert_eq!(bytesize::print(1000), "1000");
/// ```
pub fn print(bytes: u64) -> String {
    let binary = [("gb", 1u64 << 30), ("mb", 1 << 20), ("kb", 1 << 10)];
    let whole = |(_, factor): &&(&str, u64)| bytes > 0 && bytes.is_multiple_of(*factor);
    match binary.iter().find(whole) {
        Some((unit, factor)) => format!("{}{unit}", bytes / factor),
        None => bytes.to_string(),
    }
}

/// Writes a size for people: three digits and a binary unit, such as `17.2 GiB`.
///
/// ```
/// use skep_keyspace::bytesize;
/// assert_eq!(bytesize::human(18_957_047_808), "17.7 GiB");
/// assert_eq!(bytesize::human(100), "100 B");
/// ```
pub fn human(bytes: u64) -> String {
    let units = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)];
    let Some((unit, shift)) = units.into_iter().find(|(_, shift)| bytes >= 1 << shift) else {
        return format!("{bytes} B");
    };
    let number = bytes as f64 / (1u64 << shift) as f64;
    if number >= 100.0 { format!("{number:.0} {unit}") } else { format!("{number:.1} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_of_two_letters_are_binary_and_of_one_letter_decimal() {
        let sizes = [
            ("0", 0),
            ("17", 17),
            ("5b", 5),
            ("1k", 1_000),
            ("1kb", 1_024),
            ("1m", 1_000_000),
            ("1mb", 1_048_576),
            ("2g", 2_000_000_000),
            ("2gb", 2_147_483_648),
            ("1GB", 1_073_741_824),
        ];
        for (text, bytes) in sizes {
            assert_eq!(parse(text), Some(bytes), "{text}");
        }
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for text in
            ["", "gb", "-1", "+1", "1 gb", " 1", "1.5gb", "1x", "1tb", "1gbb", "20000000000gb"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_printed_size_reads_back_as_the_same_size() {
        for bytes in [0, 1, 1000, 1024, 1536, 3 << 20, (1 << 30) + 1, 5 << 40, u64::MAX] {
            assert_eq!(parse(&print(bytes)), Some(bytes), "{}", print(bytes));
        }
        assert_eq!(print(1536), "1536");
        assert_eq!(print(1 << 40), "1024gb");
    }
}
