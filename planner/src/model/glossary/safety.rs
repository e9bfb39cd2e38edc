//! Terms about failures and copies.

use super::{Term, term};

pub(super) const TERMS: &[Term] = &[
    term(
        "majority",
        &["more than half"],
        [
            "More than half of all voters, the dead and the unreachable counted too. Two majorities of \
         the same voters always share one, so two sides of a partition never both decide. An even \
         number of voters tolerates no more failures than the odd number below it.",
            "majority = floor(n / 2) + 1; failures tolerated = floor((n - 1) / 2)",
            "derived",
            "",
        ],
    ),
    term(
        "quorum",
        &["voters", "sentinel quorum"],
        [
            "The votes that a decision needs. In Redis Cluster the voters are the primaries with slots, \
         and a failover needs their majority; replicas do not vote. Sentinel's quorum only says how \
         many must think a primary down: the failover itself still needs a majority of Sentinels. In \
         the article's 24 nodes with 4 cut off it depends on how many of the 12 primaries those are.",
            "failover possible if reachable primaries >= floor(primaries / 2) + 1",
            "Redis cluster specification; Redis Sentinel",
            "",
        ],
    ),
    term(
        "replica lag",
        &["lag", "replication lag"],
        [
            "How far a replica is behind, in bytes of the stream or in the time it needs to apply them. \
         The article turns 1 MB into 1 s; a gigabit link carries 1 MiB in 8.4 ms, so its alert at \
         10 MB is 84 ms on the wire and 10 s by its own rule. Take seconds from the measured rate.",
            "lag bytes = primary's offset - replica's; seconds = lag bytes / applied bytes per second",
            "INFO replication of Redis; the article, Observability Checklist",
            "planner validate --from redis://127.0.0.1:6379",
        ],
    ),
    term(
        "failover",
        &["promotion", "automatic failover"],
        [
            "A replica becomes the primary of its shard. Writes that the old primary acknowledged and did \
         not send are lost; until clients learn the new map they ask the wrong node. A client that \
         does not follow MOVED turns a failover of seconds into an outage.",
            "time = detection (node timeout) + election + clients' refresh of the map",
            "Redis cluster specification; the article, Case Study",
            "planner advise --data 64G --mem 16G --ha yes --auto-failover yes",
        ],
    ),
    term(
        "moved",
        &["redirect", "ask"],
        [
            "The reply of a node that does not own the slot, with the address of the one that does. A \
         client has to correct its map and ask there. ASK is the same for one request while the slot \
         is on its way, and corrects no map.",
            "MOVED slot host:port",
            "Redis cluster specification",
            "",
        ],
    ),
    term(
        "sentinel",
        &["redis sentinel"],
        [
            "Processes that watch a primary and its replicas, agree that it is down, and promote a \
         replica. They shard nothing: data larger than a node needs a cluster, or a group of \
         replicas for each shard of a client that shards. Three on different machines are the least.",
            "failover if those that see it down >= quorum, and a majority of Sentinels elects a leader",
            "Redis Sentinel",
            "planner advise --data 64G --mem 16G --ha yes --auto-failover yes",
        ],
    ),
];
