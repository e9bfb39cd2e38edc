//! Records say what was written into them, at every boundary of their layout.

use crate::stripe_set::StripeSet;
use crate::tests::store;
use crate::{Expiry, Key, NewValue, Store, View, Writer};

const EPOCH_MS: u64 = 1_577_836_800_000;
const SHORT_END_MS: u64 = EPOCH_MS + (1 << 40);
/// The boundaries of five-byte expiries (2020 and 2054) and of eight bytes.
const EXPIRIES_MS: [u64; 9] = [
    1,
    2,
    EPOCH_MS - 1,
    EPOCH_MS,
    EPOCH_MS + 1,
    SHORT_END_MS - 1,
    SHORT_END_MS,
    SHORT_END_MS + 1,
    u64::MAX,
];

fn expiry_of(store: &Store, writer: &mut Writer, key: &Key<'_>) -> Option<u64> {
    let mut view = View::new(store, writer, StripeSet::one(key.stripe()), 0);
    view.peek(0, key).expect("a key that has not expired").expiry_ms()
}

#[test]
fn an_expiry_is_kept_to_the_millisecond_through_every_change() {
    let store = store();
    let mut writer = Writer::new(1);
    for &first in &EXPIRIES_MS {
        for &second in &EXPIRIES_MS {
            let key = store.key(b"key");
            let mut view = View::new(&store, &mut writer, StripeSet::one(key.stripe()), 0);
            view.set(0, &key, NewValue::Bytes(b"one"), Expiry::At(first)).expect("room");
            drop(view);
            assert_eq!(expiry_of(&store, &mut writer, &key), Some(first));
            let mut view = View::new(&store, &mut writer, StripeSet::one(key.stripe()), 0);
            assert_eq!(view.set_expiry(0, &key, Some(second)), Ok(true));
            drop(view);
            assert_eq!(expiry_of(&store, &mut writer, &key), Some(second), "after {first}");
            let mut view = View::new(&store, &mut writer, StripeSet::one(key.stripe()), 0);
            view.set(0, &key, NewValue::Bytes(b"two"), Expiry::Keep).expect("room");
            assert_eq!(view.set_expiry(0, &key, None), Ok(true));
            assert_eq!(view.set_expiry(0, &key, Some(first)), Ok(true));
            view.remove(0, &key);
        }
    }
    writer.publish(&store);
    store.audit().expect("the accounts equal a recount");
}

#[test]
fn an_expiry_at_the_epoch_is_not_none() {
    let store = store();
    let mut writer = Writer::new(1);
    let key = store.key(b"key");
    let mut view = View::new(&store, &mut writer, StripeSet::one(key.stripe()), 0);
    view.set(0, &key, NewValue::Bytes(b"value"), Expiry::At(0)).expect("room");
    drop(view);
    let mut view = View::new(&store, &mut writer, StripeSet::one(key.stripe()), 1);
    assert!(view.read(0, &key).is_none());
}

#[test]
fn lengths_at_every_boundary_survive() {
    let store = store();
    let mut writer = Writer::new(1);
    let lens = [0, 1, 127, 128, 16_383, 16_384, 16_385, 40_000];
    for &key_len in &lens {
        for &value_len in &lens {
            let (bytes, value) = (vec![b'k'; key_len], vec![value_len as u8; value_len]);
            let key = store.key(&bytes);
            let held = StripeSet::one(key.stripe());
            let mut view = View::new(&store, &mut writer, held, 0);
            view.set(0, &key, NewValue::Bytes(&value), Expiry::At(77)).expect("room");
            let item = view.peek(0, &key).expect("the key just written");
            assert!(item.value().bytes().expect("a string") == value, "{key_len}, {value_len}");
            assert_eq!(item.expiry_ms(), Some(77));
            let record_bytes = if key_len > 16 << 10 { 25 } else { key_len };
            let held_bytes = item.memory_bytes();
            assert!(held_bytes >= record_bytes.max(key_len) + value_len, "{held_bytes} bytes");
            assert!(held_bytes <= key_len + value_len + 64, "{held_bytes} bytes");
        }
    }
    writer.publish(&store);
    store.audit().expect("the accounts equal a recount");
}
