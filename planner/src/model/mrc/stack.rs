//! LRU stack distances in bytes: how large a cache must be for a request to find its object.
//!
//! Objects stand in the order of their last use. The distance of a request is the size of its
//! object and of all that were used since (Mattson et al., "Evaluation techniques for storage
//! hierarchies", IBM Systems Journal 9(2), 1970), kept as sums over positions (Olken, "Efficient
//! methods for calculating the success function of fixed space replacement policies", LBL-12370,
//! 1981) in a binary indexed tree (Fenwick, 1994): two updates and one sum, each logarithmic.
//!
//! What expires, is removed or shrinks leaves a *hole*: a cache that held it has that much room
//! again, so what enters on top pushes down only what lies above the topmost hole. So distances are
//! exactly those of caches of every size, one by one, while objects of one size die, and while
//! objects of any sizes live; where both come together, and where a small cache stores anew, with a
//! new life, what a large one still has, they are very nearly so.
//!
//! Bounds: memory in proportion to the objects alive; positions are renumbered when they run out.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};

use crate::random::mix;

/// Positions a stack has at least.
const POSITIONS_MIN: usize = 1 << 12;
/// No object stands here.
const NOBODY: u32 = u32::MAX;
/// The object does not expire.
const NEVER: u64 = u64::MAX;

/// Objects in the order of their last use.
pub struct Stack {
    tree: Vec<u64>,
    total_bytes: u64,
    /// Who stands at each position.
    positions: Vec<u32>,
    next: usize,
    objects: Vec<Object>,
    free: Vec<u32>,
    index: HashMap<u64, u32, BuildHasherDefault<IdHasher>>,
    /// Room that is free again, by position.
    holes: BTreeMap<u32, u64>,
    expiries: BinaryHeap<Reverse<(u64, u64)>>,
}

#[derive(Clone, Copy)]
struct Object {
    expires_ms: u64,
    position: u32,
    weight_bytes: u32,
}

/// Ids need no more than to be mixed.
#[derive(Default)]
struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_u64(self.0 << 8 | u64::from(byte)));
    }

    #[inline]
    fn write_u64(&mut self, id: u64) {
        self.0 = mix(id);
    }
}

impl Default for Stack {
    fn default() -> Stack {
        Stack {
            tree: vec![0; POSITIONS_MIN + 1],
            total_bytes: 0,
            positions: vec![NOBODY; POSITIONS_MIN],
            next: 0,
            objects: Vec::new(),
            free: Vec::new(),
            index: HashMap::default(),
            holes: BTreeMap::new(),
            expiries: BinaryHeap::new(),
        }
    }
}

impl Stack {
    /// Objects alive.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether no object is alive.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// The ids of the objects alive, in no order.
    pub fn ids(&self) -> impl Iterator<Item = u64> {
        self.index.keys().copied()
    }

    /// Asks for an object and, where it is not, stores it. Returns the size that a cache must have
    /// to have it, or nothing if no cache has. `ttl_ms` (0: none) is for storing.
    #[inline]
    pub fn get(&mut self, id: u64, weight_bytes: u32, now_ms: u64, ttl_ms: u64) -> Option<u64> {
        self.expire(now_ms);
        let Some(&number) = self.index.get(&id) else {
            self.insert(id, weight_bytes, now_ms, ttl_ms);
            return None;
        };
        let Object { position, weight_bytes, .. } = self.objects[number as usize];
        let distance = self.total_bytes - self.sum(position) + u64::from(weight_bytes);
        self.positions[position as usize] = NOBODY;
        if self.holes.is_empty() {
            self.subtract(position, u64::from(weight_bytes));
        } else {
            self.holes.insert(position, u64::from(weight_bytes));
        }
        self.put_on_top(number, weight_bytes);
        Some(distance)
    }

    /// Stores an object, in place of what had its id.
    pub fn set(&mut self, id: u64, weight_bytes: u32, now_ms: u64, ttl_ms: u64) {
        self.expire(now_ms);
        self.leave_hole(id);
        self.insert(id, weight_bytes, now_ms, ttl_ms);
    }

    /// Removes an object; caches that had it have its room.
    pub fn delete(&mut self, id: u64, now_ms: u64) {
        self.expire(now_ms);
        self.leave_hole(id);
    }

    /// Takes an object out as if it had never been: it leaves the sample, not the cache.
    pub fn forget(&mut self, id: u64) {
        if let Some(object) = self.take(id) {
            self.subtract(object.position, u64::from(object.weight_bytes));
        }
    }

