//! Which architecture: the article's decision guide walked, and its table of when to use what judged.
//!
//! Promise: the same answers give the same advice; nothing is assumed. What the guide needs and was
//! not told is an error that names the flag; what only the table needs leaves a row open.

mod facts;
mod table;
#[cfg(test)]
mod tests;

pub use facts::{Answers, Fact, QUESTIONS, Question};
pub use table::{Fit, Judged, judge};

use crate::error::{PlanError, Result};
use crate::report::{Step, Unit};

/// Where the path is from.
pub const SOURCE: &str = "the article, Decision Guide";

/// The guide's leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaf {
    /// All of it on one node.
    SingleNode,
    /// Something in between routes.
    Proxy,
    /// The client knows which node has a key.
    ClientSide,
    /// Replicas that are promoted without people.
    AutomaticFailover,
    /// Replicas that somebody promotes.
    ManualPromotion,
}

impl Leaf {
    /// All of them.
    pub const ALL: [Leaf; 5] = [
        Leaf::SingleNode,
        Leaf::Proxy,
        Leaf::ClientSide,
        Leaf::AutomaticFailover,
        Leaf::ManualPromotion,
    ];

    /// Stable name.
    pub fn id(self) -> &'static str {
        match self {
            Leaf::SingleNode => "single-node",
            Leaf::Proxy => "proxy",
            Leaf::ClientSide => "client-side-sharding",
            Leaf::AutomaticFailover => "automatic-failover",
            Leaf::ManualPromotion => "manual-promotion",
        }
    }

    /// As the guide calls it.
    pub fn name(self) -> &'static str {
        match self {
            Leaf::SingleNode => "Single Node Cache",
            Leaf::Proxy => "Proxy-Based Routing",
            Leaf::ClientSide => "Client-Side Sharding",
            Leaf::AutomaticFailover => "Sentinel or Redis Cluster",
            Leaf::ManualPromotion => "Manual Replica Promotion",
        }
    }

    /// What of Skep answers it, and whether that exists.
    pub fn skep(self) -> (&'static str, bool) {
        match self {
            Leaf::SingleNode => ("one `skep`, which uses all the cores it is given", true),
            Leaf::Proxy => ("a node without slots that passes requests on", false),
            Leaf::ClientSide => {
                ("several `skep` nodes, each by itself, under a client that shards", true)
            }
            Leaf::AutomaticFailover => {
                ("cluster mode, or replicated mode that answers as Sentinel", false)
            }
            Leaf::ManualPromotion => ("replicas, and a failover that somebody asks for", false),
        }
    }
}

/// What the guide says, and how it came there.
#[derive(Clone, Debug, PartialEq)]
pub struct Advice {
    /// Where the path ended.
    pub leaf: Leaf,
    /// A step for each question of the path, its value 1 for yes and 0 for no.
    pub steps: Vec<Step>,
    /// What the guide does not say about this path: id, what, and what to do.
    pub gaps: Vec<(&'static str, &'static str, &'static str)>,
}

/// The guide's first question without an answer on the path that the answers take; none once they
/// reach a leaf.
pub fn open_question(answers: &Answers) -> Option<Fact> {
    let second = match answers.get(Fact::ExceedsNode) {
        None => return Some(Fact::ExceedsNode),
        Some(false) => return None,
        Some(true) => answers.get(Fact::HighAvailability),
    };
    let last = match second {
        None => return Some(Fact::HighAvailability),
        Some(true) => Fact::AutomaticFailover,
        Some(false) => Fact::ClientSimplicity,
    };
    answers.get(last).is_none().then_some(last)
}

/// Walks the guide.
///
/// # Errors
/// [`PlanError::Usage`] with the flag of the question that the path came to and that has no answer.
pub fn advise(answers: &Answers) -> Result<Advice> {
    if let Some(fact) = open_question(answers) {
        return Err(missing(answers, fact));
    }
    let mut steps = Vec::new();
    let mut asks = |fact: Fact, yes: &str, no: &str| {
        let question = fact.question();
        let answer = answers.get(fact) == Some(true);
        steps.push(Step {
            id: question.id,
            label: question.guide.to_owned(),
            formula: format!("{} -> {}", question.flag, if answer { "yes" } else { "no" }),
            value: f64::from(u8::from(answer)),
            unit: Unit::Count,
            why: if answer { yes.to_owned() } else { no.to_owned() },
            source: SOURCE,
        });
        answer
    };
    let leaf = if !asks(
        Fact::ExceedsNode,
        "no single node holds it, so it has to be spread",
        "one node holds it, and what is not distributed has nothing to coordinate",
    ) {
        Leaf::SingleNode
    } else if asks(
        Fact::HighAvailability,
        "a node's failure must not be an outage: every shard needs a copy elsewhere",
        "a node's failure may cost its part of the cache: shards without copies do",
    ) {
        let is_automatic = asks(
            Fact::AutomaticFailover,
            "nobody is to be woken: the servers agree among themselves who takes over",
            "somebody promotes a replica, and until then its shard takes no writes",
        );
        if is_automatic { Leaf::AutomaticFailover } else { Leaf::ManualPromotion }
    } else {
        let is_simple = asks(
            Fact::ClientSimplicity,
            "clients stay as they are; the proxy knows the nodes, for a hop more",
            "clients know the nodes themselves, which saves the hop",
        );
        if is_simple { Leaf::Proxy } else { Leaf::ClientSide }
    };
    Ok(Advice { leaf, steps, gaps: gaps(leaf, answers) })
}

fn missing(answers: &Answers, fact: Fact) -> PlanError {
    let path = [
        Fact::ExceedsNode,
        Fact::HighAvailability,
        Fact::AutomaticFailover,
        Fact::ClientSimplicity,
    ];
    let needed = path.into_iter().filter(|&other| {
        let is_possible = match other {
            Fact::AutomaticFailover => answers.get(Fact::HighAvailability) != Some(false),
            Fact::ClientSimplicity => answers.get(Fact::HighAvailability) != Some(true),
            _ => true,
        };
        is_possible && answers.get(other).is_none()
    });
    let flags: Vec<String> = needed.map(|other| other.question().usage()).collect();
    PlanError::usage(format!(
        "the decision guide asks \"{}\" and was not told; it can come to need: {}",
        fact.question().guide,
        flags.join(", ")
    ))
}

/// Where the guide is silent or says two things at once.
fn gaps(leaf: Leaf, answers: &Answers) -> Vec<(&'static str, &'static str, &'static str)> {
    let wants_copies = answers.get(Fact::HighAvailability) == Some(true);
    match leaf {
        Leaf::SingleNode if wants_copies => vec![(
            "guide-skips-availability",
            "the guide asks about availability only when the data exceeds a node, and --ha is yes",
            "give the node a replica, or let the database carry the load while it restarts",
        )],
        Leaf::AutomaticFailover => vec![(
            "sentinel-does-not-shard",
            "Sentinel watches one data set and spreads nothing, and this one exceeds a node",
            "take the cluster, or one Sentinel group for each shard of a client that shards",
        )],
        Leaf::ManualPromotion => vec![(
            "replicas-do-not-shard",
            "a replica is as large as its primary: alone, replicas do not make room",
            "spread the data first (planner slots), then give each shard its replica",
        )],
        _ => Vec::new(),
    }
}
