//! Runs a program to its end.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::process::ExitStatus;
use std::time::Duration;

use crate::{Scratch, TestResult, finish, spawn};

/// What a program did.
#[derive(Debug)]
pub struct Finished {
    /// How it ended.
    pub status: ExitStatus,
    /// What it wrote to its standard output.
    pub output: String,
    /// What it wrote to its standard error.
    pub errors: String,
}

/// Runs `program` with `arguments` and `input` as its standard input, and waits for its end.
///
/// # Errors
/// When it is still running at the deadline; it is killed then.
pub fn run<A: AsRef<OsStr>>(
    program: impl AsRef<OsStr>,
    arguments: impl IntoIterator<Item = A>,
    input: &[u8],
    deadline: Duration,
) -> TestResult<Finished> {
    let scratch = Scratch::new("run")?;
    let [input_path, output, errors] =
        ["input", "output", "errors"].map(|name| scratch.path().join(name));
    fs::write(&input_path, input)?;
    let streams = [File::open(&input_path)?, File::create(&output)?, File::create(&errors)?];
    let mut child = spawn(program.as_ref(), arguments, |command| {
        let [input, output, errors] = streams;
        command.stdin(input).stdout(output).stderr(errors);
    })?;
    let ended = finish(&mut child, deadline);
    let text = |path| fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let (output, errors) = (text(&output)?, text(&errors)?);
    match ended {
        Ok(status) => Ok(Finished { status, output, errors }),
        Err(late) => Err(format!("{late}; it wrote:\n{output}\n{errors}").into()),
    }
}
