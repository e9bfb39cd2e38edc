//! What can be checked mechanically about the sources: the walls between the rooms, the purity of
//! the pure ones, and the honesty of the tests. The compiler and clippy check the rest.

mod source;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use skep_tests::{TestResult, repository};
use source::{Source, files, sources, strip};

/// A room, and which rooms it may know.
const ROOMS: [(&str, &[&str]); 7] = [
    ("node/resp", &[]),
    ("node/keyspace", &[]),
    ("node/store", &["skep-keyspace"]),
    ("node/command", &["skep-resp", "skep-keyspace", "skep-store"]),
    ("node", &["skep-resp", "skep-keyspace", "skep-store", "skep-command"]),
    // A black box is tested from outside: only the wire format is shared, to speak it.
    ("tests", &["skep-resp"]),
    ("benches", &["skep-resp"]),
];
const PURE_ROOMS: [&str; 4] = ["node/resp/", "node/keyspace/", "node/store/", "node/command/"];
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
/// A test calls something of this kind, or returns what `?` found.
const CHECKING_WORDS: [&str; 9] =
    ["assert", "panic!", "unwrap", "expect", "wait_until", "check", "compare", "verify", "?"];
/// Where waiting for a condition is done, so that nobody else needs to sleep.
const SLEEPING_FILES: [&str; 4] = [
    "tests/src/wait.rs",
    "tests/src/server.rs",
    "tests/python/conftest.py",
    "tests/node/support.js",
];
const FILE_LINES_WISHED: usize = 400;
const FUNCTION_LINES_WISHED: usize = 70;
const FILE_BYTES_MAX: u64 = 1 << 20;
const TOP_LEVEL: [&str; 16] = [
    ".cargo",
    ".ci",
    ".clippy.toml",
    ".gitignore",
    ".rustfmt.toml",
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "benches",
    "examples",
    "fuzz",
    "node",
    "planner",
    "tests",
];

