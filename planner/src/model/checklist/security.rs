//! Who may come in, and who may listen.

use std::net::IpAddr;

use super::{Findings, Status};
use crate::model::acl::{User, Weight};
use crate::model::profile::{NodeProfile, Profile};
use crate::quantity::decimals;

/// With fewer keys that have a prefix, nobody can be restricted to his own.
const PREFIXED_MIN: f64 = 0.5;
/// Addresses that mean all of them.
const EVERYWHERE: [&str; 4] = ["*", "0.0.0.0", "::", "::*"];

pub(super) fn check(profile: &Profile, findings: &mut Findings) {
    let from = findings.mark();
    for node in &profile.nodes {
        check_node(node, findings);
        check_users(node, findings);
    }
    prefixes(profile, findings);
    if profile.nodes.is_empty() {
        return;
    }
    for (id, what) in [
        ("authentication", "clients need a password"),
        ("encryption", "clients and nodes talk over TLS"),
        ("network", "nodes listen on private addresses only"),
        ("protected_mode", "nobody comes in from outside without a password"),
    ] {
        findings.close(id, from, what, String::new());
    }
    if profile.nodes.iter().any(has_tls) {
        findings.close("node_identity", from, "nodes ask for certificates", String::new());
    }
    let has_acl = |row: &super::Finding| row.id.starts_with("acl_");
    if !findings.rows[from..].iter().any(has_acl)
        && profile.nodes.iter().any(|node| node.users.is_some())
    {
        findings.fine("acl", "no user has more than it seems to", "ACL LIST");
    }
}

/// How a node is reached and guarded.
pub(super) fn check_node(node: &NodeProfile, findings: &mut Findings) {
    let reach = Reach::of(node);
    authentication(node, reach, findings);
    if node.config.is_none() {
        for (id, what) in [
            ("network", "where it listens"),
            ("encryption", "TLS"),
            ("protected_mode", "protected mode"),
        ] {
            findings.unchecked(id, &node.address, what, "CONFIG GET could not be read");
        }
        return;
    }
    if reach == Reach::World {
        findings.add(
            "network",
            Status::Warning,
            &node.address,
            "it listens on every address, or on a public one",
            format!("bind {}", node.option("bind").unwrap_or_default()),
            "in the configuration: bind 10.0.1.1 -::1 (the internal address), and a firewall",
        );
    }
    if node.option("protected-mode") == Some("no") && needs_password(node) != Some(true) {
        findings.add(
            "protected_mode",
            if reach == Reach::Machine { Status::Warning } else { Status::Critical },
            &node.address,
            "protected mode is off and no password is needed",
            "protected-mode no",
            node.command("CONFIG SET protected-mode yes"),
        );
    }
    encryption(node, reach, findings);
    if node.option("enable-debug-command") == Some("yes") {
        findings.add(
            "debug_command",
            Status::Warning,
            &node.address,
            "DEBUG works from everywhere, and can stop the server",
            "enable-debug-command yes",
            "in the configuration: enable-debug-command no (or local)",
        );
    }
}

/// From where a node can be reached, as far as its own configuration says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// From its machine alone.
    Machine,
    /// From a private network.
    Network,
    /// From anywhere that routes to it.
    World,
}

impl Reach {
    fn of(node: &NodeProfile) -> Reach {
        let Some(bind) = node.option("bind") else { return Reach::Network };
        // Nothing means everything.
        let words = if bind.trim().is_empty() { "*" } else { bind };
        let reaches = words.split_whitespace().map(|word| {
            let word = word.trim_start_matches('-');
            match word.parse::<IpAddr>() {
                _ if EVERYWHERE.contains(&word) => Reach::World,
                Ok(address) if address.is_loopback() => Reach::Machine,
                Ok(IpAddr::V4(address)) if address.is_private() || address.is_link_local() => {
                    Reach::Network
                }
                Ok(IpAddr::V6(address))
                    if address.is_unique_local() || address.is_unicast_link_local() =>
                {
                    Reach::Network
                }
                Ok(_) => Reach::World,
                // A name.
                Err(_) => Reach::Network,
            }
        });
        reaches.fold(Reach::Machine, |most, one| match (most, one) {
            (Reach::World, _) | (_, Reach::World) => Reach::World,
            (Reach::Network, _) | (_, Reach::Network) => Reach::Network,
            _ => Reach::Machine,
        })
    }
}

/// Whether the default user needs a password; nothing if nobody told.
fn needs_password(node: &NodeProfile) -> Option<bool> {
    let users: Vec<User> =
        node.users.iter().flatten().filter_map(|line| User::parse(line)).collect();
    if let Some(user) = users.iter().find(|user| user.name == "default") {
        return Some(!(user.is_on && user.needs_no_password));
    }
    node.option("requirepass").map(|password| !password.is_empty())
}

