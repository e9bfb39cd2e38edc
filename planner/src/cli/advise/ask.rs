//! Asks a person what the guide needs and the flags did not say.

use std::io::{BufRead, Write};

use crate::error::{Context, Result};
use crate::model::advise::{Answers, open_question};

/// Asks until the guide has a leaf. A word that is no answer is asked for again; an empty line, or
/// the end of the input, ends the questions.
pub(super) fn ask(
    answers: &mut Answers,
    input: &mut impl BufRead,
    output: &mut impl Write,
) -> Result<()> {
    while let Some(fact) = open_question(answers) {
        let question = fact.question();
        write!(output, "{} [{}/{}] ", question.guide, question.yes, question.no)
            .and_then(|()| output.flush())
            .context("the terminal")?;
        let mut line = String::new();
        input.read_line(&mut line).context("the terminal")?;
        match line.trim().to_ascii_lowercase().as_str() {
            "" => return Ok(()),
            "y" | "yes" => answers.set(fact, true),
            "n" | "no" => answers.set(fact, false),
            _ => {}
        }
    }
    Ok(())
}
