//! Promises of the connection's commands.

use skep_resp::Protocol;

use crate::server::PauseScope;
use crate::testing::Bench;

#[test]
fn hello_describes_the_server_in_the_protocol_it_chooses() {
    let mut bench = Bench::new();
    let body = "$6 server $5 redis $7 version $5 7.2.4 $5 proto :V $2 id :1 $4 mode \
                $10 standalone $4 role $6 master $7 modules *0";
    let resp2 = format!("*14 {}", body.replace(":V", ":2"));
    let resp3 = format!("%7 {}", body.replace(":V", ":3"));
    bench.expect(&[("HELLO", &resp2), ("HELLO 3", &resp3), ("HELLO", &resp3), ("HELLO 2", &resp2)]);
}

#[test]
fn a_refused_hello_changes_nothing() {
    let mut bench = Bench::new();
    bench.require_password("right");
    bench.expect(&[
        ("HELLO 4", "-NOPROTO unsupported protocol version"),
        ("HELLO x", "-ERR Protocol version is not an integer or out of range"),
        ("HELLO 3 SETNAME me FOO", "-ERR Syntax error in HELLO option 'FOO'"),
        ("HELLO 3 AUTH default", "-ERR Syntax error in HELLO option 'AUTH'"),
        (
            "HELLO 3 SETNAME me AUTH default wrong",
            "-WRONGPASS invalid username-password pair or user is disabled.",
        ),
        (
            "HELLO 3 AUTH default right SETNAME \"a b\"",
            "-ERR Client names cannot contain spaces, newlines or special characters.",
        ),
    ]);
    assert!(bench.ask("HELLO 3 SETNAME me").starts_with("-NOAUTH HELLO must be called with"));
    let client = &bench.client;
    assert_eq!((client.protocol, client.is_authenticated()), (Protocol::Resp2, false));
    assert!(client.name.is_empty());
    assert!(bench.ask("HELLO 3 SETNAME me AUTH default right").starts_with("%7"));
    bench.expect(&[("CLIENT GETNAME", "$2 me")]);
}

#[test]
fn a_text_repeats_what_is_no_utf8_as_it_came() {
    let mut bench = Bench::new();
    let reply = bench.ask_words(&[b"HELLO", b"3", b"f\xffo"]);
    assert_eq!(reply, b"-ERR Syntax error in HELLO option 'f\xffo'\r\n");
    let reply = bench.ask_words(&[b"f\xffo", b"\xfe"]);
    assert_eq!(reply, b"-ERR unknown command 'f\xffo', with args beginning with: '\xfe' \r\n");
}

#[test]
fn auth_without_any_password_is_probably_a_mistake() {
    let mut bench = Bench::new();
    let reply = bench.ask("AUTH secret");
    assert!(reply.contains("called without any password configured for the default user"));
    bench.expect(&[("AUTH default whatever", "+OK"), ("AUTH a b c", "-ERR syntax error")]);
}

#[test]
fn nothing_but_a_greeting_is_allowed_before_auth() {
    let mut bench = Bench::new();
    bench.require_password("right");
    bench.expect(&[
        ("PING", "-NOAUTH Authentication required."),
        ("AUTH wrong", "-WRONGPASS invalid username-password pair or user is disabled."),
        ("AUTH right", "+OK"),
        ("PING", "+PONG"),
    ]);
}

#[test]
fn names_and_libraries_fit_into_the_lines_of_client_list() {
    Bench::new().expect(&[
        ("CLIENT GETNAME", "$-1"),
        ("CLIENT SETNAME me", "+OK"),
        (
            "CLIENT SETNAME \"a b\"",
            "-ERR Client names cannot contain spaces, newlines or special characters.",
        ),
        ("CLIENT GETNAME", "$2 me"),
        ("CLIENT SETNAME \"\"", "+OK"),
        ("CLIENT GETNAME", "$-1"),
        ("CLIENT SETINFO lib-name redis-py", "+OK"),
        (
            "CLIENT SETINFO lib-ver \"1 2\"",
            "-ERR lib-ver cannot contain spaces, newlines or special characters.",
        ),
        ("CLIENT SETINFO color red", "-ERR Unrecognized option 'color'"),
        (
            "CLIENT MAINT_NOTIFICATIONS ON",
            "-ERR unknown subcommand 'MAINT_NOTIFICATIONS'. Try CLIENT HELP.",
        ),
    ]);
}

#[test]
fn selected_databases_are_apart() {
    Bench::new().expect(&[
        ("SELECT 3", "+OK"),
        ("SET key three", "+OK"),
        ("SELECT 16", "-ERR DB index is out of range"),
        ("SELECT x", "-ERR value is not an integer or out of range"),
        ("GET key", "$5 three"),
        ("SELECT 0", "+OK"),
        ("GET key", "$-1"),
    ]);
}

