//! The record of one key and its value, as it lies in a segment.
//!
//! ```text
//! flags 1 | access 3 | key length varint | value length varint | [expiry 5 or 8] | key | value
//! ```
//! Everything up to the key never changes after the record is written, except `access`, the
//! expiry's bytes and the `DEAD` flag, so a compactor may find record boundaries without a lock.
//! Value bytes change in place only when their length stays.
//!
//! A value of 16 KiB or more lies outside: its place holds the address of a shared vector. So
//! does a key above 16 KiB, whose place holds an address, its length and its stripe. The value of a
//! small collection is its kind and its entries; a large one lies outside, too.
#![allow(unsafe_code, reason = "reads and writes records in raw memory")]

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use crate::collection::{Contents, Kind, Large};
use crate::region::Region;

/// Values of this length and more live outside the segments and are sent without a copy.
pub const LARGE_VALUE_BYTES: usize = 16 << 10;
/// Keys above this length live outside the segments.
const LARGE_KEY_BYTES: usize = 16 << 10;

/// The record has five bytes of expiry: milliseconds since [`EXPIRY_EPOCH_MS`], 0 for none.
const SHORT_EXPIRY: u8 = 1;
/// The record has eight bytes of expiry: Unix milliseconds, 0 for none.
const LONG_EXPIRY: u8 = 1 << 1;
/// The value was changed in place by a command such as APPEND (`OBJECT ENCODING` says `raw`).
const MODIFIED: u8 = 1 << 2;
/// The value is the address of an `Arc<Vec<u8>>`.
const LARGE_VALUE: u8 = 1 << 3;
/// The key is the address of a boxed slice.
const LARGE_KEY: u8 = 1 << 4;
/// The value is a collection: its kind and its entries, or the address of a boxed `Large`.
const COLLECTION: u8 = 1 << 5;
/// The record is no longer in the index.
const DEAD: u8 = 1 << 7;

/// 2020-01-01T00:00:00Z. Five bytes reach from there to 2054.
const EXPIRY_EPOCH_MS: u64 = 1_577_836_800_000;
const SHORT_EXPIRY_LIMIT: u64 = 1 << 40;

const ACCESS_AT: u64 = 1;
const ACCESS_BYTES: usize = 3;
const LENGTHS_AT: u64 = 4;
/// Bytes of a key's place when the key is large: address, length, stripe.
const LARGE_KEY_PLACE_BYTES: usize = 8 + 8 + 1;
const ADDRESS_BYTES: usize = 8;

/// A value as a handler sees it.
#[derive(Clone, Copy, Debug)]
pub enum Value<'a> {
    /// Bytes in a segment.
    Inline(&'a [u8]),
    /// Shared bytes outside the segments.
    Large(&'a Arc<Vec<u8>>),
    /// No string.
    Collection(Contents<'a>),
}

/// A key holds something else than a command is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrongType;

impl<'a> Value<'a> {
    /// The bytes of a string.
    ///
    /// # Errors
    /// It is none.
    #[inline]
    pub fn bytes(self) -> Result<&'a [u8], WrongType> {
        match self {
            Value::Inline(bytes) => Ok(bytes),
            Value::Large(bytes) => Ok(bytes),
            Value::Collection(_) => Err(WrongType),
        }
    }
}

/// What a new record is made of.
#[derive(Clone, Copy)]
pub(crate) struct Draft<'a> {
    pub(crate) key: &'a [u8],
    pub(crate) stripe: u8,
    pub(crate) value: DraftValue<'a>,
    pub(crate) expiry_ms: Option<u64>,
    pub(crate) modified: bool,
    pub(crate) access: u32,
}

/// The value of a new record. A large one hands over its reference, or its box.
#[derive(Clone, Copy)]
pub(crate) enum DraftValue<'a> {
    Inline(&'a [u8]),
    Large(*const Vec<u8>),
    SmallCollection(&'a [u8]),
    LargeCollection(*mut Large),
}

/// Where the parts of a record lie.
#[derive(Clone, Copy)]
pub(crate) struct Record<'r> {
    region: &'r Region,
    pub(crate) location: u64,
    flags: u8,
    key_at: u64,
    key_len: usize,
    value_at: u64,
    value_len: usize,
    expiry_at: u64,
}

