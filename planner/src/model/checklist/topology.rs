//! Who is there: primaries, replicas, majority, slots.

use std::collections::BTreeMap;

use skep_keyspace::SLOT_COUNT;

use super::{Findings, Status};
use crate::model::profile::cluster::ClusterNode;
use crate::model::profile::{ClusterProfile, NodeProfile, Profile, Role};
use crate::quantity::{decimals, grouped};

/// Primaries of which a majority survives the loss of one.
const PRIMARIES_MIN: usize = 3;
/// A primary with so many times the mean of slots is named.
const SLOTS_UNEVEN: f64 = 1.1;
/// A primary with so many times the mean of keys is named: a ring of 150 points reaches 1.2.
const KEYS_UNEVEN: f64 = 1.25;
/// With fewer keys, chance alone is uneven.
const KEYS_JUDGED_MIN: u64 = 10_000;
/// Ranges of slots shown.
const RANGES_SHOWN: usize = 5;

/// Says something of a node that others are compared with.
type Describe = fn(&NodeProfile) -> String;

pub(super) fn check(profile: &Profile, findings: &mut Findings) {
    if profile.nodes.iter().any(|node| node.role == Role::Sentinel) {
        let what = "a sentinel holds no data: topology, memory and traffic";
        findings.unchecked("primaries", "", what, "give the address of its primary as --from");
        return;
    }
    match &profile.cluster {
        Some(cluster) if !cluster.nodes.is_empty() => in_cluster(profile, cluster, findings),
        Some(_) => findings.unchecked("slots_covered", "", "slots and nodes", "no CLUSTER NODES"),
        None => alone(profile, findings),
    }
    alike(profile, findings);
}

/// A server without a cluster.
fn alone(profile: &Profile, findings: &mut Findings) {
    let primaries = profile.primaries().count();
    findings.add(
        "primaries",
        Status::Warning,
        "",
        "this is no cluster: at least 3 primaries with replicas survive a loss by themselves",
        format!("{primaries} primary, cluster_enabled:0"),
        "redis-cli --cluster create HOST:PORT ... (6 nodes) --cluster-replicas 1",
    );
    let from = findings.mark();
    for node in profile.primaries().filter(|node| node.replication.replicas.is_empty()) {
        findings.add(
            "primary_replicas",
            Status::Warning,
            &node.address,
            "it has no replica: when it is lost, so is its data",
            "connected_slaves:0",
            format!("redis-cli -h REPLICA REPLICAOF {}", node.address.replace(':', " ")),
        );
    }
    if profile.primaries().next().is_some() {
        let count = profile.primaries().map(|node| node.replication.replicas.len()).sum::<usize>();
        findings.close(
            "primary_replicas",
            from,
            "there are replicas",
            format!("{count} connected"),
        );
    }
}

fn in_cluster(profile: &Profile, cluster: &ClusterProfile, findings: &mut Findings) {
    let owners: Vec<&ClusterNode> =
        cluster.nodes.iter().filter(|node| node.is_primary() && !node.slots.is_empty()).collect();
    majority(&owners, findings);
    let any = cluster.nodes.first().map(|node| node.address.clone()).unwrap_or_default();
    coverage(cluster, &any, findings);
    alive(cluster, findings);
    replicas(cluster, &owners, findings);
    placement(cluster, &owners, findings);
    migrations(cluster, &any, findings);
    evenness(profile, &owners, &any, findings);
    full_coverage(profile, findings);
}

fn majority(owners: &[&ClusterNode], findings: &mut Findings) {
    let (all, healthy) = (owners.len(), owners.iter().filter(|node| node.is_healthy()).count());
    let needed = all / 2 + 1;
    let evidence =
        format!("{healthy} of {all} primaries with slots are up, {needed} are a majority");
    if healthy < needed {
        findings.add(
            "quorum",
            Status::Critical,
            "",
            "no majority of primaries: no failover can be agreed upon",
            evidence,
            "start the missing primaries, or redis-cli -h REPLICA CLUSTER FAILOVER TAKEOVER",
        );
    } else if healthy == needed {
        findings.add(
            "quorum",
            Status::Warning,
            "",
            "the loss of one more primary ends the majority, unless its replica was promoted before",
            evidence,
            "add primaries: an odd number from 3 on, one more than may be lost at a time x 2",
        );
    } else {
        findings.fine("quorum", "a majority survives the loss of a primary", evidence);
    }
    let evidence = format!("{all} primaries with slots");
    if all < PRIMARIES_MIN {
        findings.add(
            "primaries",
            Status::Warning,
            "",
            "fewer than 3 primaries cannot elect after a loss",
            evidence,
            "redis-cli --cluster add-node NEW:PORT HOST:PORT, then --cluster rebalance",
        );
    } else {
        findings.fine("primaries", "at least 3 primaries", evidence);
    }
}

