//! Replays a trace: GET, and on a miss SET with the object's size.
//!
//! One connection. Requests go in batches of 64: the GETs together, then the SETs of what was
//! missing. A request for an object that the batch has already asked for is sent behind those SETs,
//! so that it finds what a client one at a time would have found. Nothing is moved farther than
//! its batch.

use crate::connection::{Connection, Progress, unexpected};
use crate::error::Result;
use crate::protocol::{Answer, Dialect, Encoder};
use crate::trace::Request;
use crate::workload::{Key, is_value_of, key};

const BATCH_REQUESTS: usize = 64;

/// What a replay counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Requests.
    pub(crate) requests: u64,
    /// Requests for what was not there.
    pub(crate) misses: u64,
    /// The sizes of all.
    pub(crate) bytes_requested: u64,
    /// The sizes of what was not there.
    pub(crate) bytes_missed: u64,
    /// Stores that the server refused: too large for it, or no memory.
    pub(crate) stores_refused: u64,
}

/// Replays a whole trace.
pub(crate) fn replay(
    connection: Connection,
    dialect: Dialect,
    trace: &[Request],
) -> Result<Counts> {
    let encoder = Encoder::new(dialect, None);
    let mut player =
        Player { connection, dialect, encoder, out: Vec::new(), counts: Counts::default() };
    for batch in trace.chunks(BATCH_REQUESTS) {
        player.play(batch)?;
    }
    Ok(player.counts)
}

struct Player {
    connection: Connection,
    dialect: Dialect,
    encoder: Encoder,
    out: Vec<u8>,
    counts: Counts,
}

impl Player {
    fn play(&mut self, batch: &[Request]) -> Result<()> {
        let (first, repeated) = split_repeated(batch);
        self.count(batch);
        let missing = self.round(&[], &first)?;
        if !missing.is_empty() || !repeated.is_empty() {
            let gone = self.round(&missing, &repeated)?;
            self.round(&gone, &[])?;
        }
        Ok(())
    }

    fn count(&mut self, batch: &[Request]) {
        self.counts.requests += batch.len() as u64;
        let sizes = batch.iter().map(|request| u64::from(request.value_bytes));
        self.counts.bytes_requested += sizes.sum::<u64>();
    }

    /// Stores some objects, asks for others, and returns those of the latter that are not there.
    fn round(&mut self, stores: &[Request], asked: &[Request]) -> Result<Vec<Request>> {
        self.out.clear();
        for request in stores {
            self.encoder.set(&key(request.id), request.value_bytes as usize, &mut self.out);
        }
        let keys: Vec<Key> = asked.iter().map(|request| key(request.id)).collect();
        if !keys.is_empty() {
            self.encoder.get_many(&keys, &mut self.out);
        }
        self.connection.send(&self.out)?;
        let refused = &mut self.counts.stores_refused;
        self.connection.receive_done(stores.len(), |text| {
            *refused += 1;
            is_refusal(text)
        })?;
        let is_hit = self.receive_hits(&keys)?;
        let missing: Vec<Request> =
            asked.iter().zip(is_hit).filter(|(_, hit)| !hit).map(|(request, _)| *request).collect();
        self.counts.misses += missing.len() as u64;
        let sizes = missing.iter().map(|request| u64::from(request.value_bytes));
        self.counts.bytes_missed += sizes.sum::<u64>();
        Ok(missing)
    }

    fn receive_hits(&mut self, keys: &[Key]) -> Result<Vec<bool>> {
        let mut is_hit = vec![false; keys.len()];
        if keys.is_empty() {
            return Ok(is_hit);
        }
        let (mut at, dialect) = (0, self.dialect);
        self.connection.receive(|answer| {
            match &answer {
                Answer::Value { key, data } => {
                    // Memcached passes over what it does not have.
                    while key.is_some_and(|key| keys.get(at).is_some_and(|asked| asked != key)) {
                        at += 1;
                    }
                    let (Some(asked), Some(hit)) = (keys.get(at), is_hit.get_mut(at)) else {
                        return Err(unexpected(&answer));
                    };
                    if !is_value_of(asked, data) {
                        return Err(unexpected(&answer));
                    }
                    *hit = true;
                    at += 1;
                }
                Answer::Absent => at += 1,
                Answer::End => return Ok(Progress::Finished),
                Answer::Done(_) | Answer::Refused(_) => return Err(unexpected(&answer)),
            }
            Ok(match dialect == Dialect::Resp && at == keys.len() {
                true => Progress::Finished,
                false => Progress::More,
            })
        })?;
        Ok(is_hit)
    }
}

/// Refusals that a cache may answer a store with; anything else ends the replay.
fn is_refusal(text: &[u8]) -> bool {
    let refusals: [&[u8]; 3] =
        [b"oom ", b"server_error object too large", b"server_error out of memory"];
    let text = text.to_ascii_lowercase();
    refusals.iter().any(|refusal| text.starts_with(refusal))
}

/// The first request for each object, and the others, each in their order.
fn split_repeated(batch: &[Request]) -> (Vec<Request>, Vec<Request>) {
    let mut first: Vec<Request> = Vec::with_capacity(batch.len());
    let mut repeated = Vec::new();
    for request in batch {
        match first.iter().any(|earlier| earlier.id == request.id) {
            true => repeated.push(*request),
            false => first.push(*request),
        }
    }
    (first, repeated)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_requests_wait_for_the_stores_of_their_batch() {
        let request = |id| Request { id, value_bytes: 1 };
        let (first, repeated) = split_repeated(&[1, 2, 1, 3, 2, 1].map(request));
        assert_eq!(first, [1, 2, 3].map(request));
        assert_eq!(repeated, [1, 2, 1].map(request));
    }

    #[test]
    fn only_a_full_cache_is_excused() {
        assert!(is_refusal(b"OOM command not allowed when used memory > 'maxmemory'."));
        assert!(is_refusal(b"SERVER_ERROR object too large for cache"));
        assert!(is_refusal(b"SERVER_ERROR Out of memory during read"));
        assert!(!is_refusal(b"ERR syntax error"));
        assert!(!is_refusal(b"CLIENT_ERROR bad data chunk"));
    }
}
