//! Which copy of a shard is the primary, so that primaries are as even as zones allow.
//!
//! An optimal semi-matching (Harvey, Ladner, Lovasz and Tamir, "Semi-matchings for bipartite graphs and
//! load balancing", Journal of Algorithms 59, 2006): as long as there is a chain of shards along which
//! a loaded zone can hand a primary on to one that is then still less loaded, it does. A zone's load is
//! its primaries for each of its nodes.

use std::collections::VecDeque;

/// The zone of each shard's primary, out of the zones that `chosen` has for it.
pub(super) fn choose(chosen: &[Vec<usize>], zone_nodes: &[usize]) -> Vec<usize> {
    let zones = zone_nodes.len();
    let mut counts = vec![0usize; zones];
    // How often one zone serves what another stands by for: both ways equally, so that a lost zone
    // leaves as much to each of the others.
    let mut served = vec![0usize; zones * zones];
    let mut primaries = Vec::with_capacity(chosen.len());
    for shard_zones in chosen {
        let stood_by = |zone: usize| -> usize {
            shard_zones.iter().map(|&other| served[zone * zones + other]).sum()
        };
        let cross = |one: usize, other: usize| (counts[one] + 1) * zone_nodes[other];
        let least = shard_zones
            .iter()
            .copied()
            .min_by(|&a, &b| stood_by(a).cmp(&stood_by(b)).then(cross(a, b).cmp(&cross(b, a))));
        let zone = least.unwrap_or(0);
        counts[zone] += 1;
        for &other in shard_zones.iter().filter(|&&other| other != zone) {
            served[zone * zones + other] += 1;
        }
        primaries.push(zone);
    }
    let mut is_better = true;
    while is_better {
        is_better = false;
        for zone in 0..zone_nodes.len() {
            while hand_on(zone, chosen, zone_nodes, &mut counts, &mut primaries) {
                is_better = true;
            }
        }
    }
    primaries
}

/// Hands one primary of a zone on, over others if need be; says whether that was possible.
fn hand_on(
    zone: usize,
    chosen: &[Vec<usize>],
    zone_nodes: &[usize],
    counts: &mut [usize],
    primaries: &mut [usize],
) -> bool {
    let mut held: Vec<Vec<usize>> = vec![Vec::new(); zone_nodes.len()];
    for (shard, &holder) in primaries.iter().enumerate() {
        held[holder].push(shard);
    }
    // The shard by which a zone was reached, and from where.
    let mut reached: Vec<Option<(usize, usize)>> = vec![None; zone_nodes.len()];
    let mut queue = VecDeque::from([zone]);
    while let Some(from) = queue.pop_front() {
        for &shard in &held[from] {
            for &to in &chosen[shard] {
                if to == zone || reached[to].is_some() {
                    continue;
                }
                reached[to] = Some((shard, from));
                if (counts[to] + 1) * zone_nodes[zone] < counts[zone] * zone_nodes[to] {
                    let mut end = to;
                    while let Some((shard, from)) = reached[end] {
                        primaries[shard] = end;
                        end = from;
                    }
                    counts[zone] -= 1;
                    counts[to] += 1;
                    return true;
                }
                queue.push_back(to);
            }
        }
    }
    false
}
