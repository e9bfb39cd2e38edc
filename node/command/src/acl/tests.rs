//! Promises of ACL as clients see it.

use std::sync::Arc;

use super::Users;
use crate::testing::Bench;

const WRONG: &str = "-WRONGPASS invalid username-password pair or user is disabled.";

/// A client that is the user `ada`, who may do what the words say.
fn as_ada(words: &str) -> Bench {
    let mut bench = Bench::new();
    let request = format!("ACL SETUSER ada on nopass {words}");
    bench.expect(&[(&request, "+OK"), ("AUTH ada x", "+OK"), ("ACL WHOAMI", "$3 ada")]);
    bench
}

#[test]
fn categories_are_listed_and_their_commands() {
    let mut bench = Bench::new();
    let all = bench.ask("ACL CAT");
    assert!(all.starts_with("*21 $8 keyspace $4 read $5 write $3 set "), "{all}");
    bench.expect(&[
        ("ACL CAT TRANSACTION", "*5 $5 multi $4 exec $7 discard $5 watch $7 unwatch"),
        ("ACL CAT nosuch", "-ERR Unknown category 'nosuch'"),
        (
            "ACL CAT transaction x",
            "-ERR unknown subcommand or wrong number of arguments for 'CAT'. Try ACL HELP.",
        ),
        ("ACL WHOAMI", "$7 default"),
    ]);
}

#[test]
fn users_are_made_shown_and_removed() {
    Bench::new().expect(&[
        ("ACL SETUSER ada on nopass ~a +get", "+OK"),
        ("ACL USERS", "*2 $3 ada $7 default"),
        (
            "ACL LIST",
            "*2 $63 user ada on nopass sanitize-payload ~a resetchannels -@all +get \
             $51 user default on nopass sanitize-payload ~* &* +@all",
        ),
        (
            "ACL GETUSER ada",
            "*12 $5 flags *3 $2 on $6 nopass $16 sanitize-payload $9 passwords *0 \
             $8 commands $10 -@all +get $4 keys $2 ~a $8 channels $0  $9 selectors *0",
        ),
        ("ACL GETUSER nosuch", "$-1"),
        ("ACL DELUSER ada nosuch", ":1"),
        ("ACL DELUSER default", "-ERR The 'default' user cannot be removed"),
        ("ACL USERS", "*1 $7 default"),
        (
            "ACL SETUSER ada +nosuch",
            "-ERR Error in ACL SETUSER modifier '+nosuch': Unknown command or category name in ACL",
        ),
        (
            "ACL SETUSER ada (+get",
            "-ERR Unmatched parenthesis in acl selector starting at '(+get'.",
        ),
        ("ACL SETUSER \"a b\" on", "-ERR Usernames can't contain spaces or null characters"),
        ("ACL USERS", "*1 $7 default"),
    ]);
}

#[test]
fn a_user_may_do_what_one_selector_allows_in_full() {
    as_ada("+get ~a (+set ~b) +acl").expect(&[
        ("GET a", "$-1"),
        ("GET b", "-NOPERM No permissions to access a key"),
        ("SET b 1", "+OK"),
        ("SET a 1", "-NOPERM No permissions to access a key"),
        ("DEL a", "-NOPERM User ada has no permissions to run the 'del' command"),
        ("CONFIG GET x", "-NOPERM User ada has no permissions to run the 'config|get' command"),
        ("GET", "-ERR wrong number of arguments for 'get' command"),
        ("RESET", "+RESET"),
        ("DEL b", ":1"),
    ]);
}

#[test]
fn reading_and_writing_are_allowed_apart() {
    as_ada("+@all %R~r %W~w").expect(&[
        ("GET r", "$-1"),
        ("SET r 1", "-NOPERM No permissions to access a key"),
        ("SET w 1", "+OK"),
        ("GET w", "-NOPERM No permissions to access a key"),
        ("SET w 1 GET", "-NOPERM No permissions to access a key"),
        ("EXISTS w", ":1"),
        ("MGET r w", "-NOPERM No permissions to access a key"),
    ]);
}

#[test]
fn channels_are_allowed_by_pattern_and_patterns_literally() {
    as_ada("+@all &news.* resetkeys").expect(&[
        ("PUBLISH news.a x", ":0"),
        ("PUBLISH other x", "-NOPERM No permissions to access a channel"),
        ("SPUBLISH other x", "-NOPERM No permissions to access a channel"),
        ("SUBSCRIBE news.a other", "-NOPERM No permissions to access a channel"),
        ("PSUBSCRIBE news.a*", "-NOPERM No permissions to access a channel"),
        ("PSUBSCRIBE news.*", "*3 $10 psubscribe $6 news.* :1"),
        ("UNSUBSCRIBE other", "*3 $11 unsubscribe $5 other :1"),
    ]);
}

#[test]
fn what_may_not_be_queued_spoils_a_transaction_and_exec_looks_again() {
    let mut bench = as_ada("~* +@all -del");
    bench.expect(&[
        ("MULTI", "+OK"),
        ("DEL a", "-NOPERM User ada has no permissions to run the 'del' command"),
        ("EXEC", "-EXECABORT Transaction discarded because of previous errors."),
        ("MULTI", "+OK"),
        ("ACL SETUSER ada -set", "+QUEUED"),
        ("SET a 1", "+QUEUED"),
        ("PING", "+QUEUED"),
        (
            "EXEC",
            "*3 +OK -NOPERM ACLs rules changed between the moment the transaction was accumulated \
             and the EXEC call. This command is no longer allowed for the following reason: no \
             permission to execute the command or subcommand +PONG",
        ),
    ]);
}