fn authentication(node: &NodeProfile, reach: Reach, findings: &mut Findings) {
    match needs_password(node) {
        Some(true) => {}
        Some(false) => {
            // Protected mode turns away all but the own machine while there is no password.
            let is_guarded = node.option("protected-mode") == Some("yes");
            let is_open = reach == Reach::World && !is_guarded;
            findings.add(
                "authentication",
                if is_open { Status::Critical } else { Status::Warning },
                &node.address,
                match reach {
                    Reach::Machine => "everybody on its machine may come in without a password",
                    _ if is_guarded => "it needs no password; only protected mode keeps others out",
                    _ => "everybody who reaches it may come in without a password",
                },
                match node.users.is_some() {
                    true => "user default on nopass",
                    false => "requirepass is empty",
                },
                "CONFIG SET requirepass and masterauth, or ACL SETUSER default off and users of \
                 their own",
            );
        }
        None => findings.unchecked(
            "authentication",
            &node.address,
            "whether a password is needed",
            "neither ACL LIST nor CONFIG GET requirepass could be read",
        ),
    }
}

fn has_tls(node: &NodeProfile) -> bool {
    node.option("tls-port").is_some_and(|port| port != "0")
}

fn encryption(node: &NodeProfile, reach: Reach, findings: &mut Findings) {
    let is_on = |name: &str| node.option(name) == Some("yes");
    let port = node.option("tls-port");
    if !has_tls(node) {
        let (status, what) = match (reach, port) {
            (Reach::Machine, _) => {
                (Status::Note, "clients talk without TLS, on this machine alone")
            }
            (_, None) => (Status::Warning, "it has no TLS: put a tunnel or a proxy before it"),
            (_, Some(_)) => (Status::Warning, "clients talk without TLS: passwords can be read"),
        };
        findings.add(
            "encryption",
            status,
            &node.address,
            what,
            port.map_or("no option tls-port", |_| "tls-port 0"),
            "tls-port 6379, port 0, tls-cert-file, tls-key-file, tls-ca-cert-file",
        );
        return;
    }
    let links = [
        ("cluster", "tls-cluster", node.mode == "cluster"),
        ("replication", "tls-replication", true),
    ];
    for (what, option, is_used) in links {
        if is_used && !is_on(option) {
            findings.add(
                "encryption",
                Status::Warning,
                &node.address,
                format!("nodes talk without TLS: their {what}"),
                format!("{option} {}", node.option(option).unwrap_or("unknown")),
                node.command(&format!("CONFIG SET {option} yes")),
            );
        }
    }
    if node.option("tls-auth-clients") == Some("no") {
        findings.add(
            "node_identity",
            Status::Warning,
            &node.address,
            "certificates of clients and nodes are not asked for",
            "tls-auth-clients no",
            node.command("CONFIG SET tls-auth-clients yes"),
        );
    }
}

/// What users may do.
pub(super) fn check_users(node: &NodeProfile, findings: &mut Findings) {
    for line in node.users.iter().flatten() {
        let Some(user) = User::parse(line) else { continue };
        for remark in user.remarks() {
            let status = match remark.weight {
                Weight::Critical => Status::Critical,
                Weight::Warning => Status::Warning,
                Weight::Note => Status::Note,
            };
            let (what, evidence) = (remark.what, remark.evidence);
            let fix = match remark.fix.starts_with("ACL ") {
                true => node.command(&remark.fix),
                false => remark.fix,
            };
            findings.add(remark.id, status, &node.address, what, evidence, fix);
        }
    }
}

/// Keys without prefixes belong to everybody.
fn prefixes(profile: &Profile, findings: &mut Findings) {
    let Some(sample) = profile.sample.as_ref().filter(|sample| sample.keys > 0) else {
        findings.add(
            "key_prefixes",
            Status::Unchecked,
            "",
            "could not be checked: whether keys have prefixes",
            "no key was looked at",
            "give --samples, and a user who may SCAN",
        );
        return;
    };
    let share = sample.prefixed as f64 / sample.keys as f64;
    let evidence = format!("{} % of {} keys have one", decimals(share * 100.0, 1), sample.keys);
    match share < PREFIXED_MIN {
        true => findings.add(
            "key_prefixes",
            Status::Warning,
            "",
            "keys have no prefix: applications can collide, and no ACL can tell them apart",
            evidence,
            "name keys app:kind:id, and restrict users to ~app:*",
        ),
        false => findings.fine("key_prefixes", "keys have prefixes", evidence),
    }
}
