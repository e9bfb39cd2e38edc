//! Effects: what a change left behind, as absolute facts, and how they are written in a lane.
//!
//! ```text
//! effect   := kind:u8 body
//! set      := 1 flags:u8 database:u16 key value [expiry_ms:u64]   flags: 1 expires, 2 modified in place,
//!                                                                 4 the value is a small collection
//! expire   := 2 database:u16 key expiry_ms:u64                    u64::MAX: never
//! remove   := 3 database:u16 key
//! clear    := 4 database:u16
//! begin    := 5 group:u64                                         what follows counts only with its end
//! end      := 6 group:u64 lanes:[u64; 4]                          the lanes that the group is in
//! elements := 7 kind:u8 database:u16 key ops                      elements that were put or removed
//! key, value, ops := length:u32 bytes                                  numbers are little-endian
//! ```
//!
//! Because they are absolute, an effect that is applied twice, or on top of a later state that its
//! lane then repeats, does no harm.

use crate::Database;
use crate::collection::{Contents, Kind, is_small_collection, read_ops, write_op};

/// Longest key or value that is believed.
const MAX_BYTES: usize = 1 << 30;
/// Bytes of elements that are told at once.
const OPS_BYTES: usize = 64 << 10;
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
        /// Whether the value is a small collection.
        is_collection: bool,
    },
    /// Elements of a collection were put or removed.
    Elements {
        /// The database.
        database: Database,
        /// The key.
        key: &'a [u8],
        /// What the collection is.
        kind: Kind,
        /// As [`crate::collection::read_ops`] reads them.
        ops: &'a [u8],
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

    pub(crate) fn small_collection(run: u16, key: &[u8], expires: bool) -> Head {
        let mut head = Head::set(run, key, expires, false);
        head.bytes[1] |= 4;
        head
    }

    pub(crate) fn elements(kind: Kind, run: u16, key: &[u8]) -> Head {
        let mut head = Head::set(run, key, false, false);
        (head.bytes[0], head.bytes[1]) = (7, kind as u8);
        head
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
        7 => elements(&mut input)?,
        _ => return Err(Corrupt),
    };
    Ok(effect.map(|effect| (effect, input.at)))
}

fn set<'a>(input: &mut Input<'a>) -> Result<Option<Effect<'a>>, Corrupt> {
    let Some([flags]) = input.array() else { return Ok(None) };
    if flags > 7 {
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
    let (modified, is_collection) = (flags & 2 != 0, flags & 4 != 0);
    if is_collection && !is_small_collection(value) {
        return Err(Corrupt);
    }
    Ok(Some(Effect::Set { database, key, value, expiry_ms, modified, is_collection }))
}

fn elements<'a>(input: &mut Input<'a>) -> Result<Option<Effect<'a>>, Corrupt> {
    let Some([kind]) = input.array() else { return Ok(None) };
    let kind = Kind::of(kind).ok_or(Corrupt)?;
    let Some(database) = input.u16() else { return Ok(None) };
    let Some(key) = input.string()? else { return Ok(None) };
    let Some(ops) = input.string()? else { return Ok(None) };
    match read_ops(kind, ops, |_, _| {}) {
        true => Ok(Some(Effect::Elements { database, key, kind, ops })),
        false => Err(Corrupt),
    }
}

/// Calls `write` with the pieces of each effect that tells of a whole collection.
pub(crate) fn each_of_collection(
    run: u16,
    key: &[u8],
    contents: Contents<'_>,
    expiry_ms: Option<u64>,
    mut write: impl FnMut(&[&[u8]]),
) {
    let at = expiry_ms.map(u64::to_le_bytes);
    let at: &[u8] = at.as_ref().map_or(&[], |bytes| bytes);
    if let Contents::Small(kind, entries) = contents {
        let head = Head::small_collection(run, key, expiry_ms.is_some());
        let len = (entries.len() as u32 + 1).to_le_bytes();
        write(&[head.as_bytes(), key, &len, &[kind as u8], entries, at]);
        return;
    }
    write(&[Head::of_key(KeyKind::Remove, run, key).as_bytes(), key]);
    let head = Head::elements(contents.kind(), run, key);
    let mut ops = Vec::new();
    let mut flush = |ops: &mut Vec<u8>| {
        write(&[head.as_bytes(), key, &(ops.len() as u32).to_le_bytes(), ops]);
        ops.clear();
    };
    contents.each_field(|field, value| {
        write_op(&mut ops, field, value);
        if ops.len() >= OPS_BYTES {
            flush(&mut ops);
        }
    });
    flush(&mut ops);
    if !at.is_empty() {
        write(&[Head::of_key(KeyKind::Expire, run, key).as_bytes(), key, at]);
    }
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
