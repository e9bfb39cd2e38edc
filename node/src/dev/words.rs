//! What the supervisor says.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use super::children::told;
use super::netns::Cut;
use super::plan::Plan;

/// The four lines that say what runs where and what to try.
pub(super) fn ready(
    plan: &Plan,
    first_pid: u32,
    took: Duration,
    folder: &Path,
    has_console: bool,
) -> String {
    let Some(first) = plan.nodes.first() else { return String::new() };
    let (nodes, primaries) =
        (counted(plan.size.nodes, "node"), counted(plan.size.primaries, "primary"));
    let replicas = match plan.replicas() {
        (_, 0) => "without replicas".to_owned(),
        (few, many) if few == many => format!("with {} each", counted(many, "replica")),
        (few, many) => format!("with {few} or {} each", counted(many, "replica")),
    };
    let host = match first.address.ip() {
        ip if ip.is_loopback() => String::new(),
        ip => format!(" -h {ip}"),
    };
    let after = match plan.replicas() {
        (0, _) => "its slots are down until it is back",
        _ => "failover in half a second",
    };
    let end = if has_console { "'help' tells what can be cut; " } else { "" };
    format!(
        "skep dev: {nodes}, {primaries} {replicas}, {}, ready in {:.1} s\n\
         try:      redis-cli -c{host} -p {} set hello world\n\
         kill one: kill -9 {first_pid}   (node {}; {after})\n\
         end:      {end}Ctrl-C ends all; logs in {}\n",
        addresses(plan),
        took.as_secs_f64(),
        first.address.port(),
        first.name,
        folder.display(),
    )
}

/// `127.0.0.1:7000-7005`, or `10.99.7.1-6, each on port 7000`.
fn addresses(plan: &Plan) -> String {
    let (Some(first), Some(last)) = (plan.nodes.first(), plan.nodes.last()) else {
        return String::new();
    };
    let (first, last) = (first.address, last.address);
    if first == last {
        return first.to_string();
    }
    if first.ip() == last.ip() {
        return format!("{first}-{}", last.port());
    }
    let host = last.ip().to_string();
    let host = host.rsplit('.').next().unwrap_or_default();
    format!("{}-{host}, each on port {}", first.ip(), first.port())
}

fn counted(count: usize, of: &str) -> String {
    match (count, of.strip_suffix('y')) {
        (1, _) => format!("1 {of}"),
        (_, Some(stem)) => format!("{count} {stem}ies"),
        (_, None) => format!("{count} {of}s"),
    }
}

/// That a node has ended by itself, and how it is started again.
pub(super) fn ended(node: &str, status: std::process::ExitStatus, again: &str) -> String {
    format!("node {node} ended by {}; start it again with: {again}\n", told(status))
}

/// What is cut, for people: `1 is deaf to 2,3; 2 is deaf to 1`.
pub(super) fn cuts(cuts: &BTreeSet<Cut>) -> String {
    let mut deaf: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for cut in cuts {
        deaf.entry(cut.to).or_default().push(cut.from.to_string());
    }
    if deaf.is_empty() {
        return "all nodes hear each other".to_owned();
    }
    let told =
        deaf.iter().map(|(node, unheard)| format!("{node} is deaf to {}", unheard.join(",")));
    told.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::os::unix::process::ExitStatusExt as _;

    use super::*;
    use crate::config::DevRequest;
    use crate::dev::plan::Size;

    fn size(nodes: usize, replicas: usize) -> Size {
        let (nodes, replicas) = (Some(nodes), Some(replicas));
        Size::of(&DevRequest { nodes, replicas, ..DevRequest::default() }, 1 << 30).unwrap()
    }

    fn said(plan: &Plan) -> String {
        ready(plan, 12, Duration::from_millis(1234), Path::new("/d"), false)
    }

    #[test]
    fn four_lines_say_what_runs_where_and_what_to_try() {
        let plan = Plan::on_ports(size(6, 1), Ipv4Addr::LOCALHOST.into(), 7000);
        assert_eq!(
            said(&plan),
            "skep dev: 6 nodes, 3 primaries with 1 replica each, 127.0.0.1:7000-7005, ready in 1.2 s\n\
             try:      redis-cli -c -p 7000 set hello world\n\
             kill one: kill -9 12   (node 7000; failover in half a second)\n\
             end:      Ctrl-C ends all; logs in /d\n"
        );
    }

    #[test]
    fn what_is_said_fits_other_clusters_too() {
        let alone = said(&Plan::on_ports(size(1, 0), Ipv4Addr::LOCALHOST.into(), 7000));
        assert!(alone.contains("1 node, 1 primary without replicas, 127.0.0.1:7000,"), "{alone}");
        assert!(alone.contains("its slots are down until it is back"), "{alone}");
        let ips = (1..).map(|host| IpAddr::from([10, 99, 7, host]));
        let hosts = said(&Plan::on_hosts(size(7, 1), ips, 7000));
        assert!(hosts.contains("3 primaries with 1 or 2 replicas each"), "{hosts}");
        assert!(hosts.contains("10.99.7.1-7, each on port 7000"), "{hosts}");
        assert!(hosts.contains("redis-cli -c -h 10.99.7.1 -p 7000 "), "{hosts}");
    }

    #[test]
    fn cuts_are_told_by_who_is_deaf_to_whom() {
        let pairs = [(2, 1), (3, 1), (1, 2)];
        let told = cuts(&pairs.map(|(from, to)| Cut { from, to }).into());
        assert_eq!(told, "1 is deaf to 2,3; 2 is deaf to 1");
        assert_eq!(cuts(&BTreeSet::new()), "all nodes hear each other");
    }

    #[test]
    fn a_node_that_ended_is_told_in_one_line() {
        let line = ended("7002", std::process::ExitStatus::from_raw(9), "skep --port 7002");
        assert_eq!(line, "node 7002 ended by signal 9; start it again with: skep --port 7002\n");
    }
}
