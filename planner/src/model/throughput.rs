//! Operations a second that a cluster serves: the smallest of several limits, each with its reason.
//!
//! `primaries x what one serves` is an upper bound that only even traffic reaches; the busiest node
//! is full when the cluster serves that divided by the imbalance. Reads that go to replicas help as
//! far as operations read, since every copy applies every write. Limits fall when a node is lost.

use super::staffing::{self, rate_of};
use crate::quantity::{decimals, grouped};
use crate::report::{Step, Unit};

/// Share of a network's bits that carry data in full segments: 1,448 of 1,538 bytes with an MTU of
/// 1,500, TCP timestamps, and the frame, preamble and gap of Ethernet. Small packets get less.
pub const NETWORK_SHARE: f64 = 1448.0 / 1538.0;

const ARITHMETIC: &str = "arithmetic";
const ARTICLE: &str = "the article, \"Memcached cluster write capacity\"";

/// What serves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cluster {
    /// Primaries, at least one.
    pub primaries: u32,
    /// Replicas of each.
    pub replicas: u32,
    /// Whether clients read from replicas too.
    pub reads_replicas: bool,
    /// Operations a second that one node serves, if that was measured.
    pub node_ops: Option<f64>,
    /// Cores of a node and what they do.
    pub cores: Option<Cores>,
    /// What a node is connected with.
    pub network: Option<Network>,
}

/// Cores of a node.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cores {
    /// How many.
    pub count: f64,
    /// Seconds of one core that an operation takes.
    pub service_seconds: f64,
    /// How seldom anything may wait; see [`staffing`].
    pub quality: f64,
}

/// A node's network and what an operation carries.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Network {
    /// Bits a second in each direction.
    pub bits_per_second: f64,
    /// Bytes of a key.
    pub key_bytes: u64,
    /// Bytes of a value.
    pub value_bytes: u64,
}

/// What is asked of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Load {
    /// Share of operations that read, 0 to 1.
    pub reads: f64,
    /// The busiest node's load over the mean, at least 1.
    pub imbalance: f64,
    /// The most asked-for key's share of the traffic, if known.
    pub hottest: Option<f64>,
}

/// Something that bounds the cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    /// Stable name.
    pub name: &'static str,
    /// Operations a second of the whole cluster.
    pub ops: f64,
    /// How it is reckoned, with the numbers.
    pub formula: String,
    /// Why there.
    pub why: String,
}

/// Bytes of an operation at the primary's network, without TCP/IP headers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bytes {
    /// Received.
    pub received: f64,
    /// Sent, to clients and to replicas.
    pub sent: f64,
    /// At all copies together: a write is carried `1 + replicas` times.
    pub everywhere: f64,
}

/// What a cluster serves.
#[derive(Clone, Debug, PartialEq)]
pub struct Throughput {
    /// With even traffic.
    pub ideal: f64,
    /// Every limit, the smallest first; there is at least one.
    pub limits: Vec<Limit>,
    /// Of one key: what one shard serves.
    pub key_ops: f64,
    /// The smallest limit once a node is lost.
    pub after_loss: f64,
    /// Bytes of an operation, if there is a network.
    pub bytes: Option<Bytes>,
    /// The arithmetic.
    pub steps: Vec<Step>,
}

impl Throughput {
    /// What the cluster serves.
    pub fn ops(&self) -> f64 {
        self.limits.first().map_or(0.0, |limit| limit.ops)
    }
}

impl Cluster {
    /// What one node serves, by measurement or by its cores, whichever is less.
    pub fn node_ops(&self) -> f64 {
        let cores =
            self.cores.map(|cores| rate_of(cores.count, cores.service_seconds, cores.quality));
        match (self.node_ops, cores) {
            (Some(measured), Some(cores)) => measured.min(cores),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => 0.0,
        }
    }

    /// What one shard serves if `copies` nodes have it: each applies every write, and reads are
    /// shared if they may be.
    fn shard_ops(&self, reads: f64, copies: u32) -> f64 {
        let readers = if self.reads_replicas { f64::from(copies.max(1)) } else { 1.0 };
        self.node_ops() / ((1.0 - reads) + reads / readers)
    }

