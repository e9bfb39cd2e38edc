//! The checklists of a distributed cache, row by row, against what was read of one.
//!
//! A row is fine, found wanting, not to be checked because something could not be read, or a matter
//! for people. Nothing is silently fine: a row that was not judged says so.
//!
//! Rows and thresholds are those of the source article (observability, security, pitfalls and
//! deployment checklists) but where a constant says otherwise.

mod memory;
mod plan;
mod replication;
mod security;
#[cfg(test)]
mod tests;
mod topology;

pub use plan::Plan;

use super::profile::{NodeProfile, Profile};

/// How a row stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Data or service is at risk now.
    Critical,
    /// It will hurt.
    Warning,
    /// It could not be read.
    Unchecked,
    /// Worth knowing.
    Note,
    /// Only people can know.
    ByHand,
    /// As it should be.
    Fine,
}

impl Status {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Status::Critical => "critical",
            Status::Warning => "warning",
            Status::Unchecked => "unchecked",
            Status::Note => "note",
            Status::ByHand => "by hand",
            Status::Fine => "fine",
        }
    }
}

/// A row of a checklist, judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Stable name of the row.
    pub id: &'static str,
    /// How it stands.
    pub status: Status,
    /// Of which node; empty if it is about all.
    pub node: String,
    /// What was found.
    pub what: String,
    /// The figures that say so.
    pub evidence: String,
    /// The command, or what to do.
    pub fix: String,
}

/// Findings as they are made.
#[derive(Debug, Default)]
pub struct Findings {
    rows: Vec<Finding>,
}

impl Findings {
    fn add(
        &mut self,
        id: &'static str,
        status: Status,
        node: &str,
        what: impl Into<String>,
        evidence: impl Into<String>,
        fix: impl Into<String>,
    ) {
        let (node, what) = (node.to_owned(), what.into());
        self.rows.push(Finding {
            id,
            status,
            node,
            what,
            evidence: evidence.into(),
            fix: fix.into(),
        });
    }

    fn fine(&mut self, id: &'static str, what: impl Into<String>, evidence: impl Into<String>) {
        self.add(id, Status::Fine, "", what, evidence, "");
    }

    fn unchecked(&mut self, id: &'static str, node: &str, what: &str, why: impl Into<String>) {
        let what = format!("could not be checked: {what}");
        self.add(id, Status::Unchecked, node, what, why, "give a user who may read it");
    }

    /// Adds that all is well, unless something about the row was found since `from`.
    fn close(&mut self, id: &'static str, from: usize, what: &str, evidence: String) {
        if !self.rows[from..].iter().any(|row| row.id == id) {
            self.fine(id, what, evidence);
        }
    }

    fn mark(&self) -> usize {
        self.rows.len()
    }
}

/// A row that only people can judge.
const BY_HAND: [(&str, &str, &str); 8] = [
    (
        "failover_tested",
        "a failover was tested before production",
        "redis-cli -h REPLICA CLUSTER FAILOVER, while the application runs",
    ),
    (
        "clients_follow_moved",
        "clients refresh their slot map on MOVED, and retry with back-off",
        "count MOVED errors in the application during a failover",
    ),
    (
        "alerts",
        "alerts: node down, lag over 10 MB, slots not covered, memory over 80 %",
        "planner validate --fail-on warn in a timer is one way",
    ),
    ("events_logged", "changes of topology and failovers are logged", "watch the server's log"),
    (
        "state_backed_up",
        "nodes.conf, users.acl and the configuration are kept elsewhere",
        "copy them",
    ),
    (
        "invalidation",
        "lost invalidation messages are repaired: pub/sub is fire and forget",
        "give keys a time to live, or reconcile periodically",
    ),
    (
        "quiet_resharding",
        "slots are moved when traffic is low",
        "planner reshard says how long it takes",
    ),
    (
        "sentinels",
        "if Sentinel is used: at least 3, quorum n/2+1, with a password",
        "SENTINEL MASTERS",
    ),
];

/// Judges every row.
pub fn check(profile: &Profile, plan: Option<&Plan>) -> Vec<Finding> {
    let mut findings = Findings::default();
    unread(profile, &mut findings);
    topology::check(profile, &mut findings);
    replication::check(profile, &mut findings);
    memory::check(profile, &mut findings);
    security::check(profile, &mut findings);
    if let Some(plan) = plan {
        plan.check(profile, &mut findings);
    }
    for (id, what, fix) in BY_HAND {
        findings.add(id, Status::ByHand, "", what, "", fix);
    }
    sorted(findings)
}

/// Judges users and options of files alone: no server was read.
pub fn check_guards(nodes: &[NodeProfile]) -> Vec<Finding> {
    let mut findings = Findings::default();
    for node in nodes {
        security::check_users(node, &mut findings);
        if node.config.is_some() {
            security::check_node(node, &mut findings);
        }
    }
    sorted(findings)
}

/// The worst first, otherwise as the rows come.
fn sorted(findings: Findings) -> Vec<Finding> {
    let mut rows = findings.rows;
    rows.sort_by_key(|row| row.status);
    rows
}

/// What could not be read is not fine.
fn unread(profile: &Profile, findings: &mut Findings) {
    for unread in &profile.unread {
        let id = match unread.what.as_str() {
            "node" => "node_readable",
            "CONFIG" => "config_readable",
            "ACL" => "acl_readable",
            "sample" => "keys_readable",
            _ => "cluster_readable",
        };
        let what = match id {
            "node_readable" => "the node: it may be down",
            _ => &unread.what,
        };
        findings.unchecked(id, &unread.node, what, unread.why.as_str());
    }
}
