//! Whoever has the document finds the node of every key: `examples/client_side_sharding/` proves it
//! in other languages, with the answers that are recorded here.

use std::fs;
use std::sync::Arc;

use serde_json::{Value, json};
use skep_cluster::topology::{Node, NodeAddress, assign_unowned};
use skep_cluster::{Shard, Topology};
use skep_keyspace::Slot;
use skep_keyspace::ring::Ring;
use skep_tests::differential::random::Random;
use skep_tests::{TestResult, repository};

use crate::cluster::Routes;
use crate::cluster::fixture::{self, bench_of, id, shard_id};

/// What the examples are compared with.
const VECTORS: &str = "examples/client_side_sharding/vectors.json";
/// A shard of the recorded cluster: its number, which is its primary's, its slots, its replicas and
/// those in sync.
type Row = (u8, &'static str, &'static [u8], &'static [u8]);
const SHARDS: [Row; 7] = [
    (1, "0-3999,9000", &[11, 12], &[11]),
    (2, "4000-5460,12000-12999,13002-13500", &[13], &[13]),
    (3, "6000-7999", &[14], &[14]),
    (4, "", &[], &[]),
    (5, "", &[], &[]),
    (6, "8000,8002,8004-8006,8008,8500-8999,9001,9003,10000-11000,16383", &[], &[]),
    (7, "5461-5500,14000-16382", &[15, 16], &[]),
];
/// Its primary does not answer.
const FAILED: u8 = 3;
const PROXY: u8 = 5;

/// What a node says.
fn told(topology: &Topology) -> Value {
    let reply = bench_of(1, topology.clone()).ask_words(&[b"CLUSTER", b"RING"]);
    let text = String::from_utf8(reply).unwrap();
    serde_json::from_str(text.lines().nth(1).unwrap()).unwrap()
}

/// The rings that the node's own code makes of a document.
fn ring_of(document: &Value) -> (Vec<&str>, Ring) {
    let shards = document["shards"].as_array().unwrap();
    let names: Vec<&str> = shards.iter().map(|shard| shard["id"].as_str().unwrap()).collect();
    let weights: Vec<f64> = shards.iter().map(|shard| shard["weight"].as_f64().unwrap()).collect();
    let virtual_nodes = document["ring"]["virtual_nodes"].as_u64().unwrap() as u32;
    let ring = Ring::new(&names, &weights, virtual_nodes).unwrap();
    (names, ring)
}

#[test]
fn the_document_says_who_owns_what_and_who_would() {
    let topology = fixture::topology();
    let document = told(&topology);
    assert_eq!((&document["version"], &document["topology_version"]), (&json!(1), &json!(42)));
    assert_eq!((&document["cluster"], &document["slot_count"]), (&json!("bees"), &json!(16_384)));
    let node = |number: u8| {
        let id = id(number).to_string();
        json!({ "id": id, "host": format!("10.0.0.{number}"), "port": 7000, "is_failed": false })
    };
    let replica = |number, is_in_sync| {
        let mut node = node(number);
        node["is_in_sync"] = json!(is_in_sync);
        node
    };
    let first = json!({
        "id": shard_id(1).to_string(),
        "epoch": 3,
        "slots": [[0, 5460]],
        "primary": node(1),
        "replicas": [replica(4, true), replica(5, false)],
        "weight": 1.0,
    });
    assert_eq!(document["shards"][0], first);
    assert_eq!(document["shards"][1]["slots"], json!([[5461, 10922], [12000, 12000]]));
    assert_eq!(document["shards"].as_array().unwrap().len(), 3);
    let ring = json!({ "version": 1, "hash": "xxh3-64", "seed": 0, "virtual_nodes": 150 });
    assert_eq!(document["ring"], ring);
}

#[test]
fn slots_that_nobody_owns_are_placed_as_the_document_lets_one_compute() {
    let topology = recorded_topology();
    let document = told(&topology);
    let (names, ring) = ring_of(&document);
    let gains = assign_unowned(&topology, 150).unwrap();
    assert!(gains.iter().map(|(_, slots)| slots.len()).sum::<usize>() > 1000);
    for (id, slots) in gains {
        assert!(slots.iter().all(|slot| names[ring.owner(slot)] == id.to_string()));
        assert!(![shard_id(FAILED), shard_id(PROXY)].contains(&id));
    }
}

fn recorded_topology() -> Topology {
    let mut topology =
        Topology { version: 1234, cluster: "bees".to_owned(), ..Topology::default() };
    let ids = |numbers: &[u8]| numbers.iter().map(|&number| id(number)).collect();
    for (number, slots, replicas, in_sync) in SHARDS {
        for &node in [number].iter().chain(replicas) {
            let host = match node {
                2 => "two.bees.example".to_owned(),
                7 => "2001:db8::7".to_owned(),
                _ => format!("10.0.0.{node}"),
            };
            let client_port = 7000 + u16::from(node);
            let address = NodeAddress { host, client_port, ..NodeAddress::default() };
            let (is_failed, is_proxy) = (node == FAILED, node == PROXY);
            topology
                .nodes
                .insert(id(node), Node { address, is_failed, is_proxy, ..Node::default() });
        }
        let shard = Shard {
            epoch: u64::from(number),
            primary: id(number),
            slots: slots.parse().unwrap(),
            replicas: ids(replicas),
            in_sync: ids(in_sync),
            ..Shard::default()
        };
        topology.shards.insert(shard_id(number), shard);
    }
    topology.current_epoch = 7;
    assert_eq!(topology.check_invariants(), Ok(()));
    topology
}

/// The document of the vectors. Nodes give every shard the weight 1 or 0 so far; the rule knows more.
fn recorded_document() -> Value {
    let mut document = told(&recorded_topology());
    for (number, weight) in [(2, 2.5), (4, 0.37)] {
        document["shards"][number - 1]["weight"] = json!(weight);
    }
    document
}

/// Keys that are easily got wrong, and many that are not.
fn keys() -> Vec<Vec<u8>> {
    let texts = [
        "123456789",
        "user:{1000}:name",
        "{user1000}.following",
        "foo{}{bar}",
        "foo{{bar}}zap",
        "foo{bar}{zap}",
        "{ }",
        "{\n}x",
        "Bienenkorb",
        "körbe:{größe}:1",
        "{größe}",
        "蜂:{巣}:女王",
        "{🐝}🍯",
        "🐝",
        "e\u{301}{e\u{301}}",
    ];
    let mut keys: Vec<Vec<u8>> = texts.iter().map(|text| text.as_bytes().to_vec()).collect();
    let bytes: [&[u8]; 8] = [
        b"\0",
        b"\0\0",
        b"{\0}x",
        b"a\0{b}",
        b"\xff",
        b"{\xff\xfe}\xf0\x9f",
        b"\x80{\x80",
        b"\xc3{\xa4}",
    ];
    keys.extend(bytes.map(<[u8]>::to_vec));
    // Every order of up to four braces and letters.
    let mut words = vec![Vec::new()];
    for _ in 0..4 {
        keys.append(&mut words.clone());
        words = words
            .iter()
            .flat_map(|word| b"{}a".map(|last| [&word[..], &[last]].concat()))
            .collect();
    }
    keys.append(&mut words);
    keys.extend((0..120).map(|number| format!("session:{number}").into_bytes()));
    keys.extend((0..60).map(|number| format!("cart:{{user:{number}}}:items").into_bytes()));
    let mut random = Random::new(1);
    keys.extend((0..60).map(|_| {
        let length = random.below(80);
        (0..length).map(|_| random.below(256) as u8).collect()
    }));
    keys
}

/// A line for each key, so that a change can be read.
fn vectors() -> String {
    let document = recorded_document();
    let (names, ring) = ring_of(&document);
    let topology = recorded_topology();
    let routes = Routes::new(id(1), Arc::new(topology));
    let mut lines = Vec::new();
    for key in keys() {
        let slot = Slot::of(&key);
        let owner = routes.map.owner(slot);
        let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        let line = json!({
            "key": hex,
            "slot": slot.number(),
            "shard": owner.map(|owner| owner.shard.to_string()),
            "node": owner.map(|owner| owner.primary.to_string()),
            "placed": names[ring.owner(slot)],
        });
        lines.push(format!("    {line}"));
    }
    let document = serde_json::to_string_pretty(&document).unwrap().replace('\n', "\n  ");
    format!("{{\n  \"ring\": {document},\n  \"keys\": [\n{}\n  ]\n}}\n", lines.join(",\n"))
}

/// `SKEP_TEST_RECORD=1` writes the file anew.
#[test]
fn the_recorded_keys_are_where_the_node_says() -> TestResult {
    let (path, seen) = (repository().join(VECTORS), vectors());
    if std::env::var_os("SKEP_TEST_RECORD").is_some() {
        fs::write(&path, &seen)?;
    }
    // As values: in which order an object's members are written depends on how serde_json was built.
    let recorded: Value = serde_json::from_str(&fs::read_to_string(&path)?)?;
    let seen: Value = serde_json::from_str(&seen)?;
    assert_eq!(recorded["ring"], seen["ring"], "{VECTORS}");
    let keys = |of: &Value| of["keys"].as_array().cloned().unwrap_or_default();
    let (before, after) = (keys(&recorded), keys(&seen));
    let changed = before.iter().zip(&after).find(|(before, after)| before != after);
    assert_eq!(changed, None, "recorded and seen");
    assert_eq!(before.len(), after.len(), "{VECTORS}");
    Ok(())
}

#[test]
fn the_recorded_keys_cover_what_can_go_wrong() {
    let vectors: Value = serde_json::from_str(&vectors()).unwrap();
    let keys = vectors["keys"].as_array().unwrap();
    let count =
        |is_wanted: &dyn Fn(&Value) -> bool| keys.iter().filter(|key| is_wanted(key)).count();
    assert!(keys.len() > 300, "{} keys", keys.len());
    assert!(count(&|key| key["node"].is_null()) > 30, "keys in slots that nobody owns");
    for number in [1, 2, 3, 6, 7] {
        let owned = count(&|key| key["node"] == id(number).to_string());
        assert!(owned > 5, "node {number} has {owned} keys");
    }
    let placed = |number| count(&|key| key["placed"] == shard_id(number).to_string());
    assert_eq!([FAILED, PROXY].map(placed), [0, 0]);
    assert!(placed(2) > placed(1) && placed(1) > placed(4), "weights count");
}
