//! A command line and what comes of it, for the tests of commands.

use clap::Parser;

use super::Planner;
use crate::report::{Format, RenderOptions, Report};

/// What a line answers, or the text of the error: of the arguments or of the command.
pub(crate) fn outcome(line: &str) -> Result<Report, String> {
    outcome_of(line.split_whitespace())
}

/// As [`outcome`], of words that may have blanks in them.
pub(crate) fn outcome_of<W: Into<std::ffi::OsString> + Clone>(
    words: impl IntoIterator<Item = W>,
) -> Result<Report, String> {
    let planner = Planner::try_parse_from(words).map_err(|error| error.to_string())?;
    planner.run().map_err(|error| error.to_string())
}

/// What a line answers.
#[track_caller]
pub(crate) fn report(line: &str) -> Report {
    outcome(line).unwrap_or_else(|error| panic!("{line}: {error}"))
}

/// What a line is refused with.
#[track_caller]
pub(crate) fn error(line: &str) -> String {
    outcome(line).map(|report| report.command).expect_err(line)
}

/// What a line puts on the screen.
#[track_caller]
pub(crate) fn screen(line: &str) -> String {
    report(line).render(Format::Table, &RenderOptions::default()).expect(line)
}

/// A figure of an answer.
#[track_caller]
pub(crate) fn figure(report: &Report, name: &str) -> f64 {
    report.result[name].as_f64().unwrap_or_else(|| panic!("{name} is {}", report.result[name]))
}

/// A server that answers each command by what is in it, and then stays until the client leaves.
pub(crate) struct FakeServer {
    address: std::net::SocketAddr,
    peer: Option<std::thread::JoinHandle<()>>,
}

impl FakeServer {
    /// Serves one client. Commands that no answer is given for are unknown to it.
    pub(crate) fn start(answers: Vec<(&'static str, String)>) -> FakeServer {
        use std::io::{Read as _, Write as _};
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let peer = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut bytes = [0; 4096];
            while let Ok(len @ 1..) = stream.read(&mut bytes) {
                let command = String::from_utf8_lossy(&bytes[..len]);
                let known = answers.iter().find(|(word, _)| command.contains(word));
                let answer = known.map_or("-ERR unknown command\r\n", |(_, answer)| answer);
                if stream.write_all(answer.as_bytes()).is_err() {
                    break;
                }
            }
        });
        FakeServer { address, peer: Some(peer) }
    }

    /// What `--from` takes.
    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.address)
    }
}

impl Drop for FakeServer {
    fn drop(&mut self) {
        // Nobody may have come.
        drop(std::net::TcpStream::connect(self.address));
        if let Some(peer) = self.peer.take() {
            let _ = peer.join();
        }
    }
}

/// A bulk string of the protocol.
pub(crate) fn bulk(text: &str) -> String {
    format!("${}\r\n{text}\r\n", text.len())
}
