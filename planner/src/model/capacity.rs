//! How much data fits into a cluster: memory, less what replicas, fragmentation and headroom take.
//!
//! `usable = primaries x memory x (1 - replication) / fragmentation x (1 - reserve)`. What stands for
//! *replication* is where people differ, so it has a name: see [`Model`].

use crate::error::{PlanError, Result};
use crate::quantity::{ByteUnit, decimals};
use crate::report::Step;

/// Nodes that a plan may have.
pub const NODES_MAX: u64 = 100_000;
/// The article's fragmentation factor.
pub const FRAGMENTATION_DEFAULT: f64 = 1.2;
/// The article's headroom.
pub const RESERVE_DEFAULT: f64 = 0.3;
/// Share of a node's memory at which the article's alert fires.
pub const ALERT_SHARE: f64 = 0.8;

const ARTICLE: &str = "the article, \"Cluster memory sizing formula\"";
const ARITHMETIC: &str = "arithmetic";

/// What replication takes from the primaries' memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Model {
    /// As the article reckons: a third for one replica, nothing for none. It has no other figure.
    Article,
    /// Nothing: replicas live on nodes of their own, and cost machines.
    Physical,
    /// What so many shards held must fit into the others when they are lost for good.
    Survive(u32),
    /// As physical, with fragmentation and the cost of items as read from a running server.
    Measured,
    /// Replicas share the primaries' machines, so every byte is there `replicas + 1` times.
    Colocated,
    /// A share given by the caller.
    Overhead(f64),
}

impl Model {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Model::Article => "article",
            Model::Physical => "physical",
            Model::Measured => "measured",
            Model::Survive(_) => "survive",
            Model::Colocated => "colocated",
            Model::Overhead(_) => "overhead",
        }
    }
}

/// Machines and who is on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// Shards, each with one primary.
    pub primaries: u32,
    /// Replicas of each primary.
    pub replicas: u32,
    /// Memory of one node that a cache may fill.
    pub node_bytes: u64,
}

impl Cluster {
    /// Machines needed: replicas have their own, unless they share the primaries'.
    pub fn nodes(&self, model: Model) -> u64 {
        match model {
            Model::Colocated => u64::from(self.primaries),
            _ => u64::from(self.primaries) * (u64::from(self.replicas) + 1),
        }
    }

    /// Memory of all machines.
    pub fn bought_bytes(&self, model: Model) -> f64 {
        self.nodes(model) as f64 * self.node_bytes as f64
    }
}

/// How memory is lost to holes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fragmentation {
    /// Resident over used memory, at least 1: divides.
    Factor(f64),
    /// Share of memory in holes, below 1: multiplies by its complement.
    Waste(f64),
}

impl Fragmentation {
    /// Checks the range that gives the quantity its meaning.
    ///
    /// # Errors
    /// A factor below 1, or a waste of 1 or more; the text has the conversion.
    pub fn checked(self) -> Result<Fragmentation> {
        match self {
            Fragmentation::Factor(factor) if !factor.is_finite() || factor > 1e6 => {
                Err(PlanError::usage(format!("--fragmentation {factor} is no usable factor")))
            }
            Fragmentation::Factor(factor) if factor < 1.0 => {
                let hint = match factor > 0.0 {
                    true => format!(
                        "; a share of memory lost to holes is --waste {factor}, \
                         which is --fragmentation {}",
                        decimals(1.0 / (1.0 - factor), 3)
                    ),
                    false => String::new(),
                };
                Err(PlanError::usage(format!(
                    "--fragmentation {factor}: resident over used memory is at least 1{hint}"
                )))
            }
            Fragmentation::Waste(waste) if waste >= 1.0 => Err(PlanError::usage(format!(
                "--waste {waste}: a share of memory is below 1{}",
                match waste > 1.0 && waste.is_finite() {
                    true => format!(
                        "; a ratio of resident to used memory is --fragmentation {waste}, \
                         which is --waste {}",
                        decimals(1.0 - 1.0 / waste, 3)
                    ),
                    false => String::new(),
                }
            ))),
            Fragmentation::Waste(waste) if !(0.0..1.0).contains(&waste) => {
                Err(PlanError::usage(format!("--waste {waste}: a share is between 0 and 1")))
            }
            checked => Ok(checked),
        }
    }

