//! What a primary and its replica tell each other on a stream of lanes.
//!
//! ```text
//! frame := tag:u8 body        numbers are little-endian; bodies of other tags are postcard
//! Lane  := 0 lane:u8 offset:u64 bytes
//! State := 1 lane:u8 flags:u8 bytes              flags: 1 effects end here, 2 nothing follows of the lane
//! ```

use bytes::{BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use skep_cluster::ShardId;

use super::lineage::Lineage;

/// Bytes of a lane or of keys in one frame, which must fit the mesh's bulk frames.
pub(super) const PIECE_BYTES: usize = 128 << 10;
/// Keys that a replica asks for by name, in one frame; more are worth copying the stripe.
pub(super) const KEYS_BYTES_MAX: usize = 512 << 10;

const LANE: u8 = 0;
const STATE: u8 = 1;
const OTHER: u8 = 2;

/// From a replica.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum ToPrimary {
    /// The first: what it follows and what it has.
    Hello {
        shard: ShardId,
        epoch: u64,
        /// The last reign of the shard that its lanes have something of; 0 for none.
        known: u64,
        /// The end of each lane.
        ends: Vec<u64>,
    },
    /// Send a lane from an offset on.
    Want { lane: u8, from: u64 },
    /// Tell what became of these keys, then send the lane from an offset on.
    WantKeys { lane: u8, from: u64, keys: Vec<(u16, Vec<u8>)> },
    /// Send all of a stripe, unless its digest is this.
    WantCopy { lane: u8, digest: u64 },
    /// How much it has applied, and the time by its own clock.
    Applied { offset: u64, asked_at: u64 },
    /// It has applied all that came before the token.
    Done { token: u64 },
}

/// From the primary, but for lanes and state.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Told {
    /// The answer to `Hello`: up to where each lane is common.
    Plan { lineage: Lineage, common: Vec<Option<u64>> },
    /// The answer to `Hello` of one that must not follow here.
    Refused(String),
    /// The stripe is equal; its lane goes on here, and has all groups below `groups`.
    Restart { lane: u8, at: u64, groups: u64 },
    /// The stripe is to be emptied; its state follows, and then its lane from here on.
    Empty { lane: u8, at: u64, groups: u64 },
    /// All that was acknowledged before `Applied` with this time came is sent, which was `offset`
    /// bytes of lanes.
    Fresh { asked_at: u64, offset: u64 },
    /// Answer with `Done`.
    Token(u64),
}

/// Any frame of the primary.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ToReplica {
    Lane {
        lane: u8,
        offset: u64,
        bytes: Bytes,
    },
    /// `is_whole`: with what came before, these are whole effects.
    State {
        lane: u8,
        is_whole: bool,
        is_last: bool,
        bytes: Bytes,
    },
    Told(Told),
}

/// A frame that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a frame of replication that cannot be read")]
pub(super) struct Unreadable;

impl ToPrimary {
    pub(super) fn encode(&self) -> Bytes {
        // It fails only for types that these are not.
        postcard::to_allocvec(self).unwrap_or_default().into()
    }

    pub(super) fn decode(frame: &[u8]) -> Result<ToPrimary, Unreadable> {
        postcard::from_bytes(frame).map_err(|_| Unreadable)
    }
}

impl Told {
    pub(super) fn encode(&self) -> Bytes {
        let body = postcard::to_allocvec(self).unwrap_or_default();
        let mut frame = BytesMut::with_capacity(body.len() + 1);
        frame.put_u8(OTHER);
        frame.put_slice(&body);
        frame.freeze()
    }
}

/// The head of a lane's frame; its bytes, about so many, are appended to it.
pub(super) fn lane_head(lane: u8, offset: u64, to_come_bytes: usize) -> Vec<u8> {
    let offset = offset.to_le_bytes();
    let mut frame = Vec::with_capacity(2 + offset.len() + to_come_bytes);
    frame.extend_from_slice(&[LANE, lane]);
    frame.extend_from_slice(&offset);
    frame
}

/// A piece of the state of keys.
pub(super) fn state(lane: u8, is_whole: bool, is_last: bool, bytes: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(bytes.len() + 3);
    frame.put_slice(&[STATE, lane, u8::from(is_whole) | u8::from(is_last) << 1]);
    frame.put_slice(bytes);
    frame.freeze()
}

impl ToReplica {
    pub(super) fn decode(mut frame: Bytes) -> Result<ToReplica, Unreadable> {
        match *frame.first().ok_or(Unreadable)? {
            LANE if frame.len() >= 10 => {
                let head = frame.split_to(10);
                let offset = head[2..].try_into().map_err(|_| Unreadable)?;
                Ok(ToReplica::Lane {
                    lane: head[1],
                    offset: u64::from_le_bytes(offset),
                    bytes: frame,
                })
            }
            STATE if frame.len() >= 3 => {
                let head = frame.split_to(3);
                let (is_whole, is_last) = (head[2] & 1 != 0, head[2] & 2 != 0);
                Ok(ToReplica::State { lane: head[1], is_whole, is_last, bytes: frame })
            }
            OTHER => postcard::from_bytes(&frame[1..]).map(ToReplica::Told).map_err(|_| Unreadable),
            _ => Err(Unreadable),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read_as_they_were_written_and_others_are_refused() {
        let mut lane = lane_head(7, 1 << 40, 0);
        lane.extend_from_slice(b"effects");
        let read = ToReplica::decode(lane.into()).unwrap();
        let bytes = Bytes::from_static(b"effects");
        assert_eq!(read, ToReplica::Lane { lane: 7, offset: 1 << 40, bytes });
        let read = ToReplica::decode(state(9, true, true, b"keys")).unwrap();
        let bytes = Bytes::from_static(b"keys");
        assert_eq!(read, ToReplica::State { lane: 9, is_whole: true, is_last: true, bytes });
        let told = || Told::Plan { lineage: Lineage::default(), common: vec![None, Some(3)] };
        assert_eq!(ToReplica::decode(told().encode()), Ok(ToReplica::Told(told())));
        for frame in [&b""[..], &[0, 1, 2], &[1], &[2, 99], &[9; 20]] {
            assert_eq!(ToReplica::decode(Bytes::copy_from_slice(frame)), Err(Unreadable));
        }
        let keys = vec![(3, b"key".to_vec())];
        let wanted = ToPrimary::WantKeys { lane: 1, from: 5, keys };
        assert_eq!(ToPrimary::decode(&wanted.encode()), Ok(wanted));
        assert_eq!(ToPrimary::decode(&[77]), Err(Unreadable));
    }
}
