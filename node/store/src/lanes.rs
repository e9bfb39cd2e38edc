//! What replication needs of a store: a log of effects per stripe, and a digest per slot.
//!
//! Both are off until [`Store::start_lanes`]. From then on every change, also an expiry or an
//! eviction, appends its effect to its stripe's lane and updates its slot's digest, under the
//! stripe's lock. The logs together keep about as many bytes as they were given. No lane loses its
//! share to a busier one: only those that have more forget their oldest chunks, when they grow or,
//! if nobody writes to them, by upkeep.
//!
//! Databases are not exchanged (SWAPDB) where lanes are on: effects name a database by its headers.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};

use skep_keyspace::{SLOT_COUNT, Slot};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::STRIPE_COUNT;
use crate::collection::Kind;
use crate::effect::{self, Effect, Head, KeyKind, LaneSet};
use crate::item::{Record, Value};
use crate::key::Key;
use crate::lane::{CHUNK_BYTES, Lane};
use crate::store::{Store, stripe_of};
use crate::stripe_set::StripeSet;
use crate::view::View;
use crate::writer::Writer;

/// The store's side of the lanes.
#[derive(Default)]
pub(crate) struct Lanes {
    is_on: AtomicBool,
    /// Keys neither expire nor are evicted here: the primary says when.
    is_replica: AtomicBool,
    /// Where each lane ends, for those who look without a lock.
    ends: OnceLock<Box<[AtomicU64]>>,
    digests: OnceLock<Box<[AtomicU64]>>,
    memory_bytes: AtomicI64,
    limit_bytes: AtomicU64,
    groups: AtomicU64,
}

impl Lanes {
    #[inline]
    pub(crate) fn is_on(&self) -> bool {
        self.is_on.load(Relaxed)
    }

    #[inline]
    pub(crate) fn is_replica(&self) -> bool {
        self.is_replica.load(Relaxed)
    }

    fn is_full(&self) -> bool {
        self.memory_bytes.load(Relaxed) > self.limit_bytes.load(Relaxed) as i64
    }

    /// Whether a lane has to give memory back: all of them together have too much, and it has more
    /// than its share. But for the unused ends of chunks there always is one then.
    fn is_too_long(&self, lane: &Lane) -> bool {
        self.is_too_long_with(lane, 0)
    }

    /// The same, if it had so much more.
    fn is_too_long_with(&self, lane: &Lane, more_bytes: u64) -> bool {
        let limit_bytes = self.limit_bytes.load(Relaxed);
        self.memory_bytes.load(Relaxed) + more_bytes as i64 > limit_bytes as i64
            && lane.end() - lane.begin() + more_bytes > limit_bytes / STRIPE_COUNT as u64
    }

    fn digest(&self, slot: Slot) -> Option<&AtomicU64> {
        self.digests.get()?.get(usize::from(slot.number()))
    }
}

/// A group that a writer has open: the effects of one command or transaction.
#[derive(Default)]
pub(crate) struct Group {
    number: u64,
    lanes: LaneSet,
}

/// What a slot's digest has of a key that is about to change.
#[derive(Clone, Copy)]
pub(crate) struct Before {
    /// Digest of the key's name.
    name: u64,
    /// Digest of the key, 0 while it is not there.
    whole: u64,
}

impl Before {
    pub(crate) fn new(run: u16, key: &Key<'_>, record: Option<&Record<'_>>) -> Before {
        let name = digest_of_name(run, key.bytes);
        Before { name, whole: record.map_or(0, |record| digest_with(name, record)) }
    }
}

/// The digest of one key: of its database, name, value and expiry, the same on every node.
pub(crate) fn digest_of(run: u16, record: &Record<'_>) -> u64 {
    digest_with(digest_of_name(run, record.key()), record)
}

fn digest_of_name(run: u16, key: &[u8]) -> u64 {
    xxh3_64_with_seed(key, u64::from(run))
}

/// The digest of a key of which the digest of the name is known.
fn digest_with(name: u64, record: &Record<'_>) -> u64 {
    let expiry = record.expiry_ms().map_or(0, |at| at.wrapping_add(1));
    let seed = name ^ expiry.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    match record.value() {
        Value::Inline(bytes) => xxh3_64_with_seed(bytes, seed),
        Value::Large(shared) => xxh3_64_with_seed(shared, seed),
        Value::Collection(contents) => {
            let digest = contents.digest().wrapping_add(contents.kind() as u64);
            xxh3_64_with_seed(&digest.to_le_bytes(), seed)
        }
    }
}