impl<'r> Record<'r> {
    /// Decodes the record at a location.
    ///
    /// # Safety
    /// A whole record must lie there, and its memory must stay a record while this lives: the
    /// caller holds its stripe's lock, or compacts the (sealed) segment it lies in.
    #[inline]
    pub(crate) unsafe fn at(region: &'r Region, location: u64) -> Record<'r> {
        let flags = region.byte(location).load(Relaxed);
        let mut at = location + LENGTHS_AT;
        // SAFETY: lengths are immutable parts of a record.
        let (key_len, value_len) = unsafe { (varint(region, &mut at), varint(region, &mut at)) };
        let expiry_at = at;
        at += expiry_len(flags) as u64;
        let key_place = if flags & LARGE_KEY == 0 { key_len } else { LARGE_KEY_PLACE_BYTES };
        let value_at = at + key_place as u64;
        Record { region, location, flags, key_at: at, key_len, value_at, value_len, expiry_at }
    }

    /// Bytes the record takes in its segment.
    #[inline]
    pub(crate) fn len_bytes(&self) -> usize {
        let value = if self.has_large_value() { ADDRESS_BYTES } else { self.value_len };
        (self.value_at - self.location) as usize + value
    }

    /// Bytes of key and value outside the segment.
    pub(crate) fn outside_bytes(&self) -> usize {
        let key = if self.has_large_key() { self.key_len } else { 0 };
        let collection =
            self.large_collection().map_or(0, |large| size_of::<Large>() + large.heap_bytes());
        key + self.large_value().map_or(0, |value| value.capacity()) + collection
    }

    /// Memory that the item takes: its record, what lies outside, and its index entry.
    pub(crate) fn weight_bytes(&self) -> u32 {
        let bytes = self.len_bytes() + self.outside_bytes() + size_of::<crate::entry::Entry>();
        u32::try_from(bytes).unwrap_or(u32::MAX)
    }

    #[inline]
    pub(crate) fn has_large_value(&self) -> bool {
        self.flags & LARGE_VALUE != 0
    }

    #[inline]
    pub(crate) fn is_collection(&self) -> bool {
        self.flags & COLLECTION != 0
    }

    #[inline]
    pub(crate) fn has_large_key(&self) -> bool {
        self.flags & LARGE_KEY != 0
    }

    /// The stripe written beside a large key.
    pub(crate) fn large_key_stripe(&self) -> u8 {
        self.region.byte(self.key_at + 16).load(Relaxed)
    }

    /// The key. A large key may be read only under its stripe's lock.
    #[inline]
    pub(crate) fn key(&self) -> &'r [u8] {
        if self.has_large_key() {
            let address = self.word(self.key_at) as *const u8;
            // SAFETY: a live record's large key is a leaked box of this length.
            return unsafe { std::slice::from_raw_parts(address, self.key_len) };
        }
        // SAFETY: an inline key is an immutable part of the record.
        unsafe { self.region.bytes(self.key_at, self.key_len) }
    }

