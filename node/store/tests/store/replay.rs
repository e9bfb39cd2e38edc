//! A replica that is fed a store's lanes, in any pieces, becomes that store.

use std::collections::BTreeMap;

use skep_keyspace::{SLOT_COUNT, Slot};
use skep_store::{
    Contents, EditError, Editor, End, Expiry, Kind, NewValue, Policy, Replay, ReplayError,
    STRIPE_COUNT, Store, StripeSet, Value, View, Walk, Writer,
};

use crate::support::{Bench, NOW_MS};

const LOG_BYTES: u64 = 64 << 20;
const SPACE_BYTES: usize = 256 << 20;

/// A small generator, so that a storm can be repeated.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) % bound
    }
}

fn primary() -> Bench {
    let bench = Bench::new(2, SPACE_BYTES);
    bench.store.start_lanes(LOG_BYTES);
    bench
}

fn replica() -> Bench {
    let bench = primary();
    bench.store.set_replica(true);
    bench
}

/// Everything in a store: by database and key, the value and the expiry.
type Content = BTreeMap<(u16, Vec<u8>), (Vec<u8>, Option<u64>)>;

fn content(bench: &mut Bench) -> Content {
    let mut all = BTreeMap::new();
    // Before anything expires, or a replica would look emptier than it is.
    let mut view = View::new(&bench.store, &mut bench.writer, StripeSet::ALL, 0);
    for database in 0..2 {
        view.each_key(database, |key, item| {
            let value = match item.value() {
                Value::Collection(contents) => elements(contents),
                string => string.bytes().expect("a string").to_vec(),
            };
            all.insert((database, key.to_vec()), (value, item.expiry_ms()));
        });
    }
    all
}

/// All elements of a collection in one order, whatever its own is.
fn elements(contents: Contents<'_>) -> Vec<u8> {
    let mut all: Vec<_> = contents.iter().map(|pair| format!("{pair:?}")).collect();
    if contents.kind() != Kind::List {
        all.sort();
    }
    format!("{:?} {all:?}", contents.kind()).into_bytes()
}

fn change_list(list: &mut Editor<'_>, count: u64, random: &mut Random) {
    for _ in 0..count {
        let value = vec![b'v'; random.below(70) as usize];
        let end = if random.below(2) == 0 { End::Left } else { End::Right };
        let rank = random.below(list.len() as u64 + 1) as usize;
        match random.below(40) {
            0 => list.insert(rank, &value),
            1 if rank < list.len() => list.set(rank, &value),
            2 => list.remove_ranks(&(0..list.len()).filter(|at| at % 7 == 3).collect::<Vec<_>>()),
            3 => list.keep(rank / 2..rank),
            4..=15 => drop(list.pop(end)),
            _ => list.push(end, &value),
        }
    }
}

