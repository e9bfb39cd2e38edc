//! Promises of the commands that tell about the cluster.

use skep_cluster::Topology;
use skep_resp::Protocol;

use crate::cluster::fixture::{self, bench_of};
use crate::error::CommandError;
use crate::server::LinkFacts;
use crate::table;
use crate::testing::Bench;

fn id(number: u8) -> String {
    fixture::id(number).to_string()
}

/// The topology in which some nodes are out of reach.
fn with_failed(numbers: &[u8]) -> Topology {
    let mut topology = fixture::topology();
    for &number in numbers {
        topology.nodes.get_mut(&fixture::id(number)).unwrap().is_failed = true;
    }
    topology
}

#[test]
fn a_node_on_its_own_refuses_everything_about_clusters() {
    let mut bench = Bench::new();
    let refusal = format!("-{}", CommandError::NO_CLUSTER);
    let rows = table::find(b"cluster").unwrap().subcommands;
    assert!(rows.len() > 25, "{} subcommands", rows.len());
    for row in rows {
        let arguments = " 1".repeat(usize::from(row.arity.unsigned_abs()) - 2);
        let request = format!("CLUSTER {}{arguments}", row.name);
        assert_eq!(bench.ask(&request), refusal, "{request}");
    }
    bench.expect(&[("READONLY", &refusal), ("READWRITE", &refusal), ("ASKING", &refusal)]);
}

#[test]
fn slots_are_listed_in_order_with_the_nodes_that_may_be_asked() {
    let node =
        |number, metadata| format!("*4 $8 10.0.0.{number} :7000 $40 {} {metadata}", id(number));
    for (protocol, metadata) in [(Protocol::Resp2, "*0"), (Protocol::Resp3, "%0")] {
        let (one, two, four) = (node(1, metadata), node(2, metadata), node(4, metadata));
        let mut bench = fixture::bench(5);
        bench.client.protocol = protocol;
        let expected =
            format!("*3 *4 :0 :5460 {one} {four} *3 :5461 :10922 {two} *3 :12000 :12000 {two}");
        // The second answer is a copy of the first.
        bench.expect(&[("CLUSTER SLOTS", &expected), ("CLUSTER SLOTS", &expected)]);
    }
    let (one, two) = (node(1, "*0"), node(2, "*0"));
    let expected = format!("*3 *3 :0 :5460 {one} *3 :5461 :10922 {two} *3 :12000 :12000 {two}");
    bench_of(1, with_failed(&[1, 4])).expect(&[("CLUSTER SLOTS", &expected)]);
}

#[test]
fn shards_are_maps_of_slots_and_nodes() {
    let expected = |map: &dyn Fn(usize) -> String| {
        let node = |number: u8, role: &str, health: &str| {
            format!(
                "{} $2 id $40 {} $4 port :7000 $2 ip $8 10.0.0.{number} $8 endpoint \
                 $8 10.0.0.{number} $4 role ${} {role} $18 replication-offset :0 $6 health ${} \
                 {health}",
                map(7),
                id(number),
                role.len(),
                health.len()
            )
        };
        format!(
            "*3 {two} $5 slots *2 :0 :5460 $5 nodes *3 {} {} {} \
             {two} $5 slots *4 :5461 :10922 :12000 :12000 $5 nodes *1 {} \
             {two} $5 slots *0 $5 nodes *1 {}",
            node(1, "master", "online"),
            node(4, "replica", "online"),
            node(5, "replica", "loading"),
            node(2, "master", "fail"),
            node(3, "master", "online"),
            two = map(2),
        )
    };
    let mut bench = bench_of(1, with_failed(&[2]));
    bench.expect(&[("CLUSTER SHARDS", &expected(&|pairs| format!("*{}", 2 * pairs)))]);
    bench.client.protocol = Protocol::Resp3;
    bench.expect(&[("CLUSTER SHARDS", &expected(&|pairs| format!("%{pairs}")))]);
}