    /// The ratio of resident to used memory.
    pub fn factor(self) -> f64 {
        match self {
            Fragmentation::Factor(factor) => factor,
            Fragmentation::Waste(waste) => 1.0 / (1.0 - waste),
        }
    }
}

/// What is taken from memory before data gets it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Deductions {
    /// What replication takes.
    pub model: Model,
    /// What holes take.
    pub fragmentation: Fragmentation,
    /// Share kept free, 0 to below 1.
    pub reserve: f64,
}

/// What is left after each deduction, in bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Capacity {
    /// Memory of the primaries (of all machines where replicas share them).
    pub primary_bytes: f64,
    /// After replication.
    pub effective_bytes: f64,
    /// After fragmentation.
    pub unfragmented_bytes: f64,
    /// After headroom: what data may take.
    pub usable_bytes: f64,
    /// The share that replication took.
    pub replication: f64,
    /// How the share is written: `1/3`.
    pub replication_text: String,
    /// The arithmetic.
    pub steps: Vec<Step>,
}

/// Computes what fits.
///
/// # Errors
/// A cluster without primaries or memory, a reserve of everything, or replicas for which the
/// article has no figure.
pub fn capacity(cluster: &Cluster, deductions: &Deductions) -> Result<Capacity> {
    check(cluster, deductions)?;
    let (replication, replication_text) = replication(cluster, deductions.model)?;
    let fragmentation = deductions.fragmentation.checked()?;
    let primary_bytes = f64::from(cluster.primaries) * cluster.node_bytes as f64;
    let effective_bytes = primary_bytes * (1.0 - replication);
    let unfragmented_bytes = effective_bytes / fragmentation.factor();
    let usable_bytes = unfragmented_bytes * (1.0 - deductions.reserve);
    let mut capacity = Capacity {
        primary_bytes,
        effective_bytes,
        unfragmented_bytes,
        usable_bytes,
        replication,
        replication_text,
        steps: Vec::new(),
    };
    capacity.steps = steps(cluster, deductions, &capacity);
    Ok(capacity)
}

fn check(cluster: &Cluster, deductions: &Deductions) -> Result<()> {
    if cluster.primaries == 0 {
        return Err(PlanError::usage("--masters 0 holds nothing; give at least 1"));
    }
    let nodes = u64::from(cluster.primaries) * (u64::from(cluster.replicas) + 1);
    if nodes > NODES_MAX {
        return Err(PlanError::usage(format!(
            "{nodes} nodes are more than the {NODES_MAX} that can be planned for; \
             lower --masters or --replicas"
        )));
    }
    if cluster.node_bytes == 0 {
        return Err(PlanError::usage("--mem 0 holds nothing; give the memory of one node"));
    }
    if !(0.0..1.0).contains(&deductions.reserve) {
        let text = format!("--reserve {}", deductions.reserve);
        return Err(PlanError::usage(format!("{text} leaves nothing; give less than 100%")));
    }
    Ok(())
}

/// The share of the primaries' memory that replication takes, and how it is written.
fn replication(cluster: &Cluster, model: Model) -> Result<(f64, String)> {
    let primaries = cluster.primaries;
    match (model, cluster.replicas) {
        (Model::Physical | Model::Measured, _) | (Model::Article | Model::Colocated, 0) => {
            Ok((0.0, "none".to_owned()))
        }
        (Model::Article, 1) => Ok((1.0 / 3.0, "1/3".to_owned())),
        (Model::Article, replicas) => Err(PlanError::usage(format!(
            "the article gives no figure for {replicas} replicas; \
             pass --replication-overhead, or use --model physical"
        ))),
        (Model::Survive(lost), _) if lost >= primaries => Err(PlanError::usage(format!(
            "--survive {lost}: nothing is left of {primaries} shards; \
             give more --masters or a smaller --survive"
        ))),
        (Model::Survive(lost), _) => {
            Ok((f64::from(lost) / f64::from(primaries), format!("{lost}/{primaries}")))
        }
        (Model::Colocated, replicas) => {
            let copies = f64::from(replicas) + 1.0;
            Ok((1.0 - 1.0 / copies, format!("{replicas}/{copies}")))
        }
        (Model::Overhead(share), _) if (0.0..1.0).contains(&share) => {
            Ok((share, format!("{} %", decimals(share * 100.0, 1))))
        }
        (Model::Overhead(share), _) => Err(PlanError::usage(format!(
            "--replication-overhead {share} leaves nothing; give less than 100%"
        ))),
    }
}

