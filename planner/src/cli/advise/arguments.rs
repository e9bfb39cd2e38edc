//! What `planner advise` is told: each flag answers a question of the guide or of the table.

use clap::Args;

use crate::error::{PlanError, Result};
use crate::model::advise::{Answers, Fact, QUESTIONS};
use crate::model::capacity::{FRAGMENTATION_DEFAULT, NODES_MAX, RESERVE_DEFAULT};
use crate::quantity::Size;
use crate::report::{Report, Step, Unit};

/// From here on the article calls a cluster large.
const NODES_LARGE: u64 = 10;
/// Above it the article calls data large.
const DATA_LARGE_BYTES: u64 = 10 << 30;

/// Which architecture, by the article's decision guide, with reasons
///
/// What the guide needs and no flag says is asked in a terminal and is an error elsewhere; the other
/// flags decide rows of the table, which stay open without them. A node is taken to hold its memory
/// / 1.2 x 0.7, as planner size has it.
#[derive(Args, Debug)]
pub(crate) struct AdviseArgs {
    /// Data to hold
    #[arg(long, value_name = "SIZE")]
    data: Option<Size>,
    /// Memory of one node
    #[arg(long, value_name = "SIZE", requires = "data")]
    mem: Option<Size>,
    /// A node's failure must not be an outage
    #[arg(long, value_parser = ["yes", "no"])]
    ha: Option<String>,
    /// A replica takes over without people
    #[arg(long, value_parser = ["yes", "no"])]
    auto_failover: Option<String>,
    /// Clients are to know nothing of nodes
    #[arg(long, value_parser = ["yes", "no"])]
    client_simplicity: Option<String>,
    /// Nodes of the cluster
    #[arg(long, value_name = "N")]
    nodes: Option<u64>,
    /// Languages that clients are written in
    #[arg(long, value_parser = ["one", "many"])]
    languages: Option<String>,
    /// One network hop more is too slow
    #[arg(long, value_parser = ["yes", "no"], num_args = 0..=1, default_missing_value = "yes")]
    latency_critical: Option<String>,
    /// A managed service runs it
    #[arg(long, value_parser = ["yes", "no"], num_args = 0..=1, default_missing_value = "yes")]
    managed: Option<String>,
    /// Operations on several keys keep their order
    #[arg(long, value_parser = ["yes", "no"], num_args = 0..=1, default_missing_value = "yes")]
    strict_ordering: Option<String>,
    /// How much of the work is transactions
    #[arg(long, value_parser = ["light", "heavy"])]
    transactions: Option<String>,
    /// Whether a read sees the last write
    #[arg(long, value_parser = ["strong", "eventual"])]
    consistency: Option<String>,
    /// How many writes
    #[arg(long, value_parser = ["low", "high"])]
    write_volume: Option<String>,
    /// Several regions
    #[arg(long, value_parser = ["yes", "no"], num_args = 0..=1, default_missing_value = "yes")]
    multi_region: Option<String>,
    /// What changed is invalidated at once
    #[arg(long, value_parser = ["yes", "no"], num_args = 0..=1, default_missing_value = "yes")]
    realtime_invalidation: Option<String>,
    /// How often nodes come and go
    #[arg(long, value_parser = ["rare", "frequent"])]
    node_changes: Option<String>,
    /// Every node must have exactly its share of keys
    #[arg(long, value_parser = ["yes", "no"], num_args = 0..=1, default_missing_value = "yes")]
    strict_distribution: Option<String>,
    /// Whether sessions survive an instance of the application
    #[arg(long, value_parser = ["ephemeral", "durable"])]
    sessions: Option<String>,
    /// Instances of the application
    #[arg(long, value_parser = ["one", "many"])]
    instances: Option<String>,
    /// Cost decides
    #[arg(long, value_parser = ["yes", "no"], num_args = 0..=1, default_missing_value = "yes")]
    cost_sensitive: Option<String>,
}

impl AdviseArgs {
    /// The flags that are words, by their facts.
    fn words(&self) -> [(Fact, &Option<String>); 17] {
        [
            (Fact::HighAvailability, &self.ha),
            (Fact::AutomaticFailover, &self.auto_failover),
            (Fact::ClientSimplicity, &self.client_simplicity),
            (Fact::ManyLanguages, &self.languages),
            (Fact::LatencyCritical, &self.latency_critical),
            (Fact::Managed, &self.managed),
            (Fact::StrictOrdering, &self.strict_ordering),
            (Fact::Transactions, &self.transactions),
            (Fact::StrongConsistency, &self.consistency),
            (Fact::HighWrites, &self.write_volume),
            (Fact::MultiRegion, &self.multi_region),
            (Fact::RealtimeInvalidation, &self.realtime_invalidation),
            (Fact::FrequentChanges, &self.node_changes),
            (Fact::StrictDistribution, &self.strict_distribution),
            (Fact::DurableSessions, &self.sessions),
            (Fact::ManyInstances, &self.instances),
            (Fact::CostSensitive, &self.cost_sensitive),
        ]
    }
}

pub(super) fn read(args: &AdviseArgs, report: &mut Report) -> Result<Answers> {
    let mut answers = Answers::default();
    for (fact, word) in args.words() {
        if let Some(word) = word {
            answers.set(fact, word == fact.question().yes);
        }
    }
    if args.auto_failover.as_deref() == Some("yes") && args.ha.as_deref() == Some("no") {
        return Err(PlanError::usage(
            "--auto-failover yes needs replicas, which --ha no does without; say --ha yes, or leave \
             --auto-failover out",
        ));
    }
    if let Some(nodes) = args.nodes {
        if nodes == 0 || nodes > NODES_MAX {
            return Err(PlanError::usage(format!(
                "--nodes {nodes}: a cluster that can be planned for has 1 to {NODES_MAX} nodes"
            )));
        }
        report.input("nodes", nodes);
        answers.set(Fact::FewNodes, nodes < NODES_LARGE);
    }
    if let Some(data) = &args.data {
        let bytes = report.size_input("data", data);
        answers.set(Fact::LargeData, bytes > DATA_LARGE_BYTES);
        if let Some(mem) = &args.mem {
            let node_bytes = report.size_input("mem", mem);
            if node_bytes == 0 {
                return Err(PlanError::usage("--mem 0: a node without memory holds nothing"));
            }
            let step = node_holds(node_bytes);
            answers.set(Fact::ExceedsNode, bytes as f64 > step.value);
            report.steps.push(step);
        }
    }
    Ok(answers)
}

/// What one node holds.
fn node_holds(node_bytes: u64) -> Step {
    Step {
        id: "node_holds",
        label: "data that one node holds".to_owned(),
        formula: format!("{node_bytes} / {FRAGMENTATION_DEFAULT} x {}", 1.0 - RESERVE_DEFAULT),
        value: node_bytes as f64 / FRAGMENTATION_DEFAULT * (1.0 - RESERVE_DEFAULT),
        unit: Unit::Bytes,
        why: "memory is not data: some is lost between items, some is kept for spikes".to_owned(),
        source: "the article, Capacity Estimation; planner size --masters 1 --model physical",
    }
}

/// Records what is known as words, for the reader of the JSON.
pub(super) fn record(answers: &Answers, report: &mut Report) {
    for question in &QUESTIONS {
        if let Some(holds) = answers.get(question.fact) {
            report.input(question.id, if holds { question.yes } else { question.no });
        }
    }
}
