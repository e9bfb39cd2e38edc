//! A connection in RESP2, whose every wait has an end, and every reply a longest length.
//!
//! A server's refusal ("NOPERM ...") is not a failure of the connection: the two are told apart, so
//! that a caller can say what could not be read and go on.

use std::time::{Duration, Instant};

use redis::{ConnectionAddr, ConnectionInfo, Parser, RedisConnectionInfo, RedisError, Value};

use super::stream::Stream;
use crate::error::{PlanError, Result};
use crate::quantity::spoken_seconds;

/// Commands that are sent before their replies are read.
const PIPELINE_MAX: usize = 256;

const WRONG_PASSWORD: &str = "does not take this user and password";

/// What a server answered: a value, or the text of its refusal.
pub type Answer = std::result::Result<Value, String>;

/// A connection.
pub(super) struct Connection {
    stream: Stream,
    /// It keeps what has come of the next reply.
    parser: Parser,
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
        let refused = |error: RedisError| PlanError::source(shown, reason(&error, timeout));
        let ConnectionAddr::Tcp(host, port) = info.addr() else {
            return Err(PlanError::source(shown, "is no address that can be read"));
        };
        let stream =
            Stream::connect(host, *port, timeout).map_err(|error| refused(error.into()))?;
        let shown = shown.to_owned();
        let mut connection = Connection { stream, parser: Parser::new(), shown, timeout };
        connection.introduce(info.redis_settings())?;
        Ok(connection)
    }

    /// Says who asks, and for which database.
    fn introduce(&mut self, settings: &RedisConnectionInfo) -> Result<()> {
        if let Some(password) = settings.password() {
            let words: Vec<&str> =
                ["AUTH"].into_iter().chain(settings.username()).chain([password]).collect();
            let mut answer = self.ask(&words)?;
            // Servers older than users know the password alone.
            if words.len() > 2 && answer.as_ref().is_err_and(|why| why.contains("wrong number")) {
                answer = self.ask(&["AUTH", password])?;
            }
            if answer.is_err() {
                return Err(PlanError::source(&self.shown, WRONG_PASSWORD));
            }
        }
        if settings.db() != 0
            && let Err(why) = self.ask(&["SELECT", &settings.db().to_string()])?
        {
            return Err(PlanError::source(&self.shown, why));
        }
        Ok(())
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
            let mut packed = Vec::new();
            for words in batch {
                let mut command = redis::Cmd::new();
                for word in words {
                    command.arg(word.as_ref());
                }
                packed.extend(command.get_packed_command());
            }
            self.stream.send(&packed).map_err(|error| self.failure(&error.into()))?;
            for _ in batch {
                let answer = match self.reply(Instant::now() + self.timeout) {
                    Ok(Value::ServerError(error)) => Err(RedisError::from(error)),
                    other => other,
                };
                answers.push(self.judge(answer)?);
            }
        }
        Ok(answers)
    }

    /// Reads one reply, which has to be there by then.
    fn reply(&mut self, end: Instant) -> std::result::Result<Value, RedisError> {
        self.stream.expect(end);
        self.parser.parse_value(&mut self.stream)
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
            let line = match self.reply(end) {
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
        return WRONG_PASSWORD.to_owned();
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

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use redis::IntoConnectionInfo as _;

    use super::*;

    /// What comes of asking a peer that answers with these bytes again and again, this far apart.
    fn asked(first: &'static [u8], again: &'static [u8], pause: Duration) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let peer = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            let _ = stream.read(&mut [0; 100]);
            let mut is_there = stream.write_all(first).is_ok();
            while is_there {
                std::thread::park_timeout(pause);
                is_there = stream.write_all(again).is_ok();
            }
        });
        let info = format!("redis://{address}").into_connection_info().unwrap();
        let timeout = Duration::from_millis(if pause.is_zero() { 20_000 } else { 300 });
        let mut connection = Connection::open(&info, "peer", timeout).unwrap();
        let error = connection.ask(&["INFO"]).unwrap_err().to_string();
        drop(connection);
        peer.join().unwrap();
        error
    }

    #[test]
    fn a_peer_that_sends_a_byte_now_and_then_is_not_waited_for_without_end() {
        for (first, again) in
            [(&b"+"[..], &b"a"[..]), (b"$1000\r\n", b"a"), (b"*99\r\n", b":1\r\n")]
        {
            let error = asked(first, again, Duration::from_millis(120));
            assert!(error.contains("no answer within 300 ms"), "{error}");
        }
    }

    #[test]
    fn a_reply_without_end_is_not_kept() {
        const MUCH: &[u8] = &[b'a'; 1 << 16];
        let error = asked(b"$2000000000\r\n", MUCH, Duration::ZERO);
        assert!(error.contains("longer than the 64 MB"), "{error}");
    }
}
