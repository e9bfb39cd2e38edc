//! Fields with values, found by the hash of the field: what a large hash or set is made of.
//!
//! Extendible hashing (Fagin, Nievergelt, Pippenger, Strong 1979): a directory over the first bits of
//! the hash leads to buckets, and a full bucket is split by its next bit. So growth never moves more
//! than one bucket, and the directory, four bytes for some forty fields, doubles at once.
//!
//! Because buckets cover ranges of hashes, a scan is a walk over hashes in ascending order, and its
//! cursor stays true however buckets are split and joined meanwhile.

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::page::{MAX_ENTRIES, Page};
use super::varint;

/// Bits of hashes that scans tell apart; fields that agree in them are visited together.
const CURSOR_BITS: u32 = 48;
/// Most bits that the directory looks at. Buckets that agree in them grow beyond their size.
const MAX_DEPTH: u32 = 28;
/// Picks of a random place before the next field is taken as it comes.
const MAX_PICKS: u32 = 1_000;

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Fields {
    seed: u64,
    /// First bits of the hash -> bucket.
    directory: Vec<u32>,
    /// How many bits the directory looks at.
    depth: u32,
    buckets: Vec<Bucket>,
    /// How many buckets there were when the directory was last to shrink, or has grown.
    shrunk_at: usize,
    len: usize,
    heap_bytes: usize,
}

/// Fields whose hashes begin with the same `depth` bits.
#[derive(Clone, Debug, Default)]
struct Bucket {
    depth: u32,
    /// The last byte of each field's hash.
    tags: Vec<u8>,
    page: Page,
}

/// Splits an entry into field and value.
#[inline]
pub(crate) fn split(entry: &[u8]) -> (&[u8], &[u8]) {
    let (len, head) = varint::read(entry);
    entry[head..].split_at(len)
}

/// Calls `use_parts` with the parts of an entry.
#[inline]
pub(crate) fn with_parts<R>(
    field: &[u8],
    value: &[u8],
    use_parts: impl FnOnce(&[&[u8]]) -> R,
) -> R {
    let mut head = Vec::new();
    varint::write(&mut head, field.len());
    use_parts(&[&head, field, value])
}

impl Bucket {
    fn heap_bytes(&self) -> usize {
        self.tags.capacity() + self.page.heap_bytes()
    }

    fn find(&self, hash: u64, field: &[u8]) -> Option<usize> {
        let tag = hash as u8;
        let candidates = self.tags.iter().enumerate().filter(|(_, other)| **other == tag);
        let mut numbers = candidates.map(|(number, _)| number);
        numbers.find(|number| split(self.page.entry(*number)).0 == field)
    }

    /// Takes the fields out of which `goes` says so.
    fn extract(&mut self, goes: &[bool]) -> Bucket {
        let page = self.page.extract(|number| goes[number]);
        let picked = |wanted: bool| {
            let both = self.tags.iter().zip(goes);
            both.filter(|(_, goes)| **goes == wanted).map(|(tag, _)| *tag).collect()
        };
        let (tags, rest) = (picked(true), picked(false));
        self.tags = rest;
        Bucket { depth: self.depth, tags, page }
    }
}

impl Fields {
    /// No fields, hashed with a seed that clients do not know.
    pub(crate) fn new(seed: u64) -> Fields {
        let first = Bucket::default();
        let heap_bytes = first.heap_bytes();
        let mut fields = Fields {
            seed,
            directory: vec![0],
            depth: 0,
            buckets: vec![first],
            shrunk_at: usize::MAX,
            len: 0,
            heap_bytes: 0,
        };
        fields.heap_bytes = heap_bytes + fields.frame_bytes();
        fields
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Memory that all of it has in the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.heap_bytes
    }

    /// What a field has.
    #[inline]
    pub(crate) fn get(&self, field: &[u8]) -> Option<&[u8]> {
        let hash = self.hash(field);
        let bucket = &self.buckets[self.bucket_of(hash)];
        let number = bucket.find(hash, field)?;
        Some(split(bucket.page.entry(number)).1)
    }

    /// Gives a field a value. Answers whether the field is new.
    pub(crate) fn set(&mut self, field: &[u8], value: &[u8]) -> bool {
        let hash = self.hash(field);
        let bucket = self.bucket_of(hash);
        if let Some(number) = self.buckets[bucket].find(hash, field) {
            self.change(bucket, |bucket| {
                with_parts(field, value, |parts| bucket.page.replace(number, parts));
            });
            return false;
        }
        let bucket = self.make_room(hash);
        self.change(bucket, |bucket| {
            bucket.tags.push(hash as u8);
            let number = bucket.page.len();
            with_parts(field, value, |parts| bucket.page.insert(number, parts));
        });
        self.len += 1;
        true
    }

