//! `planner mrc`: hit ratio by memory, and memory for a hit ratio, from an access trace.

mod arguments;
mod screen;
#[cfg(test)]
mod tests;

pub(super) use arguments::MrcArgs;

use super::Common;
use crate::error::Result;
use crate::model::mrc::Shards;
use crate::model::replica::Replica;
use crate::model::weight::item_bytes;
use crate::report::Report;

pub(super) fn run(args: &MrcArgs, common: &Common) -> Result<Report> {
    let mut report = Report::new("mrc", common.units());
    let request = arguments::read(args, &mut report)?;
    let mut shards = Shards::new(request.sampling);
    let mut replicas = Vec::new();
    for setup in &request.setups {
        replicas.push(Replica::new(setup)?);
    }
    args.trace.each(common, &mut report, |access, sizes| {
        shards.observe(access, || {
            let value_bytes = u64::from(sizes.of(access));
            let bytes = match request.node.process_bytes {
                0 => u64::from(access.key_bytes) + value_bytes,
                _ => item_bytes(access.key_bytes.into(), value_bytes, access.ttl_ms > 0),
            };
            u32::try_from(bytes).unwrap_or(u32::MAX)
        });
        if !replicas.is_empty() {
            let value_bytes = sizes.of(access);
            for replica in &mut replicas {
                replica.serve(access, value_bytes, access.time_ms);
            }
        }
        Ok(())
    })?;
    screen::fill(&mut report, &request, &shards, &replicas)?;
    Ok(report)
}