/// One random change of one of 60 collections, or of elements of it.
fn change_collection(bench: &mut Bench, random: &mut Random) {
    let number = random.below(60);
    let name = format!("{{{}}}collection:{number}", number % 7).into_bytes();
    let database = random.below(2) as u16;
    let kind = [Kind::Set, Kind::SortedSet, Kind::Hash, Kind::List][number as usize % 4];
    let at = bench.now_ms + random.below(2_000);
    let mut view = bench.view(&name);
    let key = view.key(&name);
    match random.below(20) {
        0 => drop(view.remove(database, &key)),
        1 => drop(view.set_expiry(database, &key, Some(at)).expect("room")),
        2 => {
            let name = format!("{{{}}}collection:{}", number % 7, (number + 21) % 63).into_bytes();
            let target = view.key(&name);
            if name != key.bytes {
                view.move_value((database, &key), (1 - database, &target)).expect("room");
            }
        }
        3 => view.set(database, &key, NewValue::Bytes(b"a string"), Expiry::Never).expect("room"),
        4 => {
            let name = format!("{{{}}}collection:{}", number % 7, (number + 21) % 63).into_bytes();
            let target = view.key(&name);
            if name != key.bytes {
                view.copy_value((database, &key), (database, &target)).expect("room");
            }
        }
        5 => {
            view.begin_group();
            view.remove(database, &key);
            let edit = |editor: &mut Editor<'_>| editor.put(&[0; 8], &[0; 8]);
            if kind != Kind::Set {
                let _ = view.edit_collection(database, &key, kind, edit);
            }
            view.end_group();
        }
        6 => {
            let mut whole = view.new_collection(Kind::Set);
            (0..random.below(200)).for_each(|_| {
                whole.put(random.below(400).to_string().as_bytes(), b"");
            });
            view.put_collection(database, &key, whole).expect("room");
        }
        _ => {
            let count = random.below(90);
            let edit = |editor: &mut Editor<'_>| {
                if kind == Kind::List {
                    return change_list(editor, count, random);
                }
                for _ in 0..count {
                    let field = random.below(400).to_string();
                    match (random.below(3), kind) {
                        (0, _) => editor.remove(field.as_bytes()),
                        (_, Kind::Set) => editor.put(field.as_bytes(), b""),
                        (_, Kind::SortedSet) => {
                            editor.put_score(field.as_bytes(), random.below(50) as f64)
                        }
                        (_, Kind::Hash | Kind::List) => {
                            let long = if random.below(50) == 0 { 300 } else { 1 };
                            let value = vec![b'v'; (random.below(70) * long) as usize];
                            editor.put(field.as_bytes(), &value)
                        }
                    };
                }
            };
            // A key may hold a string, or have come from one of another kind.
            let edited = view.edit_collection(database, &key, kind, edit);
            assert!(edited != Err(EditError::OutOfMemory));
        }
    }
}

/// Brings the replica up to date, `piece_bytes` at a time, lanes in turn.
fn catch_up(
    from: &Store,
    to: &mut Bench,
    replay: &mut Replay,
    at: &mut [u64; STRIPE_COUNT],
    piece_bytes: usize,
) -> Result<(), ReplayError> {
    loop {
        let mut moved = false;
        for lane in 0..=u8::MAX {
            let position = &mut at[usize::from(lane)];
            let mut bytes = Vec::new();
            let got = from.read_lane(lane, *position, piece_bytes, &mut bytes);
            assert_eq!(got, Some(bytes.len()), "lane {lane} has been forgotten");
            if !bytes.is_empty() {
                replay.feed(&to.store, &mut to.writer, lane, *position, &bytes)?;
                assert_counted(replay);
                *position += bytes.len() as u64;
                moved = true;
            }
        }
        if !moved {
            return Ok(());
        }
    }
}

/// What waits is known without a look at all lanes.
#[track_caller]
fn assert_counted(replay: &Replay) {
    assert_eq!(replay.waiting_bytes(), replay.recount_waiting_bytes());
}

fn assert_same(primary: &mut Bench, replica: &mut Bench) {
    assert_eq!(content(primary), content(replica));
    for number in 0..SLOT_COUNT as u16 {
        let slot = Slot::new(number).expect("a slot");
        let (one, other) = (primary.store.digest(slot), replica.store.digest(slot));
        assert_eq!(one, other, "slot {number}");
        let counted = primary.store.recount_digest(&mut primary.writer, slot, NOW_MS);
        assert_eq!(one, counted, "slot {number} of the primary");
    }
    for lane in 0..=u8::MAX {
        let (one, other) = (primary.store.lane_mark(lane), replica.store.lane_mark(lane));
        assert_eq!((one.0, one.1), (other.0, other.1), "lane {lane}");
    }
    primary.audit();
    replica.audit();
}

/// One random change of one of 300 keys.
fn change(bench: &mut Bench, random: &mut Random) {
    if random.below(4) == 0 {
        return change_collection(bench, random);
    }
    let key = format!("key:{}", random.below(300)).into_bytes();
    let database = random.below(2) as u16;
    let value =
        vec![random.below(256) as u8; random.below(60) as usize * random.below(60) as usize];
    let at = bench.now_ms + random.below(2_000);
    let mut view = bench.view(&key);
    let hashed = view.key(&key);
    match random.below(9) {
        0..=2 => view.set(database, &hashed, NewValue::Bytes(&value), Expiry::Keep).expect("room"),
        3 => view.set(database, &hashed, NewValue::Bytes(&value), Expiry::At(at)).expect("room"),
        4 => view.edit(database, &hashed, |bytes| bytes.extend_from_slice(&value)).expect("room"),
        5 => drop(view.remove(database, &hashed)),
        6 => drop(view.set_expiry(database, &hashed, Some(at)).expect("room")),
        7 => drop(view.set_expiry(database, &hashed, None).expect("room")),
        _ => drop(view.read(database, &hashed)),
    }
}

