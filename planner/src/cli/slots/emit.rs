//! Commands that make the layout on empty nodes, to be read and copied.

use skep_keyspace::SlotRange;
use skep_keyspace::zones::Placement;

use super::arguments::{Emit, Request};
use super::zones::node_names;
use crate::cli::shards::endpoint;
use crate::model::layouts::NamedLayout;
use crate::report::{Block, Report};

/// Ranges in one command: lines stay readable, and far below what a server takes.
const RANGES_PER_COMMAND: usize = 100;

pub(super) fn fill(
    report: &mut Report,
    request: &Request,
    named: &NamedLayout,
    placed: Option<&Placement>,
) {
    let Some(emit) = request.emit else { return };
    let nodes = match placed {
        None => named.names.clone(),
        Some(_) => node_names(request),
    };
    let primary = |shard: usize| match placed {
        None => nodes[shard].as_str(),
        Some(placement) => nodes[placement.shards[shard].primary].as_str(),
    };
    let mut lines = Vec::new();
    if let Emit::Node = emit {
        lines.push("# Redis and Valkey take these; Skep will with its cluster release".to_owned());
    }
    for (shard, ranges) in named.layout.ranges().iter().enumerate() {
        if let Emit::Node = emit {
            lines.push(format!("# at {}", primary(shard)));
        }
        for chunk in ranges.chunks(RANGES_PER_COMMAND) {
            lines.push(command(
                emit,
                primary(shard),
                &format!("CLUSTER ADDSLOTSRANGE {}", pairs(chunk)),
            ));
        }
    }
    if let Some(placement) = placed {
        lines.extend(replicas(emit, placement, &nodes));
    }
    report.figure("commands", lines.clone());
    report.block(Block::Commands(lines));
}

fn command(emit: Emit, node: &str, words: &str) -> String {
    match emit {
        Emit::Node => words.to_owned(),
        Emit::RedisCli => {
            let (host, port) = endpoint(node);
            format!("redis-cli -h {host} -p {port} {words}")
        }
    }
}

fn pairs(ranges: &[SlotRange]) -> String {
    let pair = |range: &SlotRange| format!("{} {}", range.first, range.last);
    ranges.iter().map(pair).collect::<Vec<_>>().join(" ")
}

/// Replication by node, where each node holds one copy; otherwise it is not a matter of nodes.
fn replicas(emit: Emit, placement: &Placement, nodes: &[String]) -> Vec<String> {
    if placement.copies().iter().any(|&copies| copies > 1) {
        return vec!["# nodes hold several shards: run one process for each copy".to_owned()];
    }
    let mut lines = Vec::new();
    for shard in &placement.shards {
        let (host, port) = endpoint(&nodes[shard.primary]);
        for &node in &shard.replicas {
            match emit {
                Emit::RedisCli => lines.push(command(
                    emit,
                    &nodes[node],
                    &format!("CLUSTER REPLICATE $(redis-cli -h {host} -p {port} CLUSTER MYID)"),
                )),
                Emit::Node => {
                    let (replica, primary) = (&nodes[node], &nodes[shard.primary]);
                    lines
                        .push(format!("# at {replica}; ID is what CLUSTER MYID says at {primary}"));
                    lines.push("CLUSTER REPLICATE ID".to_owned());
                }
            }
        }
    }
    lines
}
