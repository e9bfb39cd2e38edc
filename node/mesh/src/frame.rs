//! A frame: version, kind, length, payload. What is not one of ours ends the connection.
//!
//! ```text
//! u8 version = 1 | u8 kind | u32 payload bytes, big endian | payload
//! kind: high half what it is for, low half the class
//! ```
//!
//! The length is checked against what its kind may have, and against the reader's own cap, before
//! memory is spent on it; and memory is spent as bytes arrive, not as they are announced.

use bytes::{BufMut, Bytes, BytesMut};

/// The only version there is. A node of another version is told so when its connection is closed.
pub(crate) const VERSION: u8 = 1;
/// Bytes before the payload.
pub(crate) const HEADER_BYTES: usize = 6;
/// A HELLO has an id, an incarnation and a cluster's name.
const HELLO_BYTES_MAX: usize = 256;
/// Why a handler rejected a request, for humans and logs.
pub(crate) const FAILURE_BYTES_MAX: usize = 4 << 10;
/// How much room is made for an announced frame at once.
const ROOM_BYTES: usize = 64 << 10;

/// What a frame is about; decides the connection it takes and how long it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Raft, topology, beacons, orders. On the control connection, which nothing else slows down.
    Control,
    /// Lanes, snapshots. On the bulk connection.
    Bulk,
    /// Clients' commands that another node owns. On the bulk connection.
    Forward,
}

impl Class {
    /// All of them.
    pub const ALL: [Class; 3] = [Class::Control, Class::Bulk, Class::Forward];

    /// The longest payload of one frame. Control: a topology of thousands of nodes in one piece.
    /// Bulk: senders cut. Forward: the values that a client may send in one forwarded command.
    pub fn frame_bytes_max(self) -> usize {
        match self {
            Class::Control => 8 << 20,
            Class::Bulk => 1 << 20,
            Class::Forward => 16 << 20,
        }
    }

    fn number(self) -> u8 {
        match self {
            Class::Control => 0,
            Class::Bulk => 1,
            Class::Forward => 2,
        }
    }
}

/// What a frame is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The first frame of a connection, in both directions.
    Hello,
    /// A stream's only frame: somebody waits for a reply.
    Request(Class),
    /// The answer, on the same stream.
    Reply(Class),
    /// The handler rejected it; the payload says why.
    Failure(Class),
    /// A stream's first frame: data frames follow in both directions. Empty.
    Open(Class),
    /// One frame of an open stream.
    Data(Class),
}

impl Kind {
    fn byte(self) -> u8 {
        match self {
            Kind::Hello => 0x10,
            Kind::Request(class) => 0x20 | class.number(),
            Kind::Reply(class) => 0x30 | class.number(),
            Kind::Failure(class) => 0x40 | class.number(),
            Kind::Open(class) => 0x50 | class.number(),
            Kind::Data(class) => 0x60 | class.number(),
        }
    }

    fn parse(byte: u8) -> Option<Kind> {
        if byte == Kind::Hello.byte() {
            return Some(Kind::Hello);
        }
        let class = *Class::ALL.get(usize::from(byte & 0x0f))?;
        match byte >> 4 {
            2 => Some(Kind::Request(class)),
            3 => Some(Kind::Reply(class)),
            4 => Some(Kind::Failure(class)),
            5 => Some(Kind::Open(class)),
            6 => Some(Kind::Data(class)),
            _ => None,
        }
    }

    /// The longest payload.
    pub(crate) fn payload_bytes_max(self) -> usize {
        match self {
            Kind::Hello => HELLO_BYTES_MAX,
            Kind::Request(class) | Kind::Reply(class) | Kind::Data(class) => {
                class.frame_bytes_max()
            }
            Kind::Failure(_) => FAILURE_BYTES_MAX,
            Kind::Open(_) => 0,
        }
    }
}

