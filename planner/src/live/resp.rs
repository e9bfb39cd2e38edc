//! A connection in RESP2, whose every wait has an end.
//!
//! A server's refusal ("NOPERM ...") is not a failure of the connection: the two are told apart, so
//! that a caller can say what could not be read and go on. Values of keys are never asked for, which
//! bounds what is read.

use std::time::{Duration, Instant};

use redis::{Client, ConnectionInfo, ProtocolVersion, RedisError, Value};

use crate::error::{PlanError, Result};
use crate::quantity::spoken_seconds;

/// Commands that are sent before their replies are read.
const PIPELINE_MAX: usize = 256;

/// What a server answered: a value, or the text of its refusal.
pub type Answer = std::result::Result<Value, String>;

/// A connection.
pub(super) struct Connection {
    inner: redis::Connection,
    shown: String,
    timeout: Duration,
}

impl Connection {
    /// Connects, authenticates and selects the database.
    ///
    /// # Errors
    /// Whatever keeps it from that, with what to do.
    pub(super) fn open(
        info: &ConnectionInfo,
        shown: &str,
        timeout: Duration,
    ) -> Result<Connection> {
        // Old servers count the library's introduction among their errors.
        let settings = info.redis_settings().clone();
        let settings = settings.set_skip_set_lib_name().set_protocol(ProtocolVersion::RESP2);
        let info = info.clone().set_redis_settings(settings);
        let connect = || {
            let inner = Client::open(info)?.get_connection_with_timeout(timeout)?;
            inner.set_read_timeout(Some(timeout))?;
            inner.set_write_timeout(Some(timeout))?;
            Ok(inner)
        };
        match connect() {
            Ok(inner) => Ok(Connection { inner, shown: shown.to_owned(), timeout }),
            Err(error) => Err(PlanError::source(shown, reason(&error, timeout))),
        }
    }

    /// Sends one command.
    ///
    /// # Errors
    /// When the connection fails, or the server wants a password first.
    pub(super) fn ask<W: AsRef<[u8]>>(&mut self, words: &[W]) -> Result<Answer> {
        let words: Vec<&[u8]> = words.iter().map(AsRef::as_ref).collect();
        let mut answers = self.ask_all(&[words])?;
        answers.pop().ok_or_else(|| PlanError::source(&self.shown, "gave no reply"))
    }

    /// Sends commands together, and gives as many answers.
    ///
    /// # Errors
    /// As [`Connection::ask`].
    pub(super) fn ask_all<W: AsRef<[u8]>>(&mut self, commands: &[Vec<W>]) -> Result<Vec<Answer>> {
        let mut answers = Vec::with_capacity(commands.len());
        for batch in commands.chunks(PIPELINE_MAX) {
            let mut pipeline = redis::pipe();
            for words in batch {
                let mut command = redis::Cmd::new();
                for word in words {
                    command.arg(word.as_ref());
                }
                pipeline.add_command(command);
            }
            let sent = self.inner.send_packed_command(&pipeline.get_packed_pipeline());
            sent.map_err(|error| self.failure(&error))?;
            for _ in batch {
                let answer = match self.inner.recv_response() {
                    Ok(Value::ServerError(error)) => Err(RedisError::from(error)),
                    other => other,
                };
                answers.push(self.judge(answer)?);
            }
        }
        Ok(answers)
    }

    /// Sends MONITOR and hands on every line of it for so long, or until `visit` has seen enough.
    ///
    /// # Errors
    /// When the connection fails, the server refuses, or `visit` does.
    pub(super) fn monitor(
        &mut self,
        length: Duration,
        visit: &mut dyn FnMut(&[u8]) -> Result<bool>,
    ) -> Result<()> {
        if let Err(refusal) = self.ask(&["MONITOR"])? {
            return Err(PlanError::source(
                &self.shown,
                format!("MONITOR is refused ({refusal}); give a user who may, or a trace file"),
            ));
        }
        let end = Instant::now() + length;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            self.inner.set_read_timeout(Some(left)).map_err(|error| self.failure(&error))?;
            let line = match self.inner.recv_response() {
                Ok(value) => text(&value),
                Err(error) if error.is_timeout() => return Ok(()),
                Err(error) => return Err(self.failure(&error)),
            };
            if let Some(line) = line
                && !visit(line.as_bytes())?
            {
                return Ok(());
            }
        }
    }

    /// Tells a refusal from a failure.
    fn judge(&self, answer: std::result::Result<Value, RedisError>) -> Result<Answer> {
        match answer {
            Ok(value) => Ok(Ok(value)),
            Err(error) if error.code() == Some("NOAUTH") => Err(self.failure(&error)),
            Err(error) => match error.code() {
                Some(code) => Ok(Err(refusal(code, &error))),
                None => Err(self.failure(&error)),
            },
        }
    }

    fn failure(&self, error: &RedisError) -> PlanError {
        PlanError::source(&self.shown, reason(error, self.timeout))
    }
}

/// A refusal as the server wrote it, on one line.
fn refusal(code: &str, error: &RedisError) -> String {
    let detail = error.detail().unwrap_or_default();
    format!("{code} {detail}").trim_end().replace(['\r', '\n'], " ")
}

/// Why there is no connection, and what to do.
fn reason(error: &RedisError, timeout: Duration) -> String {
    let code = error.code().unwrap_or_default();
    let text = error.to_string();
    let needs_password = code == "NOAUTH" || text.contains("Authentication required");
    if needs_password {
        return "asks for a password: write redis://user:password@host:port, or put it into \
                REDISCLI_AUTH"
            .to_owned();
    }
    if text.contains("WRONGPASS") || error.kind() == redis::ErrorKind::AuthenticationFailed {
        return "does not take this user and password".to_owned();
    }
    if error.is_timeout() || text.contains("timed out") {
        return format!(
            "no answer within {}: is it busy, or a firewall between? wait longer with --timeout",
            spoken_seconds(timeout.as_secs_f64())
        );
    }
    if error.is_connection_refusal() {
        return "nobody listens there: is the server running, and are host and port right?"
            .to_owned();
    }
    if error.kind() == redis::ErrorKind::Parse || error.is_connection_dropped() {
        return "does not speak the Redis protocol, or only with TLS, which is not supported yet"
            .to_owned();
    }
    text
}

/// A reply as text, if it is one.
pub fn text(value: &Value) -> Option<String> {
    match value {
        Value::BulkString(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        Value::SimpleString(text) | Value::VerbatimString { text, .. } => Some(text.clone()),
        Value::Okay => Some("OK".to_owned()),
        Value::Int(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A reply as a whole number, if it is one.
pub fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Int(number) => Some(*number),
        other => text(other)?.trim().parse().ok(),
    }
}

/// The values of a list; nothing if it is none.
pub fn list(value: &Value) -> &[Value] {
    match value {
        Value::Array(values) | Value::Set(values) => values,
        _ => &[],
    }
}