#[test]
fn nodes_are_lines_that_redis_tools_read() {
    let mut topology = with_failed(&[2]);
    topology.nodes.get_mut(&fixture::id(3)).unwrap().address.host = "three.example".to_owned();
    topology.nodes.get_mut(&fixture::id(5)).unwrap().address.host.clear();
    let reply = bench_of(4, topology.clone()).ask_words(&[b"CLUSTER", b"NODES"]);
    let text = String::from_utf8(reply).unwrap();
    let (head, body) = text.split_once("\r\n").unwrap();
    let body = body.strip_suffix("\r\n").unwrap();
    assert_eq!(head, format!("${}", body.len()));
    let lines: Vec<&str> = body.lines().collect();
    let [one, two, three, four, five] = [1, 2, 3, 4, 5].map(id);
    assert_eq!(
        lines,
        [
            format!("{one} 10.0.0.1:7000@17000 master - 0 0 3 connected 0-5460"),
            format!("{four} 10.0.0.4:7000@17000 myself,slave {one} 0 0 3 connected"),
            format!("{five} :7000@17000 slave,noaddr {one} 0 0 3 connected"),
            format!("{two} 10.0.0.2:7000@17000 master,fail - 0 0 7 disconnected 5461-10922 12000"),
            format!("{three} three.example:7000@17000,three.example master - 0 0 0 connected"),
        ]
    );
    let mut bench = bench_of(4, topology);
    let unknown = format!("-ERR Unknown node {}", id(9));
    bench.expect(&[
        (
            &format!("CLUSTER REPLICAS {one}"),
            &format!("*2 ${} {} ${} {}", lines[1].len(), lines[1], lines[2].len(), lines[2]),
        ),
        (&format!("CLUSTER SLAVES {three}"), "*0"),
        (&format!("CLUSTER REPLICAS {four}"), "-ERR The specified node is not a master"),
        (&format!("CLUSTER REPLICAS {}", id(9)), &unknown),
        ("CLUSTER REPLICAS x", "-ERR Unknown node x"),
        (&format!("CLUSTER COUNT-FAILURE-REPORTS {two}"), ":1"),
        (&format!("CLUSTER COUNT-FAILURE-REPORTS {one}"), ":0"),
        (&format!("CLUSTER COUNT-FAILURE-REPORTS {}", id(9)), &unknown),
    ]);
    bench.client.protocol = Protocol::Resp3;
    assert!(bench.ask("CLUSTER NODES").starts_with(&format!("={} txt:{one}", body.len() + 4)));
}

