//! The prefetch pass reads without a lock: whatever words it meets, it stays harmless.

use std::sync::atomic::Ordering::Relaxed;

use crate::chunk::CHUNK_BYTES;
use crate::stripe_set::StripeSet;
use crate::table::HEADER_WORDS;
use crate::tests::store;
use crate::{Expiry, NewValue, View, Writer};

fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *state >> 11 ^ *state << 17
}

#[test]
fn garbage_words_lead_the_prefetch_pass_nowhere() {
    let store = store();
    let mut writer = Writer::new(1);
    // A large slot, so that its trie can be damaged, and a small one.
    for number in 0..3_000 {
        let bytes = format!("{{tag}}{number}");
        let key = store.key(bytes.as_bytes());
        let held = StripeSet::one(key.stripe());
        let mut view = View::new(&store, &mut writer, held, 0);
        view.set(0, &key, NewValue::Bytes(b"value"), Expiry::Never).expect("room");
    }
    let key = store.key(b"{tag}7");
    let run = store.run(0);
    let header = store.header_at(run, key.slot).expect("headers");
    let words = store.region.words32(header, HEADER_WORDS);
    let root = words[2].load(Relaxed);
    let node = store.region.words32(u64::from(root) * CHUNK_BYTES as u64, CHUNK_BYTES / 4);
    let end = (store.region.len_bytes() / CHUNK_BYTES) as u32;
    let telling = [0, 1, end - 1, end, end + 1, u32::MAX, u32::MAX - 1, 1 << 31, root | 1 << 31];
    let (mut state, mut offsets) = (7u64, 0);
    for round in 0..200_000u64 {
        let any = random(&mut state);
        let word =
            if any.is_multiple_of(3) { any as u32 } else { telling[(any >> 8) as usize % 9] };
        // Damage the header, the root node, or what the node leads to.
        match round % 4 {
            0 => words[(any >> 16) as usize % HEADER_WORDS].store(word, Relaxed),
            1 => words[1].store([u32::MAX, word][(any >> 32) as usize % 2], Relaxed),
            2 => words[2].store([root, word][(any >> 32) as usize % 2], Relaxed),
            _ => node[(any >> 16) as usize % node.len()].store(word, Relaxed),
        }
        let bytes = format!("{{tag}}{}", any % 50);
        let key = store.key(bytes.as_bytes());
        store.prefetch_header(0, &key);
        if let Some(trail) = store.prefetch_bucket(0, &key) {
            store.prefetch_item(&trail);
        }
        let table = store.table(run, key.slot).expect("a table");
        for offset in table.first_offsets(key.hash).into_iter().flatten() {
            assert!(store.region.holds(offset, 64), "offset {offset} is outside of the region");
            offsets += 1;
        }
    }
    assert!(offsets > 1_000, "only {offsets} offsets were followed");
}
