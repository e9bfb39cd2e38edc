//! Reading servers: what runs now, as the models want it.
//!
//! [`connect`] takes what `--from` names: `redis://user:password@host:port/database` (or `valkey://`),
//! or `http://host:port/metrics` with the metrics of redis_exporter. Every wait has an end and every
//! reply a longest length (`stream`, `metrics`), and no text shows a password. Nothing is written to
//! a server; what reading does to it is said where it is read.
//!
//! [`Profile::read`](crate::model::profile::Profile::read) takes these and the file that `planner probe`
//! saved, and gives what models compute with.

mod hotkeys;
mod info;
mod metrics;
mod node;
mod probe;
mod resp;
mod sample;
mod source;
mod stream;

use std::time::Duration;

pub use crate::model::profile::cluster;
pub use hotkeys::{HotKey, Measure, Ranking};
pub use info::{Info, KeyspaceLine, ReplicaLine};
pub use probe::{ReadOptions, SAMPLES_DEFAULT};
pub use redis::Value;
pub use resp::{Answer, integer, list, text};

use crate::error::{PlanError, Result};
use resp::Connection;
use source::Source;

/// How long connecting and each reply may take, if the caller does not say.
pub const TIMEOUT_DEFAULT: Duration = Duration::from_secs(5);

/// What metrics say to a command.
const METRICS_ONLY: &str = "metrics answer no commands; give redis://host:port";

/// A server, or what was read of one.
pub struct Live {
    shown: String,
    kind: Kind,
}

enum Kind {
    Resp(Box<Connection>),
    Metrics(Info),
}

/// Connects to what `--from` names.
///
/// # Errors
/// [`PlanError::Usage`] for what is no address, [`PlanError::Source`] for whatever keeps it from being
/// read, with what to do.
pub fn connect(source: &str) -> Result<Live> {
    connect_within(source, TIMEOUT_DEFAULT)
}

/// As [`connect`], with another bound for connecting and for each reply.
///
/// # Errors
/// As [`connect`].
pub fn connect_within(source: &str, timeout: Duration) -> Result<Live> {
    let shown = source::shown(source);
    let kind = match Source::parse(source)? {
        Source::Resp(info) => return Live::open(&info, shown, timeout),
        Source::Metrics(url) => Kind::Metrics(metrics::read(&url, &shown, timeout)?),
        Source::File(path) => {
            return Err(PlanError::usage(format!(
                "--from {} is a file; this needs a server: give redis://host:port",
                path.display()
            )));
        }
    };
    Ok(Live { shown, kind })
}

impl Live {
    fn open(info: &redis::ConnectionInfo, shown: String, timeout: Duration) -> Result<Live> {
        let connection = Connection::open(info, &shown, timeout)?;
        Ok(Live { shown, kind: Kind::Resp(Box::new(connection)) })
    }

    /// The source as it may be shown: without user and password.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// INFO with all its sections, or the metrics under INFO's names.
    ///
    /// # Errors
    /// When the connection fails, or the server refuses.
    pub fn info(&mut self) -> Result<Info> {
        if let Kind::Metrics(info) = &self.kind {
            return Ok(info.clone());
        }
        let value = self.command(&["INFO", "everything"])?;
        let text = text(&value).ok_or_else(|| PlanError::source(&self.shown, "INFO is no text"))?;
        Ok(Info::parse(&text))
    }

    /// Sends a command and gives its reply.
    ///
    /// # Errors
    /// When the connection fails, or the server refuses; the text says which command.
    pub fn command<W: AsRef<[u8]>>(&mut self, words: &[W]) -> Result<Value> {
        let answer = self.ask(words)?;
        answer.map_err(|refusal| {
            let name = words.first().map(|word| String::from_utf8_lossy(word.as_ref()));
            PlanError::source(format!("{}: {}", self.shown, name.unwrap_or_default()), refusal)
        })
    }

    /// Sends a command; a refusal of the server is an answer.
    ///
    /// # Errors
    /// When the connection fails.
    pub fn ask<W: AsRef<[u8]>>(&mut self, words: &[W]) -> Result<Answer> {
        match &mut self.kind {
            Kind::Resp(connection) => connection.ask(words),
            Kind::Metrics(_) => Ok(Err(METRICS_ONLY.to_owned())),
        }
    }

    /// Listens to every command that the server runs (MONITOR), for so long or until `visit` answers
    /// false. The server writes each of them once more, which costs it; the connection is of no other
    /// use afterwards.
    ///
    /// # Errors
    /// When the connection fails, the server refuses, or `visit` does.
    pub fn monitor(
        mut self,
        length: Duration,
        visit: &mut dyn FnMut(&[u8]) -> Result<bool>,
    ) -> Result<()> {
        match &mut self.kind {
            Kind::Resp(connection) => connection.monitor(length, visit),
            Kind::Metrics(_) => Err(PlanError::usage(METRICS_ONLY)),
        }
    }

    /// Sends commands together and gives as many answers, in their order.
    ///
    /// # Errors
    /// When the connection fails.
    pub fn ask_all<W: AsRef<[u8]>>(&mut self, commands: &[Vec<W>]) -> Result<Vec<Answer>> {
        match &mut self.kind {
            Kind::Resp(connection) => connection.ask_all(commands),
            Kind::Metrics(_) => Ok(vec![Err(METRICS_ONLY.to_owned()); commands.len()]),
        }
    }
}