#[test]
fn a_transaction_that_removes_its_own_user_runs_nothing_more() {
    let mut bench = as_ada("~* +@all");
    bench.expect(&[
        ("MULTI", "+OK"),
        ("ACL DELUSER ada", "+QUEUED"),
        ("SET a 1", "+QUEUED"),
        ("EXEC", "*2 :1 -NOAUTH Authentication required."),
    ]);
}

#[test]
fn refusals_are_logged() {
    let mut bench = as_ada("+@all -del ~a");
    bench.expect(&[("DEL a", "-NOPERM User ada has no permissions to run the 'del' command")]);
    for _ in 0..2 {
        bench.expect(&[("GET b", "-NOPERM No permissions to access a key")]);
    }
    bench.expect(&[("AUTH bob x", WRONG)]);
    let entry = |count: u32, reason: &str, object: &str, user: &str, id: u32| {
        let text = |text: &str| format!("${} {text}", text.len());
        format!(
            "*20 $5 count :{count} $6 reason {} $7 context $8 toplevel $6 object {} $8 username {} \
             $11 age-seconds $1 0 $11 client-info $4 id=1 $8 entry-id :{id} $17 timestamp-created \
             :1700000000000 $22 timestamp-last-updated :1700000000000",
            text(reason),
            text(object),
            text(user),
        )
    };
    let (auth, key) = (entry(1, "auth", "AUTH", "bob", 2), entry(2, "key", "b", "ada", 1));
    bench.expect(&[
        ("ACL LOG 2", &format!("*2 {auth} {key}")),
        ("ACL LOG -1", "*0"),
        ("ACL LOG x", "-ERR value is not an integer or out of range"),
        ("ACL LOG RESET", "+OK"),
        ("ACL LOG", "*0"),
    ]);
}

#[test]
fn a_password_or_a_disabled_user_decides_who_comes_in() {
    let mut bench = Bench::new();
    bench.expect(&[
        ("ACL SETUSER ada on >right +ping", "+OK"),
        ("AUTH ada wrong", WRONG),
        ("AUTH nosuch right", WRONG),
        ("AUTH ada right", "+OK"),
        ("PING", "+PONG"),
        ("RESET", "+RESET"),
        ("ACL SETUSER ada off", "+OK"),
        ("AUTH ada right", WRONG),
        ("ACL SETUSER default >secret", "+OK"),
        ("PING", "+PONG"),
        ("RESET", "+RESET"),
        ("PING", "-NOAUTH Authentication required."),
        ("AUTH secret", "+OK"),
    ]);
}

#[test]
fn a_connection_follows_its_user_and_ends_with_it() {
    let mut bench = as_ada("~* +@all");
    let all = Users::new(false);
    let change = |bench: &Bench, line: &str| {
        let users = all.with_file(line.as_bytes()).expect("it fits");
        *bench.server.users.lock() = (Arc::new(users), 100 + line.len() as u64);
    };
    change(&bench, "user ada on nopass ~* +get");
    bench.expect(&[
        ("GET a", "$-1"),
        ("SET a 1", "-NOPERM User ada has no permissions to run the 'set' command"),
    ]);
    change(&bench, "");
    bench.expect(&[("GET a", "-NOAUTH Authentication required.")]);
    let mut bench = as_ada("~* +@all");
    bench.expect(&[
        ("CLIENT KILL USER nosuch", "-ERR No such user 'nosuch'"),
        ("CLIENT KILL USER ada", ":0"),
        ("ACL DELUSER ada", ":1"),
    ]);
    assert!(bench.client.close_after_reply);
}

#[test]
fn an_attempt_waits_once() {
    let mut bench = Bench::new();
    bench.server.login_wait_ms = 100;
    bench.expect(&[("AUTH default x", "")]);
    assert_eq!((bench.client.postponed, bench.client.postponed_for_ms), (true, 100));
    // Something else has woken the session.
    bench.client.postponed = false;
    bench.pass_ms(99);
    bench.expect(&[("AUTH default x", "")]);
    assert_eq!((bench.client.postponed, bench.client.postponed_for_ms), (true, 1));
    bench.client.postponed = false;
    bench.pass_ms(1);
    bench.expect(&[("AUTH default x", "+OK"), ("MULTI", "+OK"), ("AUTH default x", "+QUEUED")]);
    let reply = bench.ask("EXEC");
    assert!(reply.starts_with("*1 -ERR too many wrong passwords lately"), "{reply}");
}

#[test]
fn passwords_are_as_long_as_asked_for() {
    let out_of_range = "-ERR ACL GENPASS argument must be the number of bits for the output \
                        password, a positive number up to 4096";
    Bench::new().expect(&[
        ("ACL GENPASS 5", "$2 07"),
        ("ACL GENPASS 12", "$3 070"),
        ("ACL GENPASS 0", out_of_range),
        ("ACL GENPASS 4097", out_of_range),
    ]);
    assert!(Bench::new().ask("ACL GENPASS").starts_with("$64 0707"));
}

#[test]
fn a_dry_run_tells_and_runs_nothing() {
    Bench::new().expect(&[
        ("ACL SETUSER ada +get +publish ~a &c", "+OK"),
        ("ACL DRYRUN ada get a", "+OK"),
        ("ACL DRYRUN ada get b", "$49 User ada has no permissions to access the 'b' key"),
        ("ACL DRYRUN ada publish d x", "$53 User ada has no permissions to access the 'd' channel"),
        ("ACL DRYRUN ada set a b", "$52 User ada has no permissions to run the 'set' command"),
        ("ACL DRYRUN nosuch get a", "-ERR User 'nosuch' not found"),
        ("ACL DRYRUN ada nosuch", "-ERR Command 'nosuch' not found"),
        ("ACL DRYRUN ada get", "-ERR wrong number of arguments for 'get' command"),
        ("EXISTS a", ":0"),
    ]);
}