fn steps(cluster: &Cluster, deductions: &Deductions, capacity: &Capacity) -> Vec<Step> {
    let unit = ByteUnit::of(cluster.node_bytes, crate::quantity::Units::Binary);
    let (why, source) = replication_reason(deductions.model);
    let text = |bytes: f64| unit.text(bytes);
    let holes = match deductions.fragmentation {
        Fragmentation::Factor(factor) => format!("/ {factor}"),
        Fragmentation::Waste(waste) => format!("x (1 - {waste})"),
    };
    let reserve = deductions.reserve;
    vec![
        Step::bytes(
            "primary",
            "primary memory",
            format!("{} x {}", cluster.primaries, unit.brief(cluster.node_bytes)),
            capacity.primary_bytes,
            "every shard's data is in the memory of one primary",
            ARITHMETIC,
        ),
        Step::bytes(
            "replication",
            "replication overhead",
            format!("{} x (1 - {})", text(capacity.primary_bytes), capacity.replication_text),
            capacity.effective_bytes,
            why,
            source,
        ),
        Step::bytes(
            "fragmentation",
            "fragmentation",
            format!("{} {holes}", text(capacity.effective_bytes)),
            capacity.unfragmented_bytes,
            "an allocator holds more than it gave out; the factor is resident over used memory",
            "the article: 1.1 to 1.5; its example divides by 1.2",
        ),
        Step::bytes(
            "headroom",
            "headroom",
            format!("{} x (1 - {reserve})", text(capacity.unfragmented_bytes)),
            capacity.usable_bytes,
            "spikes, resharding and a failed neighbour's keys need room",
            "the article: keep 30 % headroom for spikes",
        ),
    ]
}

/// Why a model deducts what it does.
fn replication_reason(model: Model) -> (&'static str, &'static str) {
    match model {
        Model::Article => (
            "a third is what the article charges for one replica; for three shards it equals the \
             reserve for losing one of them. Replicas on nodes of their own take no space from \
             primaries: --model physical",
            ARTICLE,
        ),
        Model::Physical | Model::Measured => {
            ("replicas live on nodes of their own: they cost machines", ARITHMETIC)
        }
        Model::Survive(_) => {
            ("the lost shards' data must fit into the remaining ones: (N - s) / N", ARITHMETIC)
        }
        Model::Colocated => (
            "primaries and replicas share the machines: each byte is there R + 1 times",
            ARITHMETIC,
        ),
        Model::Overhead(_) => ("a share given with --replication-overhead", "the caller"),
    }
}

