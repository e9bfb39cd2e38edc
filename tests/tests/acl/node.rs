//! What a running node does to the connections of its users.

use std::time::Duration;

use skep_tests::{Client, PATIENCE, Server, TestResult, wait_until};

fn login(server: &Server, user: &str, password: &str) -> TestResult<Client> {
    let mut client = server.connect()?;
    assert_eq!(client.ask(&["AUTH", user, password])?, b"+OK\r\n");
    Ok(client)
}

#[test]
fn a_user_may_do_what_the_rules_say_and_other_connections_follow_a_change() -> TestResult {
    let server = Server::skep(&[])?;
    let mut admin = server.connect()?;
    assert_eq!(admin.say("ACL SETUSER ada on >pw ~a* +get +client|list")?, "+OK\\r\\n");
    let mut ada = login(&server, "ada", "pw")?;
    assert_eq!(ada.say("GET a1")?, "$-1\\r\\n");
    assert_eq!(ada.say("GET b")?, "-NOPERM No permissions to access a key\\r\\n");
    let refused = b"-NOPERM User ada has no permissions to run the 'set' command\r\n";
    assert_eq!(ada.ask(&["SET", "a1", "1"])?, refused);
    assert_eq!(admin.say("ACL SETUSER ada +set")?, "+OK\\r\\n");
    assert_eq!(ada.say("SET a1 1")?, "+OK\\r\\n");
    let list = ada.say("CLIENT LIST")?;
    assert!(list.contains("user=ada") && list.contains("user=default"), "{list}");
    let info = admin.say("INFO stats")?;
    let expected = "acl_access_denied_cmd:1\\r\\nacl_access_denied_key:1\\r\\n";
    assert!(info.contains(expected), "{info}");
    Ok(())
}

#[test]
fn connections_of_a_removed_or_disabled_user_end() -> TestResult {
    let server = Server::skep(&[])?;
    let mut admin = server.connect()?;
    for change in ["ACL DELUSER ada", "ACL SETUSER ada off"] {
        assert_eq!(admin.say("ACL SETUSER ada on nopass +@all ~* &*")?, "+OK\\r\\n");
        let (mut ada, mut other) = (login(&server, "ada", "x")?, server.connect()?);
        assert!(!admin.say(change)?.starts_with('-'));
        assert_eq!(ada.rest()?, b"", "{change}");
        assert_eq!(other.say("PING")?, "+PONG\\r\\n");
    }
    assert_eq!(admin.say("ACL SETUSER ada on")?, "+OK\\r\\n");
    let mut ada = login(&server, "ada", "x")?;
    assert_eq!(ada.say("ACL DELUSER ada")?, ":1\\r\\n");
    assert_eq!(ada.rest()?, b"", "after its own removal");
    Ok(())
}

#[test]
fn a_subscriber_that_may_not_listen_any_more_is_turned_out() -> TestResult {
    let server = Server::skep(&[])?;
    let mut admin = server.connect()?;
    assert_eq!(admin.say("ACL SETUSER ada on nopass +@all &news &x")?, "+OK\\r\\n");
    let mut listeners = [login(&server, "ada", "x")?, login(&server, "ada", "x")?];
    for (listener, channel) in listeners.iter_mut().zip(["news", "x"]) {
        assert!(listener.say(&format!("SUBSCRIBE {channel}"))?.contains(channel));
    }
    assert_eq!(admin.say("ACL SETUSER ada resetchannels &news")?, "+OK\\r\\n");
    assert_eq!(listeners[1].rest()?, b"");
    assert_eq!(admin.say("PUBLISH news hello")?, ":1\\r\\n");
    assert!(listeners[0].reply()?.ends_with(b"hello\r\n"));
    Ok(())
}

#[test]
fn the_servers_password_is_the_default_users() -> TestResult {
    let server = Server::skep(&["--requirepass", "one"])?;
    let mut client = server.connect()?;
    assert_eq!(client.say("PING")?, "-NOAUTH Authentication required.\\r\\n");
    assert_eq!(client.say("AUTH one")?, "+OK\\r\\n");
    assert_eq!(client.say("CONFIG SET requirepass two")?, "+OK\\r\\n");
    let mut other = server.connect()?;
    assert!(other.say("AUTH one")?.starts_with("-WRONGPASS"));
    assert_eq!(other.say("AUTH default two")?, "+OK\\r\\n");
    assert_eq!(client.say("CONFIG SET requirepass \"\"")?, "+OK\\r\\n");
    Ok(())
}

#[test]
fn wrong_passwords_make_the_next_attempt_wait() -> TestResult {
    let server = Server::skep(&["--requirepass", "right"])?;
    let mut client = server.connect()?;
    // The waits behind the first free ones: 0.1, 0.2 and 0.4 seconds.
    let before = std::time::Instant::now();
    for _ in 0..6 {
        assert!(client.say("AUTH wrong")?.starts_with("-WRONGPASS"));
    }
    assert!(before.elapsed() >= Duration::from_millis(700), "{:?}", before.elapsed());
    // Whoever knows it comes in.
    let mut other = server.connect()?;
    assert_eq!(other.say("AUTH right")?, "+OK\\r\\n");
    assert_eq!(client.say("AUTH right")?, "+OK\\r\\n");
    Ok(())
}

#[test]
fn a_client_that_does_not_say_who_it_is_has_to_go() -> TestResult {
    let server = Server::skep(&["--requirepass", "x", "--unauthenticated-timeout", "1"])?;
    let mut known = server.connect()?;
    assert_eq!(known.say("AUTH x")?, "+OK\\r\\n");
    let mut silent = server.connect()?;
    let mut talking = server.connect()?;
    assert_eq!(silent.rest()?, b"");
    wait_until(PATIENCE, "the one that talks to be closed", || talking.say("PING").is_err());
    assert_eq!(known.say("PING")?, "+PONG\\r\\n");
    Ok(())
}