    /// The value, for holders of the stripe's lock.
    #[inline]
    pub(crate) fn value(&self) -> Value<'r> {
        if self.is_collection() {
            return Value::Collection(self.contents());
        }
        if let Some(shared) = self.large_value() {
            return Value::Large(shared);
        }
        // SAFETY: the stripe's lock is held, so nobody writes the value's bytes.
        Value::Inline(unsafe { self.region.bytes(self.value_at, self.value_len) })
    }

    #[cold]
    fn contents(&self) -> Contents<'r> {
        match self.large_collection() {
            Some(large) => Contents::Large(large),
            // SAFETY: as for strings.
            None => Contents::small(unsafe { self.region.bytes(self.value_at, self.value_len) }),
        }
    }

    fn large_value(&self) -> Option<&'r Arc<Vec<u8>>> {
        // SAFETY: the place holds the address of a box leaked by `Draft::write`, which lives as
        // long as the record; the stripe's lock excludes `edit_large` and `release_outside`.
        let is_here = self.has_large_value() && !self.is_collection();
        is_here.then(|| unsafe { &*self.large_cell() })
    }

    fn large_collection(&self) -> Option<&'r Large> {
        let is_here = self.has_large_value() && self.is_collection();
        // SAFETY: the place holds the address of a box that the record owns; the stripe's lock
        // excludes `edit_collection` and `release_outside`.
        is_here.then(|| unsafe { &*(self.word(self.value_at) as *const Large) })
    }

    /// The large collection for changing.
    ///
    /// # Safety
    /// The stripe's lock is held and no other reference from this record is alive.
    pub(crate) unsafe fn edit_collection(&self) -> Option<&'r mut Large> {
        let is_here = self.has_large_value() && self.is_collection();
        // SAFETY: as above; exclusion is the caller's promise.
        is_here.then(|| unsafe { &mut *(self.word(self.value_at) as *mut Large) })
    }

    /// The kind of a collection.
    pub(crate) fn kind(&self) -> Option<Kind> {
        self.is_collection().then(|| self.contents().kind())
    }

    /// The large value for changing, copied first when a reply still shares it.
    ///
    /// # Safety
    /// The stripe's lock is held and no other reference from this record is alive.
    pub(crate) unsafe fn edit_large(&self) -> Option<&'r mut Vec<u8>> {
        // SAFETY: as above; exclusion is the caller's promise.
        let is_here = self.has_large_value() && !self.is_collection();
        is_here.then(|| Arc::make_mut(unsafe { &mut *self.large_cell() }))
    }

    /// The address of the boxed `Arc` of a large value.
    fn large_cell(&self) -> *mut Arc<Vec<u8>> {
        self.word(self.value_at) as *mut Arc<Vec<u8>>
    }

    fn word(&self, at: u64) -> u64 {
        // SAFETY: addresses are immutable parts of a record.
        let bytes = unsafe { self.region.bytes(at, 8) };
        let mut word = [0; 8];
        word.copy_from_slice(bytes);
        u64::from_le_bytes(word)
    }

    #[inline]
    pub(crate) fn is_dead(&self) -> bool {
        self.region.byte(self.location).load(Relaxed) & DEAD != 0
    }

    pub(crate) fn is_modified(&self) -> bool {
        self.flags & MODIFIED != 0
    }

    /// Unix milliseconds at which the item expires.
    #[inline]
    pub(crate) fn expiry_ms(&self) -> Option<u64> {
        let len = expiry_len(self.flags);
        if len == 0 {
            return None;
        }
        let mut raw = [0; 8];
        for (index, byte) in raw[..len].iter_mut().enumerate() {
            *byte = self.region.byte(self.expiry_at + index as u64).load(Relaxed);
        }
        let stored = u64::from_le_bytes(raw);
        match stored {
            0 => None,
            _ if self.flags & SHORT_EXPIRY != 0 => Some(stored + EXPIRY_EPOCH_MS),
            _ => Some(stored),
        }
    }

    /// Changes the expiry in place, as [`Record::can_expire`] allowed.
    pub(crate) fn set_expiry(&self, expiry_ms: Option<u64>) {
        let len = expiry_len(self.flags);
        let stored = match expiry_ms {
            None => 0,
            Some(at) if len == 5 => short_expiry(at).unwrap_or(0),
            Some(at) => long_expiry(at),
        };
        for (index, byte) in stored.to_le_bytes()[..len].iter().enumerate() {
            self.region.byte(self.expiry_at + index as u64).store(*byte, Relaxed);
        }
    }

    /// The 24 bits of access state, for holders of the stripe's lock.
    #[inline]
    pub(crate) fn access(&self) -> u32 {
        // SAFETY: the stripe's lock is held, and only its holders write these bytes.
        match unsafe { self.region.bytes(self.location + ACCESS_AT, ACCESS_BYTES) } {
            &[low, middle, high] => u32::from_le_bytes([low, middle, high, 0]),
            _ => 0,
        }
    }

    /// Replaces the 24 bits of access state, for holders of the stripe's lock.
    #[inline]
    pub(crate) fn set_access(&self, access: u32) {
        let bytes = &access.to_le_bytes()[..ACCESS_BYTES];
        // SAFETY: as for reading.
        unsafe { self.region.write(self.location + ACCESS_AT, bytes) };
    }

    /// Tells whether an inline value of this length and an expiry can be written in place.
    #[inline]
    pub(crate) fn can_overwrite(&self, len: usize, modified: bool, expiry_ms: Option<u64>) -> bool {
        self.flags & (LARGE_VALUE | COLLECTION) == 0
            && self.value_len == len
            && modified == self.is_modified()
            && self.can_expire(expiry_ms)
    }

    /// Tells whether the record has room for this expiry.
    #[inline]
    pub(crate) fn can_expire(&self, expiry_ms: Option<u64>) -> bool {
        match (expiry_ms, expiry_len(self.flags)) {
            (None, _) => true,
            (Some(_), 0) => false,
            (Some(at), 5) => short_expiry(at).is_some(),
            (Some(_), _) => true,
        }
    }

    /// Overwrites a value as [`Record::can_overwrite`] allowed.
    #[inline]
    pub(crate) fn overwrite(&self, value: &[u8]) {
        debug_assert_eq!(value.len(), self.value_len);
        // SAFETY: the stripe's lock is held; nobody else touches the value's bytes.
        unsafe { self.region.write(self.value_at, value) };
    }

    /// Says that the index no longer leads here.
    pub(crate) fn mark_dead(&self) {
        self.region.byte(self.location).fetch_or(DEAD, Relaxed);
    }

    /// Takes the large collection out of a record that must be dead afterwards.
    pub(crate) fn take_collection(&self) -> Option<Box<Large>> {
        let is_here = self.has_large_value() && self.is_collection();
        // SAFETY: the box was leaked by whoever drafted the record, which was its only user.
        is_here.then(|| unsafe { Box::from_raw(self.word(self.value_at) as *mut Large) })
    }

    /// Frees what else the record holds outside its segment. The record must be dead afterwards.
    pub(crate) fn release_outside(&self) {
        if self.has_large_value() && !self.is_collection() {
            // SAFETY: the cell was leaked by `Draft::write`; the dying record was its only user.
            drop(unsafe { Box::from_raw(self.large_cell()) });
        }
        if self.has_large_key() {
            let address = self.word(self.key_at) as *mut u8;
            let slice = std::ptr::slice_from_raw_parts_mut(address, self.key_len);
            // SAFETY: the box was leaked by `Draft::write`; the record was its only user.
            drop(unsafe { Box::from_raw(slice) });
        }
    }
}

