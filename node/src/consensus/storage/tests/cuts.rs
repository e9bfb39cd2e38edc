//! Files that a crash has left unfinished, and files that are damaged.

use std::fs;

use skep_tests::{Scratch, TestResult};

use super::super::log::{Content, LogStore, Record};
use super::super::{StorageProblem, file};
use super::reopening::{append, assert_same, history, log_id};

/// Where a record ends, and what the log says up to there.
type Steps = Vec<(usize, Content)>;

/// A log file, and what it says after each of its records with where that ends.
fn written(scratch: &Scratch, sync: bool) -> TestResult<(Vec<u8>, Steps)> {
    let log = LogStore::open(scratch.path())?;
    let path = scratch.path().join("log");
    let mut steps = vec![(0, Content::default())];
    for record in history() {
        log.write(vec![record], sync)?;
        steps.push((fs::metadata(&path)?.len() as usize, log.content()));
    }
    Ok((fs::read(path)?, steps))
}

#[test]
fn a_log_that_is_cut_anywhere_has_all_records_before_the_cut() -> TestResult {
    let scratch = Scratch::new("cut")?;
    let (bytes, steps) = written(&scratch, true)?;
    let path = scratch.path().join("log");
    for cut in 0..=bytes.len() {
        fs::write(&path, &bytes[..cut])?;
        let log = LogStore::open(scratch.path())?;
        let (end, content) = steps.iter().rfind(|(end, _)| *end <= cut).ok_or("no step")?;
        assert_same(&log.content(), content);
        assert_eq!(fs::metadata(&path)?.len(), *end as u64);
        // And it goes on from there.
        log.write(vec![append(9, 40)], true)?;
        let content = log.content();
        drop(log);
        assert_same(&LogStore::open(scratch.path())?.content(), &content);
    }
    Ok(())
}

#[test]
fn damage_to_what_was_on_disk_is_told_and_nothing_is_cut() -> TestResult {
    let scratch = Scratch::new("damage")?;
    let (bytes, steps) = written(&scratch, true)?;
    let path = scratch.path().join("log");
    let (last_begin, _) = steps[steps.len() - 2];
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x40;
        fs::write(&path, &damaged)?;
        let opened = LogStore::open(scratch.path());
        // Nothing vouches for the last record: it may as well be one that was not finished.
        if at >= last_begin {
            assert_same(&opened?.content(), &steps[steps.len() - 2].1);
            continue;
        }
        let Err(StorageProblem::Damaged { offset, .. }) = opened else {
            return Err(format!("byte {at} was changed in vain").into());
        };
        let begin = steps.iter().rfind(|(end, _)| *end <= at).ok_or("no step")?.0;
        assert_eq!(offset, begin as u64);
        assert_eq!(fs::read(&path)?, damaged);
    }
    Ok(())
}

#[test]
fn what_was_never_waited_for_may_be_in_pieces() -> TestResult {
    let scratch = Scratch::new("pieces")?;
    let (bytes, steps) = written(&scratch, false)?;
    let path = scratch.path().join("log");
    for at in 0..bytes.len() {
        let mut torn = bytes.clone();
        torn[at] ^= 0x40;
        fs::write(&path, &torn)?;
        let content = LogStore::open(scratch.path())?.content();
        let (_, expected) = steps.iter().rfind(|(end, _)| *end <= at).ok_or("no step")?;
        assert_same(&content, expected);
    }
    Ok(())
}

#[test]
fn a_whole_file_is_the_old_or_the_new_one_or_is_told_to_be_damaged() -> TestResult {
    let scratch = Scratch::new("whole")?;
    let path = scratch.path().join("snapshot");
    assert_eq!(file::read::<String>(&path)?, None);
    file::replace(&path, &"old".to_owned())?;
    // What a crash leaves of an attempt is not looked at.
    fs::write(path.with_extension("new"), b"half")?;
    assert_eq!(file::read(&path)?, Some("old".to_owned()));
    file::replace(&path, &"new".to_owned())?;
    assert_eq!(file::read(&path)?, Some("new".to_owned()));
    let bytes = fs::read(&path)?;
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        fs::write(&path, &damaged)?;
        let read = file::read::<String>(&path);
        assert!(matches!(read, Err(StorageProblem::Damaged { .. })), "byte {at}: {read:?}");
        fs::write(&path, &bytes[..at])?;
        let read = file::read::<String>(&path);
        assert!(matches!(read, Err(StorageProblem::Damaged { .. })), "{at} bytes: {read:?}");
    }
    Ok(())
}

#[test]
fn records_of_another_version_are_told_apart_from_damage() -> TestResult {
    let scratch = Scratch::new("version")?;
    let path = scratch.path().join("log");
    fs::write(&path, super::super::journal::frame(&[2, 0, 0], 0))?;
    let opened = LogStore::open(scratch.path()).map(drop);
    assert!(matches!(opened, Err(StorageProblem::Version { .. })), "{opened:?}");
    fs::remove_file(&path)?;
    LogStore::open(scratch.path())?.write(vec![Record::Purge(log_id(1, 1))], true)?;
    assert_eq!(LogStore::open(scratch.path())?.content().last(), Some(log_id(1, 1)));
    Ok(())
}