    /// Removes a field. Answers whether it was there.
    pub(crate) fn remove(&mut self, field: &[u8]) -> bool {
        let hash = self.hash(field);
        let bucket = self.bucket_of(hash);
        let Some(number) = self.buckets[bucket].find(hash, field) else { return false };
        self.change(bucket, |bucket| {
            bucket.tags.remove(number);
            bucket.page.remove(number);
        });
        self.len -= 1;
        self.join(hash);
        true
    }

    /// All fields with their values, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.buckets.iter().flat_map(|bucket| bucket.page.entries().map(split))
    }

    /// Visits at least `count` fields from a cursor on (0: the beginning), unless there are fewer.
    /// Answers where to go on, 0 when all have been visited. A field that is there all the time is
    /// visited once.
    pub(crate) fn scan<'a>(
        &'a self,
        cursor: u64,
        count: usize,
        mut visit: impl FnMut(&'a [u8], &'a [u8]),
    ) -> u64 {
        let (mut cursor, mut left) = (cursor, count.max(1));
        while cursor < 1 << CURSOR_BITS {
            let hash = cursor << (64 - CURSOR_BITS);
            let bucket = &self.buckets[self.bucket_of(hash)];
            let mut found: Vec<_> = bucket
                .page
                .entries()
                .map(split)
                .map(|(field, value)| (self.hash(field) >> (64 - CURSOR_BITS), field, value))
                .filter(|(at, ..)| *at >= cursor)
                .collect();
            found.sort_unstable_by_key(|(at, ..)| *at);
            for (at, field, value) in found {
                if left == 0 && at >= cursor {
                    return at;
                }
                visit(field, value);
                left = left.saturating_sub(1);
                cursor = at + 1;
            }
            cursor = self.range_end(bucket.depth, hash);
            if left == 0 && cursor < 1 << CURSOR_BITS {
                return cursor;
            }
        }
        0
    }

    /// A field at random, each with the same probability.
    pub(crate) fn pick(&self, mut random: impl FnMut() -> u64) -> Option<(&[u8], &[u8])> {
        if self.len == 0 {
            return None;
        }
        for _ in 0..MAX_PICKS {
            let bucket = (random() % self.buckets.len() as u64) as usize;
            let page = &self.buckets[bucket].page;
            let number = (random() % page.len().max(MAX_ENTRIES) as u64) as usize;
            if number < page.len() {
                return Some(split(page.entry(number)));
            }
        }
        self.iter().next()
    }

    /// Takes a bucket of fields away, so that what is to be dropped can be dropped bit by bit. Answers
    /// whether any are left. Nothing else may be asked of it afterwards.
    pub(crate) fn drop_some(&mut self) -> bool {
        self.buckets.pop();
        !self.buckets.is_empty()
    }

    /// As [`Fields::heap_bytes`], counted anew.
    #[cfg(test)]
    pub(crate) fn recount_heap_bytes(&self) -> usize {
        self.frame_bytes() + self.buckets.iter().map(|bucket| bucket.heap_bytes()).sum::<usize>()
    }

    fn hash(&self, field: &[u8]) -> u64 {
        xxh3_64_with_seed(field, self.seed)
    }

    #[inline]
    fn bucket_of(&self, hash: u64) -> usize {
        self.directory[first_bits(hash, self.depth)] as usize
    }

    /// Where the range of hashes ends that a bucket of this depth covers, as a cursor.
    fn range_end(&self, depth: u32, hash: u64) -> u64 {
        let next = first_bits(hash, depth) as u64 + 1;
        next << (CURSOR_BITS - depth)
    }

    /// Memory besides the buckets.
    fn frame_bytes(&self) -> usize {
        self.directory.capacity() * size_of::<u32>() + self.buckets.capacity() * size_of::<Bucket>()
    }

    fn change(&mut self, bucket: usize, change: impl FnOnce(&mut Bucket)) {
        let bucket = &mut self.buckets[bucket];
        let before = bucket.heap_bytes();
        change(bucket);
        self.heap_bytes = self.heap_bytes + bucket.heap_bytes() - before;
    }

    /// Changes directory and buckets.
    fn rebuild<R>(&mut self, change: impl FnOnce(&mut Fields) -> R) -> R {
        let before = self.frame_bytes();
        let result = change(self);
        self.heap_bytes = self.heap_bytes + self.frame_bytes() - before;
        result
    }

    /// The bucket that a new field goes into, split until it has room.
    fn make_room(&mut self, hash: u64) -> usize {
        loop {
            let number = self.bucket_of(hash);
            let bucket = &self.buckets[number];
            if !bucket.page.is_full() || bucket.depth >= MAX_DEPTH {
                return number;
            }
            if bucket.depth == self.depth {
                self.rebuild(|fields| {
                    fields.directory = fields.directory.iter().flat_map(|at| [*at, *at]).collect();
                    fields.depth += 1;
                    fields.shrunk_at = usize::MAX;
                });
            }
            self.split_bucket(number, hash);
        }
    }

    fn split_bucket(&mut self, number: usize, hash: u64) {
        let depth = self.buckets[number].depth;
        let goes: Vec<bool> = self.buckets[number]
            .page
            .entries()
            .map(|entry| self.hash(split(entry).0) >> (63 - depth) & 1 == 1)
            .collect();
        let mut taken = Bucket::default();
        self.change(number, |bucket| {
            bucket.depth += 1;
            taken = bucket.extract(&goes);
        });
        self.heap_bytes += taken.heap_bytes();
        let new = self.buckets.len() as u32;
        self.rebuild(|fields| fields.buckets.push(taken));
        // The upper half of the range leads to the new one.
        let range = self.places(depth, hash);
        let half = range.len() / 2;
        self.directory[range][half..].fill(new);
    }

    /// The directory's places of a bucket of this depth.
    fn places(&self, depth: u32, hash: u64) -> std::ops::Range<usize> {
        let width = 1 << (self.depth - depth);
        let first = first_bits(hash, depth) * width;
        first..first + width
    }

    /// Joins the bucket of a hash with its other half when both have little.
    fn join(&mut self, hash: u64) {
        let number = self.bucket_of(hash);
        let depth = self.buckets[number].depth;
        if depth == 0 || self.buckets[number].page.len() >= MAX_ENTRIES / 4 {
            return;
        }
        let other_hash = hash ^ 1 << (64 - depth);
        let other = self.bucket_of(other_hash);
        let (mine, its) = (&self.buckets[number], &self.buckets[other]);
        if its.depth != depth || !mine.page.goes_with(&its.page) {
            return;
        }
        let range = self.places(depth - 1, hash);
        self.directory[range].fill(number as u32);
        self.buckets[number].depth -= 1;
        let gone = self.take_bucket(other);
        let number = self.bucket_of(hash);
        self.change(number, |bucket| {
            bucket.tags.extend_from_slice(&gone.tags);
            bucket.page.append(&gone.page);
        });
        // Not again and again, where a few deep buckets keep it long.
        if self.buckets.len() * 8 < self.directory.len() && self.buckets.len() <= self.shrunk_at / 2
        {
            self.shrink_directory();
        }
    }

    /// Takes a bucket out that nothing leads to; the last one gets its number.
    fn take_bucket(&mut self, number: usize) -> Bucket {
        let last = self.buckets.len() - 1;
        if number != last
            && let Some(entry) = self.buckets[last].page.entries().next()
        {
            let hash = self.hash(split(entry).0);
            let range = self.places(self.buckets[last].depth, hash);
            self.directory[range].fill(number as u32);
        } else if number != last {
            // An empty one does not say where it is.
            let renamed = |at: &mut u32| {
                if *at == last as u32 {
                    *at = number as u32;
                }
            };
            self.directory.iter_mut().for_each(renamed);
        }
        let gone = self.rebuild(|fields| {
            let gone = fields.buckets.swap_remove(number);
            if fields.buckets.len() * 4 < fields.buckets.capacity() {
                fields.buckets.shrink_to(fields.buckets.len() * 2);
            }
            gone
        });
        self.heap_bytes -= gone.heap_bytes();
        gone
    }

    fn shrink_directory(&mut self) {
        self.shrunk_at = self.buckets.len();
        let deepest = self.buckets.iter().map(|bucket| bucket.depth).max().unwrap_or(0);
        if deepest == self.depth {
            return;
        }
        let step = 1 << (self.depth - deepest);
        self.rebuild(|fields| {
            fields.directory = fields.directory.iter().step_by(step).copied().collect();
            fields.depth = deepest;
        });
    }
}

#[inline]
fn first_bits(hash: u64, bits: u32) -> usize {
    // In two steps, because none of 64 bits may be asked for.
    (hash >> 1 >> (63 - bits)) as usize
}
