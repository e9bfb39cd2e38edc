//! Quantities as people write them, and as the screens show them.
//!
//! One rule for sizes: `16G`, `16GB` and `16GiB` are all 16 x 2^30 bytes. With `--si`, `G` and `GB`
//! are 10^9 and `GiB` stays 2^30. Counts (`50M` keys) are always decimal. Nothing is negative, and
//! nothing overflows silently.

use std::str::FromStr;

/// Sizes above this are refused: sums of them would leave the range of exact arithmetic.
const SIZE_MAX_BYTES: f64 = (1u64 << 60) as f64;
/// Counts and rates above this are refused.
const COUNT_MAX: f64 = 1e18;

/// What `K`, `M`, `G` mean in sizes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Units {
    /// Powers of 1024.
    #[default]
    Binary,
    /// Powers of 1000, but for `KiB` and its like.
    Decimal,
}

/// A number and the letters behind it.
fn split(text: &str) -> Result<(f64, &str), String> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    // A `1e9` is a number too; no unit begins with a digit.
    let scientific = unit.strip_prefix(['e', 'E']).filter(|exponent| {
        !exponent.is_empty() && exponent.bytes().all(|byte| byte.is_ascii_digit())
    });
    let (number, unit) = if scientific.is_some() { (text, "") } else { (number, unit) };
    match number.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok((value, unit.trim_start())),
        _ => Err(format!("\"{text}\" is no number")),
    }
}

/// A size as written; it becomes bytes once it is known what its unit means.
#[derive(Clone, Debug, PartialEq)]
pub struct Size {
    text: String,
    number: f64,
    power: i32,
    is_iec: bool,
}

impl Size {
    /// The size in bytes, rounded down.
    pub fn bytes(&self, units: Units) -> u64 {
        let base = match (units, self.is_iec) {
            (Units::Decimal, false) => 1000f64,
            (Units::Binary, _) | (Units::Decimal, true) => 1024f64,
        };
        (self.number * base.powi(self.power)).min(SIZE_MAX_BYTES) as u64
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Size, String> {
        let (number, unit) = split(text)
            .map_err(|what| format!("{what}; write a size such as 16G, 512M or 1048576"))?;
        let upper = unit.to_ascii_uppercase();
        let is_iec = upper.len() == 3 && upper.ends_with("IB");
        let letter = upper.trim_end_matches('B').trim_end_matches('I');
        let power = ["", "K", "M", "G", "T", "P"].iter().position(|known| *known == letter);
        let is_unit = ["", "B", "IB"].contains(&&upper[letter.len()..]);
        let Some(power) = power.filter(|&power| is_unit && (power > 0 || upper.len() < 2)) else {
            return Err(format!("\"{unit}\" is no unit of size; use K, M, G, T or P"));
        };
        let size = Size { text: text.to_owned(), number, power: power as i32, is_iec };
        if size.number * 1024f64.powi(size.power) > SIZE_MAX_BYTES {
            return Err(format!("{text} is more than 1024 PB, which is not planned for"));
        }
        Ok(size)
    }
}

/// A decimal count: `50M` is fifty million.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Count(pub u64);

impl FromStr for Count {
    type Err = String;

    fn from_str(text: &str) -> Result<Count, String> {
        let (number, unit) = split(text)
            .map_err(|what| format!("{what}; write a count such as 50M, 120k or 1000"))?;
        let factor = match unit {
            "" => 1.0,
            "k" | "K" => 1e3,
            "m" | "M" => 1e6,
            "g" | "G" | "b" | "B" => 1e9,
            "t" | "T" => 1e12,
            _ => return Err(format!("\"{unit}\" is no unit of counts; use k, M or G")),
        };
        match number * factor {
            count if count <= COUNT_MAX => Ok(Count(count.round() as u64)),
            _ => Err(format!("{text} is too many to plan for")),
        }
    }
}

/// A duration in seconds: `90`, `500ms`, `15m`, `24h`, `7d`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seconds(pub f64);

impl FromStr for Seconds {
    type Err = String;

