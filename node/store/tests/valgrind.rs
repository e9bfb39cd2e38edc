//! Every path through the store's unsafe code, once plainly and once under valgrind, which must
//! find no bad access, no use of memory after it was freed and nothing that is never freed.
//!
//! (Memory inside the region is one mapping to valgrind; what it sees is the large keys and
//! values, the vectors of the index and everything at the edges. Inside the region the audit and
//! the property tests look.)

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;

use skep_store::{
    DeadShare, Editor, End, Expiry, Kind, NewValue, Options, Policy, ScanCursor, Store, StripeSet,
    Upkeep, View, Writer,
};

const NOW_MS: u64 = 1_780_000_000_000;
const DATABASES: u16 = 3;
const LARGE: usize = 17_000;

fn set(store: &Store, writer: &mut Writer, database: u16, key: &[u8], len: usize, expiry: Expiry) {
    let key = store.key(key);
    let mut view = View::new(store, writer, StripeSet::one(key.stripe()), NOW_MS);
    let value = vec![b'v'; len];
    view.set(database, &key, NewValue::Bytes(&value), expiry).expect("room for the value");
}

fn in_view<R>(
    store: &Store,
    writer: &mut Writer,
    now_ms: u64,
    act: impl FnOnce(&mut View<'_>) -> R,
) -> R {
    act(&mut View::new(store, writer, StripeSet::ALL, now_ms))
}

fn small_key(number: usize) -> Vec<u8> {
    format!("{{{}}}key:{number}", number % 3).into_bytes()
}

fn large_key(number: usize) -> Vec<u8> {
    vec![number as u8; LARGE + number]
}

fn settle(store: &Store, writer: &mut Writer, now_ms: u64) {
    writer.seal(store);
    while store.upkeep(writer, &Upkeep { now_ms, expire: true }) {}
    while store.compact(writer, DeadShare(0), 100_000) {}
    writer.publish(store);
    store.audit().expect("the accounts equal a recount");
}

/// Writes, replaces, edits and shares values of every kind.
fn write_and_edit(store: &Store, writer: &mut Writer) {
    for number in 0..3_000 {
        set(store, writer, 0, &small_key(number), number % 90, Expiry::Never);
        store.work_off(writer);
    }
    for number in 0..20 {
        for database in 0..DATABASES {
            set(store, writer, database, &large_key(number), LARGE, Expiry::Never);
            set(store, writer, database, &large_key(number), 10, Expiry::At(NOW_MS + 5));
            set(store, writer, database, &large_key(number), LARGE + 1, Expiry::Keep);
        }
    }
    let shared = Arc::new(vec![b's'; LARGE]);
    in_view(store, writer, NOW_MS, |view| {
        let key = view.key(b"shared");
        view.set(0, &key, NewValue::Shared(Arc::clone(&shared)), Expiry::Never).expect("room");
        view.edit(0, &key, |value| value.push(1)).expect("room");
        view.edit(0, &key, |value| value.truncate(3)).expect("room");
        view.set_expiry(0, &key, Some(u64::MAX)).expect("room");
        view.set_expiry(0, &key, None).expect("room");
        let small = view.key(b"{0}key:0");
        view.edit(0, &small, |value| value.resize(LARGE, 7)).expect("room");
        view.edit(0, &small, |value| value.clear()).expect("room");
        assert!(view.touch_key(0, &small));
        view.swap(0, 2);
        view.swap(2, 0);
    });
    assert_eq!(shared.len(), LARGE, "a shared value is copied before it is edited");
}

/// Lets collections grow, change, move, be copied, replaced, emptied and removed.
fn collections(store: &Store, writer: &mut Writer) {
    let at = Some(NOW_MS + 1_000_000_000_000);
    for (number, kind) in
        [Kind::List, Kind::Set, Kind::SortedSet, Kind::Hash].into_iter().enumerate()
    {
        let names =
            ["a", "b", "c"].map(|name| format!("{{{number}}}collection:{name}").into_bytes());
        in_view(store, writer, NOW_MS, |view| {
            let [a, b, c] = [&names[0], &names[1], &names[2]].map(|name| view.key(name));
            for count in [10, 700] {
                let fill = |editor: &mut Editor<'_>| put_some(editor, count);
                view.edit_collection(0, &a, kind, fill).expect("room");
                // With an expiry the record has to be written anew.
                view.set_expiry(0, &a, at).expect("room");
                assert!(view.copy_value((0, &a), (1, &b)).expect("room"));
                assert!(view.move_value((0, &a), (0, &c)).expect("room"));
                assert!(view.find(0, &a).is_none());
                let contents = view.find(0, &c).expect("it").collection(kind).expect("one");
                assert_eq!(contents.iter().count(), contents.len());
                assert!(view.move_value((0, &c), (0, &a)).expect("room"));
            }
            view.set(1, &b, NewValue::Bytes(b"a string"), Expiry::Never).expect("room");
            assert!(view.copy_value((0, &a), (1, &b)).expect("room"));
            view.edit_collection(1, &b, kind, remove_all).expect("room");
            assert!(view.find(1, &b).is_none());
        });
        settle(store, writer, NOW_MS);
        in_view(store, writer, NOW_MS, |view| assert!(view.remove(0, &view.key(&names[0]))));
    }
    settle(store, writer, NOW_MS);
}

fn put_some(editor: &mut Editor<'_>, count: usize) {
    for number in 0..count {
        let name = number.to_string();
        match editor.kind() {
            Kind::List => editor.push(End::Left, name.as_bytes()),
            Kind::Set => drop(editor.put(name.as_bytes(), b"")),
            Kind::SortedSet => drop(editor.put_score(name.as_bytes(), number as f64)),
            Kind::Hash => drop(editor.put(name.as_bytes(), &vec![b'v'; number % 90])),
        }
    }
}

fn remove_all(editor: &mut Editor<'_>) {
    while editor.kind() == Kind::List && editor.pop(End::Right).is_some() {}
    (0..700usize).for_each(|number| {
        editor.remove(number.to_string().as_bytes());
    });
}

fn look(store: &Store, writer: &mut Writer) {
    for number in 0..3_000 {
        let bytes = small_key(number);
        let key = store.key(&bytes);
        store.prefetch_header(0, &key);
        if let Some(trail) = store.prefetch_bucket(0, &key) {
            store.prefetch_item(&trail);
        }
        in_view(store, writer, NOW_MS, |view| assert!(view.read(0, &key).is_some()));
    }
    let (mut cursor, mut seen) = (ScanCursor(0), 0);
    loop {
        let held = StripeSet::one(cursor.stripe().expect("a stripe"));
        let mut view = View::new(store, writer, held, NOW_MS);
        cursor = view.scan(0, cursor, 10, |_, item| {
            seen += item.value().bytes().map_or(0, <[u8]>::len).min(1)
        });
        if cursor == ScanCursor(0) {
            break;
        }
    }
    assert!(seen > 2_900, "{seen} keys with a value");
    in_view(store, writer, NOW_MS, |view| {
        assert!(view.random_key(0).is_some());
        let mut keys = 0;
        view.each_key(1, |key, item| keys += usize::from(key.len() < item.memory_bytes()));
        assert_eq!(keys, 20);
    });
}

/// Lets keys expire, go by eviction, by removal and by clearing, with compaction in between.
fn remove(store: &Store, writer: &mut Writer) {
    settle(store, writer, NOW_MS);
    // The same large keys expire in three databases at once.
    settle(store, writer, NOW_MS + 5);
    assert_eq!(in_view(store, writer, NOW_MS, |view| view.count(1).keys), 0);
    for number in (0..3_000).step_by(2) {
        let bytes = small_key(number);
        in_view(store, writer, NOW_MS, |view| assert!(view.remove(0, &view.key(&bytes))));
    }
    settle(store, writer, NOW_MS);
    for number in 0..10 {
        set(store, writer, 1, &large_key(number), LARGE, Expiry::At(NOW_MS + 100));
    }
    store.set_policy(Policy::AllKeysLru, 10, 1);
    store.set_limits(store.used_bytes() * 4 / 5, 0);
    // It may find nothing more to evict before what is left fits: the index stays.
    store.make_room(writer, NOW_MS);
    assert!(writer.counters.evicted > 0);
    store.set_limits(0, 0);
    settle(store, writer, NOW_MS);
}

/// Two workers on the same keys.
fn race(store: &Store) {
    thread::scope(|scope| {
        for seed in [1, 9] {
            scope.spawn(move || {
                let mut writer = Writer::new(seed);
                for round in 0..1_500 {
                    let number = writer.random() as usize % 40;
                    let key = if round % 4 == 0 { large_key(number) } else { small_key(number) };
                    let len = if round % 7 == 0 { LARGE } else { number };
                    set(store, &mut writer, 0, &key, len, Expiry::At(NOW_MS + 1));
                    if round % 50 == 0 {
                        let now_ms = NOW_MS + (round as u64 / 50) % 2;
                        writer.seal(store);
                        store.upkeep(&mut writer, &Upkeep { now_ms, expire: true });
                        store.compact(&mut writer, DeadShare(0), 50_000);
                    }
                }
                writer.seal(store);
                writer.publish(store);
            });
        }
    });
}

#[test]
fn every_unsafe_path() {
    let options = Options { databases: usize::from(DATABASES), reserve_bytes: 64 << 20, seed: 42 };
    let store = Store::new(&options).expect("address space");
    let mut writer = Writer::new(3);
    collections(&store, &mut writer);
    write_and_edit(&store, &mut writer);
    look(&store, &mut writer);
    remove(&store, &mut writer);
    race(&store);
    for database in 0..DATABASES {
        in_view(&store, &mut writer, NOW_MS, |view| view.clear(database));
    }
    settle(&store, &mut writer, NOW_MS);
    store.trim();
    assert_eq!(store.footprint().outside_bytes, 0);
}

/// Runs one test of this program under valgrind and answers whether that found nothing, with its
/// report.
fn under_valgrind(test: &str) -> (bool, String) {
    let program = std::env::current_exe().expect("the path of this program");
    let output = Command::new("valgrind")
        .args(["--error-exitcode=99", "--leak-check=full", "--errors-for-leak-kinds=definite"])
        .args(["--fair-sched=yes", "--quiet"])
        .arg(program)
        .args([test, "--exact", "--test-threads=1"])
        .stdin(Stdio::null())
        .output()
        .expect("valgrind runs (on Debian: apt-get install valgrind; tests/run does it)");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(said.contains("running 1 test"), "{test} did not run: {said}");
    (output.status.success(), said)
}

#[test]
fn valgrind_finds_nothing() {
    let (is_clean, said) = under_valgrind("every_unsafe_path");
    assert!(is_clean, "{said}");
}