impl Draft<'_> {
    fn flags(&self) -> u8 {
        let expiry = match self.expiry_ms {
            None => 0,
            Some(at) if short_expiry(at).is_some() => SHORT_EXPIRY,
            Some(_) => LONG_EXPIRY,
        };
        let modified = if self.modified { MODIFIED } else { 0 };
        let value = match self.value {
            DraftValue::Inline(_) => 0,
            DraftValue::Large(_) => LARGE_VALUE,
            DraftValue::SmallCollection(_) => COLLECTION,
            DraftValue::LargeCollection(_) => COLLECTION | LARGE_VALUE,
        };
        let key = if self.key.len() > LARGE_KEY_BYTES { LARGE_KEY } else { 0 };
        expiry | modified | value | key
    }

    fn value_len(&self) -> usize {
        match self.value {
            DraftValue::Inline(bytes) | DraftValue::SmallCollection(bytes) => bytes.len(),
            // A large value may change its length; it is asked itself.
            DraftValue::Large(_) | DraftValue::LargeCollection(_) => 0,
        }
    }

    /// Bytes the record will take.
    #[inline]
    pub(crate) fn len_bytes(&self) -> usize {
        let value_place_bytes = match self.value {
            DraftValue::Inline(bytes) | DraftValue::SmallCollection(bytes) => bytes.len(),
            DraftValue::Large(_) | DraftValue::LargeCollection(_) => ADDRESS_BYTES,
        };
        let lengths = (self.key.len(), self.value_len());
        record_bytes(lengths, value_place_bytes, expiry_len(self.flags()))
    }

    /// Writes the record.
    ///
    /// # Safety
    /// `location` begins `len_bytes` of memory that only the caller uses.
    #[inline]
    pub(crate) unsafe fn write(&self, region: &Region, location: u64) {
        let flags = self.flags();
        let access = self.access.to_le_bytes();
        let mut head = [0u8; 32];
        head[0] = flags;
        head[1..4].copy_from_slice(&access[..3]);
        let mut at = LENGTHS_AT as usize;
        put_varint(&mut head, &mut at, self.key.len());
        put_varint(&mut head, &mut at, self.value_len());
        if let Some(expiry_ms) = self.expiry_ms {
            let stored = short_expiry(expiry_ms).unwrap_or(long_expiry(expiry_ms));
            let stored = stored.to_le_bytes();
            let len = expiry_len(flags);
            head[at..at + len].copy_from_slice(&stored[..len]);
            at += len;
        }
        let mut offset = location + at as u64;
        // SAFETY: the caller owns the range, which `len_bytes` measured.
        unsafe {
            region.write(location, &head[..at]);
            if flags & LARGE_KEY != 0 {
                let boxed: Box<[u8]> = self.key.into();
                let address = Box::into_raw(boxed) as *mut u8 as u64;
                region.write(offset, &address.to_le_bytes());
                region.write(offset + 8, &(self.key.len() as u64).to_le_bytes());
                region.write(offset + 16, &[self.stripe]);
                offset += LARGE_KEY_PLACE_BYTES as u64;
            } else {
                region.write(offset, self.key);
                offset += self.key.len() as u64;
            }
            match self.value {
                DraftValue::Inline(bytes) | DraftValue::SmallCollection(bytes) => {
                    region.write(offset, bytes);
                }
                DraftValue::LargeCollection(large) => {
                    region.write(offset, &(large as u64).to_le_bytes());
                }
                DraftValue::Large(vector) => {
                    let cell = Box::into_raw(Box::new(Arc::from_raw(vector))) as u64;
                    region.write(offset, &cell.to_le_bytes());
                }
            }
        }
    }
}

