//! Files that belong where they are and name no machine.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use skep_tests::{TestResult, repository};

use crate::report;
use crate::source::files;

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
