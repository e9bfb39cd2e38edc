//! A page: some entries in one piece of memory, by number.
//!
//! An entry is its length as a varint and its bytes. Without dead bytes the entries lie in a page as
//! they do in the record of a small collection, one behind the other, in the order they were written.

use super::varint;

/// Entries of a full page.
pub(crate) const MAX_ENTRIES: usize = 64;
/// Bytes of a full page, unless it has few entries.
const MAX_BYTES: usize = 16 << 10;
/// Entries that a page may have however long they are: else those that are found by hash would need a
/// directory far longer than there are pages.
const LONG_ENTRIES: usize = 4;
/// Bytes of a page, dead ones included, from which on it is tidied before it grows.
const TIDY_BYTES: usize = 1 << 30;

/// See the module.
#[derive(Clone, Default, Debug)]
pub(crate) struct Page {
    /// Where each entry begins.
    places: Vec<u32>,
    bytes: Vec<u8>,
    /// Bytes of entries that are no longer there.
    dead_bytes: usize,
}

impl Page {
    /// The page that has these entries, which lie one behind the other.
    pub(crate) fn from_entries(bytes: &[u8]) -> Page {
        let mut places = Vec::new();
        let mut at = 0;
        while at < bytes.len() {
            places.push(at as u32);
            let (len, head) = varint::read(&bytes[at..]);
            at += head + len;
        }
        Page { places, bytes: bytes.to_vec(), dead_bytes: 0 }
    }

    /// All entries, one behind the other.
    pub(crate) fn write_entries(&self, out: &mut Vec<u8>) {
        for place in &self.places {
            out.extend_from_slice(self.whole(*place));
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Whether it is to be split before it grows.
    pub(crate) fn is_full(&self) -> bool {
        self.len() >= MAX_ENTRIES || (self.len() >= LONG_ENTRIES && self.live_bytes() > MAX_BYTES)
    }

    /// Whether two pages are better one.
    pub(crate) fn goes_with(&self, other: &Page) -> bool {
        self.len() + other.len() <= MAX_ENTRIES / 2
            && self.live_bytes() + other.live_bytes() <= MAX_BYTES / 2
    }

    /// Bytes of the entries that are there.
    pub(crate) fn live_bytes(&self) -> usize {
        self.bytes.len() - self.dead_bytes
    }

    /// Memory that the page has in the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.places.capacity() * size_of::<u32>() + self.bytes.capacity()
    }

    /// An entry.
    #[inline]
    pub(crate) fn entry(&self, number: usize) -> &[u8] {
        let rest = &self.bytes[self.places[number] as usize..];
        let (len, head) = varint::read(rest);
        &rest[head..head + len]
    }

    /// All entries in order.
    pub(crate) fn entries(&self) -> impl DoubleEndedIterator<Item = &[u8]> + ExactSizeIterator {
        (0..self.len()).map(|number| self.entry(number))
    }

    /// Puts an entry, given in parts, before number `number`, or at the end.
    pub(crate) fn insert(&mut self, number: usize, parts: &[&[u8]]) {
        let place = self.write(parts);
        self.places.insert(number, place);
    }

    /// Replaces an entry.
    pub(crate) fn replace(&mut self, number: usize, parts: &[&[u8]]) {
        let len: usize = parts.iter().map(|part| part.len()).sum();
        let place = self.places[number] as usize;
        let (old_len, head) = varint::read(&self.bytes[place..]);
        if len == old_len {
            let mut at = place + head;
            for part in parts {
                self.bytes[at..at + part.len()].copy_from_slice(part);
                at += part.len();
            }
            return;
        }
        self.dead_bytes += head + old_len;
        if self.bytes.len() > TIDY_BYTES {
            self.places.remove(number);
            *self = self.pick(0..self.len());
            self.insert(number, parts);
            return;
        }
        self.places[number] = self.write(parts);
        self.tidy();
    }

    /// Removes an entry.
    pub(crate) fn remove(&mut self, number: usize) {
        let place = self.places.remove(number);
        self.dead_bytes += self.whole(place).len();
        self.tidy();
    }

    /// Takes the entries from `number` on off, as another page.
    pub(crate) fn split_off(&mut self, number: usize) -> Page {
        let rest = self.pick(number..self.len());
        *self = self.pick(0..number);
        rest
    }

    /// Takes the entries out of which `goes` says so, as another page.
    pub(crate) fn extract(&mut self, goes: impl Fn(usize) -> bool) -> Page {
        let rest = self.pick((0..self.len()).filter(|number| goes(*number)));
        *self = self.pick((0..self.len()).filter(|number| !goes(*number)));
        rest
    }

    /// Appends the entries of another page.
    pub(crate) fn append(&mut self, other: &Page) {
        for place in &other.places {
            self.places.push(self.bytes.len() as u32);
            self.bytes.extend_from_slice(other.whole(*place));
        }
    }

    fn pick(&self, numbers: impl Iterator<Item = usize> + Clone) -> Page {
        let len_bytes = numbers.clone().map(|number| self.whole(self.places[number]).len()).sum();
        let mut places = Vec::with_capacity(numbers.clone().count());
        let mut bytes = Vec::with_capacity(len_bytes);
        for number in numbers {
            places.push(bytes.len() as u32);
            bytes.extend_from_slice(self.whole(self.places[number]));
        }
        Page { places, bytes, dead_bytes: 0 }
    }

    /// An entry with its length.
    fn whole(&self, place: u32) -> &[u8] {
        let rest = &self.bytes[place as usize..];
        let (len, head) = varint::read(rest);
        &rest[..head + len]
    }

    fn write(&mut self, parts: &[&[u8]]) -> u32 {
        let place = self.bytes.len() as u32;
        let len = parts.iter().map(|part| part.len()).sum();
        varint::write(&mut self.bytes, len);
        parts.iter().for_each(|part| self.bytes.extend_from_slice(part));
        place
    }

    /// Gives back what is dead when that is as much as lives.
    fn tidy(&mut self) {
        if self.dead_bytes > self.live_bytes() {
            *self = self.pick(0..self.len());
        }
    }
}