#[test]
fn client_reply_leaves_out_what_it_says_and_no_more() {
    Bench::new().expect(&[
        ("CLIENT REPLY SKIP", ""),
        ("PING", ""),
        ("PING", "+PONG"),
        ("CLIENT REPLY SKIP", ""),
        ("CLIENT REPLY SKIP", ""),
        ("PING", ""),
        ("CLIENT REPLY OFF", ""),
        ("NOSUCH", ""),
        ("CLIENT REPLY SKIP", ""),
        ("CLIENT REPLY ON", "+OK"),
        ("PING", "+PONG"),
        ("MULTI", "+OK"),
        ("CLIENT REPLY OFF", "+QUEUED"),
        ("PING", "+QUEUED"),
        ("EXEC", "*2"),
        ("CLIENT REPLY ON", "+OK"),
    ]);
}

#[test]
fn quit_ends_what_follows() {
    let mut bench = Bench::new();
    assert_eq!(bench.ask("QUIT\r\nPING"), "+OK");
    assert!(bench.client.close_after_reply);
}

#[test]
fn a_web_page_gets_no_command_through() {
    for request in ["POST / HTTP/1.1\r\nSET a 1", "MULTI\r\nHost: here\r\nSET a 1\r\nEXEC"] {
        let mut bench = Bench::new();
        bench.ask(request);
        assert!(bench.client.close_after_reply, "{request}");
        bench.client = crate::client::Client::new(2, true);
        bench.expect(&[("EXISTS a", ":0")]);
    }
    let mut bench = Bench::new();
    assert_eq!(bench.ask("PING\r\npost a\r\nPING"), "+PONG");
    let mut bench = Bench::new();
    assert!(bench.ask("HOST x").starts_with("-ERR unknown command 'HOST'"));
}

#[test]
fn reset_makes_the_connection_as_new() {
    let mut bench = Bench::resp3();
    bench.require_password("right");
    bench.ask("HELLO 3 AUTH default right");
    bench.expect(&[
        ("SELECT 2", "+OK"),
        ("CLIENT SETNAME me", "+OK"),
        ("SUBSCRIBE news", ">3 $9 subscribe $4 news :1"),
        ("WATCH key", "+OK"),
        ("MULTI", "+OK"),
        ("RESET", "+RESET"),
        ("PING", "-NOAUTH Authentication required."),
    ]);
    let client = &bench.client;
    assert_eq!((client.database, client.protocol), (0, Protocol::Resp2));
    assert!(client.transaction.is_none() && client.watches.is_empty() && client.name.is_empty());
    assert!(!client.subscriptions.any() && bench.server.subscriptions.lock().is_empty());
}

#[test]
fn a_pause_of_writes_lets_reads_through() {
    let mut bench = Bench::new();
    bench.expect(&[("MULTI", "+OK"), ("SET key 1", "+QUEUED")]);
    *bench.server.paused.lock() = Some(PauseScope::Writes);
    for write in ["EXEC", "DISCARD\r\nSET key 1", "PUBLISH news x", "MULTI\r\nDEL key"] {
        bench.client.postponed = false;
        let reply = bench.ask(write);
        assert!(bench.client.postponed, "{write} was answered {reply}");
    }
    bench.client.postponed = false;
    bench.expect(&[
        ("DISCARD", "+OK"),
        ("GET key", "$-1"),
        ("SET key", "-ERR wrong number of arguments for 'set' command"),
        ("CLIENT UNPAUSE", "+OK"),
        ("SET key 1", "+OK"),
    ]);
}

#[test]
fn a_pause_holds_back_the_rest_of_its_own_batch() {
    let mut bench = Bench::new();
    assert_eq!(bench.ask("CLIENT PAUSE 100\r\nPING"), "+OK");
    assert!(bench.client.postponed);
}

#[test]
fn malformed_pauses_and_kills_do_nothing() {
    let mut bench = Bench::new();
    bench.expect(&[
        ("CLIENT PAUSE x", "-ERR timeout is not an integer or out of range"),
        ("CLIENT PAUSE -1", "-ERR timeout is negative"),
        ("CLIENT PAUSE 9223372036854775807", "-ERR timeout is out of range"),
        ("CLIENT PAUSE 1 SOME", "-ERR CLIENT PAUSE mode must be WRITE or ALL"),
        ("CLIENT KILL ID 0", "-ERR client-id should be greater than 0"),
        ("CLIENT KILL TYPE odd", "-ERR Unknown client type 'odd'"),
        ("CLIENT KILL USER odd", "-ERR No such user 'odd'"),
        ("CLIENT KILL ID 1 SKIPME", "-ERR syntax error"),
        ("CLIENT KILL ID 1 ODD x", "-ERR syntax error"),
        ("CLIENT KILL MAXAGE 0", "-ERR maxage should be greater than 0"),
    ]);
    assert_eq!(*bench.server.requests.lock(), Vec::<String>::new());
}

#[test]
fn kill_spares_the_asker_unless_told_otherwise() {
    let mut bench = Bench::new();
    bench.expect(&[("CLIENT KILL ID 1", ":0"), ("CLIENT KILL ID 1 SKIPME no", ":0")]);
    let requests = bench.server.requests.lock();
    let skipped: Vec<bool> = requests.iter().map(|one| one.contains("skip: Some(1)")).collect();
    assert_eq!(skipped, [true, false], "{requests:?}");
}
