//! A client that finds the node of a key: it follows MOVED, and connects anew when a connection ends.

use std::collections::HashMap;
use std::net::SocketAddr;

use crate::differential::frame::{self, Frame};
use crate::{Client, PATIENCE, TestResult, wait_until};

/// See the module. It learns the place of each hash tag or key by being sent there.
#[derive(Debug)]
pub struct Roamer {
    seeds: Vec<SocketAddr>,
    next_seed: usize,
    connections: HashMap<SocketAddr, Client>,
    places: HashMap<String, SocketAddr>,
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
            places: HashMap::new(),
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
        let mut answer = None;
        wait_until(PATIENCE, &format!("an answer to {line}"), || {
            answer = self.try_once(key, line);
            answer.is_some()
        });
        answer.expect("it was waited for")
    }

    /// As [`Roamer::ask`], made readable.
    #[track_caller]
    pub fn say(&mut self, key: &str, line: &str) -> String {
        self.ask(key, line).to_string()
    }

    /// Says a line once, on the connection that the last command for this key was answered on.
    /// Nothing when there is none, or it ended, or the answer is MOVED.
    pub fn try_once(&mut self, key: &str, line: &str) -> Option<Frame> {
        let address = self.places.get(key).copied().unwrap_or(self.seeds[self.next_seed]);
        let words: Vec<&str> = line.split_whitespace().collect();
        match self.exchange(address, &words) {
            Ok(frame) => match moved_to(&frame) {
                Some(place) => {
                    self.moves += 1;
                    self.places.insert(key.to_owned(), place);
                    None
                }
                None => {
                    self.places.insert(key.to_owned(), address);
                    Some(frame)
                }
            },
            Err(_) => {
                self.losses += 1;
                self.connections.remove(&address);
                self.places.remove(key);
                self.next_seed = (self.next_seed + 1) % self.seeds.len();
                None
            }
        }
    }

    fn exchange(&mut self, address: SocketAddr, words: &[&str]) -> TestResult<Frame> {
        let client = match self.connections.remove(&address) {
            Some(client) => client,
            None => Client::connect(address)?,
        };
        let client = self.connections.entry(address).or_insert(client);
        let reply = client.ask(words)?;
        let (frame, _) = frame::read(&reply)?.ok_or("a reply is not whole")?;
        Ok(frame)
    }
}

/// Where a `MOVED` sends.
fn moved_to(frame: &Frame) -> Option<SocketAddr> {
    let Frame::Line(b'-', text) = frame else { return None };
    let text = std::str::from_utf8(text).ok()?;
    text.strip_prefix("MOVED ")?.split_once(' ')?.1.parse().ok()
}