/// Slots that nobody owns, or whose owner failed.
fn coverage(cluster: &ClusterProfile, any: &str, findings: &mut Findings) {
    let mut owned = vec![false; SLOT_COUNT];
    for node in cluster.nodes.iter().filter(|node| node.is_primary() && !node.is("fail")) {
        for (first, last) in &node.slots {
            owned[usize::from(*first)..=usize::from(*last)].fill(true);
        }
    }
    let missing = ranges(&owned);
    let count = owned.iter().filter(|is_owned| !**is_owned).count();
    if count > 0 {
        findings.add(
            "slots_covered",
            Status::Critical,
            "",
            format!("{} slots have no node that serves them", grouped(count as u64)),
            missing,
            format!("redis-cli --cluster fix {any} (or start the node that failed)"),
        );
    } else {
        findings.fine("slots_covered", "all 16,384 slots are served", "CLUSTER NODES");
    }
    let evidence = format!(
        "cluster_state:{} cluster_slots_pfail:{} cluster_slots_fail:{}",
        cluster.state, cluster.slots_suspected, cluster.slots_failed
    );
    let is_bad = cluster.state != "ok" || cluster.slots_failed > 0;
    if is_bad || cluster.slots_suspected > 0 {
        findings.add(
            "cluster_state",
            if is_bad { Status::Critical } else { Status::Warning },
            "",
            if is_bad { "the cluster does not serve all its slots" } else { "a node is suspected" },
            evidence,
            format!("redis-cli --cluster check {any}"),
        );
    } else {
        findings.fine("cluster_state", "the cluster says it is well", evidence);
    }
}

/// Runs of what is false, as `a-b c`.
fn ranges(owned: &[bool]) -> String {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for (at, _) in owned.iter().enumerate().filter(|(_, is_owned)| !**is_owned) {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == at => *last = at,
            _ => runs.push((at, at)),
        }
    }
    let shown = runs.iter().take(RANGES_SHOWN).map(|(first, last)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    });
    let mut text = format!("slots {}", shown.collect::<Vec<_>>().join(" "));
    if runs.len() > RANGES_SHOWN {
        text += &format!(" ... {} ranges", runs.len());
    }
    text
}

fn alive(cluster: &ClusterProfile, findings: &mut Findings) {
    let from = findings.mark();
    for node in &cluster.nodes {
        let is_myself = node.is("myself");
        if node.is_healthy() && (node.is_connected || is_myself) {
            continue;
        }
        let status = if node.is("fail") { Status::Critical } else { Status::Warning };
        let place = if node.address.is_empty() { &node.id } else { &node.address };
        findings.add(
            "nodes_alive",
            status,
            place,
            "the cluster does not have this node",
            format!(
                "flags {}, {}",
                node.flags.join(","),
                if node.is_connected { "connected" } else { "disconnected" }
            ),
            format!("start it again, or on every node: CLUSTER FORGET {}", node.id),
        );
    }
    let evidence = format!("{} known nodes", cluster.nodes.len());
    findings.close("nodes_alive", from, "all known nodes are up", evidence);
}

fn replicas(cluster: &ClusterProfile, owners: &[&ClusterNode], findings: &mut Findings) {
    let from = findings.mark();
    for owner in owners {
        let follows = |node: &&ClusterNode| node.primary_id.as_deref() == Some(owner.id.as_str());
        let count = cluster.nodes.iter().filter(follows).filter(|node| node.is_healthy()).count();
        if count == 0 {
            findings.add(
                "primary_replicas",
                Status::Warning,
                &owner.address,
                format!(
                    "it has no replica: its {} slots are lost with it",
                    grouped(owner.slot_count().into())
                ),
                format!("no node of CLUSTER NODES follows {}", owner.id),
                format!(
                    "redis-cli --cluster add-node NEW:PORT {} --cluster-slave --cluster-master-id {}",
                    owner.address, owner.id
                ),
            );
        }
    }
    let evidence = format!("{} primaries", owners.len());
    findings.close("primary_replicas", from, "every primary has a replica", evidence);
}

/// Copies that share a machine, and machines that hold a majority.
fn placement(cluster: &ClusterProfile, owners: &[&ClusterNode], findings: &mut Findings) {
    let from = findings.mark();
    let mut on_host: BTreeMap<&str, usize> = BTreeMap::new();
    for owner in owners {
        *on_host.entry(owner.host()).or_default() += 1;
    }
    let crowded = on_host.iter().max_by_key(|(_, count)| **count);
    if let Some((host, count)) = crowded.filter(|(_, count)| **count * 2 > owners.len()) {
        findings.add(
            "copies_apart",
            Status::Warning,
            "",
            "one machine holds a majority of the primaries: with it, the cluster is lost",
            format!("{count} of {} primaries are on {host}", owners.len()),
            "spread them over at least 3 machines (planner slots --zones)",
        );
    }
    let together = |node: &&ClusterNode| {
        owners.iter().any(|owner| {
            node.primary_id.as_deref() == Some(owner.id.as_str()) && owner.host() == node.host()
        })
    };
    let count = cluster.nodes.iter().filter(together).count();
    if count > 0 {
        findings.add(
            "copies_apart",
            Status::Warning,
            "",
            "replicas share their primary's machine, and its fate",
            format!("{count} replicas are on the host of their primary"),
            "redis-cli -h REPLICA CLUSTER REPLICATE ID-OF-A-PRIMARY-ELSEWHERE",
        );
    }
    findings.close("copies_apart", from, "copies are on machines of their own", String::new());
}

