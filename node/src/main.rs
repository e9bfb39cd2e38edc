//! `skep`: the cache node. Reads the configuration, builds the node, runs it, drains it.

mod access;
mod admin;
mod allocator;
mod ca;
mod clients;
mod cluster;
mod config;
mod consensus;
mod control;
mod dev;
mod facade;
mod figures;
mod info;
mod latency;
mod listen;
mod log;
mod memory;
mod monitors;
mod node;
mod pause;
mod pubsub;
mod random;
mod recover;
mod runner;
mod session;
mod settings;
#[cfg(test)]
mod simulated;
mod slowlog;
mod start;
mod visible;
mod worker;

use std::io::Write as _;
use std::process::ExitCode;

use config::{Machine, Request, Sources};
use skep_command::server::REDIS_VERSION;

/// The version of this program.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// How the program ends; the help text and README.md say the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Stopped as asked.
    Stopped = 0,
    /// Failed while running, or ended by a second signal.
    Failed = 1,
    /// The command line, the environment or the file is wrong.
    Usage = 2,
    /// Cannot listen.
    CannotListen = 3,
}

fn main() -> ExitCode {
    end_with_any_thread();
    dev::end_with_supervisor();
    let exit = match arguments()
        .and_then(|arguments| config::request(&arguments).map_err(|problem| format!("{problem}")))
    {
        Ok(request) => serve(&request),
        Err(problem) => fail(&[problem], Exit::Usage),
    };
    ExitCode::from(exit as u8)
}

fn serve(request: &Request) -> Exit {
    let environment: Vec<(String, String)> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let machine = Machine::detect();
    match request {
        Request::Help => print(&config::help()),
        Request::Version => print(&format!("skep {VERSION} (as Redis {})\n", REDIS_VERSION)),
        Request::Run(given) => {
            let given = given.clone();
            let sources = Sources { given, environment, machine };
            control::run(&sources).unwrap_or_else(|error| fail(&error.lines(), error.exit()))
        }
        Request::Ca(request) => match ca::run(request) {
            Ok(text) => print(&text),
            Err(problem) => fail(&[problem.to_string()], Exit::Usage),
        },
        Request::Recover(request) => match recover::run(request) {
            Ok(text) => print(&text),
            Err(problem) => fail(&[problem.to_string()], Exit::Usage),
        },
        Request::Dev(request) => dev::run(request, &machine)
            .unwrap_or_else(|problem| fail(&[problem.to_string()], problem.exit())),
        Request::Check(_) | Request::Show { .. } | Request::Convert(_) => {
            match config::run_tool(request, environment, machine) {
                Ok(text) => print(&text),
                Err(problems) => {
                    let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
                    fail(&lines, Exit::Usage)
                }
            }
        }
    }
}

fn arguments() -> Result<Vec<String>, String> {
    let unreadable = |word: std::ffi::OsString| format!("{}: is not UTF-8", word.display());
    std::env::args_os().skip(1).map(|word| word.into_string().map_err(unreadable)).collect()
}

/// Prints to standard output; a reader that went away is no error.
fn print(text: &str) -> Exit {
    let _ = std::io::stdout().write_all(text.as_bytes());
    Exit::Stopped
}

fn fail(lines: &[String], exit: Exit) -> Exit {
    for line in lines {
        eprintln!("skep: {line}");
    }
    exit
}

/// A process that has lost a thread would serve only some of its clients, so a panic of any
/// thread ends it.
fn end_with_any_thread() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        report(panic);
        std::process::exit(Exit::Failed as i32);
    }));
}
