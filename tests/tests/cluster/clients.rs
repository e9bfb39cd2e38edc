//! What clients are told that say a command to some node of a cluster.

use skep_tests::cluster::Cluster;
use skep_tests::{Client, TestResult};

// The slot of "foo" is 12182, of "bar" 5061, of "hello" 866.
const CROSS_SLOT: &str = "-CROSSSLOT Keys in request don\\'t hash to the same slot\\r\\n";

fn connect(cluster: &Cluster) -> TestResult<Vec<Client>> {
    cluster.nodes().iter().map(|node| node.connect()).collect()
}

/// Says lines and compares what comes back.
#[track_caller]
fn expect(client: &mut Client, exchanges: &[(&str, &str)]) {
    for (line, wanted) in exchanges {
        assert_eq!(client.say(line).expect("an answer"), *wanted, "{line}");
    }
}

#[test]
fn commands_run_at_the_owner_of_their_slot_and_others_send_there() -> TestResult {
    let cluster = Cluster::formed(3, 0, &[])?;
    let clients = &mut connect(&cluster)?[..];
    let [first, second, third] = clients else { return Err("three nodes".into()) };
    let moved =
        |slot: u16, at: usize| format!("-MOVED {slot} {}\\r\\n", cluster.node(at).address());
    let (bar, foo) = (moved(5061, 0), moved(12182, 2));
    expect(first, &[("SET bar 1", "+OK\\r\\n"), ("GET foo", &foo), ("GETDEL foo", &foo)]);
    expect(second, &[("SET bar 2", &bar), ("SET foo 2", &foo), ("PING", "+PONG\\r\\n")]);
    expect(third, &[("SET foo 3", "+OK\\r\\n"), ("GET bar", &bar), ("GET foo", "$1\\r\\n3\\r\\n")]);
    // Only database 0 is there.
    expect(first, &[("SELECT 1", "-ERR SELECT is not allowed in cluster mode\\r\\n")]);
    Ok(())
}

#[test]
fn several_keys_go_together_if_they_are_of_one_slot() -> TestResult {
    let cluster = Cluster::formed(3, 0, &[])?;
    let clients = &mut connect(&cluster)?[..];
    let [first, _, third] = clients else { return Err("three nodes".into()) };
    let foo = format!("-MOVED 12182 {}\\r\\n", cluster.node(2).address());
    expect(
        first,
        &[
            ("MSET bar 1 {bar}2 2", "+OK\\r\\n"),
            ("MGET bar {bar}2 {bar}3", "*3\\r\\n$1\\r\\n1\\r\\n$1\\r\\n2\\r\\n$-1\\r\\n"),
            ("RENAME bar {bar}3", "+OK\\r\\n"),
            ("DEL {bar}2 {bar}3", ":2\\r\\n"),
            ("MGET bar foo", CROSS_SLOT),
            // Both are of this node, and yet not of one slot.
            ("MSET bar 1 hello 2", CROSS_SLOT),
            ("MGET foo {foo}2", &foo),
        ],
    );
    let aborted = "-EXECABORT Transaction discarded because of previous errors.\\r\\n";
    expect(
        third,
        &[
            ("WATCH foo", "+OK\\r\\n"),
            ("MULTI", "+OK\\r\\n"),
            ("SET foo 1", "+QUEUED\\r\\n"),
            ("INCR foo", "+QUEUED\\r\\n"),
            ("GET {foo}2", "+QUEUED\\r\\n"),
            ("EXEC", "*3\\r\\n+OK\\r\\n:2\\r\\n$-1\\r\\n"),
            ("MULTI", "+OK\\r\\n"),
            ("SET foo 1", "+QUEUED\\r\\n"),
            ("SET bar 1", &format!("-MOVED 5061 {}\\r\\n", cluster.node(0).address())),
            ("EXEC", aborted),
            ("GET foo", "$1\\r\\n2\\r\\n"),
        ],
    );
    expect(
        first,
        &[
            ("MULTI", "+OK\\r\\n"),
            ("SET bar 1", "+QUEUED\\r\\n"),
            ("SET hello 1", "+QUEUED\\r\\n"),
            ("EXEC", CROSS_SLOT),
            ("EXISTS bar", ":0\\r\\n"),
        ],
    );
    Ok(())
}

#[test]
fn slots_of_nobody_are_not_served_and_others_are() -> TestResult {
    let cluster = Cluster::start(2, &[])?;
    cluster.meet()?;
    cluster.node(0).ask("CLUSTER ADDSLOTSRANGE 0 8191")?;
    cluster.wait_for("half of the slots are owned", |view| view.slot_count() == 8192);
    for node in cluster.nodes() {
        let mut client = node.connect()?;
        expect(&mut client, &[("GET foo", "-CLUSTERDOWN Hash slot not served\\r\\n")]);
        assert_eq!(node.field("CLUSTER INFO", "cluster_state")?, "fail");
    }
    expect(&mut cluster.node(0).connect()?, &[("SET bar 1", "+OK\\r\\n")]);
    cluster.node(1).ask("CLUSTER PLACE")?;
    cluster.wait_until_well();
    Ok(())
}

/// Waits for a message of this kind with the payload `news` on the channel `foo`.
#[track_caller]
fn expect_news(subscriber: &mut Client, kind: &str) {
    let message = subscriber.reply().expect("a message").escape_ascii().to_string();
    let len = kind.len();
    let wanted = format!("*3\\r\\n${len}\\r\\n{kind}\\r\\n$3\\r\\nfoo\\r\\n$4\\r\\nnews\\r\\n");
    assert_eq!(message, wanted);
}

#[test]
fn messages_of_shard_channels_stay_in_their_shard_and_others_reach_every_node() -> TestResult {
    let cluster = Cluster::formed(3, 0, &[])?;
    let clients = &mut connect(&cluster)?[..];
    let [first, second, third] = clients else { return Err("three nodes".into()) };
    let foo = format!("-MOVED 12182 {}\\r\\n", cluster.node(2).address());
    expect(first, &[("SSUBSCRIBE foo", &foo), ("SPUBLISH foo x", &foo)]);
    let subscribed = "*3\\r\\n$10\\r\\nssubscribe\\r\\n$3\\r\\nfoo\\r\\n:1\\r\\n";
    expect(third, &[("SSUBSCRIBE foo", subscribed)]);
    let mut publisher = cluster.node(2).connect()?;
    expect(&mut publisher, &[("SPUBLISH foo news", ":1\\r\\n")]);
    expect_news(third, "smessage");
    expect(&mut publisher, &[("SSUBSCRIBE foo bar", CROSS_SLOT)]);
    let subscribed = "*3\\r\\n$9\\r\\nsubscribe\\r\\n$3\\r\\nfoo\\r\\n:1\\r\\n";
    expect(second, &[("SUBSCRIBE foo", subscribed)]);
    // As in Redis the count is that of the node's own subscribers.
    expect(first, &[("PUBLISH foo news", ":0\\r\\n")]);
    expect_news(second, "message");
    Ok(())
}

#[test]
fn subscribers_of_a_shard_channel_get_its_messages_after_a_failover_too() -> TestResult {
    let cluster = Cluster::formed(1, 1, &[])?;
    let primary = cluster.primary_of(0);
    let heir = cluster.replica_of(primary);
    let mut subscriber = cluster.node(primary).connect()?;
    subscriber.say("SSUBSCRIBE foo")?;
    cluster.node(heir).insist("CLUSTER FAILOVER");
    cluster.wait_until_well();
    cluster.node(heir).ask("SPUBLISH foo news")?;
    expect_news(&mut subscriber, "smessage");
    Ok(())
}
