//! The code blocks of our own documents, so that what they say is run.

use std::fs;

use crate::{TestResult, repository};

/// The lines of each block of a Markdown file of the repository that is opened by ```` ```kind ````.
///
/// # Errors
/// When there is no such file.
pub fn blocks_of(file: &str, kind: &str) -> TestResult<Vec<Vec<String>>> {
    let text = fs::read_to_string(repository().join(file))?;
    let opening = format!("```{kind}");
    let mut lines = text.lines();
    let mut blocks = Vec::new();
    while lines.any(|line| line == opening) {
        let block = lines.by_ref().take_while(|line| *line != "```").map(str::to_owned);
        blocks.push(block.collect());
    }
    Ok(blocks)
}
