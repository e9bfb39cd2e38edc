//! Failure domains, and what is lost by its name.

use super::arguments::{FailoverArgs, Loss};
use crate::cli::{shards, zones};
use crate::error::{PlanError, Result};
use crate::model::failover::{Cluster, MACHINES_MAX};

/// Zones or switches.
pub(super) struct Domains {
    /// What one of them is.
    pub(super) loss: Loss,
    pub(super) names: Vec<String>,
    /// Machines in each.
    pub(super) sizes: Vec<usize>,
}

/// The zones or switches that are given, if any are.
pub(super) fn read(args: &FailoverArgs) -> Result<Option<Domains>> {
    if let Some(size) = args.switch {
        return Ok(Some(switches(args, size)?));
    }
    let Some(parts) = &args.zones else { return Ok(None) };
    let zones = zones::parse(parts, "machines")?;
    let sizes = zones.iter().map(|zone| zone.nodes).collect();
    let names = zones.into_iter().map(|zone| zone.name).collect();
    Ok(Some(Domains { loss: Loss::Zone, names, sizes }))
}

fn switches(args: &FailoverArgs, size: u32) -> Result<Domains> {
    let machines = u64::from(args.masters) * (u64::from(args.replicas) + 1);
    if size == 0 {
        return Err(PlanError::usage("--switch 0: give the machines behind one switch, 1 or more"));
    }
    // More are refused when they are placed; the list of switches must end before.
    let machines = machines.min(MACHINES_MAX + 1) as usize;
    let size = (size as usize).min(machines.max(1));
    let count = machines.div_ceil(size);
    let sizes = (0..count).map(|at| size.min(machines - at * size)).collect();
    let names = (1..=count).map(|number| format!("switch-{number}")).collect();
    Ok(Domains { loss: Loss::Switch, names, sizes })
}

/// The machines' names.
pub(super) fn machine_names(domains: Option<&Domains>, machines: usize) -> Vec<String> {
    match domains.filter(|domains| domains.loss == Loss::Zone) {
        None => (1..=machines).map(|number| format!("node-{number}")).collect(),
        Some(domains) => {
            let zones = domains.names.iter().zip(&domains.sizes);
            zones
                .flat_map(|(name, size)| (1..=*size).map(move |number| format!("{name}-{number}")))
                .collect()
        }
    }
}

/// What of the cluster is lost by these names of machines and of domains; nothing without names.
pub(super) fn named(
    machines: &[String],
    lost_domains: &[String],
    domains: Option<&Domains>,
    cluster: &Cluster,
) -> Result<Option<(String, Vec<bool>)>> {
    if machines.is_empty() && lost_domains.is_empty() {
        return Ok(None);
    }
    let mut lost = vec![false; cluster.machines()];
    let names = machine_names(domains, cluster.machines());
    for name in machines {
        lost[find("--lose", "machine", name, &names)?] = true;
    }
    if !lost_domains.is_empty() {
        let known = domains.ok_or_else(|| {
            PlanError::usage(
                "--lose-zone: there are no zones; give --zones a=2,b=2,c=2, or --switch N",
            )
        })?;
        for name in lost_domains {
            let domain = find("--lose-zone", known.loss.name(), name, &known.names)?;
            for (is_lost, here) in lost.iter_mut().zip(cluster.of_domain(domain)) {
                *is_lost |= here;
            }
        }
    }
    let mut all: Vec<&str> = Vec::new();
    for name in lost_domains.iter().chain(machines) {
        if !all.contains(&name.as_str()) {
            all.push(name);
        }
    }
    Ok(Some((all.join(" + "), lost)))
}

fn find(argument: &str, what: &str, name: &str, names: &[String]) -> Result<usize> {
    names.iter().position(|known| known == name).ok_or_else(|| {
        let known = shards::shown(names);
        PlanError::usage(match name.is_empty() {
            true => format!("{argument} has an empty name in it; there are {known}"),
            false => format!("{argument} {name}: there is no {what} {name}; there are {known}"),
        })
    })
}