    fn expire(&mut self, now_ms: u64) {
        while let Some(&Reverse((at_ms, id))) = self.expiries.peek()
            && at_ms <= now_ms
        {
            self.expiries.pop();
            // It may have been stored anew since, with another expiry.
            let number = self.index.get(&id);
            if number.is_some_and(|&number| self.objects[number as usize].expires_ms == at_ms) {
                self.leave_hole(id);
            }
        }
    }

    fn leave_hole(&mut self, id: u64) {
        if let Some(object) = self.take(id) {
            self.holes.insert(object.position, u64::from(object.weight_bytes));
        }
    }

    /// Takes an object off everything but the sums.
    fn take(&mut self, id: u64) -> Option<Object> {
        let number = self.index.remove(&id)?;
        self.free.push(number);
        let object = self.objects[number as usize];
        self.positions[object.position as usize] = NOBODY;
        Some(object)
    }

    fn insert(&mut self, id: u64, weight_bytes: u32, now_ms: u64, ttl_ms: u64) {
        let expires_ms = if ttl_ms == 0 { NEVER } else { now_ms.saturating_add(ttl_ms) };
        if expires_ms != NEVER {
            self.expiries.push(Reverse((expires_ms, id)));
        }
        let object = Object { expires_ms, position: 0, weight_bytes };
        let number = match self.free.pop() {
            Some(number) => {
                self.objects[number as usize] = object;
                number
            }
            None => {
                self.objects.push(object);
                (self.objects.len() - 1) as u32
            }
        };
        self.index.insert(id, number);
        self.put_on_top(number, weight_bytes);
    }

    /// Gives an object the topmost position. What enters fills the topmost holes first.
    #[inline]
    fn put_on_top(&mut self, number: u32, weight_bytes: u32) {
        let mut wanted = u64::from(weight_bytes);
        while wanted > 0
            && let Some(mut hole) = self.holes.last_entry()
        {
            let position = *hole.key();
            let taken = wanted.min(*hole.get());
            *hole.get_mut() -= taken;
            if *hole.get() == 0 {
                hole.remove();
            }
            wanted -= taken;
            self.subtract(position, taken);
        }
        if self.next == self.positions.len() {
            // The object has no position yet, or has given it up.
            self.objects[number as usize].position = NOBODY;
            self.renumber();
        }
        let position = self.next;
        self.next += 1;
        self.positions[position] = number;
        self.objects[number as usize].position = position as u32;
        self.add(position as u32, u64::from(weight_bytes));
    }

    /// Numbers the positions anew, without the gaps.
    fn renumber(&mut self) {
        let mut kept: Vec<(u64, Option<u32>)> = Vec::with_capacity(self.objects.len() + 1);
        let holes = std::mem::take(&mut self.holes);
        for (position, &number) in self.positions.iter().enumerate() {
            // A hole is where no object is.
            if number != NOBODY {
                let object = &mut self.objects[number as usize];
                object.position = kept.len() as u32;
                kept.push((u64::from(object.weight_bytes), Some(number)));
            } else if let Some(&bytes) = holes.get(&(position as u32)) {
                self.holes.insert(kept.len() as u32, bytes);
                kept.push((bytes, None));
            }
        }
        let len = (kept.len() * 2).next_power_of_two().max(POSITIONS_MIN);
        self.positions = vec![NOBODY; len];
        self.tree = vec![0; len + 1];
        self.next = kept.len();
        for (position, (bytes, number)) in kept.into_iter().enumerate() {
            self.tree[position + 1] = bytes;
            self.positions[position] = number.unwrap_or(NOBODY);
        }
        for at in 1..=len {
            let parent = at + (at & at.wrapping_neg());
            if parent <= len {
                self.tree[parent] += self.tree[at];
            }
        }
    }

    /// Bytes from the bottom up to a position, including it.
    #[inline]
    fn sum(&self, position: u32) -> u64 {
        let mut at = position as usize + 1;
        let mut sum = 0u64;
        while at > 0 {
            sum = sum.wrapping_add(self.tree[at]);
            at &= at - 1;
        }
        sum
    }

    #[inline]
    fn add(&mut self, position: u32, bytes: u64) {
        self.total_bytes = self.total_bytes.wrapping_add(bytes);
        let mut at = position as usize + 1;
        while at < self.tree.len() {
            self.tree[at] = self.tree[at].wrapping_add(bytes);
            at += at & at.wrapping_neg();
        }
    }

    #[inline]
    fn subtract(&mut self, position: u32, bytes: u64) {
        self.add(position, bytes.wrapping_neg());
    }
}
