//! LOLWUT: a skep, the woven beehive this server is named after, and its bees.

use std::fmt::Write as _;

use skep_resp::{Args, parse_i64};

use crate::cx::Cx;
use crate::error::CommandError;
use crate::server::REDIS_VERSION;

/// Rows of straw, from the top: blanks on the left and cells.
const COURSES: [(usize, usize); 7] = [(9, 1), (7, 3), (5, 5), (4, 6), (3, 7), (3, 7), (3, 7)];
/// Columns in which bees fly on the right of the hive.
const SKY: usize = 24;

/// `LOLWUT [VERSION number] [anything ...]`.
pub(crate) fn lolwut(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let asks_version = args.get(1).is_some_and(|word| word.eq_ignore_ascii_case(b"VERSION"));
    if let Some(version) = args.get(2).filter(|_| asks_version) {
        parse_i64(version).ok_or(CommandError::NOT_INTEGER)?;
    }
    let bees = cx.view.random();
    let text = format!("{}\nRedis ver. {REDIS_VERSION}\n", skep(bees));
    cx.reply.verbatim("txt", text.as_bytes());
    Ok(())
}

/// Draws the hive with a bee beside every course, placed by a byte of `bees` each.
fn skep(bees: u64) -> String {
    let mut picture = String::new();
    for ((blanks, cells), bee) in COURSES.into_iter().zip(bees.to_le_bytes()) {
        let width = blanks + 2 * cells + 1;
        let gap = COURSES[COURSES.len() - 1].0 * 2 + 15 + usize::from(bee) % SKY - width;
        let straw = "()".repeat(cells);
        let _ = writeln!(picture, "{:blanks$}{straw}{:gap$}>8", "", "");
    }
    picture.push_str("  (______/\\______)\n");
    picture
}

#[cfg(test)]
mod tests {
    use crate::testing::Bench;

    #[test]
    fn the_picture_ends_with_the_version() {
        let mut bench = Bench::resp3();
        for request in ["LOLWUT", "LOLWUT VERSION 5", "LOLWUT 5 10 x"] {
            let picture = bench.ask(request);
            assert!(picture.starts_with('=') && picture.contains("txt:"), "{picture}");
            assert!(picture.ends_with("\\nRedis ver. 7.2.4\\n"), "{picture}");
        }
        bench.expect(&[("LOLWUT VERSION x", "-ERR value is not an integer or out of range")]);
    }
}
