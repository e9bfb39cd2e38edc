//! What the nodes of a cluster tell of it.

use skep_tests::TestResult;
use skep_tests::cluster::Cluster;

#[test]
fn all_nodes_tell_the_same() -> TestResult {
    let cluster = Cluster::formed(3, 1, &[])?;
    for command in
        ["CLUSTER SLOTS", "CLUSTER SHARDS", "CLUSTER NODES", "CLUSTER INFO", "CLUSTER LINKS"]
    {
        println!("{}", cluster.node(4).ask(command)?);
    }
    Ok(())
}
