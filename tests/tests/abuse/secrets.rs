//! Passwords, protected mode, and what a client may do before it has authenticated.

use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};

use skep_tests::{Client, PATIENCE, Program, Server, TestResult, skip, spawn, wait_until};

use crate::support::last_words;

const PASSWORD: [&str; 2] = ["--requirepass", "secret"];

#[test]
fn nothing_but_authentication_is_allowed_before_it() -> TestResult {
    let server = Server::skep(&PASSWORD)?;
    let mut client = server.connect()?;
    for line in ["GET key", "PING", "MULTI", "SUBSCRIBE a", "CONFIG GET requirepass", "COMMAND"] {
        assert_eq!(client.say(line)?, r"-NOAUTH Authentication required.\r\n", "{line}");
    }
    let hello = client.say("HELLO 3")?;
    assert!(
        hello.starts_with("-NOAUTH HELLO must be called with the client already auth"),
        "{hello}"
    );
    let wrong = r"-WRONGPASS invalid username-password pair or user is disabled.\r\n";
    for line in ["AUTH wrong", "AUTH default wrong", "AUTH nobody secret", "AUTH default "] {
        let heard = client.ask(&line.split(' ').collect::<Vec<_>>())?;
        assert_eq!(heard.escape_ascii().to_string(), wrong, "{line}");
    }
    assert_eq!(client.say("AUTH secret")?, r"+OK\r\n");
    assert_eq!(client.say("GET key")?, r"$-1\r\n");
    Ok(())
}

#[test]
fn hello_authenticates_names_and_switches_at_once_or_not_at_all() -> TestResult {
    let server = Server::skep(&PASSWORD)?;
    let mut client = server.connect()?;
    assert!(client.say("HELLO 3 AUTH default wrong SETNAME me")?.starts_with("-WRONGPASS"));
    assert_eq!(client.say("PING")?, r"-NOAUTH Authentication required.\r\n");
    assert!(client.say("HELLO 3 AUTH default secret SETNAME me")?.starts_with('%'));
    assert_eq!(client.say("CLIENT GETNAME")?, r"$2\r\nme\r\n");
    assert_eq!(client.say("GET key")?, r"_\r\n");
    Ok(())
}

#[test]
fn reset_forgets_the_authentication() -> TestResult {
    let server = Server::skep(&PASSWORD)?;
    let mut client = server.connect()?;
    assert_eq!(client.say("AUTH secret")?, r"+OK\r\n");
    assert_eq!(client.say("RESET")?, r"+RESET\r\n");
    assert_eq!(client.say("PING")?, r"-NOAUTH Authentication required.\r\n");
    Ok(())
}

#[test]
fn requests_are_small_until_a_client_has_authenticated() -> TestResult {
    let server = Server::skep(&PASSWORD)?;
    let told = [
        ("*11\r\n", r"-ERR Protocol error: unauthenticated multibulk length\r\n"),
        ("*1\r\n$16385\r\n", r"-ERR Protocol error: unauthenticated bulk length\r\n"),
    ];
    for (bytes, text) in told {
        assert_eq!(last_words(&server, bytes.as_bytes())?, text, "{bytes:?}");
    }
    let mut client = server.connect()?;
    let large = "v".repeat(20_000);
    assert_eq!(client.say("AUTH secret")?, r"+OK\r\n");
    assert_eq!(client.ask(&["SET", "key", &large])?, b"+OK\r\n");
    Ok(())
}

#[test]
fn a_password_set_at_run_time_holds_for_new_clients() -> TestResult {
    let server = Server::skep(&[])?;
    let mut client = server.connect()?;
    let unset = client.say("AUTH secret")?;
    assert!(unset.starts_with("-ERR AUTH <password> called without any password"), "{unset}");
    assert_eq!(client.say("CONFIG SET requirepass secret")?, r"+OK\r\n");
    assert_eq!(client.say("PING")?, r"+PONG\r\n");
    let mut other = server.connect()?;
    assert_eq!(other.say("PING")?, r"-NOAUTH Authentication required.\r\n");
    assert_eq!(other.say("AUTH secret")?, r"+OK\r\n");
    Ok(())
}

#[test]
fn protected_mode_refuses_other_hosts_with_the_remedy() -> TestResult {
    let Some(own) = own_address() else {
        return skip("protected mode: this machine has no address but loopback");
    };
    // The harness listens on loopback only, so this node is started by hand.
    let port = TcpListener::bind((own, 0))?.local_addr()?.port();
    let arguments = ["--port", &port.to_string(), "--bind", "127.0.0.1", &own.to_string()];
    let mut node = spawn(Program::Skep.path()?.as_os_str(), arguments, |_| {})?;
    let loopback = SocketAddr::from(([127, 0, 0, 1], port));
    let mut local = None;
    wait_until(PATIENCE, "the node to listen", || {
        local = Client::connect(loopback).ok();
        local.is_some()
    });
    let mut local = local.ok_or("no connection")?;
    assert_eq!(local.say("PING")?, r"+PONG\r\n");
    let remote = SocketAddr::new(own, port);
    let heard = Client::connect(remote)?.rest()?.escape_ascii().to_string();
    assert!(heard.starts_with("-DENIED ") && heard.ends_with(r"\r\n"), "{heard}");
    assert!(heard.contains("protected-mode") && heard.contains("requirepass"), "{heard}");
    assert_eq!(local.say("CONFIG SET requirepass secret")?, r"+OK\r\n");
    assert_eq!(Client::connect(remote)?.say("AUTH secret")?, r"+OK\r\n");
    assert_eq!(
        local.ask(&["CONFIG", "SET", "requirepass", "", "protected-mode", "no"])?,
        b"+OK\r\n"
    );
    assert_eq!(Client::connect(remote)?.say("PING")?, r"+PONG\r\n");
    node.kill()?;
    node.wait()?;
    Ok(())
}

/// An address of this machine that is not loopback. No packet is sent: connecting a datagram
/// socket only looks up the way.
fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    let own = socket.local_addr().ok()?.ip();
    (!own.is_loopback() && !own.is_unspecified()).then_some(own)
}