#[test]
fn a_storm_of_changes_arrives_in_any_pieces() {
    for seed in 0..12 {
        let mut random = Random(seed);
        let (mut primary, mut replica) = (primary(), replica());
        let (mut replay, mut at) = (Replay::default(), [0; STRIPE_COUNT]);
        for _ in 0..6 {
            for _ in 0..600 {
                change(&mut primary, &mut random);
                primary.now_ms += random.below(3);
            }
            primary.settle();
            if random.below(3) == 0 {
                primary.view_all().clear(0);
            }
            let piece_bytes = 1 + random.below(if seed % 2 == 0 { 40 } else { 40_000 }) as usize;
            catch_up(&primary.store, &mut replica, &mut replay, &mut at, piece_bytes)
                .expect("lanes replay");
            assert_eq!(replay.waiting_bytes(), 0, "seed {seed}");
            assert_same(&mut primary, &mut replica);
        }
        assert!(primary.writer.counters.expired > 0, "seed {seed}: nothing expired");
    }
}

#[test]
fn values_outside_the_segments_and_evictions_are_replicated() {
    let (mut primary, mut replica) = (primary(), replica());
    primary.store.set_policy(Policy::AllKeysLru, 10, 1);
    primary.store.set_limits(24 << 20, 0);
    let (mut replay, mut at) = (Replay::default(), [0; STRIPE_COUNT]);
    for number in 0..3_000u32 {
        let value = vec![number as u8; if number % 10 == 0 { 100_000 } else { 3_000 }];
        primary.set(0, &number.to_le_bytes(), &value, Expiry::Never);
        primary.writer.publish(&primary.store);
        primary.store.make_room(&mut primary.writer, primary.now_ms);
        if number % 100 == 0 {
            primary.upkeep();
            catch_up(&primary.store, &mut replica, &mut replay, &mut at, 1 << 16)
                .expect("lanes replay");
        }
    }
    catch_up(&primary.store, &mut replica, &mut replay, &mut at, 1 << 16).expect("lanes replay");
    assert!(primary.writer.counters.evicted > 100, "{:?}", primary.writer.counters);
    assert_same(&mut primary, &mut replica);
}

/// Writes the same value to keys of several stripes, as one group.
fn write_group(bench: &mut Bench, keys: &[Vec<u8>], value: &[u8]) {
    let mut held = StripeSet::NONE;
    keys.iter().for_each(|key| held.insert(bench.store.key(key).stripe()));
    let mut view = View::new(&bench.store, &mut bench.writer, held, bench.now_ms);
    view.begin_group();
    for key in keys {
        let key = view.key(key);
        view.set(0, &key, NewValue::Bytes(value), Expiry::Never).expect("room");
    }
    view.end_group();
}

#[test]
fn a_group_is_never_half_there() {
    let (mut primary, mut replica) = (primary(), replica());
    let mut random = Random(1);
    let keys: Vec<Vec<u8>> = (0..5).map(|number| format!("member:{number}").into_bytes()).collect();
    let (mut replay, mut at) = (Replay::default(), [0; STRIPE_COUNT]);
    let mut seen = std::collections::BTreeSet::new();
    for round in 0..400u32 {
        write_group(&mut primary, &keys, &round.to_le_bytes());
        primary.set(0, format!("other:{}", round % 50).as_bytes(), b"x", Expiry::Never);
        for _ in 0..random.below(40) {
            // A random lane gets a random piece.
            let lane = random.below(256) as u8;
            let lane = match random.below(3) {
                0 => lane,
                _ => primary.store.key(&keys[random.below(5) as usize]).stripe(),
            };
            let (position, mut bytes) = (&mut at[usize::from(lane)], Vec::new());
            let size = random.below(60) as usize;
            primary.store.read_lane(lane, *position, size, &mut bytes).expect("it is kept");
            replay
                .feed(&replica.store, &mut replica.writer, lane, *position, &bytes)
                .expect("lanes replay");
            assert_counted(&replay);
            *position += bytes.len() as u64;
            let values: Vec<_> = keys.iter().map(|key| replica.get(0, key)).collect();
            assert!(values.iter().all(|value| *value == values[0]), "half a group: {values:?}");
            seen.insert(values[0].clone());
        }
    }
    assert!(seen.len() > 50, "only {} states were looked at", seen.len());
    catch_up(&primary.store, &mut replica, &mut replay, &mut at, 999).expect("lanes replay");
    assert_same(&mut primary, &mut replica);
}