/// Fails with all that was found, one line each.
#[track_caller]
fn report(rule: &str, found: &[String]) {
    assert!(found.is_empty(), "{rule}:\n  {}", found.join("\n  "));
}

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
                if is_ours && !allowed.contains(&name) {
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

/// Whether `line` has `word`, not as a part of another.
fn has_word(line: &str, word: &str) -> bool {
    let is_letter = |letter: char| letter.is_alphanumeric() || letter == '_';
    line.match_indices(word).any(|(at, _)| {
        !line[..at].ends_with(is_letter) && !line[at + word.len()..].starts_with(is_letter)
    })
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

#[test]
fn every_allowance_has_a_reason() -> TestResult {
    let mut found = Vec::new();
    for source in sources()? {
        for (at, _) in
            source.code.match_indices("[allow(").chain(source.code.match_indices("[expect("))
        {
            let attribute = &source.code[at..];
            let end = attribute.find(")]").unwrap_or(attribute.len());
            if !attribute[..end].contains("reason") {
                found.push(format!("{}:{}", source.path, line_of(&source.code, at)));
            }
        }
    }
    report("allowances without a reason", &found);
    Ok(())
}

fn line_of(code: &str, at: usize) -> usize {
    code[..at].matches('\n').count() + 1
}

#[test]
fn no_match_is_thrown_away() -> TestResult {
    let mut found = Vec::new();
    for source in sources()? {
        for (at, _) in source.code.match_indices("matches!(") {
            let before = source.code[..at].trim_end();
            let begins = before.is_empty() || before.ends_with([';', '{', '}']);
            let after = after_parentheses(&source.code[at..]).trim_start();
            if begins && after.starts_with(';') {
                found.push(format!("{}:{}", source.path, line_of(&source.code, at)));
            }
        }
    }
    report("bare matches!, which checks nothing", &found);
    Ok(())
}

/// What follows the first parentheses and all within them.
fn after_parentheses(code: &str) -> &str {
    after_pair(code, '(', ')')
}

fn after_pair(code: &str, open: char, close: char) -> &str {
    let mut depth = 0;
    for (at, letter) in code.char_indices() {
        if letter == open {
            depth += 1;
        } else if letter == close {
            depth -= 1;
            if depth == 0 {
                return &code[at + close.len_utf8()..];
            }
        }
    }
    ""
}

#[test]
fn every_test_checks_something() -> TestResult {
    let (mut found, mut seen) = (Vec::new(), 0);
    for source in sources()? {
        let attributes = ["#[test]", "#[tokio::test]"].map(|test| source.code.match_indices(test));
        for (at, _) in attributes.into_iter().flatten() {
            let code = &source.code[at..];
            let body = code.find('{').map_or("", |open| &code[open..]);
            let body = &body[..body.len() - after_pair(body, '{', '}').len()];
            seen += 1;
            if !CHECKING_WORDS.iter().any(|word| body.contains(word)) {
                found.push(format!("{}:{}", source.path, line_of(&source.code, at)));
            }
        }
    }
    assert!(seen > 50, "only {seen} tests were found");
    report("tests that check nothing", &found);
    Ok(())
}

#[test]
fn no_test_sleeps() -> TestResult {
    let mut found = Vec::new();
    for source in sources()?.iter().filter(|source| !SLEEPING_FILES.contains(&&*source.path)) {
        let is_support = source.path.starts_with("tests/");
        let lines: Vec<_> = match is_support {
            true => source.code.lines().enumerate().map(|(at, line)| (at + 1, line)).collect(),
            false => source.test_lines().collect(),
        };
        for (number, line) in lines {
            if line.contains("sleep(") {
                found.push(format!("{}:{number}", source.path));
            }
        }
    }
    for file in files()? {
        let name = file.to_string_lossy();
        let is_script = name.ends_with(".py") || name.ends_with(".js");
        if !is_script || SLEEPING_FILES.contains(&&*name) {
            continue;
        }
        let text = fs::read_to_string(repository().join(&file))?;
        for word in ["sleep(", "delay(", "setTimeout("] {
            found.extend(text.contains(word).then(|| format!("{name}: {word}")));
        }
    }
    report("sleeping instead of waiting for a condition", &found);
    Ok(())
}

#[test]
fn no_file_is_stray() -> TestResult {
    let mut found = Vec::new();
    for file in files()? {
        let path = repository().join(&file);
        let shown = file.display();
        let top = file.iter().next().unwrap_or_default().to_string_lossy().into_owned();
        if !TOP_LEVEL.contains(&&*top) {
            found.push(format!("{shown} is in no room"));
        }
        let metadata = fs::symlink_metadata(&path)?;
        if metadata.is_symlink() {
            found.push(format!("{shown} is a symbolic link"));
            continue;
        }
        if metadata.len() > FILE_BYTES_MAX || metadata.len() == 0 {
            found.push(format!("{shown} has {} bytes", metadata.len()));
        }
        let is_executable = metadata.permissions().mode() & 0o111 != 0;
        if is_executable != fs::read(&path)?.starts_with(b"#!") {
            found.push(format!("{shown}: scripts, and only they, are executable"));
        }
    }
    report("stray files", &found);
    Ok(())
}

/// The words are put together here, or this file would find itself.
#[test]
fn no_file_names_a_machine_or_a_registry() -> TestResult {
    let folders = ["root", "home", "work", "tmp/w", "tmp/wt"].map(|name| format!("/{name}/"));
    let hosts = [
        ["registry.", "npmjs"],
        ["pypi", ".org"],
        ["python", "hosted"],
        ["static.", "crates.io"],
        ["index.", "crates.io"],
        ["deb.", "debian"],
    ];
    let words: Vec<String> = folders.into_iter().chain(hosts.map(|parts| parts.concat())).collect();
    let mut found = Vec::new();
    for file in files()? {
        let bytes = fs::read(repository().join(&file))?;
        let text = String::from_utf8_lossy(&bytes);
        for (at, line) in text.lines().enumerate() {
            for word in words.iter().filter(|word| names(line, word)) {
                found.push(format!("{}:{}: {word}", file.display(), at + 1));
            }
        }
    }
    report("paths of a machine, or hosts of registries", &found);
    Ok(())
}

/// Whether `line` has `word`, not within a longer path.
fn names(line: &str, word: &str) -> bool {
    let joins = |last: char| last.is_alphanumeric() || ".-_}~".contains(last);
    line.match_indices(word).any(|(at, _)| !line[..at].ends_with(joins))
}

/// A report, not a rule: a catalogue may be long.
#[test]
fn sizes_are_told() -> TestResult {
    let sources = sources()?;
    let mut lines = 0;
    for source in &sources {
        let count = source.text.lines().count();
        lines += count;
        if count > FILE_LINES_WISHED {
            println!("{count:5} lines: {}", source.path);
        }
        for (name, count) in functions(source) {
            if count > FUNCTION_LINES_WISHED {
                println!("{count:5} lines: fn {name} in {}", source.path);
            }
        }
    }
    println!("{lines} lines in {} files", sources.len());
    assert!(sources.len() > 50, "only {} files were found", sources.len());
    Ok(())
}

/// The functions of a file with their lengths. Their bodies end where the line that begins them is
/// indented as much as a closing brace, because rustfmt sees to that.
fn functions(source: &Source) -> Vec<(String, usize)> {
    let lines: Vec<&str> = source.code.lines().collect();
    let mut functions = Vec::new();
    for (begin, line) in lines.iter().enumerate() {
        let Some((before, after)) = line.split_once("fn ") else { continue };
        if before.contains(|letter: char| !(letter.is_alphanumeric() || " ()_".contains(letter))) {
            continue;
        }
        let name: String = after.chars().take_while(|l| l.is_alphanumeric() || *l == '_').collect();
        let indent = &line[..line.len() - line.trim_start().len()];
        let end = format!("{indent}}}");
        if let Some(len) = lines[begin..].iter().position(|line| **line == end) {
            functions.push((name, len + 1));
        }
    }
    functions
}

#[test]
fn code_is_told_from_comments_and_literals() {
    let text = "a(\"//x\\\"y\"); // z\nb('\"', r#\"q\"q\"#); /* c\n d */ e<'f>('\\'');";
    assert_eq!(strip(text), "a(\"\"); \nb('', \"\"); \n e<'f>('');");
}