impl Store {
    /// Starts logging. The logs together keep `limit_bytes` or a little more.
    pub fn start_lanes(&self, limit_bytes: u64) {
        let cells = |count| (0..count).map(|_| AtomicU64::new(0)).collect();
        self.lanes.ends.get_or_init(|| cells(STRIPE_COUNT));
        self.lanes.digests.get_or_init(|| cells(SLOT_COUNT));
        self.lanes.limit_bytes.store(limit_bytes, Relaxed);
        self.lanes.is_on.store(true, Relaxed);
    }

    /// Whether changes are logged.
    pub fn has_lanes(&self) -> bool {
        self.lanes.is_on()
    }

    /// Makes keys stay until the primary says that they are gone, or expire by themselves again.
    pub fn set_replica(&self, is_replica: bool) {
        self.lanes.is_replica.store(is_replica, Relaxed);
    }

    /// Where a lane ends, as of some moment ago. Takes no lock.
    pub fn lane_end(&self, lane: u8) -> u64 {
        self.lanes.ends.get().map_or(0, |ends| ends[usize::from(lane)].load(Relaxed))
    }

    /// Bytes that all lanes have had: the shard's offset. Takes no lock.
    pub fn offset_bytes(&self) -> u64 {
        (0..=u8::MAX).map(|lane| self.lane_end(lane)).sum()
    }

    /// Memory that the logs take.
    pub fn lane_memory_bytes(&self) -> u64 {
        self.lanes.memory_bytes.load(Relaxed).max(0) as u64
    }

    /// The digest of a slot: the sum of its keys' digests, 0 when it is empty. Takes no lock.
    pub fn digest(&self, slot: Slot) -> u64 {
        self.lanes.digest(slot).map_or(0, |digest| digest.load(Relaxed))
    }

    /// Computes the digest of a slot from its keys, to check [`Store::digest`] with.
    pub fn recount_digest(&self, writer: &mut Writer, slot: Slot, now_ms: u64) -> u64 {
        let view = View::new(self, writer, StripeSet::one(stripe_of(slot)), now_ms);
        let mut sum = 0u64;
        for run in 0..self.databases() as u16 {
            let Some(table) = view.store().table(run, slot) else { continue };
            table.each(|entry| {
                let record = self.record(entry);
                if let Value::Collection(contents) = record.value() {
                    debug_assert_eq!(contents.digest(), contents.recount_digest(), "elements");
                }
                sum = sum.wrapping_add(digest_of(run, &record));
            });
        }
        sum
    }

    /// Copies up to `max_bytes` of a lane from an offset on. Answers how many; nothing when the
    /// lane has forgotten that offset, or never had it.
    pub fn read_lane(
        &self,
        lane: u8,
        from: u64,
        max_bytes: usize,
        out: &mut Vec<u8>,
    ) -> Option<usize> {
        self.stripes[usize::from(lane)].0.lock().lane.read(from, max_bytes, out)
    }

    /// The number of the next group. Whoever holds a lock of a stripe knows that groups in its lane
    /// have lower ones.
    pub(crate) fn next_group(&self) -> u64 {
        self.lanes.groups.load(Relaxed)
    }

    /// Groups that begin here have numbers of at least `number`: above those of other nodes' groups
    /// that this node's lanes have.
    pub(crate) fn begin_groups(&self, number: u64) {
        self.lanes.groups.fetch_max(number, Relaxed);
    }

    /// The offset of the first byte that a lane still has.
    pub fn lane_begin(&self, lane: u8) -> u64 {
        self.stripes[usize::from(lane)].0.lock().lane.begin()
    }

    /// Begins a lane anew at an offset, for one whose keys come from elsewhere.
    pub fn restart_lane(&self, lane: u8, at: u64) {
        let mut stripe = self.stripes[usize::from(lane)].0.lock();
        let freed_bytes = stripe.lane.restart(at);
        self.lane_changed(lane, at, -(freed_bytes as i64));
    }