#[test]
fn a_walk_over_all_stripes_is_no_group_and_is_replicated() {
    let (mut primary, mut replica) = (primary(), replica());
    let (mut replay, mut at) = (Replay::default(), [0; STRIPE_COUNT]);
    for number in 0..100u32 {
        primary.set(0, &number.to_le_bytes(), b"x", Expiry::Never);
    }
    catch_up(&primary.store, &mut replica, &mut replay, &mut at, 999).expect("lanes replay");
    let now_ms = primary.now_ms;
    let mut view = View::new(&primary.store, &mut primary.writer, StripeSet::NONE, now_ms);
    view.begin_group();
    view.each_stripe(&mut |view, stripe| {
        view.clear(0);
        stripe < 200
    });
    view.end_group();
    drop(view);
    catch_up(&primary.store, &mut replica, &mut replay, &mut at, 999).expect("lanes replay");
    assert_same(&mut primary, &mut replica);
    assert!(content(&mut replica).len() < 100);
}

#[test]
fn a_replica_keeps_what_has_expired_until_it_is_told() {
    let (mut primary, mut replica) = (primary(), replica());
    let (mut replay, mut at) = (Replay::default(), [0; STRIPE_COUNT]);
    primary.set(0, b"short", b"life", Expiry::At(NOW_MS + 10));
    catch_up(&primary.store, &mut replica, &mut replay, &mut at, 999).expect("lanes replay");
    replica.now_ms = NOW_MS + 11;
    assert_eq!(replica.get(0, b"short"), None, "nobody sees it");
    replica.settle();
    assert_eq!(replica.count(0), 1, "it is there nevertheless");
    primary.now_ms = NOW_MS + 11;
    primary.settle();
    catch_up(&primary.store, &mut replica, &mut replay, &mut at, 999).expect("lanes replay");
    assert_eq!(replica.count(0), 0);
    assert_same(&mut primary, &mut replica);
}

#[test]
fn what_came_after_a_fork_is_named_and_forgotten() {
    let mut old = primary();
    for number in 0..100u32 {
        old.set(0, &number.to_le_bytes(), b"before", Expiry::Never);
    }
    let fork: Vec<u64> = (0..=u8::MAX).map(|lane| old.store.lane_end(lane)).collect();
    let late: Vec<Vec<u8>> = (90..120u32).map(|number| number.to_le_bytes().to_vec()).collect();
    for key in &late {
        old.set(0, key, b"after", Expiry::Never);
    }
    let mut named: Vec<Vec<u8>> = Vec::new();
    for lane in 0..=u8::MAX {
        let keys = old.store.rewind_lane(lane, fork[usize::from(lane)]).expect("it is kept");
        named.extend(keys.into_iter().map(|(_, key)| key));
        assert_eq!(old.store.lane_end(lane), fork[usize::from(lane)]);
    }
    named.sort();
    assert_eq!(named, late);
}