/// Bytes of a record whose head says these lengths of key and value.
#[inline]
fn record_bytes(
    (key_len, value_len): (usize, usize),
    value_place_bytes: usize,
    expiry_bytes: usize,
) -> usize {
    let is_large_key = key_len > LARGE_KEY_BYTES;
    let key_place_bytes = if is_large_key { LARGE_KEY_PLACE_BYTES } else { key_len };
    LENGTHS_AT as usize
        + varint_len(key_len)
        + varint_len(value_len)
        + expiry_bytes
        + key_place_bytes
        + value_place_bytes
}

/// What a fresh item of these lengths takes: its record, and what lies outside the segments.
pub(crate) fn item_bytes(key_len: usize, value_len: usize, expires: bool) -> (usize, Vec<usize>) {
    let expiry_bytes = expiry_len(if expires { SHORT_EXPIRY } else { 0 });
    let is_large = value_len >= LARGE_VALUE_BYTES;
    let (said_len, place_bytes) =
        if is_large { (0, ADDRESS_BYTES) } else { (value_len, value_len) };
    let record = record_bytes((key_len, said_len), place_bytes, expiry_bytes);
    let mut outside = Vec::new();
    if key_len > LARGE_KEY_BYTES {
        outside.push(key_len);
    }
    if is_large {
        // The bytes, the shared vector that has them, and the cell that leads to it.
        const SHARED_BYTES: usize = 2 * size_of::<usize>() + size_of::<Vec<u8>>();
        outside.extend([value_len, SHARED_BYTES, size_of::<Arc<Vec<u8>>>()]);
    }
    (record, outside)
}

fn short_expiry(expiry_ms: u64) -> Option<u64> {
    let since = expiry_ms.checked_sub(EXPIRY_EPOCH_MS)?;
    (since > 0 && since < SHORT_EXPIRY_LIMIT).then_some(since)
}

/// The epoch itself stands for "none", so that it becomes the millisecond behind it.
fn long_expiry(expiry_ms: u64) -> u64 {
    expiry_ms.max(1)
}

#[inline]
fn expiry_len(flags: u8) -> usize {
    match flags & (SHORT_EXPIRY | LONG_EXPIRY) {
        0 => 0,
        SHORT_EXPIRY => 5,
        _ => 8,
    }
}

#[inline]
fn varint_len(value: usize) -> usize {
    if value < 128 { 1 } else { (value.ilog2() as usize) / 7 + 1 }
}

#[inline]
fn put_varint(head: &mut [u8; 32], at: &mut usize, value: usize) {
    let mut rest = value;
    while rest >= 128 {
        head[*at] = (rest as u8) | 0x80;
        *at += 1;
        rest >>= 7;
    }
    head[*at] = rest as u8;
    *at += 1;
}

/// # Safety
/// A varint lies at `at` and nobody writes it.
#[inline]
unsafe fn varint(region: &Region, at: &mut u64) -> usize {
    let mut value = 0;
    let mut shift = 0;
    loop {
        let byte = region.byte(*at).load(Relaxed);
        *at += 1;
        value |= usize::from(byte & 0x7f) << shift;
        if byte < 128 || shift > 56 {
            return value;
        }
        shift += 7;
    }
}
