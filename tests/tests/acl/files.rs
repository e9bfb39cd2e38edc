//! Users in the configuration and in a file of their own.

use std::fs;
use std::process::Command;

use skep_tests::{Program, Scratch, Server, TestResult};

/// The rule of the article.
const ARTICLE: &str =
    "user appuser on >apppassword ~app:* on >appdb ~* +get +set +del +exists -flushall -flushdb";

/// Runs `skep config check` on a file and returns the exit code and what it prints.
fn check(file: &str) -> TestResult<(i32, String)> {
    let output = Command::new(Program::Skep.path()?).args(["config", "check", file]).output()?;
    let text = [output.stdout, output.stderr].concat();
    Ok((output.status.code().unwrap_or(-1), String::from_utf8(text)?))
}

#[test]
fn the_articles_rule_loads_and_what_is_useless_in_it_is_said() -> TestResult {
    let directory = Scratch::new("acl")?;
    let file = directory.write("skep.conf", ARTICLE)?;
    let file = file.to_str().ok_or("a path")?;
    let warning = "user 'appuser': '~*' allows every key, so '~app:*' before it limits nothing";
    let (code, text) = check(file)?;
    assert_eq!(code, 0, "{text}");
    assert!(text.contains(warning), "{text}");
    let server = Server::skep(&[])?;
    let words = ARTICLE.replacen("user", "ACL SETUSER", 1);
    assert_eq!(server.connect()?.say(&words)?, "+OK\\r\\n");
    assert!(server.log().contains(warning), "{}", server.log());
    Ok(())
}

#[test]
fn what_is_wrong_with_a_user_is_said_with_its_line() -> TestResult {
    let directory = Scratch::new("acl")?;
    let text = "port 7000\nuser ada on >s3cret +nosuch\n";
    let file = directory.write("skep.conf", text)?;
    let (code, text) = check(file.to_str().ok_or("a path")?)?;
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("skep.conf:2: ") && text.contains("'+nosuch' of user 'ada'"), "{text}");
    assert!(!text.contains("s3cret"), "{text}");
    Ok(())
}

#[test]
fn users_are_read_from_a_file_and_written_to_it() -> TestResult {
    let directory = Scratch::new("acl")?;
    let file = directory.write("users.acl", &format!("# ours\n{ARTICLE}\n"))?;
    let path = file.to_str().ok_or("a path")?;
    let server = Server::skep(&["--aclfile", path])?;
    assert!(server.log().contains("'~app:*' before it limits nothing"), "{}", server.log());
    let mut client = server.connect()?;
    assert_eq!(client.say("ACL USERS")?, "*2\\r\\n$7\\r\\nappuser\\r\\n$7\\r\\ndefault\\r\\n");
    let mut app = server.connect()?;
    assert_eq!(app.say("AUTH appuser appdb")?, "+OK\\r\\n");
    assert_eq!(app.say("SET anything 1")?, "+OK\\r\\n");
    assert!(app.say("FLUSHALL")?.starts_with("-NOPERM User appuser"));
    assert_eq!(client.say("ACL SETUSER ada on >pw +ping")?, "+OK\\r\\n");
    assert_eq!(client.say("ACL SAVE")?, "+OK\\r\\n");
    let saved = fs::read_to_string(&file)?;
    assert!(saved.contains("user ada on sanitize-payload #") && !saved.contains(">pw"), "{saved}");
    assert_eq!(client.say("ACL DELUSER ada")?, ":1\\r\\n");
    assert_eq!(client.say("ACL LOAD")?, "+OK\\r\\n");
    assert_eq!(client.say("AUTH ada pw")?, "+OK\\r\\n");
    assert_eq!(client.say("RESET")?, "+RESET\\r\\n");
    fs::write(&file, "user ada +nosuch\nuser bob\n")?;
    let refused = String::from_utf8(client.ask(&["ACL", "LOAD"])?)?;
    assert!(refused.contains("users.acl:1: '+nosuch' of user 'ada'"), "{refused}");
    assert!(refused.contains("no change to the previously active ACL rules"), "{refused}");
    assert!(client.say("ACL USERS")?.contains("appuser"));
    fs::write(&file, "user default on nopass ~* &* +@all\n")?;
    assert_eq!(client.say("ACL LOAD")?, "+OK\\r\\n");
    assert_eq!(app.rest()?, b"", "its user is gone");
    Ok(())
}

#[test]
fn nobody_is_described_twice() -> TestResult {
    let directory = Scratch::new("acl")?;
    let file = directory.write("skep.conf", "user bob on\nuser bob off\n")?;
    let (code, text) = check(file.to_str().ok_or("a path")?)?;
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("skep.conf:2: ") && text.contains("user 'bob' is there twice"), "{text}");
    Ok(())
}