#[test]
fn gaps_and_garbage_are_refused() {
    let mut replica = replica();
    let mut replay = Replay::default();
    let mut feed =
        |offset, bytes: &[u8]| replay.feed(&replica.store, &mut replica.writer, 3, offset, bytes);
    assert_eq!(feed(9, b"x"), Err(ReplayError::Gap { lane: 3, wanted: 0, got: 9 }));
    assert_eq!(feed(0, b"\xff"), Err(ReplayError::Corrupt { lane: 3 }));
    let mut random = Random(5);
    for _ in 0..20_000 {
        let mut replay = Replay::default();
        let store = &replica.store;
        let bytes: Vec<u8> = (0..random.below(80))
            .map(|at| if at == 0 { 1 + random.below(6) } else { random.below(256) } as u8)
            .collect();
        let lane = random.below(256) as u8;
        let begin = store.lane_end(lane);
        let result = replay.feed(store, &mut replica.writer, lane, begin, &bytes);
        assert_counted(&replay);
        let waiting = replay.waiting_bytes() as u64;
        assert!(result.is_err() || store.lane_end(lane) + waiting == begin + bytes.len() as u64);
        replay.restart(store, &mut replica.writer, lane, 0).expect("nothing waits");
        assert_counted(&replay);
    }
}

#[test]
fn logs_keep_to_their_memory_and_forget_the_oldest() {
    let mut primary = Bench::new(1, SPACE_BYTES);
    primary.store.start_lanes(1 << 20);
    for number in 0..60_000u32 {
        // First one busy stripe, then all of them.
        let key = match number < 30_000 {
            true => format!("{{one}}{number}"),
            false => format!("{number}"),
        };
        primary.set(0, key.as_bytes(), &[7; 100], Expiry::Never);
        if number % 500 == 0 {
            primary.upkeep();
        }
    }
    let floor = (STRIPE_COUNT * (16 << 10)) as u64;
    assert!(primary.store.lane_memory_bytes() <= (1 << 20) + floor);
    let busy = primary.store.key(b"{one}").stripe();
    assert_eq!(primary.store.read_lane(busy, 0, 1, &mut Vec::new()), None);
    let kept = primary.store.lane_end(busy) - primary.store.lane_begin(busy);
    assert!(kept > 0, "the latest chunk stays");
    let mut writer = Writer::new(3);
    let slot = Slot::of(b"{one}");
    let counted = primary.store.recount_digest(&mut writer, slot, NOW_MS);
    assert_eq!(primary.store.digest(slot), counted);
}

#[test]
fn no_lane_loses_its_share_while_others_have_more() {
    let mut primary = Bench::new(1, SPACE_BYTES);
    let share_bytes = 64 << 10;
    primary.store.start_lanes(share_bytes * STRIPE_COUNT as u64);
    for number in 0..200_000u32 {
        primary.set(0, format!("{}", number % 10_000).as_bytes(), &[8; 100], Expiry::Never);
        if number % 500 == 0 {
            primary.upkeep();
        }
    }
    for lane in 0..=u8::MAX {
        let end = primary.store.lane_end(lane);
        let kept_bytes = end - primary.store.lane_begin(lane);
        assert!(end > share_bytes, "lane {lane} had only {end} bytes");
        // It forgets a chunk at a time, and chunks are not quite full.
        assert!(kept_bytes + (20 << 10) >= share_bytes, "lane {lane} keeps only {kept_bytes}");
    }
}

#[test]
fn a_stripe_is_copied_while_it_changes() {
    let (mut primary, mut replica) = (primary(), replica());
    let mut random = Random(11);
    for _ in 0..3_000 {
        change(&mut primary, &mut random);
    }
    // What the replica had before does not stay.
    replica.store.set_replica(false);
    replica.set(0, b"stale", b"value", Expiry::Never);
    replica.store.set_replica(true);
    let mut replay = Replay::default();
    let mut at = [0; STRIPE_COUNT];
    for lane in 0..=u8::MAX {
        at[usize::from(lane)] = primary.store.lane_end(lane);
        replica.store.empty_lane(&mut replica.writer, lane, at[usize::from(lane)]);
        let mut walk = Some(Walk::default());
        while let Some(step) = walk {
            let mut effects = Vec::new();
            walk = primary.store.describe_stripe(&mut primary.writer, lane, step, 3, &mut effects);
            replica.store.take_state(&mut replica.writer, lane, &effects).expect("effects");
            change(&mut primary, &mut random);
        }
    }
    catch_up(&primary.store, &mut replica, &mut replay, &mut at, 777).expect("lanes replay");
    assert_same(&mut primary, &mut replica);
    let keys = vec![(0, b"key:1".to_vec()), (1, b"key:1".to_vec()), (0, b"nobody".to_vec())];
    let lane = primary.store.key(b"key:1").stripe();
    let mut effects = Vec::new();
    primary.store.describe_keys(&mut primary.writer, lane, &keys, &mut effects);
    replica.store.take_state(&mut replica.writer, lane, &effects).expect("effects");
    assert_same(&mut primary, &mut replica);
    assert!(replica.store.take_state(&mut replica.writer, lane, b"\x04\0\0").is_err());
}

