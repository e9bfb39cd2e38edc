//! Effects: what a change left behind, as absolute facts, and how they are written in a lane.
//!
//! ```text
//! effect   := kind:u8 body
//! set      := 1 flags:u8 database:u16 key value [expiry_ms:u64]   flags: 1 expires, 2 modified in place
//! expire   := 2 database:u16 key expiry_ms:u64                    u64::MAX: never
//! remove   := 3 database:u16 key
//! clear    := 4 database:u16
//! begin    := 5 group:u64                                         what follows counts only with its end
//! end      := 6 group:u64 lanes:[u64; 4]                          the lanes that the group is in
//! key, value := length:u32 bytes                                  numbers are little-endian
//! ```
//!
//! Because they are absolute, an effect that is applied twice, or on top of a later state that its
//! lane then repeats, does no harm.

use crate::Database;

/// Longest key or value that is believed.
const MAX_BYTES: usize = 1 << 30;
/// A set of lanes.
pub(crate) type LaneSet = [u64; 4];

/// One effect, borrowed from a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect<'a> {
    /// A key has this value, and expires then or never.
    Set {
        /// The database.
        database: Database,
        /// The key.
        key: &'a [u8],
        /// Its whole value.
        value: &'a [u8],
        /// When it expires, in Unix milliseconds.
        expiry_ms: Option<u64>,
        /// Whether the value resulted from changing one in place.
        modified: bool,
    },
    /// A key expires then, or never.
    Expire {
        /// The database.
        database: Database,
        /// The key.
        key: &'a [u8],
        /// When, in Unix milliseconds.
        expiry_ms: Option<u64>,
    },
    /// A key is gone.
    Remove {
        /// The database.
        database: Database,
        /// The key.
        key: &'a [u8],
    },
    /// All keys of the database in this stripe are gone.
    Clear {
        /// The database.
        database: Database,
    },
    /// A group begins.
    Begin {
        /// Its number.
        group: u64,
    },
    /// A group ends.
    End {
        /// Its number.
        group: u64,
        /// The lanes that it is in.
        lanes: LaneSet,
    },
}

/// Bytes that are no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Corrupt;

/// The beginning of an effect, which has the fixed fields and the key's length.
pub(crate) struct Head {
    bytes: [u8; 8],
    len_bytes: usize,
}

impl Head {
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len_bytes]
    }

    pub(crate) fn set(run: u16, key: &[u8], expires: bool, modified: bool) -> Head {
        let flags = u8::from(expires) | u8::from(modified) << 1;
        let [a, b] = run.to_le_bytes();
        let [c, d, e, f] = (key.len() as u32).to_le_bytes();
        Head { bytes: [1, flags, a, b, c, d, e, f], len_bytes: 8 }
    }

    pub(crate) fn of_key(kind: KeyKind, run: u16, key: &[u8]) -> Head {
        let [a, b] = run.to_le_bytes();
        let [c, d, e, f] = (key.len() as u32).to_le_bytes();
        Head { bytes: [kind as u8, a, b, c, d, e, f, 0], len_bytes: 7 }
    }

    pub(crate) fn clear(run: u16) -> Head {
        let [a, b] = run.to_le_bytes();
        Head { bytes: [4, a, b, 0, 0, 0, 0, 0], len_bytes: 3 }
    }
}

/// Effects of which the head names a key.
#[derive(Clone, Copy)]
pub(crate) enum KeyKind {
    Expire = 2,
    Remove = 3,
}

pub(crate) fn begin(group: u64) -> [u8; 9] {
    let mut bytes = [5; 9];
    bytes[1..].copy_from_slice(&group.to_le_bytes());
    bytes
}

pub(crate) fn end(group: u64, lanes: &LaneSet) -> [u8; 41] {
    let mut bytes = [6; 41];
    bytes[1..9].copy_from_slice(&group.to_le_bytes());
    for (at, word) in lanes.iter().enumerate() {
        bytes[9 + at * 8..17 + at * 8].copy_from_slice(&word.to_le_bytes());
    }
    bytes
}

/// A cursor over bytes that may end too early.
struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Input<'a> {
    fn take(&mut self, len_bytes: usize) -> Option<&'a [u8]> {
        let taken = self.bytes.get(self.at..self.at.checked_add(len_bytes)?)?;
        self.at += len_bytes;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn string(&mut self) -> Result<Option<&'a [u8]>, Corrupt> {
        let Some(len_bytes) = self.array().map(u32::from_le_bytes) else { return Ok(None) };
        match len_bytes as usize {
            len_bytes if len_bytes > MAX_BYTES => Err(Corrupt),
            len_bytes => Ok(self.take(len_bytes)),
        }
    }
}

/// Reads the first effect. Answers it and its length, or nothing when it is not there whole.
///
/// # Errors
/// The bytes are no effect.
pub(crate) fn decode(bytes: &[u8]) -> Result<Option<(Effect<'_>, usize)>, Corrupt> {
    let Some((&kind, _)) = bytes.split_first() else { return Ok(None) };
    let mut input = Input { bytes, at: 1 };
    let effect = match kind {
        1 => set(&mut input)?,
        2 => expire(&mut input)?,
        3 => remove(&mut input)?,
        4 => input.u16().map(|database| Effect::Clear { database }),
        5 => input.u64().map(|group| Effect::Begin { group }),
        6 => ending(&mut input),
        _ => return Err(Corrupt),
    };
    Ok(effect.map(|effect| (effect, input.at)))
}

fn set<'a>(input: &mut Input<'a>) -> Result<Option<Effect<'a>>, Corrupt> {
    let Some([flags]) = input.array() else { return Ok(None) };
    if flags > 3 {
        return Err(Corrupt);
    }
    let Some(database) = input.u16() else { return Ok(None) };
    let Some(key) = input.string()? else { return Ok(None) };
    let Some(value) = input.string()? else { return Ok(None) };
    let expiry_ms = match flags & 1 {
        0 => None,
        _ => match input.u64() {
            None => return Ok(None),
            at => at,
        },
    };
    Ok(Some(Effect::Set { database, key, value, expiry_ms, modified: flags & 2 != 0 }))
}

fn expire<'a>(input: &mut Input<'a>) -> Result<Option<Effect<'a>>, Corrupt> {
    let Some(database) = input.u16() else { return Ok(None) };
    let Some(key) = input.string()? else { return Ok(None) };
    let Some(at) = input.u64() else { return Ok(None) };
    let expiry_ms = (at != u64::MAX).then_some(at);
    Ok(Some(Effect::Expire { database, key, expiry_ms }))
}

fn remove<'a>(input: &mut Input<'a>) -> Result<Option<Effect<'a>>, Corrupt> {
    let Some(database) = input.u16() else { return Ok(None) };
    Ok(input.string()?.map(|key| Effect::Remove { database, key }))
}

fn ending<'a>(input: &mut Input<'a>) -> Option<Effect<'a>> {
    let group = input.u64()?;
    let mut lanes = LaneSet::default();
    for word in &mut lanes {
        *word = input.u64()?;
    }
    Some(Effect::End { group, lanes })
}