/// The lines of CLUSTER INFO.
fn info(bench: &mut Bench) -> Vec<String> {
    let reply = String::from_utf8(bench.ask_words(&[b"CLUSTER", b"INFO"])).unwrap();
    reply.lines().skip(1).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

#[test]
fn the_state_is_ok_when_all_slots_are_served() {
    let mut bench = fixture::bench(4);
    assert_eq!(
        info(&mut bench),
        [
            "cluster_state:fail",
            "cluster_slots_assigned:10924",
            "cluster_slots_ok:10924",
            "cluster_slots_pfail:0",
            "cluster_slots_fail:0",
            "cluster_known_nodes:5",
            "cluster_size:2",
            "cluster_current_epoch:7",
            "cluster_my_epoch:3",
            "cluster_stats_messages_sent:0",
            "cluster_stats_messages_received:0",
            "total_cluster_links_buffer_limit_exceeded:0",
            "cluster_name:bees",
            "topology_version:42",
        ]
    );
    let covered = |numbers: &[u8]| {
        let mut topology = with_failed(numbers);
        let slots = "10923-11999,12001-16383".parse().unwrap();
        topology.shards.get_mut(&fixture::shard_id(3)).unwrap().slots = slots;
        info(&mut bench_of(1, topology))
    };
    assert_eq!(
        covered(&[4])[..3],
        ["cluster_state:ok", "cluster_slots_assigned:16384", "cluster_slots_ok:16384"]
    );
    let failed = covered(&[1]);
    assert_eq!(
        (failed[0].as_str(), failed[2].as_str(), failed[4].as_str()),
        ("cluster_state:fail", "cluster_slots_ok:10923", "cluster_slots_fail:5461")
    );
}

#[test]
fn a_node_that_no_cluster_has_taken_in_knows_itself() {
    let mut bench = bench_of(9, Topology::default());
    let me = id(9);
    bench.expect(&[
        ("CLUSTER MYID", &format!("$40 {me}")),
        ("CLUSTER MYSHARDID", &format!("$40 {me}")),
        ("CLUSTER NODES", &format!("$78 {me} :0@0 myself,master - 0 0 0 connected\\n")),
        ("CLUSTER SLOTS", "*0"),
    ]);
    assert!(bench.ask("CLUSTER SHARDS").starts_with("*1 *4 $5 slots *0 $5 nodes *1 *14"));
    let info = info(&mut bench);
    assert_eq!(
        (info[0].as_str(), info[5].as_str()),
        ("cluster_state:fail", "cluster_known_nodes:1")
    );
}

#[test]
fn a_node_tells_its_name_and_its_shard() {
    let shard = fixture::shard_id(1);
    fixture::bench(4).expect(&[
        ("CLUSTER MYID", &format!("$40 {}", id(4))),
        ("CLUSTER MYSHARDID", &format!("$40 {shard}")),
        ("CLUSTER KEYSLOT {a}b", ":15495"),
        ("CLUSTER SAVECONFIG", "+OK"),
        ("ASKING", "+OK"),
        ("CLUSTER LINKS", "*0"),
    ]);
}

#[test]
fn links_are_those_that_the_server_has() {
    let mut bench = fixture::bench(1);
    bench.client.protocol = Protocol::Resp3;
    bench.server.links.push(LinkFacts {
        peer: fixture::id(2),
        is_outgoing: true,
        since_unix_ms: 5,
        allocated_bytes: 100,
        unsent_bytes: 7,
    });
    let link = format!(
        "*1 %6 $9 direction $2 to $4 node $40 {} $11 create-time :5 $6 events $2 rw \
         $21 send-buffer-allocated :100 $16 send-buffer-used :7",
        id(2)
    );
    bench.expect(&[("CLUSTER LINKS", &link)]);
}

#[test]
fn readonly_holds_until_readwrite_or_reset() {
    let mut bench = fixture::bench(4);
    for undo in ["READWRITE", "RESET"] {
        bench.expect(&[("READONLY", "+OK")]);
        assert!(bench.client.reads_replica);
        bench.ask(undo);
        assert!(!bench.client.reads_replica, "{undo}");
    }
}

#[test]
fn help_explains_every_subcommand() {
    let reply = fixture::bench(1).ask("CLUSTER HELP");
    for row in table::find(b"cluster").unwrap().subcommands {
        let line = format!("+{} ", row.name.to_ascii_uppercase());
        assert!(reply.contains(&line) || row.name == "slaves" || row.name == "help", "{line}");
    }
    assert!(reply.ends_with("+HELP +    Print this help."), "{reply}");
}

#[test]
fn hello_says_that_the_node_belongs_to_a_cluster() {
    let hello = fixture::bench(1).ask("HELLO");
    assert!(hello.contains("$4 mode $7 cluster $4 role $6 master"), "{hello}");
    let hello = fixture::bench(4).ask("HELLO");
    assert!(hello.contains("$4 mode $7 cluster $4 role $7 replica"), "{hello}");
}

#[test]
fn a_cluster_has_one_database() {
    let mut bench = fixture::bench(1);
    bench.expect(&[
        ("SELECT 0", "+OK"),
        ("SELECT 1", "-ERR SELECT is not allowed in cluster mode"),
        ("SELECT x", "-ERR value is not an integer or out of range"),
        ("SWAPDB 0 1", "-ERR SWAPDB is not allowed in cluster mode"),
        ("MOVE b 1", "-ERR MOVE is not allowed in cluster mode"),
        ("COPY {b}1 {b}2 DB 1", "-ERR Copying to another database is not allowed in cluster mode"),
        ("COPY {b}1 {b}2 DB 0", ":0"),
    ]);
    assert_eq!(bench.client.database, 0);
}