    /// Forgets what a lane has behind an offset, and says which keys that was about; nothing when
    /// the lane does not reach back that far. What replaced those effects must be fetched.
    pub fn rewind_lane(&self, lane: u8, to: u64) -> Option<Vec<(u16, Vec<u8>)>> {
        let mut stripe = self.stripes[usize::from(lane)].0.lock();
        let mut bytes = Vec::new();
        stripe.lane.read(to, usize::MAX, &mut bytes)?;
        let mut keys = std::collections::BTreeSet::new();
        let mut rest = &bytes[..];
        while let Ok(Some((effect, len_bytes))) = effect::decode(rest) {
            match effect {
                Effect::Set { database, key, .. }
                | Effect::Expire { database, key, .. }
                | Effect::Remove { database, key }
                | Effect::Elements { database, key, .. } => {
                    keys.insert((database, key.to_vec()));
                }
                // What was cleared cannot be named.
                Effect::Clear { .. } => return None,
                Effect::Begin { .. } | Effect::End { .. } => {}
            }
            rest = &rest[len_bytes..];
        }
        let freed_bytes = stripe.lane.truncate(to);
        self.lane_changed(lane, to, -(freed_bytes as i64));
        Some(keys.into_iter().collect())
    }

    /// Forgets old effects of lanes that nobody writes to, while the logs take too much memory.
    pub(crate) fn trim_lanes(&self) {
        if !self.lanes.is_on() {
            return;
        }
        for lane in 0..=u8::MAX {
            if !self.lanes.is_full() {
                return;
            }
            let mut stripe = self.stripes[usize::from(lane)].0.lock();
            if self.lanes.is_too_long(&stripe.lane) {
                let freed_bytes = stripe.lane.forget_oldest();
                self.lanes.memory_bytes.fetch_sub(freed_bytes as i64, Relaxed);
            }
        }
    }

    fn lane_changed(&self, lane: u8, end: u64, memory_delta: i64) {
        if let Some(ends) = self.lanes.ends.get() {
            ends[usize::from(lane)].store(end, Relaxed);
        }
        if memory_delta != 0 {
            self.lanes.memory_bytes.fetch_add(memory_delta, Relaxed);
        }
    }
}