    /// Bytes of an operation at a primary whose shard has `copies` copies.
    fn bytes(&self, network: Network, reads: f64, copies: u32) -> Bytes {
        let writes = 1.0 - reads;
        let readers = if self.reads_replicas { f64::from(copies.max(1)) } else { 1.0 };
        let read_request = request(&[3, network.key_bytes]);
        let read_reply = bulk(network.value_bytes);
        let write_request = request(&[3, network.key_bytes, network.value_bytes]);
        let write_reply = b"+OK\r\n".len() as f64;
        let replicas = f64::from(copies.max(1)) - 1.0;
        Bytes {
            received: reads / readers * read_request + writes * write_request,
            sent: reads / readers * read_reply + writes * (write_reply + replicas * write_request),
            everywhere: reads * (read_request + read_reply)
                + writes * (write_request * (1.0 + replicas) + write_reply),
        }
    }
}

/// Bytes of a bulk string of the protocol: `$5\r\nhello\r\n`.
fn bulk(bytes: u64) -> f64 {
    let digits = bytes.max(1).ilog10() + 1;
    f64::from(digits) + 5.0 + bytes as f64
}

/// Bytes of a command with words of these lengths.
fn request(words: &[u64]) -> f64 {
    // `*3\r\n`, and fewer than ten words.
    4.0 + words.iter().map(|bytes| bulk(*bytes)).sum::<f64>()
}

/// Computes what a cluster serves.
///
/// `cluster` has a primary and says what a node serves; `load` is in its ranges.
pub fn throughput(cluster: &Cluster, load: &Load) -> Throughput {
    let copies = cluster.replicas.saturating_add(1);
    let key_ops = cluster.shard_ops(load.reads, copies);
    let ideal = f64::from(cluster.primaries) * key_ops;
    let mut limits = limits(cluster, load, copies, cluster.primaries);
    limits.sort_by(|one, other| one.ops.total_cmp(&other.ops));
    let bytes = cluster.network.map(|network| cluster.bytes(network, load.reads, copies));
    let mut found = Throughput {
        ideal,
        limits,
        key_ops,
        after_loss: after_loss(cluster, load),
        bytes,
        steps: Vec::new(),
    };
    found.steps = steps(cluster, load, &found);
    found
}

/// Every limit if each shard has `copies` copies.
fn limits(cluster: &Cluster, load: &Load, copies: u32, primaries: u32) -> Vec<Limit> {
    let primaries = f64::from(primaries);
    let shard = cluster.shard_ops(load.reads, copies);
    let by = match cluster.cores {
        Some(cores) if cluster.node_ops.is_none_or(|measured| measured > cluster.node_ops()) => {
            ("cores", format!("{} cores a node, and little waiting", trimmed(cores.count)))
        }
        _ => ("node throughput", "the busiest node is full".to_owned()),
    };
    let imbalance = decimals(load.imbalance, 3);
    let rate = decimals(shard, 0);
    let mut limits = vec![Limit {
        name: by.0,
        ops: primaries * shard / load.imbalance,
        formula: format!("{primaries} x {rate}/s / {imbalance}"),
        why: by.1,
    }];
    if let Some(network) = cluster.network {
        let bytes = cluster.bytes(network, load.reads, copies);
        let (most, direction) = match bytes.sent >= bytes.received {
            true => (bytes.sent, "sends"),
            false => (bytes.received, "receives"),
        };
        let node = network.bits_per_second * NETWORK_SHARE / 8.0;
        limits.push(Limit {
            name: "network",
            ops: primaries * node / most / load.imbalance,
            formula: format!(
                "{primaries} x {} bytes/s / {} bytes / {imbalance}",
                decimals(node, 0),
                decimals(most, 0)
            ),
            why: format!("a primary {direction} {} bytes an operation", decimals(most, 0)),
        });
    }
    if let Some(share) = load.hottest.filter(|share| *share > 0.0) {
        let percent = decimals(share * 100.0, 2);
        limits.push(Limit {
            name: "hottest key",
            ops: shard / share,
            formula: format!("{rate}/s / {percent} %"),
            why: format!("one shard serves it, and it is {percent} % of all"),
        });
    }
    limits
}

