//! The log: a line for what happened to the node, never one per request. It goes to standard error
//! or to a file, which is opened for each line so that it may be moved away at any time.

use std::io::Write as _;
use std::path::Path;

use crate::node::unix_time_us;
use crate::settings::{LogLevel, Settings};

/// Writes a line if the level in force asks for it. A log that cannot be written must not stop the
/// node, so errors are passed over.
pub(crate) fn write(settings: &Settings, level: LogLevel, text: &str) {
    if level > settings.log_level {
        return;
    }
    let word = match level {
        LogLevel::Nothing | LogLevel::Warning => "warning",
        LogLevel::Notice => "notice",
    };
    if settings.log_file.is_empty() {
        eprintln!("skep: {word}: {text}");
        return;
    }
    let time = timestamp(unix_time_us() / 1_000_000);
    let line = format!("{time} {} {word}: {text}\n", std::process::id());
    if let Ok(mut file) = open(Path::new(&settings.log_file)) {
        let _ = file.write_all(line.as_bytes());
    }
}

/// Opens the log file, so that a bad one is noticed at the start.
pub(crate) fn open(file: &Path) -> std::io::Result<std::fs::File> {
    std::fs::OpenOptions::new().create(true).append(true).open(file)
}

/// A moment of UTC as `2026-11-25T02:25:26Z`.
fn timestamp(unix_seconds: u64) -> String {
    let (days, second) = (unix_seconds / 86_400, unix_seconds % 86_400);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// The day of a moment of UTC as `2026-11-25`.
pub(crate) fn day(unix_seconds: u64) -> String {
    let (year, month, day) = date(unix_seconds / 86_400);
    format!("{year:04}-{month:02}-{day:02}")
}

/// The date of a day since 1970. Years are counted from March on, so that the leap day comes last.
fn date(days: u64) -> (u64, u64, u64) {
    // Days since 0000-03-01.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next_year) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + next_year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_in_utc() {
        for (unix_seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_251_199, "2024-02-29T23:59:59Z"),
            (1_795_573_526, "2026-11-25T02:25:26Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(timestamp(unix_seconds), text);
        }
    }
}