/// The fewest primaries that hold `data_bytes`, or nothing if [`NODES_MAX`] nodes do not.
///
/// # Errors
/// As [`capacity`].
pub fn primaries_for(
    data_bytes: f64,
    replicas: u32,
    node_bytes: u64,
    deductions: &Deductions,
) -> Result<Option<u32>> {
    let most = (NODES_MAX / (u64::from(replicas) + 1)) as u32;
    let least = match deductions.model {
        Model::Survive(lost) => lost.saturating_add(1),
        _ => 1,
    };
    let holds = |primaries: u32| -> Result<bool> {
        let cluster = Cluster { primaries, replicas, node_bytes };
        Ok(capacity(&cluster, deductions)?.usable_bytes >= data_bytes)
    };
    if least > most || !holds(most)? {
        return Ok(None);
    }
    // Capacity rises with the number of primaries under every model.
    let (mut low, mut high) = (least, most);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle)? { high = middle } else { low = middle + 1 }
    }
    Ok(Some(low))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GIB: f64 = (1u64 << 30) as f64;

    fn usable_gib(primaries: u32, replicas: u32, model: Model, factor: f64) -> f64 {
        let cluster = Cluster { primaries, replicas, node_bytes: 16 << 30 };
        let fragmentation = Fragmentation::Factor(factor);
        let deductions = Deductions { model, fragmentation, reserve: 0.3 };
        capacity(&cluster, &deductions).unwrap().usable_bytes / GIB
    }

    #[test]
    fn every_reading_of_the_articles_example() {
        let close = |value: f64, expected: f64| assert!((value - expected).abs() < 0.05, "{value}");
        close(usable_gib(3, 1, Model::Article, 1.2), 18.7);
        close(usable_gib(3, 1, Model::Physical, 1.2), 28.0);
        close(usable_gib(3, 1, Model::Survive(1), 1.2), 18.7);
        close(usable_gib(3, 1, Model::Colocated, 1.2), 14.0);
        close(usable_gib(3, 1, Model::Article, 1.1), 20.4);
        close(usable_gib(3, 1, Model::Article, 1.5), 14.9);
        close(usable_gib(6, 1, Model::Article, 1.2), 37.3);
        close(usable_gib(6, 1, Model::Survive(1), 1.2), 46.7);
        close(usable_gib(3, 0, Model::Article, 1.2), 28.0);
    }

    #[test]
    fn what_the_article_does_not_say_is_not_made_up() {
        let cluster = Cluster { primaries: 3, replicas: 2, node_bytes: 1 << 34 };
        let fragmentation = Fragmentation::Factor(1.2);
        let deductions = Deductions { model: Model::Article, fragmentation, reserve: 0.3 };
        let error = capacity(&cluster, &deductions).unwrap_err().to_string();
        assert!(error.contains("no figure for 2 replicas"), "{error}");
    }

    #[test]
    fn a_factor_and_a_waste_out_of_range_come_with_the_conversion() {
        let error = Fragmentation::Factor(0.2).checked().unwrap_err().to_string();
        assert!(error.contains("--waste 0.2") && error.contains("1.250"), "{error}");
        let error = Fragmentation::Waste(1.2).checked().unwrap_err().to_string();
        assert!(error.contains("--fragmentation 1.2") && error.contains("0.167"), "{error}");
        for wrong in [Fragmentation::Factor(f64::NAN), Fragmentation::Waste(f64::NAN)] {
            assert!(wrong.checked().is_err());
        }
    }

    fn models() -> impl Strategy<Value = Model> {
        prop_oneof![
            Just(Model::Article),
            Just(Model::Physical),
            (1u32..3).prop_map(Model::Survive),
            Just(Model::Colocated),
            (0.0..0.9).prop_map(Model::Overhead),
        ]
    }

    proptest! {
        #[test]
        fn capacity_rises_with_machines_and_falls_with_deductions(
            primaries in 4u32..500, model in models(), node_bytes in 1u64 << 20..1 << 40,
            factor in 1.0..3.0, reserve in 0.0..0.9,
        ) {
            let usable = |primaries, node_bytes, factor, reserve| {
                let cluster = Cluster { primaries, replicas: 1, node_bytes };
                let fragmentation = Fragmentation::Factor(factor);
                let deductions = Deductions { model, fragmentation, reserve };
                capacity(&cluster, &deductions).unwrap().usable_bytes
            };
            let base = usable(primaries, node_bytes, factor, reserve);
            prop_assert!(base > 0.0);
            prop_assert!(usable(primaries + 1, node_bytes, factor, reserve) > base);
            prop_assert!(usable(primaries, node_bytes * 2, factor, reserve) > base);
            prop_assert!(usable(primaries, node_bytes, factor + 0.1, reserve) < base);
            prop_assert!(usable(primaries, node_bytes, factor, reserve + 0.05) < base);
        }

        #[test]
        fn the_smallest_cluster_holds_the_data_and_one_smaller_does_not(
            data_bytes in 1e6..1e15, model in models(), node_bytes in 1u64 << 30..1 << 38,
        ) {
            let fragmentation = Fragmentation::Factor(1.2);
            let deductions = Deductions { model, fragmentation, reserve: 0.3 };
            let usable = |primaries| {
                let cluster = Cluster { primaries, replicas: 1, node_bytes };
                capacity(&cluster, &deductions).map(|capacity| capacity.usable_bytes)
            };
            if let Some(primaries) = primaries_for(data_bytes, 1, node_bytes, &deductions).unwrap() {
                prop_assert!(usable(primaries).unwrap() >= data_bytes);
                if primaries > 1 && let Ok(smaller) = usable(primaries - 1) {
                    prop_assert!(smaller < data_bytes);
                }
            } else {
                prop_assert!(usable((NODES_MAX / 2) as u32).unwrap() < data_bytes);
            }
        }
    }
}
