//! Scores as requests have them, alone or as the end of a range.

use skep_resp::parse_f64_loosely;

use crate::error::CommandError;

pub(super) const NOT_A_NUMBER: CommandError =
    CommandError::text("ERR resulting score is not a number (NaN)");
const NOT_A_RANGE: CommandError = CommandError::text("ERR min or max is not a float");

/// An end of a range of scores.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct ScoreEnd {
    pub(super) score: f64,
    /// The range ends short of it.
    pub(super) is_exclusive: bool,
}

impl ScoreEnd {
    /// Reads an end: a score, behind `(` when it is not in the range. As Redis reads one to the first
    /// NUL and does not mind blanks before it or that there is nothing, neither do we.
    ///
    /// # Errors
    /// No number.
    pub(super) fn parse(text: &[u8]) -> Result<ScoreEnd, CommandError> {
        let (is_exclusive, text) = match text {
            [b'(', rest @ ..] => (true, rest),
            text => (false, text),
        };
        let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
        let blanks = text.iter().take_while(|byte| matches!(byte, b' ' | b'\t'..=b'\r')).count();
        let score = match text {
            [] => Some(0.0),
            text => parse_f64_loosely(&text[blanks..]),
        };
        let score = score.ok_or(NOT_A_RANGE)?;
        Ok(ScoreEnd { score, is_exclusive })
    }

    /// Whether a score is before a range that begins here.
    pub(super) fn is_above(self, score: f64) -> bool {
        if self.is_exclusive { score <= self.score } else { score < self.score }
    }

    /// Whether a score is behind a range that ends here.
    pub(super) fn is_below(self, score: f64) -> bool {
        if self.is_exclusive { score >= self.score } else { score > self.score }
    }
}

#[cfg(test)]
mod tests {
    use super::ScoreEnd;

    #[test]
    fn ends_are_read_as_c_reads_numbers() {
        for (text, score, is_exclusive) in [
            (&b"1.5"[..], 1.5, false),
            (b"(1.5", 1.5, true),
            (b"", 0.0, false),
            (b"(", 0.0, true),
            (b" \t7", 7.0, false),
            (b"0x10", 16.0, false),
            (b"-0x.8p1", -1.0, false),
            (b"1e999", f64::INFINITY, false),
            (b"(-INF", f64::NEG_INFINITY, true),
            (b"3\0x", 3.0, false),
        ] {
            assert_eq!(ScoreEnd::parse(text), Ok(ScoreEnd { score, is_exclusive }), "{text:?}");
        }
        for text in [&b"nan"[..], b"x", b"1 ", b" ", b"((1", b"0x", b"1e", b"--1"] {
            assert!(ScoreEnd::parse(text).is_err(), "{text:?}");
        }
    }
}
