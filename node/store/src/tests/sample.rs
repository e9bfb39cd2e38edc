//! Drawing pieces of the index at random, for eviction.

use crate::{Expiry, NewValue, Options, Store, StripeSet, View, Writer};

const NOW_MS: u64 = 1_700_000_000_000;

#[test]
fn a_sample_of_the_index_never_waits_for_a_stripe_that_is_held() {
    let options = Options { databases: 1, reserve_bytes: 64 << 20, seed: 3 };
    let store = Store::new(&options).unwrap();
    let mut writer = Writer::new(5);
    for number in 0..1000 {
        // One slot, so that its header does not suffice.
        let bytes = format!("{{slot}}{number}");
        let key = store.key(bytes.as_bytes());
        let held = StripeSet::one(key.stripe());
        let mut view = View::new(&store, &mut writer, held, NOW_MS);
        view.set(0, &key, NewValue::Bytes(b"value"), Expiry::Never).unwrap();
    }
    let drawn = |writer: &mut Writer| -> usize {
        (0..1000)
            .map(|_| writer.random())
            .collect::<Vec<_>>()
            .into_iter()
            .map(|random| store.sample_bucket(writer, random, NOW_MS))
            .sum()
    };
    assert!(drawn(&mut writer) > 0, "nothing was found at all");
    let guards: Vec<_> = store.stripes.iter().map(|stripe| stripe.0.lock()).collect();
    assert_eq!(drawn(&mut writer), 0);
    drop(guards);
    assert!(drawn(&mut writer) > 0, "a lock was not given back");
}
