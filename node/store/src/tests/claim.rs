//! Segments that one worker empties while another is about to.

use std::sync::atomic::Ordering::Relaxed;

use crate::block::{BLOCK_BYTES, Block};
use crate::stripe_set::StripeSet;
use crate::tests::store;
use crate::{DeadShare, Expiry, NewValue, Store, Upkeep, View, Writer};

const NOW_MS: u64 = 1_780_000_000_000;

fn set(store: &Store, writer: &mut Writer, key: &[u8], len: usize, expiry: Expiry) {
    let key = store.key(key);
    let mut view = View::new(store, writer, StripeSet::one(key.stripe()), NOW_MS);
    view.set(0, &key, NewValue::Bytes(&vec![b'v'; len]), expiry).expect("room");
}

/// Where a key's record lies.
fn location(store: &Store, key: &[u8]) -> u64 {
    let key = store.key(key);
    let table = store.table(store.run(0), key.slot).expect("a database that was written");
    table.find(key.hash, |entry| store.record(entry).key() == key.bytes).expect("a key").location()
}

/// Takes a key's entry away and marks its record dead, as a worker does that is about to free
/// what the record holds, but has not come to that yet.
fn begin_removing(store: &Store, key: &[u8]) -> crate::entry::Entry {
    let key = store.key(key);
    let table = store.table(store.run(0), key.slot).expect("a database that was written");
    let entry = table.find(key.hash, |_| true).expect("a key");
    assert!(table.remove(key.hash, entry));
    store.record(entry).mark_dead();
    entry
}

#[test]
fn a_segment_is_not_freed_under_a_record_that_is_being_released() {
    for by_expiry in [false, true] {
        let store = store();
        let mut writer = Writer::new(1);
        set(&store, &mut writer, b"expired", 10, Expiry::At(NOW_MS));
        set(&store, &mut writer, b"large", 20 << 10, Expiry::Never);
        writer.seal(&store);
        let block = Block::of(location(&store, b"large"));
        let entry = begin_removing(&store, b"large");
        let mut other = Writer::new(3);
        let step = |other: &mut Writer| {
            if by_expiry {
                store.upkeep(other, &Upkeep { now_ms: NOW_MS, expire: true });
            } else {
                let key = store.key(b"expired");
                let held = StripeSet::one(key.stripe());
                View::new(&store, other, held, NOW_MS).remove(0, &key);
                store.compact(other, DeadShare(0), BLOCK_BYTES);
            }
        };
        step(&mut other);
        assert_eq!(store.totals.segments.load(Relaxed), 1, "the segment is still there");
        assert!(store.segments.live_bytes(block) > 0);
        // The removing worker goes on, and reads the record to do so.
        let record = store.record(entry);
        writer.live_delta -= record.len_bytes() as i64;
        writer.outside_delta -= record.outside_bytes() as i64;
        store.bury(&record);
        store.compact(&mut other, DeadShare(0), BLOCK_BYTES);
        assert_eq!(store.totals.segments.load(Relaxed), 0, "the segment has gone");
        let account = store.key(b"large").stripe();
        store.stripes[usize::from(account)]
            .0
            .lock()
            .accounts
            .change(0, |account| account.keys -= 1);
        writer.publish(&store);
        other.publish(&store);
        store.audit().expect("the accounts equal a recount");
    }
}

#[test]
fn room_that_compaction_takes_is_told() {
    let store = store();
    let mut writer = Writer::new(1);
    for number in 0..2_000 {
        set(&store, &mut writer, format!("{number}").as_bytes(), 300, Expiry::Never);
    }
    writer.seal(&store);
    for number in (0..2_000).step_by(2) {
        let bytes = format!("{number}");
        let key = store.key(bytes.as_bytes());
        let held = StripeSet::one(key.stripe());
        View::new(&store, &mut writer, held, NOW_MS).remove(0, &key);
    }
    writer.publish(&store);
    assert_eq!(store.totals.unfilled_bytes.load(Relaxed), 0, "no segment is open");
    while store.compact(&mut writer, DeadShare(0), BLOCK_BYTES) {}
    assert!(writer.counters.compacted_bytes > 0);
    writer.publish(&store);
    assert!(store.totals.unfilled_bytes.load(Relaxed) > 0, "a segment is open");
    writer.seal(&store);
    writer.publish(&store);
    assert_eq!(store.totals.unfilled_bytes.load(Relaxed), 0, "no segment is open again");
    store.audit().expect("the accounts equal a recount");
}

#[test]
fn a_claimed_segment_is_claimed_once() {
    let store = store();
    let mut writer = Writer::new(1);
    let blocks: Vec<Block> = (0..5)
        .map(|number| {
            let key = format!("{number}");
            set(&store, &mut writer, key.as_bytes(), 10, Expiry::Never);
            writer.seal(&store);
            Block::of(location(&store, key.as_bytes()))
        })
        .collect();
    // From the middle, so that another segment takes its place in the list.
    assert!(store.segments.claim(blocks[2]));
    assert!(!store.segments.claim(blocks[2]));
    assert!(blocks.iter().filter(|&&block| block != blocks[2]).all(|&b| store.segments.claim(b)));
    assert_eq!(store.segments.sealed_count(), 0);
    blocks.iter().for_each(|&block| store.unclaim(block, store.segments.filled_bytes(block)));
    assert_eq!(store.segments.sealed_count(), 5);
    writer.publish(&store);
    store.audit().expect("the accounts equal a recount");
}
