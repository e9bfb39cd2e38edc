//! A client as cluster clients are: it asks for the map of slots, goes by it, asks again when it is
//! told MOVED, and connects anew when a connection ends.

use std::collections::HashMap;
use std::net::SocketAddr;

use crate::differential::frame::{self, Frame};
use crate::{Client, PATIENCE, TestResult, wait_until};

/// See the module.
#[derive(Debug)]
pub struct Roamer {
    seeds: Vec<SocketAddr>,
    next_seed: usize,
    connections: HashMap<SocketAddr, Client>,
    /// First and last slots, and where they are; empty when it has to be asked for.
    map: Vec<(i64, i64, SocketAddr)>,
    /// The slots of keys.
    slots: HashMap<String, i64>,
    /// Where the last command was answered.
    last: Option<SocketAddr>,
    /// How often it was sent elsewhere.
    pub moves: usize,
    /// How often a connection ended, or none could be had.
    pub losses: usize,
}

impl Roamer {
    /// One that begins at any of these addresses.
    pub fn new(seeds: Vec<SocketAddr>) -> Roamer {
        Roamer {
            seeds,
            next_seed: 0,
            connections: HashMap::new(),
            map: Vec::new(),
            slots: HashMap::new(),
            last: None,
            moves: 0,
            losses: 0,
        }
    }

    /// Says a line about a key, wherever that is served; once more, and again, when it is sent
    /// elsewhere or a connection ends. So a command may take effect more than once.
    ///
    /// # Panics
    /// When no node answers it for a long time.
    #[track_caller]
    pub fn ask(&mut self, key: &str, line: &str) -> Frame {
        let (mut answer, mut last) = (None, String::new());
        let end = std::time::Instant::now() + PATIENCE;
        wait_until(PATIENCE * 2, line, || {
            match self.try_once(key, line) {
                Ok(frame) => answer = Some(frame),
                Err(error) => last = error.to_string(),
            }
            answer.is_some() || std::time::Instant::now() > end
        });
        answer.unwrap_or_else(|| panic!("no answer to {line}; the last problem: {last}"))
    }

    /// As [`Roamer::ask`], made readable.
    #[track_caller]
    pub fn say(&mut self, key: &str, line: &str) -> String {
        self.ask(key, line).to_string()
    }

    /// Says a line on the connection that the last command was answered on.
    ///
    /// # Errors
    /// There is none any more.
    pub fn say_there(&mut self, line: &str) -> TestResult<Frame> {
        let address = self.last.ok_or("nothing has been answered")?;
        if !self.connections.contains_key(&address) {
            return Err("the connection is gone".into());
        }
        self.exchange(address, line)
    }

    /// Says a line once.
    ///
    /// # Errors
    /// Its connection could not be had, or ended, or the answer is MOVED.
    fn try_once(&mut self, key: &str, line: &str) -> TestResult<Frame> {
        let address = self.place_of(key)?;
        let frame = self.exchange(address, line)?;
        if let Frame::Line(b'-', text) = &frame
            && text.starts_with(b"MOVED ")
        {
            self.moves += 1;
            self.map.clear();
            return Err(frame.to_string().into());
        }
        self.last = Some(address);
        Ok(frame)
    }

    /// Where a key is, by the map.
    fn place_of(&mut self, key: &str) -> TestResult<SocketAddr> {
        let seed = self.seeds[self.next_seed];
        if !self.slots.contains_key(key) {
            let slot = self.exchange(seed, &format!("CLUSTER KEYSLOT {key}"))?;
            let slot = slot.integer().ok_or_else(|| slot.to_string())?;
            self.slots.insert(key.to_owned(), slot);
        }
        if self.map.is_empty() {
            let told = self.exchange(seed, "CLUSTER SLOTS")?;
            self.map = told.items().iter().filter_map(range).collect();
        }
        let slot = self.slots[key];
        let found = self.map.iter().find(|(first, last, _)| (*first..=*last).contains(&slot));
        match found {
            Some((_, _, address)) => Ok(*address),
            None => {
                self.map.clear();
                Err(format!("slot {slot} is nobody's").into())
            }
        }
    }

    fn exchange(&mut self, address: SocketAddr, line: &str) -> TestResult<Frame> {
        let answer = self.exchange_once(address, line);
        if answer.is_err() {
            self.losses += 1;
            self.connections.remove(&address);
            self.map.clear();
            self.next_seed = (self.next_seed + 1) % self.seeds.len();
        }
        answer
    }

    fn exchange_once(&mut self, address: SocketAddr, line: &str) -> TestResult<Frame> {
        let client = match self.connections.remove(&address) {
            Some(client) => client,
            None => Client::connect(address)?,
        };
        let client = self.connections.entry(address).or_insert(client);
        let words: Vec<&str> = line.split_whitespace().collect();
        let reply = client.ask(&words)?;
        let (frame, _) = frame::read(&reply)?.ok_or("a reply is not whole")?;
        Ok(frame)
    }
}

/// A range of `CLUSTER SLOTS` and where its primary is.
fn range(range: &Frame) -> Option<(i64, i64, SocketAddr)> {
    let [first, last, primary, ..] = range.items() else { return None };
    let host = std::str::from_utf8(primary.items().first()?.bytes()?).ok()?;
    let port = u16::try_from(primary.items().get(1)?.integer()?).ok()?;
    Some((first.integer()?, last.integer()?, SocketAddr::new(host.parse().ok()?, port)))
}