/// Changes the elements of one collection, one change at a time.
fn edit(bench: &mut Bench, name: &[u8], kind: Kind, edits: &[&dyn Fn(&mut Editor<'_>)]) {
    for edit in edits {
        let mut view = bench.view(name);
        let key = view.key(name);
        view.edit_collection(0, &key, kind, |editor| edit(editor)).expect("room");
    }
}

/// A replica that is given the keys as they are, and then told again what has been since `from`.
fn told_again(primary: &mut Bench, lane: u8, from: u64) -> Bench {
    let mut replica = replica();
    let (mut replay, mut at) = (Replay::default(), [0; STRIPE_COUNT]);
    at[usize::from(lane)] = from;
    replica.store.empty_lane(&mut replica.writer, lane, from);
    let mut effects = Vec::new();
    let walk = Walk::default();
    primary.store.describe_stripe(&mut primary.writer, lane, walk, 100, &mut effects);
    replica.store.take_state(&mut replica.writer, lane, &effects).expect("effects");
    catch_up(&primary.store, &mut replica, &mut replay, &mut at, 999).expect("lanes replay");
    replica
}

#[test]
fn a_collection_keeps_its_expiry_when_it_is_told_again_that_it_was_almost_empty() {
    let mut primary = primary();
    let lane = primary.store.key(b"set").stripe();
    edit(&mut primary, b"set", Kind::Set, &[&|set| assert!(set.put(b"a", b""))]);
    let at = primary.now_ms + 100_000;
    {
        let mut view = primary.view(b"set");
        let key = view.key(b"set");
        assert_eq!(view.set_expiry(0, &key, Some(at)), Ok(true));
    }
    let from = primary.store.lane_end(lane);
    edit(
        &mut primary,
        b"set",
        Kind::Set,
        &[
            &|set| assert!(set.put(b"b", b"")),
            &|set| assert!(set.remove(b"b")),
            &|set| assert!(set.put(b"b", b"")),
            &|set| assert!(set.remove(b"a")),
        ],
    );
    let mut replica = told_again(&mut primary, lane, from);
    assert_same(&mut primary, &mut replica);
}

#[test]
fn a_list_that_is_told_again_of_far_positions_needs_no_room_for_those_between() {
    let mut primary = primary();
    let lane = primary.store.key(b"list").stripe();
    // A queue that has come far, and begins anew.
    for _ in 0..2_000 {
        edit(
            &mut primary,
            b"list",
            Kind::List,
            &[&|list| (0..100).for_each(|_| list.push(End::Right, b"v")), &|list| {
                (0..99).for_each(|_| assert!(list.pop(End::Left).is_some()));
            }],
        );
    }
    let from = primary.store.lane_end(lane);
    edit(
        &mut primary,
        b"list",
        Kind::List,
        &[&|list| list.push(End::Right, b"far"), &|list| list.keep(0..0), &|list| {
            ["a", "b", "c"].iter().for_each(|value| list.push(End::Left, value.as_bytes()));
        }],
    );
    let mut replica = told_again(&mut primary, lane, from);
    assert_same(&mut primary, &mut replica);
}

#[test]
fn a_group_that_waits_goes_on_when_the_lane_it_waits_for_is_copied_with_it() {
    let (mut primary, mut replica) = (primary(), replica());
    let keys = [b"one".to_vec(), b"two".to_vec()];
    let [one, two] = [&keys[0], &keys[1]].map(|key| primary.store.key(key).stripe());
    write_group(&mut primary, &keys, b"first");
    // The second lane replays the group before the first one is copied with the group in it.
    let (mut replay, mut at) = (Replay::default(), [0; STRIPE_COUNT]);
    let mut piece = Vec::new();
    primary.store.read_lane(two, 0, usize::MAX, &mut piece).expect("it is kept");
    replay.feed(&replica.store, &mut replica.writer, two, 0, &piece).expect("lanes replay");
    assert_eq!(replica.get(0, b"two"), None);
    at[usize::from(two)] = piece.len() as u64;
    write_group(&mut primary, &keys, b"second");
    let (end, _, groups) = primary.store.lane_mark(one);
    replica.store.empty_lane(&mut replica.writer, one, end);
    let restarted = replay.restart(&replica.store, &mut replica.writer, one, groups);
    restarted.expect("lanes replay");
    assert_eq!(replica.get(0, b"two").as_deref(), Some(&b"first"[..]));
    let mut effects = Vec::new();
    let walk = Walk::default();
    primary.store.describe_stripe(&mut primary.writer, one, walk, 100, &mut effects);
    replica.store.take_state(&mut replica.writer, one, &effects).expect("effects");
    at[usize::from(one)] = end;
    catch_up(&primary.store, &mut replica, &mut replay, &mut at, 999).expect("lanes replay");
    assert_eq!(replay.waiting_bytes(), 0);
    assert_same(&mut primary, &mut replica);
}

#[test]
fn a_group_does_not_wait_for_a_lane_that_was_copied_after_it() {
    let (mut primary, mut replica) = (primary(), replica());
    let keys = [b"one".to_vec(), b"two".to_vec()];
    let [one, two] = [&keys[0], &keys[1]].map(|key| primary.store.key(key).stripe());
    assert_ne!(one, two);
    write_group(&mut primary, &keys, b"first");
    // The first lane is copied with the group in it, the second replays it.
    let (end, _, groups) = primary.store.lane_mark(one);
    let mut replay = Replay::default();
    replica.store.empty_lane(&mut replica.writer, one, end);
    replay.restart(&replica.store, &mut replica.writer, one, groups).expect("lanes replay");
    let mut effects = Vec::new();
    let walk = Walk::default();
    primary.store.describe_stripe(&mut primary.writer, one, walk, 100, &mut effects);
    replica.store.take_state(&mut replica.writer, one, &effects).expect("effects");
    write_group(&mut primary, &keys, b"second");
    let mut at = [0; STRIPE_COUNT];
    at[usize::from(one)] = end;
    let mut piece = Vec::new();
    let begin = primary.store.lane_end(two);
    primary.store.read_lane(two, 0, begin as usize / 2, &mut piece).expect("it is kept");
    replay.feed(&replica.store, &mut replica.writer, two, 0, &piece).expect("lanes replay");
    at[usize::from(two)] = piece.len() as u64;
    assert_eq!(replica.get(0, b"two").as_deref(), Some(&b"first"[..]));
    assert_eq!(replica.get(0, b"one").as_deref(), Some(&b"first"[..]));
    catch_up(&primary.store, &mut replica, &mut replay, &mut at, 999).expect("lanes replay");
    assert_eq!(replay.waiting_bytes(), 0);
    assert_same(&mut primary, &mut replica);
    // Where the replica writes itself, its groups are other ones than those it has replayed.
    replica.store.set_replica(false);
    write_group(&mut replica, &keys, b"third");
    let (mut third, mut replay, mut at) = (self::replica(), Replay::default(), [0; STRIPE_COUNT]);
    for lane in [one, two] {
        let (end, _, groups) = primary.store.lane_mark(lane);
        third.store.empty_lane(&mut third.writer, lane, end);
        replay.restart(&third.store, &mut third.writer, lane, groups).expect("lanes replay");
        at[usize::from(lane)] = end;
    }
    catch_up(&replica.store, &mut third, &mut replay, &mut at, 999).expect("lanes replay");
    assert_eq!(third.get(0, b"two").as_deref(), Some(&b"third"[..]));
}