/// Bytes that are no frame, or none that belongs here. The connection that they came on is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Another version, or not a frame at all.
    #[error("frame version {0}, this node speaks {VERSION}: is it the same release?")]
    Version(u8),
    /// A kind that this version does not have.
    #[error("frame kind {0:#04x} is not known")]
    Kind(u8),
    /// Longer than its kind may be.
    #[error("a frame of {bytes} bytes, at most {max} are allowed")]
    TooLong {
        /// As announced.
        bytes: usize,
        /// The bound.
        max: usize,
    },
    /// A frame that does not belong in this place of a stream.
    #[error("a frame of kind {0:#04x} where none of that kind may be")]
    Unexpected(u8),
    /// A HELLO that cannot be read.
    #[error("a HELLO of {0} bytes that cannot be read")]
    Hello(usize),
}

impl FrameError {
    pub(crate) fn unexpected(kind: Kind) -> FrameError {
        FrameError::Unexpected(kind.byte())
    }
}

/// What goes before a payload of so many bytes.
///
/// # Errors
/// When the kind may not have that many.
pub(crate) fn header(kind: Kind, payload_bytes: usize) -> Result<[u8; HEADER_BYTES], FrameError> {
    let max = kind.payload_bytes_max();
    let too_long = FrameError::TooLong { bytes: payload_bytes, max };
    if payload_bytes > max {
        return Err(too_long);
    }
    let length = u32::try_from(payload_bytes).map_err(|_| too_long)?;
    let mut header = [0; HEADER_BYTES];
    let mut rest = &mut header[..];
    rest.put_u8(VERSION);
    rest.put_u8(kind.byte());
    rest.put_u32(length);
    Ok(header)
}

/// Cuts a stream of bytes into frames. Holds at most one frame and what was pushed beside it.
pub(crate) struct Decoder {
    pending: BytesMut,
    /// No payload may be longer, whatever its kind.
    cap_bytes: usize,
}

impl Decoder {
    pub(crate) fn new(cap_bytes: usize) -> Decoder {
        Decoder { pending: BytesMut::new(), cap_bytes }
    }