fn migrations(cluster: &ClusterProfile, any: &str, findings: &mut Findings) {
    let from = findings.mark();
    for node in cluster.nodes.iter().filter(|one| one.migrating.len() + one.importing.len() > 0) {
        findings.add(
            "slot_migration",
            Status::Warning,
            &node.address,
            "slots are on the move: until that ends, their keys are on two nodes",
            format!("{} migrating, {} importing", node.migrating.len(), node.importing.len()),
            format!("if no reshard runs: redis-cli --cluster fix {any}"),
        );
    }
    // A node tells only of its own open slots.
    let evidence = "of the node that was asked".to_owned();
    findings.close("slot_migration", from, "no slot is on the move", evidence);
}

fn evenness(profile: &Profile, owners: &[&ClusterNode], any: &str, findings: &mut Findings) {
    let uneven = |loads: &[(String, f64)]| -> Option<(String, f64)> {
        let mean = loads.iter().map(|(_, load)| load).sum::<f64>() / loads.len().max(1) as f64;
        let most = loads.iter().max_by(|one, other| one.1.total_cmp(&other.1))?;
        (mean > 0.0).then(|| (most.0.clone(), most.1 / mean))
    };
    let slots: Vec<_> =
        owners.iter().map(|node| (node.address.clone(), f64::from(node.slot_count()))).collect();
    let keys: Vec<_> =
        profile.primaries().map(|node| (node.address.clone(), node.keys() as f64)).collect();
    let judged = [
        ("slot_balance", "slots", uneven(&slots), SLOTS_UNEVEN, true),
        ("key_balance", "keys", uneven(&keys), KEYS_UNEVEN, profile.keys() >= KEYS_JUDGED_MIN),
    ];
    for (id, what, found, limit, is_judged) in judged {
        let Some((node, ratio)) = found else { continue };
        if !is_judged {
            let why = format!("{} keys in all: chance alone is uneven", grouped(profile.keys()));
            let fix = "look again with more keys";
            findings.add(id, Status::Note, "", "could not be judged: too few keys", why, fix);
            continue;
        }
        let evidence = format!("the fullest has {} times the mean", decimals(ratio, 2));
        match ratio > limit {
            true => findings.add(
                id,
                Status::Warning,
                &node,
                format!("{what} are spread unevenly"),
                evidence,
                format!("planner reshard, or redis-cli --cluster rebalance {any}"),
            ),
            false => findings.fine(id, format!("{what} are spread evenly"), evidence),
        }
    }
}

fn full_coverage(profile: &Profile, findings: &mut Findings) {
    let from = findings.mark();
    let option = "cluster-require-full-coverage";
    let strict: Vec<_> =
        profile.nodes.iter().filter(|node| node.option(option) == Some("yes")).collect();
    if let Some(node) = strict.first() {
        findings.add(
            "full_coverage",
            Status::Warning,
            "",
            "one lost slot stops the whole cluster, which a cache need not",
            format!("{option} yes on {} nodes", strict.len()),
            format!("redis-cli --cluster call {} CONFIG SET {option} no", node.address),
        );
    }
    if profile.nodes.iter().any(|node| node.option(option).is_some()) {
        findings.close(
            "full_coverage",
            from,
            "other slots are served when one is lost",
            String::new(),
        );
    }
}

/// Nodes that differ where they should not.
fn alike(profile: &Profile, findings: &mut Findings) {
    if profile.nodes.len() < 2 {
        return;
    }
    let from = findings.mark();
    let kinds: [(&str, Describe); 3] = [
        ("version", |node| format!("{} {}", node.kind.name(), node.version)),
        ("maxmemory", |node| node.memory.limit_bytes.map_or_else(String::new, |it| it.to_string())),
        ("maxmemory-policy", |node| node.memory.policy.clone().unwrap_or_default()),
    ];
    for (name, of) in kinds {
        let mut values: BTreeMap<String, usize> = BTreeMap::new();
        for node in &profile.nodes {
            *values.entry(of(node)).or_default() += 1;
        }
        if values.len() > 1 {
            let shown = values.iter().map(|(value, count)| format!("{value} ({count})"));
            findings.add(
                "nodes_alike",
                Status::Warning,
                "",
                format!("nodes differ in their {name}"),
                shown.collect::<Vec<_>>().join(", "),
                match name {
                    "version" => "upgrade the others, replicas first".to_owned(),
                    _ => format!("redis-cli --cluster call HOST:PORT CONFIG SET {name} VALUE"),
                },
            );
        }
    }
    findings.close("nodes_alike", from, "nodes are alike", "version, maxmemory, policy".to_owned());
}
