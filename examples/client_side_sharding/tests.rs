//! This program finds every recorded key where the node's own code does.

use std::net::TcpListener;
use std::thread;

use serde_json::{Value, json};

use super::*;

fn vectors() -> Value {
    serde_json::from_str(include_str!("vectors.json")).unwrap()
}

fn key_of(vector: &Value) -> Vec<u8> {
    let hex = vector["key"].as_str().unwrap();
    let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(byte).collect()
}

#[test]
fn every_recorded_key_is_found_where_the_node_has_it() {
    let vectors = vectors();
    let ring = Ring::parse(&vectors["ring"]).unwrap();
    assert_eq!(vectors["ring"]["topology_version"], ring.topology_version);
    let keys = vectors["keys"].as_array().unwrap();
    assert!(keys.len() > 300);
    for vector in keys {
        let key = key_of(vector);
        let shard = ring.shard_of(&key);
        assert_eq!(json!(slot_of(&key)), vector["slot"], "{vector}");
        assert_eq!(json!(shard.map(|shard| &shard.id)), vector["shard"], "{vector}");
        assert_eq!(json!(shard.map(|shard| &shard.primary)), vector["node"], "{vector}");
    }
}

#[test]
fn the_ring_places_every_recorded_slot_as_the_node_does() {
    let vectors = vectors();
    let ring = Ring::parse(&vectors["ring"]).unwrap();
    let placement = Placement::new(&ring).unwrap();
    for vector in vectors["keys"].as_array().unwrap() {
        let slot = vector["slot"].as_u64().unwrap() as usize;
        assert_eq!(placement.shard_of_slot(slot), vector["placed"], "{vector}");
    }
}

#[test]
fn keys_are_told_with_their_node() {
    let ring = Ring::parse(&vectors()["ring"]).unwrap();
    let (node, shard) = ("02".repeat(20), "a2".repeat(20));
    let place = format!("two.bees.example:7002, node {node} of shard {shard}");
    assert_eq!(told(&ring, b"123456789"), format!("123456789: slot 12739, {place}"));
    let placed = "a7".repeat(20);
    let second = format!("{{1000}}: slot 11326, nobody; CLUSTER PLACE would give it to {placed}");
    assert_eq!(told(&ring, b"{1000}"), second);
}

/// What `load` makes of a node that answers so.
fn answered(reply: &[u8]) -> Result<Ring, String> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::scope(|scope| {
        scope.spawn(|| {
            let (mut connection, _) = listener.accept().unwrap();
            let mut asked = [0; 27];
            connection.read_exact(&mut asked).unwrap();
            assert_eq!(&asked, b"*2\r\n$7\r\nCLUSTER\r\n$4\r\nRING\r\n");
            connection.write_all(reply).unwrap();
        });
        load(&address)
    })
}

#[test]
fn a_node_is_asked_for_its_ring_and_what_is_none_is_refused() {
    let text = vectors()["ring"].to_string();
    let ring = answered(format!("${}\r\n{text}\r\n", text.len()).as_bytes()).unwrap();
    assert_eq!(ring.topology_version, 1234);
    for (reply, expected) in [
        ("-ERR no\r\n", "answered \"-ERR no\""),
        ("", "answered \"\""),
        ("$-1\r\n", "answered \"$-1\""),
        ("$99999999999\r\n", "answered"),
        ("$9\r\n{", "no ring document"),
        ("$2\r\n{}\r\n", "version null"),
    ] {
        let error = answered(reply.as_bytes()).err().unwrap_or_default();
        assert!(error.contains(expected), "{reply:?}: {error}");
    }
    assert!(load("nowhere").err().is_some_and(|error| error.starts_with("nowhere: ")));
}

#[test]
fn a_document_that_cannot_be_is_refused() {
    let refused = |change: &dyn Fn(&mut Value)| {
        let mut document = vectors()["ring"].clone();
        change(&mut document);
        Ring::parse(&document).err().unwrap_or_default()
    };
    assert!(refused(&|document| document["version"] = json!(2)).contains("version 2"));
    let range = refused(&|document| document["shards"][0]["slots"] = json!([[5, 16_384]]));
    assert_eq!(range, "[5,16384] is no range of slots");
    let range = refused(&|document| document["shards"][0]["slots"] = json!([[5, 4]]));
    assert_eq!(range, "[5,4] is no range of slots");
    assert!(refused(&|document| document["shards"][0]["primary"] = json!(0)).contains("no shard"));
    let mut document = vectors()["ring"].clone();
    document["ring"]["version"] = json!(2);
    let ring = Ring::parse(&document).unwrap();
    assert!(Placement::new(&ring).is_err(), "keys are found, slots not placed");
}
