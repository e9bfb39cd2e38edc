//! What redis-cli, as Debian has it, does with a cluster: `--cluster create`, `check`, `info`, `call`,
//! `add-node` and `del-node`, on nodes with nothing special about them.

use std::time::Duration;

use skep_tests::cluster::{Cluster, ClusterNode, SLOTS};
use skep_tests::{Finished, TestResult, run};

/// It waits for nodes to agree, and in between sleeps for a second.
const PATIENCE: Duration = Duration::from_secs(60);
const ALL_COVERED: &str = "[OK] All 16384 slots covered.";

fn redis_cli<'a>(words: impl IntoIterator<Item = &'a str>) -> TestResult<Finished> {
    let line: Vec<&str> = ["--no-auth-warning", "--cluster"].into_iter().chain(words).collect();
    let done = run("redis-cli", &line, b"", PATIENCE)?;
    println!("redis-cli {}: {}\n{}{}", line.join(" "), done.status, done.output, done.errors);
    Ok(done)
}

fn address(node: &ClusterNode) -> String {
    node.address().to_string()
}

/// Runs it and expects that it says this and succeeds.
#[track_caller]
fn expect(words: &[&str], said: &str) -> String {
    let done = redis_cli(words.iter().copied()).expect("redis-cli");
    assert!(done.status.success(), "{words:?}: {}", done.status);
    assert!(done.output.contains(said), "{words:?} does not say '{said}': {}", done.output);
    done.output
}

/// Runs it and expects that it says this and fails.
#[track_caller]
fn expect_refusal(words: &[&str], said: &str) {
    let done = redis_cli(words.iter().copied()).expect("redis-cli");
    let all = format!("{}{}", done.output, done.errors);
    assert!(!done.status.success(), "{words:?} succeeds: {all}");
    assert!(all.contains(said), "{words:?} does not say '{said}': {all}");
}

fn create(cluster: &Cluster, rest: &[&str]) -> TestResult<Finished> {
    let addresses: Vec<String> = cluster.nodes().iter().map(address).collect();
    let addresses = addresses.iter().map(String::as_str);
    redis_cli(["create"].into_iter().chain(addresses).chain(rest.iter().copied()))
}

#[test]
fn redis_cli_creates_checks_and_extends_a_cluster_and_takes_nodes_out() -> TestResult {
    let mut cluster = Cluster::start(6, &[])?;
    let made = create(&cluster, &["--cluster-replicas", "1", "--cluster-yes"])?;
    assert!(made.status.success() && made.output.contains(ALL_COVERED), "{}", made.output);
    let view = cluster.wait_until_well();
    let counts = ["master", "slave"].map(|role| view.lines.iter().filter(|it| it.is(role)).count());
    assert_eq!(counts, [3, 3]);
    for node in cluster.nodes() {
        let checked = expect(&["check", &address(node)], ALL_COVERED);
        assert!(checked.contains("[OK] All nodes agree about slots configuration."), "{checked}");
    }
    let any = address(cluster.node(4));
    let told = expect(&["info", &any], "[OK] 0 keys in 3 masters.");
    assert_eq!(told.matches("| 1 slaves.").count(), 3, "{told}");
    let told = expect(&["call", &any, "PING"], "PONG");
    assert_eq!(told.matches("PONG").count(), 6, "{told}");
    // A primary without slots, and a replica of the shard that redis-cli chooses.
    let primary = cluster.add()?;
    let added = "[OK] New node added correctly.";
    expect(&["add-node", &address(cluster.node(primary)), &any], added);
    cluster.wait_for("it is a member", |view| view.lines.len() == 7);
    let replica = cluster.add()?;
    let (new, id) = (address(cluster.node(replica)), cluster.node(primary).id().to_owned());
    expect(&["add-node", &new, &any, "--cluster-slave", "--cluster-master-id", &id], added);
    let view = cluster.wait_until_well();
    let line = view.line(cluster.node(replica).id()).ok_or("it is no member")?;
    assert_eq!(line.primary.as_ref(), Some(&id));
    // They go again: a replica, and a primary without slots.
    for at in [replica, primary] {
        let id = cluster.node(at).id().to_owned();
        expect(&["del-node", &any, &id], "Sending CLUSTER RESET SOFT to the deleted node.");
        assert_eq!(cluster.node(at).view()?.lines.len(), 1, "it is on its own");
        cluster.node_mut(at).kill()?;
        cluster.wait_for("it is gone", |view| view.line(&id).is_none());
    }
    cluster.wait_until_well();
    expect(&["check", &any], ALL_COVERED);
    Ok(())
}

#[test]
fn redis_cli_tells_what_is_refused() -> TestResult {
    let mut cluster = Cluster::formed(3, 0, &[])?;
    let any = address(cluster.node(0));
    let made = create(&cluster, &["--cluster-yes"])?;
    let said = format!("{}{}", made.output, made.errors);
    assert!(!made.status.success() && said.contains("is not empty"), "{said}");
    let owner = cluster.node(1).id().to_owned();
    expect_refusal(&["del-node", &any, &owner], "is not empty!");
    // A node that has keys cannot come in.
    let guest = cluster.add()?;
    cluster.node(guest).ask(&format!("CLUSTER ADDSLOTSRANGE 0 {}", SLOTS - 1))?;
    cluster.node(guest).ask("SET key value")?;
    expect_refusal(&["add-node", &address(cluster.node(guest)), &any], "is not empty");
    expect_refusal(&["check", "127.0.0.1:1"], "Could not connect");
    assert_eq!(cluster.node(0).view()?.lines.len(), 3);
    Ok(())
}

#[test]
fn redis_cli_finds_what_is_wrong_with_a_cluster() -> TestResult {
    let mut cluster = Cluster::formed(3, 1, &[])?;
    cluster.node_mut(1).kill()?;
    cluster.node_mut(4).kill()?;
    cluster.wait_for("the dead are marked", |view| {
        view.lines.iter().filter(|line| line.is("fail")).count() == 2
    });
    expect_refusal(&["check", &address(cluster.node(0))], "[ERR] Not all 16384 slots are covered");
    Ok(())
}