/// The smallest limit with one node less: a promoted replica is one copy less of its shard, while
/// the other shards are as they were; without replicas the others take over what the node had.
fn after_loss(cluster: &Cluster, load: &Load) -> f64 {
    let smallest = |copies, primaries| {
        let limits = limits(cluster, load, copies, primaries);
        limits.iter().map(|limit| limit.ops).fold(f64::INFINITY, f64::min)
    };
    match cluster.replicas {
        0 => smallest(1, cluster.primaries.saturating_sub(1)),
        replicas => {
            let whole = smallest(replicas.saturating_add(1), cluster.primaries);
            whole.min(smallest(replicas, cluster.primaries))
        }
    }
}

/// Without decimals where there are none.
fn trimmed(value: f64) -> String {
    let text = decimals(value, 2);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn steps(cluster: &Cluster, load: &Load, found: &Throughput) -> Vec<Step> {
    let rate = |value: f64| format!("{}/s", decimals(value, 0));
    let step = |id, label: &str, formula: String, value, why: &str, source| Step {
        id,
        label: label.to_owned(),
        formula,
        value,
        unit: Unit::PerSecond,
        why: why.to_owned(),
        source,
    };
    let node = cluster.node_ops();
    let mut steps = Vec::new();
    if let Some(cores) = cluster.cores {
        let busy = staffing::rate_of(cores.count, 1.0, cores.quality);
        steps.push(step(
            "cores",
            "what a node's cores serve",
            format!(
                "a / {} us with a + {} x sqrt(a) = {} cores, a = {}",
                trimmed(cores.service_seconds * 1e6),
                cores.quality,
                trimmed(cores.count),
                decimals(busy, 3)
            ),
            busy / cores.service_seconds,
            "cores that are busy all the time let everything wait",
            staffing::SOURCE,
        ));
    }
    if cluster.reads_replicas && cluster.replicas > 0 {
        steps.push(step(
            "replicas",
            "what a shard serves with its replicas",
            format!(
                "{} / ({} writes + {} reads / {} copies)",
                rate(node),
                trimmed(1.0 - load.reads),
                trimmed(load.reads),
                u64::from(cluster.replicas) + 1
            ),
            found.key_ops,
            "every copy applies every write; only reads are shared",
            ARITHMETIC,
        ));
    }
    let primaries = grouped(cluster.primaries.into());
    steps.push(step(
        "ideal",
        "with even traffic",
        format!("{primaries} x {}", rate(found.key_ops)),
        found.ideal,
        "each operation concerns one key and so one shard",
        ARTICLE,
    ));
    steps.push(step(
        "imbalance",
        "with the imbalance",
        format!("{} / {}", rate(found.ideal), decimals(load.imbalance, 3)),
        found.ideal / load.imbalance,
        "the busiest node is full first, and N x single is only an upper bound",
        ARITHMETIC,
    ));
    for limit in
        found.limits.iter().filter(|limit| ["network", "hottest key"].contains(&limit.name))
    {
        let id = if limit.name == "network" { "network" } else { "hottest_key" };
        let formula = limit.formula.clone();
        steps.push(step(id, limit.name, formula, limit.ops, &limit.why, ARITHMETIC));
    }
    steps.push(step(
        "after_loss",
        "after losing one node",
        match cluster.replicas {
            0 => format!("{} - 1 primaries", cluster.primaries),
            replicas => format!("the lost node's shard has {replicas} of {} copies", replicas + 1),
        },
        found.after_loss,
        "what must be served on the worst day, not on the best",
        ARITHMETIC,
    ));
    steps
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn even(primaries: u32, node_ops: f64) -> Cluster {
        Cluster {
            primaries,
            replicas: 0,
            reads_replicas: false,
            node_ops: Some(node_ops),
            cores: None,
            network: None,
        }
    }

    fn load(imbalance: f64) -> Load {
        Load { reads: 0.95, imbalance, hottest: None }
    }

    #[test]
    fn the_articles_ten_memcached_nodes_and_what_they_really_write() {
        for (imbalance, expected) in [(1.0, 2.00e6), (1.124, 1.78e6), (1.55, 1.29e6)] {
            let found = throughput(&even(10, 2e5), &load(imbalance));
            assert!((found.ops() - expected).abs() < 5e3, "{imbalance}: {}", found.ops());
            assert!((found.key_ops - 2e5).abs() < 1e-6, "one key is bound by one node");
            assert!((found.ideal - 2e6).abs() < 1e-6);
        }
    }

    #[test]
    fn replicas_serve_reads_and_apply_writes() {
        let cluster = Cluster { replicas: 1, reads_replicas: true, ..even(3, 1e5) };
        let of = |reads| throughput(&cluster, &Load { reads, ..load(1.0) });
        assert!((of(1.0).ops() - 6e5).abs() < 1e-3, "reads only: twice as much");
        assert!((of(0.0).ops() - 3e5).abs() < 1e-3, "writes only: no more");
        assert!((of(0.5).ops() - 4e5).abs() < 1e-3);
        assert!(
            (of(1.0).after_loss - 3e5).abs() < 1e-3,
            "the shard of the lost node is full first"
        );
        let idle = Cluster { reads_replicas: false, ..cluster };
        assert!((throughput(&idle, &load(1.0)).after_loss - 3e5).abs() < 1e-3);
        assert!((throughput(&even(3, 1e5), &load(1.0)).after_loss - 2e5).abs() < 1e-3);
        assert_eq!(throughput(&even(1, 1e5), &load(1.0)).after_loss, 0.0);
    }

    #[test]
    fn a_write_is_carried_to_every_replica() {
        let network = Network { bits_per_second: 1e9, key_bytes: 10, value_bytes: 1000 };
        let cluster = Cluster { replicas: 2, network: Some(network), ..even(1, 1e9) };
        let found = throughput(&cluster, &Load { reads: 0.0, ..load(1.0) });
        // *3 $3 SET $10 key $1000 value.
        let write = 4.0 + 9.0 + 17.0 + 1009.0;
        assert_eq!(found.bytes.unwrap().received, write);
        assert_eq!(found.bytes.unwrap().sent, 2.0 * write + 5.0);
        assert_eq!(found.bytes.unwrap().everywhere, 3.0 * write + 5.0);
        assert_eq!(found.limits[0].name, "network");
        assert!((found.ops() - 1e9 / 8.0 * NETWORK_SHARE / (2.0 * write + 5.0)).abs() < 1e-6);
    }

    #[test]
    fn the_smallest_limit_is_first_and_named() {
        let hot = Load { hottest: Some(0.5), ..load(1.0) };
        let found = throughput(&even(10, 2e5), &hot);
        assert_eq!(found.limits[0].name, "hottest key");
        assert!((found.ops() - 4e5).abs() < 1e-6);
        let cores = Cores { count: 1.0, service_seconds: 1e-5, quality: 2.375 };
        let found = throughput(&Cluster { cores: Some(cores), ..even(10, 2e5) }, &load(1.0));
        assert_eq!(found.limits[0].name, "cores");
    }

    proptest! {
        #[test]
        fn more_machines_serve_more_and_imbalance_takes_from_it(
            primaries in 1u32..5000, replicas in 0u32..5, reads_replicas: bool,
            node_ops in 1.0..1e8, reads in 0.0..=1.0, imbalance in 1.0..10.0,
            bits in 1e6..1e12, value_bytes in 0u64..1 << 30, hottest in 0.0..1.0,
        ) {
            let network = Some(Network { bits_per_second: bits, key_bytes: 20, value_bytes });
            let cluster = Cluster {
                primaries, replicas, reads_replicas, node_ops: Some(node_ops), cores: None, network,
            };
            let load = Load { reads, imbalance, hottest: Some(hottest) };
            let found = throughput(&cluster, &load);
            prop_assert!(found.ops().is_finite() && found.ops() > 0.0, "{found:?}");
            prop_assert!(found.after_loss >= 0.0 && found.after_loss <= found.ops() * (1.0 + 1e-9));
            prop_assert!(found.ops() <= found.ideal * (1.0 + 1e-9));
            let more = throughput(&Cluster { primaries: primaries + 1, ..cluster }, &load);
            prop_assert!(more.ops() >= found.ops() * (1.0 - 1e-12));
            let worse = throughput(&cluster, &Load { imbalance: imbalance + 0.5, ..load });
            prop_assert!(worse.ops() <= found.ops() * (1.0 + 1e-12));
            for step in &found.steps {
                prop_assert!(step.value.is_finite() && step.value >= 0.0, "{step:?}");
            }
        }
    }
}
