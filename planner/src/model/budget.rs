//! What is left of a machine's memory for a cache, after all that is not data.

use crate::error::{PlanError, Result};
use crate::quantity::{ByteUnit, Units, grouped};
use crate::report::{Step, Unit};

/// What a connection takes at rest (measured on the node: used_memory grew by 2,877 bytes for each of
/// 10,000 connections that had asked something). One that sends much at once holds more meanwhile.
pub const CONNECTION_BYTES: u64 = 3 << 10;

/// What a machine's memory is spent on besides data, in bytes of one node.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overheads {
    /// The system and other programs.
    pub system_bytes: u64,
    /// The node itself, without keys.
    pub fixed_bytes: u64,
    /// Connections, and what each may hold.
    pub connections: u64,
    /// See `connections`.
    pub connection_bytes: u64,
    /// Replication backlog or lane buffers.
    pub backlog_bytes: u64,
    /// Plugins: instances x their memory limit.
    pub plugin_bytes: u64,
    /// Buffers of slot migration.
    pub migration_bytes: u64,
}

impl Overheads {
    /// Whether there is nothing to take off.
    pub fn is_none(&self) -> bool {
        self.total_bytes() == 0
    }

    fn connections_bytes(&self) -> u64 {
        self.connections.saturating_mul(self.connection_bytes)
    }

    /// All together.
    pub fn total_bytes(&self) -> u64 {
        let parts = [
            self.system_bytes,
            self.fixed_bytes,
            self.connections_bytes(),
            self.backlog_bytes,
            self.plugin_bytes,
            self.migration_bytes,
        ];
        parts.into_iter().fold(0, u64::saturating_add)
    }

    /// Name, bytes and reason of each part that takes something.
    pub fn parts(&self) -> Vec<(&'static str, u64, String)> {
        let connections = format!(
            "{} connections x {} bytes",
            grouped(self.connections),
            grouped(self.connection_bytes)
        );
        let all = [
            ("system", self.system_bytes, "the system and other programs".to_owned()),
            ("node", self.fixed_bytes, "the node itself, without keys".to_owned()),
            ("connections", self.connections_bytes(), connections),
            ("backlog", self.backlog_bytes, "what replicas may be behind by".to_owned()),
            ("plugins", self.plugin_bytes, "instances x memory limit".to_owned()),
            ("migration", self.migration_bytes, "slots on their way".to_owned()),
        ];
        all.into_iter().filter(|(_, bytes, _)| *bytes > 0).collect()
    }
}

/// What a node of this memory has for data: its `maxmemory`.
///
/// # Errors
/// Nothing is left; the text names the largest part.
pub fn data_memory(node_bytes: u64, overheads: &Overheads) -> Result<(u64, Vec<Step>)> {
    let total = overheads.total_bytes();
    let Some(left) = node_bytes.checked_sub(total).filter(|&left| left > 0) else {
        let largest = overheads.parts().into_iter().max_by_key(|(_, bytes, _)| *bytes);
        let (name, bytes, _) = largest.unwrap_or(("nothing", 0, String::new()));
        let unit = |bytes: u64| ByteUnit::of(bytes, Units::Binary).brief(bytes);
        return Err(PlanError::usage(format!(
            "a node of {} has nothing left for data: {} alone takes {}; give more --mem or less of it",
            unit(node_bytes),
            name,
            unit(bytes)
        )));
    };
    let mut steps: Vec<Step> = overheads
        .parts()
        .into_iter()
        .map(|(name, bytes, why)| Step {
            id: "overhead",
            label: format!("taken by: {name}"),
            formula: format!("{} bytes of a node", grouped(bytes)),
            value: bytes as f64,
            unit: Unit::Bytes,
            why,
            source: "the caller; defaults measured on the node",
        })
        .collect();
    steps.push(Step {
        id: "maxmemory",
        label: "left for maxmemory".to_owned(),
        formula: format!("{} - {}", grouped(node_bytes), grouped(total)),
        value: left as f64,
        unit: Unit::Bytes,
        why: "what the cache may fill; the rest of the machine needs the other part".to_owned(),
        source: "arithmetic",
    });
    Ok((left, steps))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_is_named_and_what_is_left_is_said() {
        let overheads = Overheads {
            system_bytes: 1 << 30,
            connections: 10_000,
            connection_bytes: 20 << 10,
            ..Overheads::default()
        };
        let (left, steps) = data_memory(16 << 30, &overheads).unwrap();
        assert_eq!(left, (16 << 30) - (1 << 30) - 10_000 * (20 << 10));
        assert_eq!(steps.len(), 3);
        let error = data_memory(1 << 29, &overheads).unwrap_err().to_string();
        assert!(error.contains("system alone takes 1 GB"), "{error}");
        let endless = Overheads { connections: u64::MAX, connection_bytes: u64::MAX, ..overheads };
        assert!(data_memory(u64::MAX, &endless).is_err());
    }
}
