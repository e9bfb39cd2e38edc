//! The arguments of `planner size` about what a node's memory is spent on besides data.

use clap::Args;

use crate::error::Result;
use crate::model::budget::{CONNECTION_BYTES, Overheads, data_memory};
use crate::quantity::{Count, Size};
use crate::report::{Block, Cell, Report, Table};

/// What a node's memory is spent on besides data
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Node budget (taken off --mem first)")]
pub(crate) struct OverheadArgs {
    /// For the system and other programs
    #[arg(long, value_name = "SIZE")]
    os_reserve: Option<Size>,
    /// For the node itself, without keys
    #[arg(long, value_name = "SIZE")]
    node_fixed: Option<Size>,
    /// Clients connected to one node
    #[arg(long, value_name = "COUNT")]
    connections: Option<Count>,
    /// What one connection may hold in its buffers [default: 3K]
    #[arg(long, value_name = "SIZE", requires = "connections")]
    connection_buffer: Option<Size>,
    /// For what replicas may be behind by
    #[arg(long, value_name = "SIZE")]
    backlog: Option<Size>,
    /// For plugins: instances x their memory limit
    #[arg(long, value_name = "SIZE")]
    plugin_memory: Option<Size>,
    /// For slots on their way
    #[arg(long, value_name = "SIZE")]
    migration_buffer: Option<Size>,
}

impl OverheadArgs {
    /// What is left of a node for data. Records steps, and a table if anything is taken.
    pub(super) fn apply(&self, node_bytes: u64, report: &mut Report) -> Result<u64> {
        let units = report.units;
        let bytes = |size: &Option<Size>| size.as_ref().map_or(0, |size| size.bytes(units));
        let connection_bytes =
            self.connection_buffer.as_ref().map_or(CONNECTION_BYTES, |size| size.bytes(units));
        let overheads = Overheads {
            system_bytes: bytes(&self.os_reserve),
            fixed_bytes: bytes(&self.node_fixed),
            connections: self.connections.map_or(0, |count| count.0),
            connection_bytes,
            backlog_bytes: bytes(&self.backlog),
            plugin_bytes: bytes(&self.plugin_memory),
            migration_bytes: bytes(&self.migration_buffer),
        };
        if overheads.is_none() {
            return Ok(node_bytes);
        }
        let (left, steps) = data_memory(node_bytes, &overheads)?;
        report.steps.extend(steps);
        let mut table = Table::new("budget", ["of one node", "bytes", "for"]);
        table.row([Cell::text("memory"), Cell::Bytes(node_bytes), Cell::Empty]);
        for (name, bytes, why) in overheads.parts() {
            table.row([Cell::text(format!("- {name}")), Cell::Bytes(bytes), Cell::Text(why)]);
        }
        table.row([Cell::text("maxmemory"), Cell::Bytes(left), Cell::text("data")]);
        report.block(Block::Table(table));
        report.figure("maxmemory_bytes", left);
        Ok(left)
    }
}
