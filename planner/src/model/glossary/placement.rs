//! Terms about where keys are.

use super::{Term, term};

pub(super) const TERMS: &[Term] = &[
    term(
        "slot",
        &["hash slot", "slots"],
        [
            "One of the 16,384 parts that a cluster's keys fall into; nodes own slots, not keys. Even \
         ranges for three primaries are 0-5460, 5461-10922 and 10923-16383, where the article has \
         \"about 5,461\". It also plans them with redis-cli --cluster import, which copies keys from \
         a server by itself; reshard and rebalance are what moves slots.",
            "slot = CRC16(key or its hash tag) mod 16384",
            "Redis cluster specification",
            "planner size --masters 3 --mem 16G",
        ],
    ),
    term(
        "hash tag",
        &["curly braces"],
        [
            "The part of a key between its first { and the next }, if it is not empty: only it is hashed, \
         so keys with the same tag share a slot and can be used in one command or transaction. A tag \
         that many keys share makes a hot or a large slot that cannot be split.",
            "slot({user1}:cart) = slot({user1}:name) = CRC16(user1) mod 16384",
            "Redis cluster specification",
            "planner hotkeys --zipf 0.99 --keys 1M --nodes 10",
        ],
    ),
    term(
        "modulo",
        &["mod n", "hash mod n"],
        [
            "The node is the hash modulo the number of nodes. It balances well and needs no table, and \
         moves nearly everything when a node joins: of N+1 keys only one stays where it was.",
            "node = hash(key) mod N; moved from N to N+1: N / (N + 1)",
            "derived",
            "planner simulate trace.csv --nodes 3 --mem 1G --layout modulo",
        ],
    ),
    term(
        "ring",
        &["consistent hashing", "hash ring"],
        [
            "Nodes stand at points of a circle of hashes, and a key belongs to the next point. A node \
         that joins takes keys only from the points before its own, about its fair share. Shares vary \
         with chance: a ring is for small moves, an explicit slot layout for balance.",
            "expected share moved from N to N+1: 1 / (N + 1)",
            "Karger et al. 1997",
            "planner simulate trace.csv --nodes 3 --mem 1G --layout ring",
        ],
    ),
    term(
        "virtual node",
        &["vnode", "virtual nodes", "vnodes"],
        [
            "One of several points that a node has on a ring, so that its share is a mean of many arcs. \
         The article's 150 points do not make shares even: the fullest of ten nodes has 1.12 times \
         the mean on average, 1.21 times at the 95th percentile; 500 points give 1.07, 1,000 give \
         1.05.",
            "spread of a node's share ~ 1 / sqrt(V) for V points",
            "Karger et al. 1997; figures by simulation with a seed",
            "planner simulate trace.csv --nodes 10 --mem 1G --layout ring",
        ],
    ),
    term(
        "rendezvous",
        &["highest random weight", "hrw"],
        [
            "Every node is given a score for the key, and the highest wins. It needs no points and no \
         table, moves as little as can be, and balances like random placement; it costs a hash for \
         each node and look-up, which slots reduce to once for each slot.",
            "node = the one with the greatest hash(key, node); moved from N to N+1: 1 / (N + 1)",
            "Thaler and Ravishankar 1998",
            "planner simulate trace.csv --nodes 3 --mem 1G --layout rendezvous",
        ],
    ),
    term(
        "weighted layout",
        &["weight", "weights", "largest remainder"],
        [
            "Slots handed out in proportion to what nodes can carry. Whole slots go first, those left to \
         the largest remainders, so that no node is a slot away from its exact share.",
            "slots = 16384 x weight / sum of weights, by largest remainder",
            "the method of Hamilton, for apportionment",
            "planner throughput --masters 3 --node-ops 200k",
        ],
    ),
    term(
        "reshard",
        &["rebalance", "resharding", "slot migration"],
        [
            "Moving slots, with their keys, between nodes while clients are served. Only what a node has \
         too much of must move: 3 to 4 nodes needs 4,096 slots, while laying ranges out anew moves \
         8,192. Time is the larger of bytes over bandwidth and keys over rate; a very large key \
         pauses its slot.",
            "slots moved >= sum over nodes of max(0, has - should have)",
            "derived; Redis cluster specification",
            "",
        ],
    ),
    term(
        "zone",
        &["failure domain", "availability zone", "rack"],
        [
            "What fails together: a rack, a switch, a data centre. Copies of a slot belong in different \
         zones, and no zone may hold a majority of the voters, or losing it stops every failover.",
            "safe if for every zone z: each slot has a copy outside z, and voters in z < majority",
            "derived",
            "",
        ],
    ),
];
