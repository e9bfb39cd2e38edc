//! What the guide and the table ask, as questions with two answers each.

use std::collections::BTreeMap;

/// Something that is so or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fact {
    /// The data is more than one node holds.
    ExceedsNode,
    /// A node's failure must not be an outage.
    HighAvailability,
    /// Nobody is there to promote a replica.
    AutomaticFailover,
    /// Clients are to know nothing of nodes.
    ClientSimplicity,
    /// Fewer than ten nodes.
    FewNodes,
    /// More than 10 GB.
    LargeData,
    /// Clients in several languages.
    ManyLanguages,
    /// A hop more is too much.
    LatencyCritical,
    /// Somebody else runs it.
    Managed,
    /// Operations on several keys keep their order.
    StrictOrdering,
    /// Many transactions.
    Transactions,
    /// A read sees the last write.
    StrongConsistency,
    /// Many writes, each of which invalidates.
    HighWrites,
    /// Several regions.
    MultiRegion,
    /// What changed must go at once.
    RealtimeInvalidation,
    /// Nodes come and go often.
    FrequentChanges,
    /// Nodes must have exactly their share of keys.
    StrictDistribution,
    /// Sessions outlive an instance.
    DurableSessions,
    /// Several instances of the application.
    ManyInstances,
    /// Cost decides.
    CostSensitive,
}

/// How a fact is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Question {
    /// What it is about.
    pub fact: Fact,
    /// Stable name.
    pub id: &'static str,
    /// The flag, or flags.
    pub flag: &'static str,
    /// The word for yes, which is the fact.
    pub yes: &'static str,
    /// The word for no.
    pub no: &'static str,
    /// What a person is asked; the guide's own words where it asks.
    pub guide: &'static str,
}

impl Question {
    /// The flag with its words.
    pub fn usage(&self) -> String {
        match self.fact {
            Fact::ExceedsNode => "--data SIZE --mem SIZE".to_owned(),
            Fact::LargeData => "--data SIZE".to_owned(),
            Fact::FewNodes => "--nodes N".to_owned(),
            _ => format!("{} {}|{}", self.flag, self.yes, self.no),
        }
    }
}

const fn ask(
    fact: Fact,
    flag: [&'static str; 2],
    words: [&'static str; 2],
    guide: &'static str,
) -> Question {
    Question { fact, id: flag[0], flag: flag[1], yes: words[0], no: words[1], guide }
}

const YES_NO: [&str; 2] = ["yes", "no"];

/// Every question, those of the guide first, in the order of [`Fact`].
pub const QUESTIONS: [Question; 20] = [
    ask(Fact::ExceedsNode, ["exceeds_node", "--data, --mem"], YES_NO, "Memory > Single Node?"),
    ask(Fact::HighAvailability, ["ha", "--ha"], YES_NO, "Need HA?"),
    ask(
        Fact::AutomaticFailover,
        ["auto_failover", "--auto-failover"],
        YES_NO,
        "Need Automatic Failover?",
    ),
    ask(
        Fact::ClientSimplicity,
        ["client_simplicity", "--client-simplicity"],
        YES_NO,
        "Client Simplicity?",
    ),
    ask(Fact::FewNodes, ["few_nodes", "--nodes"], YES_NO, "Fewer than ten nodes?"),
    ask(Fact::LargeData, ["large_data", "--data"], YES_NO, "More than 10 GB of data?"),
    ask(
        Fact::ManyLanguages,
        ["languages", "--languages"],
        ["many", "one"],
        "Clients in how many languages?",
    ),
    ask(
        Fact::LatencyCritical,
        ["latency_critical", "--latency-critical"],
        YES_NO,
        "Is one network hop more too slow?",
    ),
    ask(Fact::Managed, ["managed", "--managed"], YES_NO, "Does a managed service run it?"),
    ask(
        Fact::StrictOrdering,
        ["strict_ordering", "--strict-ordering"],
        YES_NO,
        "Must operations on several keys keep their order?",
    ),
    ask(
        Fact::Transactions,
        ["transactions", "--transactions"],
        ["heavy", "light"],
        "How much of the work is transactions?",
    ),
    ask(
        Fact::StrongConsistency,
        ["consistency", "--consistency"],
        ["strong", "eventual"],
        "Which consistency?",
    ),
    ask(Fact::HighWrites, ["write_volume", "--write-volume"], ["high", "low"], "How many writes?"),
    ask(Fact::MultiRegion, ["multi_region", "--multi-region"], YES_NO, "In several regions?"),
    ask(
        Fact::RealtimeInvalidation,
        ["realtime_invalidation", "--realtime-invalidation"],
        YES_NO,
        "Must what changed be invalidated at once?",
    ),
    ask(
        Fact::FrequentChanges,
        ["node_changes", "--node-changes"],
        ["frequent", "rare"],
        "How often do nodes come and go?",
    ),
    ask(
        Fact::StrictDistribution,
        ["strict_distribution", "--strict-distribution"],
        YES_NO,
        "Must every node have exactly its share of keys?",
    ),
    ask(
        Fact::DurableSessions,
        ["sessions", "--sessions"],
        ["durable", "ephemeral"],
        "Must sessions survive an application instance?",
    ),
    ask(
        Fact::ManyInstances,
        ["instances", "--instances"],
        ["many", "one"],
        "How many instances has the application?",
    ),
    ask(Fact::CostSensitive, ["cost_sensitive", "--cost-sensitive"], YES_NO, "Does cost decide?"),
];

impl Fact {
    /// How it is asked for.
    pub fn question(self) -> &'static Question {
        &QUESTIONS[self as usize]
    }
}

/// What is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers(BTreeMap<Fact, bool>);

impl Answers {
    /// Whether a fact is so; none if nobody said.
    pub fn get(&self, fact: Fact) -> Option<bool> {
        self.0.get(&fact).copied()
    }

    /// Says whether a fact is so.
    pub fn set(&mut self, fact: Fact, holds: bool) {
        self.0.insert(fact, holds);
    }
}

impl FromIterator<(Fact, bool)> for Answers {
    fn from_iter<I: IntoIterator<Item = (Fact, bool)>>(facts: I) -> Answers {
        Answers(facts.into_iter().collect())
    }
}