    fn from_str(text: &str) -> Result<Seconds, String> {
        let (number, unit) = split(text).map_err(|what| {
            format!("{what}; write a duration such as 90, 500ms, 15m, 24h or 7d")
        })?;
        let factor = match unit.to_ascii_lowercase().as_str() {
            "" | "s" => 1.0,
            "us" => 1e-6,
            "ms" => 1e-3,
            "m" | "min" => 60.0,
            "h" => 3600.0,
            "d" => 86_400.0,
            "w" => 604_800.0,
            _ => return Err(format!("\"{unit}\" is no unit of time; use ms, s, m, h or d")),
        };
        let seconds = number * factor;
        if seconds > COUNT_MAX { Err(format!("{text} is too long")) } else { Ok(Seconds(seconds)) }
    }
}

/// Events per second: `500/s`, `30k/s`, `2M/m`, or a bare number per second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate(pub f64);

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Rate, String> {
        let (count, per) = text.split_once('/').unwrap_or((text, "s"));
        let number = count.trim_end_matches(['k', 'K', 'M', 'G']);
        let factor = match &count[number.len()..] {
            "" => 1.0,
            "k" | "K" => 1e3,
            "M" => 1e6,
            "G" => 1e9,
            _ => return Err(format!("\"{text}\" is no rate; write one such as 500/s or 30k/s")),
        };
        let value: f64 = number
            .parse()
            .map_err(|_| format!("\"{text}\" is no rate; write one such as 500/s or 30k/s"))?;
        let seconds = match per {
            "s" | "sec" => 1.0,
            "m" | "min" => 60.0,
            "h" => 3600.0,
            "d" => 86_400.0,
            _ => return Err(format!("\"/{per}\" is no unit of time; use /s, /m, /h or /d")),
        };
        let rate = value * factor / seconds;
        match rate.is_finite() && (0.0..=COUNT_MAX).contains(&rate) {
            true => Ok(Rate(rate)),
            false => Err(format!("\"{text}\" is no rate; write one such as 500/s or 30k/s")),
        }
    }
}

/// A share of a whole, 0 to 1: `30%`, `0.3`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share(pub f64);

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Share, String> {
        let (number, is_percent) = match text.strip_suffix('%') {
            Some(number) => (number, true),
            None => (text, false),
        };
        let value: f64 = number
            .trim()
            .parse()
            .map_err(|_| format!("\"{text}\" is no share; write one such as 30% or 0.3"))?;
        let share = if is_percent { value / 100.0 } else { value };
        if (0.0..=1.0).contains(&share) {
            return Ok(Share(share));
        }
        let hint = match is_percent || !(1.0..=100.0).contains(&value) {
            true => String::new(),
            false => format!("; did you mean {value}%?"),
        };
        Err(format!("{text} is not between 0% and 100%{hint}"))
    }
}

/// The unit that sizes of a screen are shown in, so that they can be compared at a glance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteUnit {
    /// What is written behind the number.
    pub name: &'static str,
    /// Bytes of one.
    pub bytes: u64,
}

const BINARY: [ByteUnit; 5] = [
    ByteUnit { name: "PB", bytes: 1 << 50 },
    ByteUnit { name: "TB", bytes: 1 << 40 },
    ByteUnit { name: "GB", bytes: 1 << 30 },
    ByteUnit { name: "MB", bytes: 1 << 20 },
    ByteUnit { name: "KB", bytes: 1 << 10 },
];
const DECIMAL: [ByteUnit; 5] = [
    ByteUnit { name: "PB", bytes: 1_000_000_000_000_000 },
    ByteUnit { name: "TB", bytes: 1_000_000_000_000 },
    ByteUnit { name: "GB", bytes: 1_000_000_000 },
    ByteUnit { name: "MB", bytes: 1_000_000 },
    ByteUnit { name: "KB", bytes: 1_000 },
];
const BYTE: ByteUnit = ByteUnit { name: "B", bytes: 1 };

impl ByteUnit {
    /// The largest unit of which `bytes` is at least one.
    pub fn of(bytes: u64, units: Units) -> ByteUnit {
        let table = match units {
            Units::Binary => BINARY,
            Units::Decimal => DECIMAL,
        };
        table.into_iter().find(|unit| bytes >= unit.bytes).unwrap_or(BYTE)
    }

    /// The number of units, with one decimal, or none for bytes.
    pub fn number(self, bytes: f64) -> String {
        match self.bytes {
            1 => decimals(bytes, 0),
            _ => decimals(bytes / self.bytes as f64, 1),
        }
    }

    /// The number and the unit.
    pub fn text(self, bytes: f64) -> String {
        format!("{} {}", self.number(bytes), self.name)
    }

    /// As [`ByteUnit::text`], without decimals where there are none: `16 GB`, `1.5 GB`.
    pub fn brief(self, bytes: u64) -> String {
        match bytes.is_multiple_of(self.bytes) {
            true => format!("{} {}", grouped(bytes / self.bytes), self.name),
            false => self.text(bytes as f64),
        }
    }
}

