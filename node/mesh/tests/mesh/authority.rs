//! What an authority's directory holds.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, SystemTime};

use skep_mesh::{Identity, authority};
use skep_tests::{Scratch, TestResult};

use crate::support::{Hive, id};

const DAY: Duration = Duration::from_secs(86_400);

#[test]
fn only_the_owner_reads_keys_and_nothing_shows_them() -> TestResult {
    let hive = Hive::new("bees")?;
    let files = hive.issue(1)?;
    authority::rotate(&hive.directory())?;
    let mode =
        |path: &std::path::Path| Ok::<_, std::io::Error>(fs::metadata(path)?.permissions().mode());
    let signing = hive.directory().join("authority.pem");
    for path in [&signing, &files.key] {
        assert_eq!(mode(path)? & 0o777, 0o600, "{}", path.display());
        assert!(fs::read_to_string(path)?.contains("PRIVATE KEY"));
    }
    for path in [&files.roots, &hive.directory().join("roots.pem")] {
        assert!(!fs::read_to_string(path)?.contains("PRIVATE KEY"), "{}", path.display());
    }
    let shown = format!("{:?}", authority::show(&hive.directory())?);
    let key = fs::read_to_string(&files.key)?;
    let line = key.lines().nth(1).ok_or("a key")?;
    assert!(line.len() > 40 && !shown.contains(line) && !shown.contains("PRIVATE"));
    Ok(())
}

#[test]
fn an_authority_shows_whom_it_made_and_until_when() -> TestResult {
    let hive = Hive::new("bees")?;
    let hosts = ["node1.example".to_owned(), "10.0.0.1".to_owned(), "::1".to_owned()];
    authority::issue(&hive.directory(), id(2), &hosts)?;
    hive.issue(1)?;
    let shown = authority::show(&hive.directory())?;
    let [root, one, two] = &shown[..] else { return Err(format!("{shown:?}").into()) };
    assert!(root.is_authority && !one.is_authority && !two.is_authority);
    assert_eq!(root.names, ["spiffe://bees"]);
    assert_eq!(one.names, [&*uri(1)?, "localhost"]);
    assert_eq!(two.names, [&*uri(2)?, "node1.example", "10.0.0.1", "::1"]);
    assert_eq!((&one.issuer, &root.issuer), (&root.subject, &root.subject));
    assert!(one.fingerprint.len() == 64 && one.fingerprint != two.fingerprint);
    let text = one.to_string();
    assert!(text.contains(&one.fingerprint) && text.contains("localhost"), "{text}");
    let left = one.not_after.duration_since(SystemTime::now())?;
    assert!(left > 364 * DAY && left < 366 * DAY, "{left:?}");
    Ok(())
}

fn uri(number: u8) -> TestResult<String> {
    Ok(Identity { cluster: "bees".parse()?, node: id(number) }.uri())
}

#[test]
fn the_authority_and_the_one_before_are_trusted_and_no_other() -> TestResult {
    let hive = Hive::new("bees")?;
    let files = hive.issue(1)?;
    let mut seen = vec![roots(&hive)?];
    for _ in 0..3 {
        authority::rotate(&hive.directory())?;
        let now = roots(&hive)?;
        let before = seen.last().ok_or("the first")?;
        assert_eq!(now.len(), 2);
        assert_eq!(now[1], before[0], "the one before");
        assert!(!before.contains(&now[0]), "a new one");
        assert_eq!(fs::read(&files.roots)?, fs::read(hive.directory().join("roots.pem"))?);
        seen.push(now);
    }
    Ok(())
}

/// The fingerprints of what is trusted.
fn roots(hive: &Hive) -> TestResult<Vec<String>> {
    let shown = authority::show(&hive.directory())?;
    let roots = shown.into_iter().filter(|shown| shown.is_authority);
    Ok(roots.map(|shown| shown.fingerprint).collect())
}

#[test]
fn mistakes_are_told_with_what_to_do() -> TestResult {
    let hive = Hive::new("bees")?;
    let directory = hive.directory();
    let before = fs::read(directory.join("authority.pem"))?;
    let again = authority::init(&directory, &"bees".parse()?).unwrap_err();
    assert!(again.to_string().contains("replaced with rotate"), "{again}");
    assert_eq!(fs::read(directory.join("authority.pem"))?, before);

    let empty = Scratch::new("mesh-empty")?;
    for error in [
        authority::issue(empty.path(), id(1), &[]).map(|_| ()).unwrap_err(),
        authority::rotate(empty.path()).unwrap_err(),
    ] {
        assert!(error.to_string().contains("made with init"), "{error}");
    }
    let host = authority::issue(&directory, id(1), &["naïve host".to_owned()]);
    assert!(host.is_err(), "{host:?}");
    for name in ["", "Bees", "a/b", "a b", &"a".repeat(64)] {
        assert!(name.parse::<skep_mesh::ClusterName>().is_err(), "{name}");
    }
    Ok(())
}
