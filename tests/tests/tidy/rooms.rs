//! The walls between the rooms, and the purity of the pure ones.

use std::fs;

use skep_tests::{TestResult, repository};

use crate::report;
use crate::source::{has_word, sources};

/// A room, and which rooms it may know.
const ROOMS: [(&str, &[&str]); 11] = [
    ("node/resp", &[]),
    ("node/keyspace", &[]),
    ("node/store", &["skep-keyspace"]),
    ("node/cluster", &["skep-keyspace"]),
    ("node/mesh", &["skep-keyspace"]),
    ("node/command", &["skep-resp", "skep-keyspace", "skep-store", "skep-cluster"]),
    (
        "node",
        &["skep-resp", "skep-keyspace", "skep-store", "skep-cluster", "skep-mesh", "skep-command"],
    ),
    ("planner", &["skep-keyspace", "skep-store"]),
    // A black box is tested from outside.
    ("tests", &[]),
    (
        "benches",
        &[
            "skep-resp",
            "skep-keyspace",
            "skep-store",
            "skep-cluster",
            "skep-command",
            "skep-planner",
        ],
    ),
    // What an outsider has to write.
    ("examples/client_side_sharding", &[]),
];
const PURE_ROOMS: [&str; 5] =
    ["node/resp/", "node/keyspace/", "node/store/", "node/cluster/", "node/command/"];
/// What pure rooms must not depend on, in any version of it.
const IMPURE_CRATES: [&str; 8] =
    ["tokio", "mio", "socket2", "rand", "getrandom", "fastrand", "chrono", "time"];
/// And not say.
const IMPURE_WORDS: [&str; 14] = [
    "Instant",
    "SystemTime",
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "std::thread",
    "thread_rng",
    "getrandom",
    "clock_gettime",
    "RandomState",
    "println!",
    "eprintln!",
    "thread::sleep",
];
const UNSAFE_ROOM: &str = "node/store/";
fn manifest(room: &str) -> TestResult<String> {
    Ok(fs::read_to_string(repository().join(room).join("Cargo.toml"))?)
}

/// The names in one section of a manifest.
fn section<'a>(manifest: &'a str, name: &str) -> Vec<&'a str> {
    let header = format!("[{name}]");
    let lines = manifest.lines().skip_while(move |line| line.trim() != header).skip(1);
    let entries = lines.take_while(|line| !line.starts_with('['));
    entries
        .filter_map(|line| line.split(['=', '.']).next().map(str::trim))
        .filter(|entry| !entry.is_empty() && !entry.starts_with('#'))
        .collect()
}

#[test]
fn a_room_knows_only_the_rooms_it_may() -> TestResult {
    let mut found = Vec::new();
    for (room, allowed) in ROOMS {
        let manifest = manifest(room)?;
        for part in ["dependencies", "dev-dependencies", "build-dependencies"] {
            for name in section(&manifest, part) {
                let is_ours = name == "skep" || name.starts_with("skep-");
                // The tests' room knows nobody, so everybody's tests may use what it offers.
                let is_support = name == "skep-tests" && part == "dev-dependencies";
                if is_ours && !is_support && !allowed.contains(&name) {
                    found.push(format!("{room} knows {name} ({part})"));
                }
            }
        }
        if !section(&manifest, "lints").contains(&"workspace") {
            found.push(format!("{room} does not inherit the workspace's lints"));
        }
    }
    let known = section(&manifest("node")?, "dependencies").len();
    assert!(known > 4, "the manifests are not read as they are written");
    report("walls between rooms", &found);
    Ok(())
}

#[test]
fn every_member_of_the_workspace_is_a_known_room() -> TestResult {
    let manifest = manifest("")?;
    let members = manifest.lines().find_map(|line| line.strip_prefix("members = "));
    let members: Vec<&str> = members.ok_or("no members")?.split('"').skip(1).step_by(2).collect();
    let rooms = ROOMS.map(|(room, _)| room);
    let strange = |name: &&&str| !rooms.contains(name);
    let found: Vec<String> = members.iter().filter(strange).map(ToString::to_string).collect();
    assert!(members.len() >= rooms.len(), "{members:?}");
    report("rooms without a wall (add them to ROOMS)", &found);
    Ok(())
}

#[test]
fn pure_rooms_have_no_clock_no_io_and_no_chance() -> TestResult {
    let mut found = Vec::new();
    for room in PURE_ROOMS {
        let manifest = manifest(room)?;
        let names = section(&manifest, "dependencies");
        let impure = names.iter().filter(|name| IMPURE_CRATES.contains(name));
        found.extend(impure.map(|name| format!("{room} depends on {name}")));
    }
    let mut seen = 0;
    for source in sources()? {
        let room = PURE_ROOMS.into_iter().find(|room| source.path.starts_with(room));
        if !room.is_some_and(|room| source.path[room.len()..].starts_with("src/")) {
            continue;
        }
        seen += 1;
        for (number, line) in source.product_lines() {
            for word in IMPURE_WORDS.into_iter().filter(|word| has_word(line, word)) {
                found.push(format!("{}:{number}: {word}", source.path));
            }
        }
    }
    assert!(seen > 20, "only {seen} files of pure rooms were found");
    report("pure rooms", &found);
    Ok(())
}

#[test]
fn only_the_store_is_unsafe() -> TestResult {
    let mut found = Vec::new();
    for source in sources()?.iter().filter(|source| !source.path.starts_with(UNSAFE_ROOM)) {
        for (at, line) in source.code.lines().enumerate() {
            if has_word(line, "unsafe") || line.contains("allow(unsafe_code") {
                found.push(format!("{}:{}", source.path, at + 1));
            }
        }
    }
    report("unsafe outside the store", &found);
    Ok(())
}
