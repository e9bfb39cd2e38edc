//! `with-server PROGRAM [ARGUMENT]... -- COMMAND [ARGUMENT]...`: runs a command while a server
//! runs, told where by `SKEP_TEST_PORT` and which by `SKEP_TEST_SERVER`, and exits as it does.
//!
//! This is how suites in other languages get their server from the same harness as ours.

use std::process::{Command, ExitCode};

use skep_tests::{Program, Server, TestResult};

const USAGE: &str = "usage: with-server PROGRAM [ARGUMENT]... -- COMMAND [ARGUMENT]...";

fn main() -> ExitCode {
    run().unwrap_or_else(|error| {
        eprintln!("with-server: {error}");
        ExitCode::FAILURE
    })
}

fn run() -> TestResult<ExitCode> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let mut halves = words.splitn(2, |word| word == "--");
    let [program, arguments @ ..] = halves.next().unwrap_or_default() else {
        return Err(USAGE.into());
    };
    let [command, rest @ ..] = halves.next().unwrap_or_default() else {
        return Err(USAGE.into());
    };
    let program = Program::ALL.into_iter().find(|known| known.name() == program);
    let names = Program::ALL.map(Program::name).join(", ");
    let program = program.ok_or_else(|| format!("{USAGE}\nPROGRAM is one of {names}"))?;
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut server = Server::start(program, &arguments)?;
    let status = Command::new(command)
        .args(rest)
        .env("SKEP_TEST_PORT", server.port().to_string())
        .env("SKEP_TEST_SERVER", program.name())
        .status()
        .map_err(|error| format!("cannot run {command}: {error}"))?;
    if !server.is_running() {
        return Err(format!("the server ended on the way; its log:\n{}", server.log()).into());
    }
    if status.success() {
        server.hide_log();
    }
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    // The suite is over and the server has nothing to save: its end is `drop`'s business.
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
