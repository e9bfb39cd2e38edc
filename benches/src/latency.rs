//! Latency under light load: requests are sent at a fixed rate, whether or not the ones before have
//! been answered, and each is timed from the moment it was due. A server that pauses is charged
//! for everything that waited meanwhile.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::connection::unexpected;
use crate::error::{Context, Error, Result};
use crate::generator::histogram;
use crate::peers::{LIMIT, Program};
use crate::process::Processor;
use crate::protocol::{Answer, Dialect, Encoder, answer};
use crate::results::LatencyRun;
use crate::server::{Server, Setup};
use crate::speed::{Plan, fill, percentiles};
use crate::workload::{Key, SplitMix, is_value_of, key};

/// The offered load.
pub(crate) const OPS_PER_SECOND: u64 = 20_000;
const VALUE_BYTES: usize = 64;
const READ_BYTES: usize = 16 << 10;
/// Requests under way on one connection; a server so far behind has failed the test.
const UNDER_WAY_MAX: usize = 1_000;

/// Runs every server in turn.
pub(crate) fn run(
    programs: &[Program],
    plan: &Plan,
    seconds: f64,
    mut keep: impl FnMut(LatencyRun) -> Result<()>,
) -> Result<()> {
    let mut servers = Vec::new();
    for program in programs.iter().filter(|program| program.name != LIMIT) {
        let server = Server::start(program, &Setup::on_cores(&plan.server_core))?;
        fill(&server, plan.key_count(VALUE_BYTES), VALUE_BYTES)?;
        servers.push(server);
    }
    for rep in 0..plan.reps {
        for server in &servers {
            keep(measure(server, plan, seconds, rep)?)?;
        }
    }
    Ok(())
}

fn measure(server: &Server, plan: &Plan, seconds: f64, rep: usize) -> Result<LatencyRun> {
    let mut lanes = Vec::with_capacity(plan.connections);
    for _ in 0..plan.connections {
        lanes.push(Lane::connect(server)?);
    }
    let mut latency_ns = histogram()?;
    let mut numbers = SplitMix::new(rep as u64 + 77);
    let key_count = plan.key_count(VALUE_BYTES);
    let count = (seconds * OPS_PER_SECOND as f64) as u64;
    let step = Duration::from_nanos(1_000_000_000 / OPS_PER_SECOND);
    let before = Processor::read(server.pid())?;
    let begin = Instant::now();
    let (mut sent, mut received) = (0, 0);
    // It spins: the generator has its core to itself, and a sleep would cost more than it measures.
    while received < count {
        let due = begin + step * u32::try_from(sent).unwrap_or(u32::MAX);
        let index = sent as usize % lanes.len().max(1);
        if sent < count && Instant::now() >= due {
            let lane = lanes.get_mut(index).ok_or_else(|| Error::new("no connection"))?;
            lane.send(key(numbers.below(key_count)), due)?;
            sent += 1;
            continue;
        }
        for lane in lanes.iter_mut().filter(|lane| !lane.under_way.is_empty()) {
            received += lane.receive(|waited_ns| latency_ns.saturating_record(waited_ns))?;
        }
    }
    let used = Processor::read(server.pid())?.since(before);
    Ok(LatencyRun {
        server: server.program.name.to_owned(),
        rep,
        ops_per_second_offered: OPS_PER_SECOND,
        operations: count,
        latency: percentiles(&latency_ns),
        server_wait_share: used.wait_share(),
    })
}

/// One connection and the requests under way on it, oldest first.
struct Lane {
    stream: TcpStream,
    dialect: Dialect,
    encoder: Encoder,
    request: Vec<u8>,
    under_way: std::collections::VecDeque<(Key, Instant)>,
    answers: Vec<u8>,
}

impl Lane {
    fn connect(server: &Server) -> Result<Lane> {
        let stream = TcpStream::connect(server.address).context("connecting")?;
        stream.set_nodelay(true).context("TCP_NODELAY")?;
        stream.set_nonblocking(true).context("non-blocking")?;
        let dialect = server.dialect();
        let encoder = Encoder::new(dialect, None);
        let (under_way, answers) = (std::collections::VecDeque::new(), Vec::new());
        Ok(Lane { stream, dialect, encoder, request: Vec::new(), under_way, answers })
    }

    fn send(&mut self, key: Key, due: Instant) -> Result<()> {
        if self.under_way.len() == UNDER_WAY_MAX {
            return Err(Error::new("the server does not keep up with a light load"));
        }
        self.request.clear();
        self.encoder.get(&key, &mut self.request);
        // Far less than a socket's buffer is ever under way, so the write is never cut.
        self.stream.write_all(&self.request).context("sending a request")?;
        self.under_way.push_back((key, due));
        Ok(())
    }

    /// Takes what has come; returns how many requests it answered.
    fn receive(&mut self, mut record: impl FnMut(u64)) -> Result<u64> {
        let mut bytes = [0; READ_BYTES];
        let count = match self.stream.read(&mut bytes) {
            Ok(0) => return Err(Error::new("the server closed the connection")),
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(0),
            Err(error) => return Err(error).context("reading answers"),
        };
        self.answers.extend_from_slice(&bytes[..count]);
        let (now, mut used, mut received) = (Instant::now(), 0, 0);
        while let Some((found, length)) = answer(self.dialect, &self.answers[used..])? {
            used += length;
            match &found {
                Answer::Value { data, .. } => {
                    let asked = self.under_way.pop_front();
                    let (key, due) = asked.ok_or_else(|| unexpected(&found))?;
                    if data.len() != VALUE_BYTES || !is_value_of(&key, data) {
                        return Err(unexpected(&found));
                    }
                    let waited = now.saturating_duration_since(due).as_nanos();
                    record(u64::try_from(waited).unwrap_or(u64::MAX));
                    received += 1;
                }
                Answer::End if self.dialect == Dialect::Memcached => {}
                _ => return Err(unexpected(&found)),
            }
        }
        self.answers.drain(..used);
        Ok(received)
    }
}