/// A number with so many decimals and its thousands apart; never `-0.0`, and `-` for what is none.
pub fn decimals(value: f64, digits: usize) -> String {
    if !value.is_finite() {
        return "-".to_owned();
    }
    let text = format!("{:.digits$}", value.abs());
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let is_zero = text.bytes().all(|byte| byte == b'0' || byte == b'.');
    let sign = if value < 0.0 && !is_zero { "-" } else { "" };
    let point = if digits > 0 { "." } else { "" };
    format!("{sign}{}{point}{fraction}", group(whole))
}

/// A whole number with its thousands apart: `17,179,869,184`.
pub fn grouped(number: u64) -> String {
    group(&number.to_string())
}

fn group(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A duration as people say it: `12 ms`, `41 s`, `3.2 min`, `5.5 h`, `2.1 d`.
pub fn spoken_seconds(seconds: f64) -> String {
    let scale = [(86_400.0, "d"), (3600.0, "h"), (60.0, "min")];
    match scale.into_iter().find(|(unit, _)| seconds >= 2.0 * unit) {
        Some((unit, name)) => format!("{} {name}", decimals(seconds / unit, 1)),
        None if seconds >= 10.0 => format!("{} s", decimals(seconds, 0)),
        None if seconds >= 1.0 => format!("{} s", decimals(seconds, 1)),
        None => format!("{} ms", decimals(seconds * 1e3, if seconds < 0.01 { 2 } else { 0 })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> u64 {
        text.parse::<Size>().unwrap().bytes(Units::Binary)
    }

    #[test]
    fn one_rule_for_sizes() {
        for text in ["16G", "16GB", "16GiB", "16g", "16gb", "17179869184", "17179869184B", "16384M"]
        {
            assert_eq!(bytes(text), 1 << 34, "{text}");
        }
        assert_eq!(bytes("1.5K"), 1536);
        assert_eq!(bytes("0"), 0);
        let decimal = |text: &str| text.parse::<Size>().unwrap().bytes(Units::Decimal);
        assert_eq!(decimal("16G"), 16_000_000_000);
        assert_eq!(decimal("16GB"), 16_000_000_000);
        assert_eq!(decimal("16GiB"), 1 << 34);
    }

    #[test]
    fn what_is_no_size_says_what_would_be() {
        for text in
            ["", "G", "-1G", "1X", "1GG", "16GiBB", "1iB", "nan", "inf", "1e400", "2000P", "1.2.3G"]
        {
            let error = text.parse::<Size>().unwrap_err();
            assert!(error.len() > 10, "{text}: {error}");
        }
    }

    #[test]
    fn counts_are_decimal_and_durations_have_units() {
        assert_eq!("50M".parse(), Ok(Count(50_000_000)));
        assert_eq!("1e6".parse(), Ok(Count(1_000_000)));
        assert_eq!("24h".parse(), Ok(Seconds(86_400.0)));
        assert_eq!("500ms".parse(), Ok(Seconds(0.5)));
        assert_eq!("500/s".parse(), Ok(Rate(500.0)));
        assert_eq!("30k/m".parse(), Ok(Rate(500.0)));
        assert_eq!("30%".parse(), Ok(Share(0.3)));
        assert_eq!("0.3".parse(), Ok(Share(0.3)));
        assert!("30".parse::<Share>().unwrap_err().contains("did you mean 30%"));
        for text in ["-1", "1/x", "NaN", "inf/s", "x/s", ""] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_are_shown_without_traps() {
        assert_eq!(decimals(-0.04, 1), "0.0");
        assert_eq!(decimals(f64::NAN, 1), "-");
        assert_eq!(decimals(-5.33, 1), "-5.3");
        assert_eq!(decimals(1234.5, 1), "1,234.5");
        assert_eq!(grouped(17_179_869_184), "17,179,869,184");
        assert_eq!(grouped(12), "12");
        assert_eq!(spoken_seconds(7200.0), "2.0 h");
        assert_eq!(spoken_seconds(0.0123), "12 ms");
        let unit = ByteUnit::of(1 << 34, Units::Binary);
        assert_eq!(unit.text((20u64 << 30) as f64 / 3.0 * 2.8), "18.7 GB");
        assert_eq!(unit.brief(16 << 30), "16 GB");
    }
}