    /// Adds what arrived. Call it when `take` has nothing more to give.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
    }

    /// The next whole frame, if it has arrived.
    pub(crate) fn take(&mut self) -> Result<Option<(Kind, Bytes)>, FrameError> {
        // What can be told from the first bytes is told at once, not when six are there.
        let [version, rest @ ..] = &self.pending[..] else { return Ok(None) };
        if *version != VERSION {
            return Err(FrameError::Version(*version));
        }
        let [byte, rest @ ..] = rest else { return Ok(None) };
        let kind = Kind::parse(*byte).ok_or(FrameError::Kind(*byte))?;
        let Some(length) = rest.first_chunk() else { return Ok(None) };
        let bytes = u32::from_be_bytes(*length) as usize;
        let max = kind.payload_bytes_max().min(self.cap_bytes);
        if bytes > max {
            return Err(FrameError::TooLong { bytes, max });
        }
        let whole = HEADER_BYTES + bytes;
        if self.pending.len() < whole {
            let missing = whole - self.pending.len();
            self.pending.reserve(missing.min(ROOM_BYTES));
            return Ok(None);
        }
        let mut frame = self.pending.split_to(whole);
        Ok(Some((kind, frame.split_off(HEADER_BYTES).freeze())))
    }

    /// Whether nothing is left over, so that the stream may end here.
    pub(crate) fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn encode(kind: Kind, payload: &[u8]) -> Vec<u8> {
        let mut bytes = header(kind, payload.len()).unwrap().to_vec();
        bytes.extend_from_slice(payload);
        bytes
    }

    fn kinds() -> impl Strategy<Value = Kind> {
        (0..5_u8, 0..3_usize).prop_map(|(kind, class)| {
            let class = Class::ALL[class];
            [Kind::Request, Kind::Reply, Kind::Failure, Kind::Data]
                .get(usize::from(kind))
                .map_or(Kind::Hello, |kind| kind(class))
        })
    }

    #[test]
    fn every_kind_has_its_own_byte() {
        let known: Vec<u8> = (0..=255).filter(|byte| Kind::parse(*byte).is_some()).collect();
        assert_eq!(known.len(), 1 + 5 * 3, "{known:x?}");
        for byte in known {
            assert_eq!(Kind::parse(byte).map(Kind::byte), Some(byte));
        }
    }

    #[test]
    fn a_length_is_refused_before_its_bytes_arrive() {
        for kind in [Kind::Hello, Kind::Open(Class::Bulk), Kind::Data(Class::Bulk)] {
            let mut decoder = Decoder::new(usize::MAX);
            decoder.push(&[VERSION, kind.byte()]);
            decoder.push(&u32::MAX.to_be_bytes());
            let (bytes, max) = (u32::MAX as usize, kind.payload_bytes_max());
            assert_eq!(decoder.take(), Err(FrameError::TooLong { bytes, max }));
            assert!(header(kind, max + 1).is_err());
        }
        let mut capped = Decoder::new(10);
        capped.push(&encode(Kind::Data(Class::Bulk), &[0; 11])[..HEADER_BYTES]);
        assert_eq!(capped.take(), Err(FrameError::TooLong { bytes: 11, max: 10 }));
    }

    #[test]
    fn an_announced_frame_takes_no_memory_before_it_arrives() {
        let mut decoder = Decoder::new(usize::MAX);
        let whole = encode(Kind::Data(Class::Forward), &vec![7; 16 << 20]);
        decoder.push(&whole[..HEADER_BYTES + 1]);
        assert_eq!(decoder.take(), Ok(None));
        assert!(decoder.pending.capacity() <= 2 * ROOM_BYTES, "{}", decoder.pending.capacity());
    }

    proptest! {
        #[test]
        fn frames_come_out_as_they_went_in_however_they_are_cut(
            frames in vec((kinds(), vec(any::<u8>(), 0..200)), 1..20),
            cut in 1..300_usize,
        ) {
            let bytes: Vec<u8> =
                frames.iter().flat_map(|(kind, payload)| encode(*kind, payload)).collect();
            let mut decoder = Decoder::new(usize::MAX);
            let mut seen = Vec::new();
            for piece in bytes.chunks(cut) {
                decoder.push(piece);
                while let Some((kind, payload)) = decoder.take()? {
                    seen.push((kind, payload.to_vec()));
                }
            }
            prop_assert!(decoder.is_empty());
            prop_assert_eq!(seen, frames);
        }

        #[test]
        fn random_bytes_never_panic_and_never_take_more_than_they_are(
            pieces in vec(vec(any::<u8>(), 0..64), 0..32),
            cap in 0..(1_usize << 20),
        ) {
            let mut decoder = Decoder::new(cap);
            let mut pushed = 0;
            'pieces: for piece in pieces {
                pushed += piece.len();
                decoder.push(&piece);
                loop {
                    match decoder.take() {
                        Ok(Some((kind, payload))) => {
                            prop_assert!(payload.len() <= kind.payload_bytes_max().min(cap));
                        }
                        Ok(None) => break,
                        Err(_) => break 'pieces,
                    }
                }
                prop_assert!(decoder.pending.len() <= pushed);
                prop_assert!(decoder.pending.capacity() <= 2 * (pushed + ROOM_BYTES));
            }
        }

        /// Bytes that are nearly right reach the depths that random ones do not.
        #[test]
        fn a_changed_byte_never_panics(
            payload in vec(any::<u8>(), 0..100), at in 0..106_usize, value: u8,
        ) {
            let mut bytes = encode(Kind::Data(Class::Control), &payload);
            let at = at % bytes.len();
            bytes[at] = value;
            let mut decoder = Decoder::new(usize::MAX);
            decoder.push(&bytes);
            while let Ok(Some((kind, payload))) = decoder.take() {
                prop_assert!(payload.len() <= kind.payload_bytes_max());
            }
        }
    }
}
