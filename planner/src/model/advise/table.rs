//! The article's table of when to use what, and when not, as conditions on facts.
//!
//! Every entry of both columns is one condition. A row fits if something speaks for it and nothing
//! against; both is mixed, and a row nobody said anything about is open.

use super::facts::{Answers, Fact};

/// How a row stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// Something for it, nothing against.
    Fits,
    /// Something against it, nothing for.
    Against,
    /// Both.
    Mixed,
    /// Nothing that was said touches it.
    Open,
}

impl Fit {
    /// As a reader sees it.
    pub fn name(self) -> &'static str {
        match self {
            Fit::Fits => "fits",
            Fit::Against => "speaks against",
            Fit::Mixed => "mixed",
            Fit::Open => "open",
        }
    }
}

/// A condition: the fact, what it must be, and the table's words in short.
pub(super) type Condition = (Fact, bool, &'static str);

/// A row of the table.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) when: &'static [Condition],
    pub(super) when_not: &'static [Condition],
    pub(super) skep: (&'static str, bool),
}

/// A row as the answers judge it.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// The architecture, as the article names it.
    pub name: &'static str,
    /// How it stands.
    pub fit: Fit,
    /// What speaks for it.
    pub reasons_for: Vec<&'static str>,
    /// What speaks against it.
    pub reasons_against: Vec<&'static str>,
    /// The flags that would say more.
    pub unanswered: Vec<&'static str>,
    /// What of Skep answers it, and whether that exists.
    pub skep: (&'static str, bool),
}

pub(super) const ROWS: [Row; 8] = [
    Row {
        name: "Client-Side Sharding",
        when: &[
            (Fact::FewNodes, true, "fewer than ten nodes"),
            (Fact::LatencyCritical, true, "no hop to spare"),
            (Fact::ClientSimplicity, false, "clients may hold the logic"),
        ],
        when_not: &[
            (Fact::FewNodes, false, "ten nodes or more"),
            (Fact::ManyLanguages, true, "the logic once for each language"),
            (Fact::ClientSimplicity, true, "clients are to stay simple"),
        ],
        skep: ("nodes by themselves under a client that shards", true),
    },
    Row {
        name: "Proxy-Based Routing",
        when: &[
            (Fact::ManyLanguages, true, "many kinds of clients"),
            (Fact::ClientSimplicity, true, "clients see no topology"),
            (Fact::Managed, true, "a managed service"),
        ],
        when_not: &[
            (Fact::LatencyCritical, true, "a hop more"),
            (Fact::HighAvailability, true, "one proxy is one point of failure; run several"),
        ],
        skep: ("a node without slots that passes requests on", false),
    },
    Row {
        name: "Redis Cluster",
        when: &[
            (Fact::LargeData, true, "more than 10 GB"),
            (Fact::AutomaticFailover, true, "fails over by itself"),
            (Fact::ExceedsNode, true, "shards by itself"),
        ],
        when_not: &[
            (Fact::LargeData, false, "10 GB or less"),
            (Fact::StrictOrdering, true, "no order across slots"),
            (Fact::Transactions, true, "no transaction across slots"),
        ],
        skep: ("cluster mode", false),
    },
    Row {
        name: "Write-Through All Nodes",
        when: &[
            (Fact::FewNodes, true, "fewer than ten nodes"),
            (Fact::StrongConsistency, true, "every copy is written"),
            (Fact::HighWrites, false, "few writes"),
        ],
        when_not: &[
            (Fact::FewNodes, false, "the slowest of ten or more decides"),
            (Fact::HighWrites, true, "every write costs every node"),
            (Fact::StrongConsistency, false, "eventual consistency is enough"),
        ],
        skep: ("replication that acknowledges what every copy has", false),
    },
    Row {
        name: "Pub/Sub Invalidation",
        when: &[
            (Fact::MultiRegion, true, "several regions"),
            (Fact::StrongConsistency, false, "eventual consistency is enough"),
            (Fact::RealtimeInvalidation, true, "stale copies go at once"),
        ],
        when_not: &[
            (Fact::StrongConsistency, true, "a message may be late or lost"),
            (Fact::HighWrites, true, "a message for every write"),
        ],
        skep: ("SUBSCRIBE and PUBLISH", true),
    },
    Row {
        name: "Consistent Hashing",
        when: &[(Fact::FrequentChanges, true, "nodes come and go, and few keys move each time")],
        when_not: &[
            (Fact::FrequentChanges, false, "a fixed set of nodes needs no ring"),
            (Fact::StrictDistribution, true, "a ring's shares vary; a slot layout's do not"),
        ],
        skep: ("the ring layout of `planner` and of its library", true),
    },
    Row {
        name: "Sticky Sessions",
        when: &[
            (Fact::ManyInstances, false, "a simple deployment"),
            (Fact::DurableSessions, false, "sessions may be lost"),
            (Fact::CostSensitive, true, "no session store to pay for"),
        ],
        when_not: &[
            (Fact::HighAvailability, true, "a session ends with its instance"),
            (Fact::DurableSessions, true, "sessions must survive"),
        ],
        skep: ("nothing to do: the load balancer does it", true),
    },
    Row {
        name: "Distributed Sessions",
        when: &[
            (Fact::HighAvailability, true, "any instance can serve"),
            (Fact::ManyInstances, true, "several instances"),
            (Fact::DurableSessions, true, "sessions must survive"),
        ],
        when_not: &[
            (Fact::ManyInstances, false, "one instance needs no shared store"),
            (Fact::DurableSessions, false, "sessions may be lost"),
        ],
        skep: ("SET with EX on one node; replicas are planned", true),
    },
];

/// Judges every row, in the article's order.
pub fn judge(answers: &Answers) -> Vec<Judged> {
    ROWS.iter().map(|row| judged(row, answers)).collect()
}

fn judged(row: &Row, answers: &Answers) -> Judged {
    let met = |conditions: &[Condition]| -> Vec<&'static str> {
        let met = conditions.iter().filter(|(fact, is, _)| answers.get(*fact) == Some(*is));
        met.map(|(_, _, text)| *text).collect()
    };
    let (reasons_for, reasons_against) = (met(row.when), met(row.when_not));
    let fit = match (reasons_for.is_empty(), reasons_against.is_empty()) {
        (false, true) => Fit::Fits,
        (true, false) => Fit::Against,
        (false, false) => Fit::Mixed,
        (true, true) => Fit::Open,
    };
    let mut unanswered = Vec::new();
    for (fact, _, _) in row.when.iter().chain(row.when_not) {
        let flag = fact.question().flag;
        if answers.get(*fact).is_none() && !unanswered.contains(&flag) {
            unanswered.push(flag);
        }
    }
    Judged { name: row.name, fit, reasons_for, reasons_against, unanswered, skep: row.skep }
}