impl View<'_> {
    /// Makes the effects from here to [`View::end_group`] count as one: a replica shows all or none.
    /// Not so for a view that holds nothing: it walks over the stripes, and others see each as soon
    /// as it is done.
    pub fn begin_group(&mut self) {
        let holds_some = self.held() != StripeSet::NONE;
        if holds_some && self.store().lanes.is_on() && !self.writer().is_replaying {
            let number = self.store().lanes.groups.fetch_add(1, Relaxed);
            self.writer().group = Some(Group { number, lanes: LaneSet::default() });
        }
    }

    /// Ends the group, if there is one. The view still holds all stripes that it changed.
    pub fn end_group(&mut self) {
        let Some(group) = self.writer().group.take() else { return };
        let bytes = effect::end(group.number, &group.lanes);
        for lane in 0..STRIPE_COUNT {
            if group.lanes[lane / 64] & 1 << (lane % 64) != 0 {
                self.append_effect(lane, &[&bytes]);
            }
        }
    }

    /// Appends an effect to the lane of a stripe that is held.
    fn append_effect(&mut self, stripe: usize, pieces: &[&[u8]]) {
        let store = self.store();
        let lane = &mut self.stripe(stripe).lane;
        let len_bytes = pieces.iter().map(|piece| piece.len()).sum();
        if !lane.has_room(len_bytes) && store.lanes.is_too_long_with(lane, CHUNK_BYTES as u64) {
            lane.recycle_oldest();
        }
        let mut memory_delta = lane.append(pieces) as i64;
        let end = lane.end();
        if memory_delta != 0 && store.lanes.is_too_long(lane) {
            memory_delta -= lane.forget_oldest() as i64;
        }
        store.lane_changed(stripe as u8, end, memory_delta);
    }

    /// Appends an effect of a command: as part of its group, if it has one.
    fn log(&mut self, stripe: usize, pieces: &[&[u8]]) {
        if self.writer().is_replaying {
            return;
        }
        if let Some(group) = &mut self.writer().group {
            let (word, bit) = (stripe / 64, 1 << (stripe % 64));
            if group.lanes[word] & bit == 0 {
                group.lanes[word] |= bit;
                let bytes = effect::begin(group.number);
                self.append_effect(stripe, &[&bytes]);
            }
        }
        self.append_effect(stripe, pieces);
    }

    /// Logs bytes that another node's lane has, as they are.
    pub(crate) fn log_copy(&mut self, stripe: u8, bytes: &[u8]) {
        self.append_effect(usize::from(stripe), &[bytes]);
    }

    /// Logs what a key has become: the record that it has now.
    #[cold]
    #[inline(never)]
    pub(crate) fn log_set(&mut self, run: u16, key: &Key<'_>, before: Before, found: &Record<'_>) {
        self.change_digest_to(key, before, found);
        let expiry_ms = found.expiry_ms();
        let head = Head::set(run, key.bytes, expiry_ms.is_some(), found.is_modified());
        let expiry = expiry_ms.map(u64::to_le_bytes);
        let expiry: &[u8] = expiry.as_ref().map_or(&[], |bytes| bytes);
        let stripe = usize::from(key.stripe());
        match found.value() {
            Value::Inline(bytes) => self.log_value(stripe, &head, key.bytes, bytes, expiry),
            Value::Large(shared) => self.log_value(stripe, &head, key.bytes, shared, expiry),
            Value::Collection(contents) => {
                effect::each_of_collection(run, key.bytes, contents, expiry_ms, |pieces| {
                    self.log(stripe, pieces);
                });
            }
        }
    }

    /// Logs what has become of elements of a collection; see [`crate::collection::read_ops`].
    #[cold]
    pub(crate) fn log_elements(
        &mut self,
        run: u16,
        key: &Key<'_>,
        before: Before,
        found: &Record<'_>,
        (kind, ops): (Kind, &[u8]),
    ) {
        self.change_digest_to(key, before, found);
        let stripe = usize::from(key.stripe());
        let (head, len) = (Head::elements(kind, run, key.bytes), (ops.len() as u32).to_le_bytes());
        self.log(stripe, &[head.as_bytes(), key.bytes, &len, ops]);
        // Told again, it may empty the collection in between, and the key would live for ever.
        if let Some(at) = found.expiry_ms() {
            let head = Head::of_key(KeyKind::Expire, run, key.bytes);
            self.log(stripe, &[head.as_bytes(), key.bytes, &at.to_le_bytes()]);
        }
    }

    /// Brings the digest of a key's slot up to date.
    pub(crate) fn change_digest_to(&self, key: &Key<'_>, before: Before, found: &Record<'_>) {
        self.change_digest(key.slot, before.whole, digest_with(before.name, found));
    }

    fn log_value(&mut self, stripe: usize, head: &Head, key: &[u8], value: &[u8], expiry: &[u8]) {
        let len = (value.len() as u32).to_le_bytes();
        self.log(stripe, &[head.as_bytes(), key, &len, value, expiry]);
    }

    /// Logs the new expiry of a key, which its record has.
    #[cold]
    pub(crate) fn log_expiry(
        &mut self,
        run: u16,
        key: &Key<'_>,
        before: Before,
        found: &Record<'_>,
    ) {
        self.change_digest_to(key, before, found);
        let head = Head::of_key(KeyKind::Expire, run, key.bytes);
        let at = found.expiry_ms().unwrap_or(u64::MAX).to_le_bytes();
        self.log(usize::from(key.stripe()), &[head.as_bytes(), key.bytes, &at]);
    }

    /// Logs that a key goes; its record is still there.
    #[cold]
    pub(crate) fn log_removal(&mut self, run: u16, key: &Key<'_>, record: &Record<'_>) {
        self.change_digest(key.slot, digest_of(run, record), 0);
        let head = Head::of_key(KeyKind::Remove, run, key.bytes);
        self.log(usize::from(key.stripe()), &[head.as_bytes(), key.bytes]);
    }

    /// Logs that all keys of a database in a stripe go, one of which is given at a time.
    pub(crate) fn log_clear(&mut self, run: u16, stripe: usize) {
        let head = Head::clear(run);
        self.log(stripe, &[head.as_bytes()]);
    }

    /// Takes a record that is cleared out of its slot's digest.
    pub(crate) fn forget_digest(&self, run: u16, record: &Record<'_>) {
        self.change_digest(Slot::of(record.key()), digest_of(run, record), 0);
    }

    fn change_digest(&self, slot: Slot, before: u64, after: u64) {
        if let Some(digest) = self.store().lanes.digest(slot) {
            // Whoever changes it holds the stripe's lock.
            let sum = digest.load(Relaxed).wrapping_add(after).wrapping_sub(before);
            digest.store(sum, Relaxed);
        }
    }
}
