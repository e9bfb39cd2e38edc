//! What can be checked mechanically about the sources: the walls between the rooms, the purity of
//! the pure ones, and the honesty of the tests. The compiler and clippy check the rest.

mod files;
mod honesty;
mod rooms;
mod source;

use skep_tests::TestResult;
use source::{sources, strip};

const FILE_LINES_WISHED: usize = 400;
const FUNCTION_LINES_WISHED: usize = 70;
/// Fails with all that was found, one line each.
#[track_caller]
pub(crate) fn report(rule: &str, found: &[String]) {
    assert!(found.is_empty(), "{rule}:\n  {}", found.join("\n  "));
}

/// A report, not a rule: a catalogue may be long.
#[test]
fn sizes_are_told() -> TestResult {
    let sources = sources()?;
    let mut lines = 0;
    for source in &sources {
        let count = source.text.lines().count();
        lines += count;
        if count > FILE_LINES_WISHED {
            println!("{count:5} lines: {}", source.path);
        }
        for function in source.functions() {
            let count = function.body.lines().count();
            if count > FUNCTION_LINES_WISHED {
                println!("{count:5} lines: fn {} in {}", function.name, source.path);
            }
        }
    }
    println!("{lines} lines in {} files", sources.len());
    assert!(sources.len() > 50, "only {} files were found", sources.len());
    Ok(())
}

#[test]
fn code_is_told_from_comments_and_literals() {
    let text = "a(\"//x\\\"y\"); // z\nb('\"', r#\"q\"q\"#); /* c\n d */ e<'f>('\\'');";
    assert_eq!(strip(text), "a(\"\"); \nb('', \"\"); \n e<'f>('');");
}
