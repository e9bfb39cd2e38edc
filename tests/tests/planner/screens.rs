//! What is written where, and how it ends.

use std::fs;

use skep_tests::{Scratch, TestResult, planner, repository, run};

use crate::support::{code, plan};

#[test]
fn the_default_screen_is_the_articles_to_the_byte() -> TestResult {
    let done = plan("size --masters 3 --mem 16G")?;
    assert_eq!((code(&done), done.errors.as_str()), (0, ""));
    let screen = repository().join("planner/src/cli/size/screen.txt");
    assert_eq!(done.output, fs::read_to_string(screen)?);
    Ok(())
}

#[test]
fn exit_codes_are_those_of_the_help() -> TestResult {
    let cases = [
        ("size --masters 3 --mem 16G", 0),
        ("--help", 0),
        ("--version", 0),
        ("size --masters 3 --mem 16G --data 20G", 1),
        ("size --masters 3 --mem 16G --replicas 0", 0),
        ("size --masters 3 --mem 16G --replicas 0 --fail-on warn", 1),
        ("size --masters 0 --mem 16G", 2),
        ("size --masters 3 --mem sixteen", 2),
        ("levitate", 2),
        ("", 2),
        ("size --masters 3 --mem 16G --out /nonexistent/plan.json", 3),
    ];
    for (line, expected) in cases {
        let done = plan(line)?;
        assert_eq!(code(&done), expected, "planner {line}: {done:?}");
        let is_answer = expected < 2;
        assert_eq!(!done.output.is_empty(), is_answer, "answers, and only they: {line} {done:?}");
        assert_eq!(done.errors.is_empty(), is_answer, "errors, and only they: {line} {done:?}");
    }
    Ok(())
}

#[test]
fn every_format_is_written_to_the_stream_or_to_a_file() -> TestResult {
    let json = plan("size --masters 3 --mem 16G --format json")?;
    assert!(json.output.contains("\"schema\": \"planner/size/1\""), "{}", json.output);
    assert!(json.output.contains("\"usable_bytes\": 20043180714"), "{}", json.output);
    let csv = plan("size --data 200G --mem 16G --format csv")?;
    assert!(csv.output.starts_with("primaries,filled,after_losing_one,verdict\n"), "{csv:?}");
    let scratch = Scratch::new("planner")?;
    for (name, opening) in [("a.html", "<!doctype html>"), ("a.json", "{"), ("a.md", "# planner")] {
        let path = scratch.path().join(name);
        let words = ["size", "--masters", "3", "--mem", "16G", "--out"].map(Into::into);
        let line: Vec<std::ffi::OsString> =
            words.into_iter().chain([path.clone().into_os_string()]).collect();
        let done = run(planner()?, &line, b"", skep_tests::PATIENCE)?;
        assert_eq!(code(&done), 0, "{done:?}");
        assert_eq!(done.output, "", "the answer is in the file");
        assert!(fs::read_to_string(&path)?.starts_with(opening), "{name}");
    }
    Ok(())
}

#[test]
fn a_reader_that_leaves_early_is_no_error() -> TestResult {
    let line = format!("{} man | head -c 1; exit ${{PIPESTATUS[0]}}", planner()?.display());
    let done = run("bash", ["-c", &line], b"", skep_tests::PATIENCE)?;
    assert_eq!((code(&done), done.errors.as_str()), (0, ""), "{done:?}");
    Ok(())
}

#[test]
fn completions_and_manual_know_every_command() -> TestResult {
    let help = plan("--help")?.output;
    let commands: Vec<&str> = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| line.starts_with("  "))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(commands.len() > 2 && commands.contains(&"size"), "{help}");
    let manual = plan("man")?.output;
    for shell in ["bash", "zsh", "fish"] {
        let script = plan(&format!("completions {shell}"))?.output;
        for command in &commands {
            assert!(script.contains(command), "{shell} does not know {command}");
        }
    }
    for command in commands {
        assert!(manual.contains(command), "the manual does not know {command}");
    }
    let script = plan("completions bash")?.output;
    let done = run("bash", ["-n"], script.as_bytes(), skep_tests::PATIENCE)?;
    assert_eq!((code(&done), done.errors.as_str()), (0, ""), "{done:?}");
    Ok(())
}

#[test]
fn nothing_is_coloured_where_nobody_looks() -> TestResult {
    for line in ["size --masters 3 --mem 16G --plot --explain", "--help", "size --mem"] {
        let done = plan(line)?;
        let escape = char::from(27);
        assert!(!done.output.contains(escape) && !done.errors.contains(escape), "{line}: {done:?}");
    }
    Ok(())
}
