//! `skep ca`: an authority from its first certificate to its second rotation.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use skep_tests::{Finished, PATIENCE, Program, Scratch, TestResult, blocks_of, run};

const EXIT_USAGE: i32 = 2;
const OWNER_ONLY: u32 = 0o600;

/// Runs `skep ca` with the words of a line, in which `DIR` stands for the directory.
fn ca(directory: &Path, line: &str) -> TestResult<Finished> {
    let line = line.replace("DIR", &directory.display().to_string());
    let words = ["ca"].into_iter().chain(line.split_whitespace());
    run(Program::Skep.path()?, words, b"", PATIENCE)
}

/// What it prints when all is well.
fn said(directory: &Path, line: &str) -> TestResult<String> {
    let done = ca(directory, line)?;
    match done.status.success() && done.errors.is_empty() {
        true => Ok(done.output),
        false => Err(format!("skep ca {line}: {done:?}").into()),
    }
}

/// The fingerprints of a table's lines that begin with `file`.
fn fingerprints(table: &str, file: &str) -> Vec<String> {
    let lines = table.lines().filter(|line| line.starts_with(file));
    lines.filter_map(|line| Some(line.split_whitespace().last()?.to_owned())).collect()
}

#[test]
fn an_authority_is_made_issues_is_shown_is_replaced_and_issues_again() -> TestResult {
    let scratch = Scratch::new("ca")?;
    let here = scratch.path().join("authority");
    let made = said(&here, "init DIR --cluster demo")?;
    assert!(made.contains("cluster 'demo'") && made.contains("next: skep ca issue "), "{made}");

    let issued = said(&here, "issue DIR --host node-1.example --host 10.0.0.1 --out DIR/../node")?;
    let id = issued.lines().next().and_then(|line| line.strip_prefix("node ")).ok_or("no id")?;
    assert_eq!(id.len(), 40, "{issued}");
    assert!(issued.contains("start it: skep --cluster-enabled yes --dir "), "{issued}");
    let node = scratch.path().join("node");
    let mode = fs::metadata(node.join("node.pem"))?.permissions().mode();
    assert_eq!(mode & 0o777, OWNER_ONLY, "the key can be read by others");
    assert_eq!(fs::read(node.join("roots.pem"))?, fs::read(here.join("roots.pem"))?);

    let shown = said(&here, "show DIR")?;
    let file = format!("nodes/{id}/node.pem");
    let (roots, first) = (fingerprints(&shown, "roots.pem"), fingerprints(&shown, &file));
    assert_eq!((roots.len(), first.len()), (1, 1), "{shown}");
    assert!(shown.contains("  364  ") && shown.contains("  3649  "), "{shown}");

    let rotated = said(&here, "rotate DIR")?;
    assert!(rotated.contains("trusts this one and the one before"), "{rotated}");
    let again = said(&here, &format!("issue DIR --node {id} --out DIR/../node"))?;
    assert!(again.starts_with(&format!("node {id}\n")), "{again}");
    let shown = said(&here, "show DIR")?;
    let (both, second) = (fingerprints(&shown, "roots.pem"), fingerprints(&shown, &file));
    assert_eq!(both.len(), 2, "{shown}");
    assert_eq!(both[1], roots[0], "{shown}");
    assert_ne!(first, second, "{shown}");
    assert_eq!(fs::read(node.join("roots.pem"))?, fs::read(here.join("roots.pem"))?);
    Ok(())
}

#[test]
fn what_cannot_be_done_is_told_in_one_line_with_exit_code_2() -> TestResult {
    let scratch = Scratch::new("ca")?;
    said(scratch.path(), "init DIR --cluster demo")?;
    for (line, told) in [
        ("init DIR --cluster demo", "is replaced with rotate, not made anew"),
        ("issue DIR/none", "an authority is made with init"),
        ("rotate DIR/none", "an authority is made with init"),
        ("show DIR/none", "an authority is made with init"),
        ("issue DIR --node 12", "an id is 40 hexadecimal digits"),
        ("issue DIR --hots x", "did you mean '--host'?"),
        ("init DIR", "which cluster?"),
        ("forget DIR", "'forget' is unknown"),
        ("", "what about it?"),
    ] {
        let done = ca(scratch.path(), line)?;
        assert_eq!(done.status.code(), Some(EXIT_USAGE), "{line}: {done:?}");
        assert!(done.errors.starts_with("skep: ") && done.errors.contains(told), "{done:?}");
        assert_eq!(done.errors.lines().count(), 1, "{done:?}");
    }
    Ok(())
}

#[test]
fn the_readme_shows_lines_that_work_in_their_order() -> TestResult {
    let scratch = Scratch::new("ca")?;
    let lines = blocks_of("README.md", "sh ca")?.concat();
    assert!(lines.len() > 2, "{lines:?}");
    for line in lines {
        let words = line.strip_prefix("skep ").ok_or("a line of something else")?;
        let program = Program::Skep.path()?;
        let script = format!("cd {} && {} {words}", scratch.path().display(), program.display());
        let done = run("sh", ["-c", &script], b"", PATIENCE)?;
        assert!(done.status.success() && done.errors.is_empty(), "{line}: {done:?}");
    }
    Ok(())
}
