//! The node in figures, in Prometheus's text format 0.0.4.
//!
//! There is one table of metrics ([`metrics`]); the page is written from it. Names that begin with
//! `redis_` are those of redis_exporter, which public dashboards and alerts ask for; `cache_` ones
//! are of the alerts that people write for clusters; `skep_` ones are our own. The number of lines is
//! bounded by the commands, databases and nodes there are, and by how many names of clients are
//! counted apart.

mod cluster;
mod commands;
mod memory;
mod server;
#[cfg(test)]
mod tests;
mod traffic;

use std::fmt::Write as _;

use crate::admin::facts::ClusterFacts;
use crate::info::Facts;
use crate::node::Node;

/// Of the page.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A row of the table.
struct Metric {
    name: &'static str,
    kind: Kind,
    help: &'static str,
    /// The field of INFO that says the same, perhaps in another unit; empty: none.
    #[cfg_attr(not(test), expect(dead_code, reason = "checked against INFO by a test"))]
    info: &'static str,
    read: Read,
}

/// How values behave over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Only grows, until a restart or CONFIG RESETSTAT.
    Counter,
    Gauge,
    Histogram,
    Summary,
}

/// How to get the values.
enum Read {
    One(fn(&Facts<'_>) -> f64),
    /// Only a node of a cluster has it.
    OfCluster(fn(&ClusterFacts) -> f64),
    /// Any number, with labels.
    Labelled(fn(&Facts<'_>, &mut Samples<'_>)),
}

const fn gauge(
    name: &'static str,
    info: &'static str,
    help: &'static str,
    read: fn(&Facts<'_>) -> f64,
) -> Metric {
    Metric { name, kind: Kind::Gauge, help, info, read: Read::One(read) }
}

const fn counter(
    name: &'static str,
    info: &'static str,
    help: &'static str,
    read: fn(&Facts<'_>) -> f64,
) -> Metric {
    Metric { name, kind: Kind::Counter, help, info, read: Read::One(read) }
}

const fn labelled(
    name: &'static str,
    kind: Kind,
    help: &'static str,
    read: fn(&Facts<'_>, &mut Samples<'_>),
) -> Metric {
    Metric { name, kind, help, info: "", read: Read::Labelled(read) }
}

/// All metrics, in the order of the page.
fn metrics() -> impl Iterator<Item = &'static Metric> {
    [server::METRICS, memory::METRICS, traffic::METRICS, commands::METRICS, cluster::METRICS]
        .into_iter()
        .flatten()
}

/// The page.
pub(super) fn page(node: &Node) -> String {
    page_of(&Facts::new(node))
}

fn page_of(facts: &Facts<'_>) -> String {
    let mut page = String::new();
    for metric in metrics() {
        let mut text = String::new();
        let mut samples = Samples { name: metric.name, text: &mut text };
        match metric.read {
            Read::One(read) => samples.add(&[], read(facts)),
            Read::OfCluster(read) => {
                facts.cluster().into_iter().for_each(|facts| samples.add(&[], read(facts)));
            }
            Read::Labelled(read) => read(facts, &mut samples),
        }
        // A metric that this node has nothing to say about is left out whole.
        if !text.is_empty() {
            let (name, kind, help) = (metric.name, metric.kind.name(), metric.help);
            let _ = write!(page, "# HELP {name} {help}\n# TYPE {name} {kind}\n{text}");
        }
    }
    page
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
            Kind::Summary => "summary",
        }
    }
}

/// Takes the values of one metric.
struct Samples<'a> {
    name: &'static str,
    text: &'a mut String,
}

impl Samples<'_> {
    /// A value under these labels.
    fn add(&mut self, labels: &[(&str, &str)], value: f64) {
        self.add_to("", labels, value);
    }

    /// A value of a part of the metric: `_bucket`, `_sum` or `_count`.
    fn add_to(&mut self, part: &str, labels: &[(&str, &str)], value: f64) {
        let _ = write!(self.text, "{}{part}", self.name);
        for (at, (label, text)) in labels.iter().enumerate() {
            let before = if at == 0 { '{' } else { ',' };
            let _ = write!(self.text, "{before}{label}=\"{}\"", escaped(text));
        }
        let end = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.text, "{end} {value}");
    }
}

/// The value of a label as the format has it.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
