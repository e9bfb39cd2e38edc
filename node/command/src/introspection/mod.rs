//! Commands about the server itself: what commands there are, options, figures, logs, and how to
//! stop it.
//!
//! Nothing here changes a key, except the few DEBUG subcommands that say so. Replies are bounded
//! by the command table, the options table, the slow log and the latency monitor.

pub(crate) mod catalogue;
pub(crate) mod config;
pub(crate) mod debug;
pub(crate) mod docs;
pub(crate) mod getkeys;
pub(crate) mod info;
pub(crate) mod latency;
pub(crate) mod lolwut;
pub(crate) mod memory;
pub(crate) mod module;
pub(crate) mod monitor;
pub(crate) mod persistence;
pub(crate) mod replication;
pub(crate) mod shutdown;
pub(crate) mod slowlog;
pub(crate) mod time;

use crate::cx::Cx;
use crate::error::CommandError;

/// The reply of a HELP subcommand, and what all of them end with.
pub(crate) fn help(cx: &mut Cx<'_>, lines: &[&str]) -> Result<(), CommandError> {
    const LAST: [&str; 2] = ["HELP", "    Print this help."];
    cx.reply.array(lines.len() + LAST.len());
    lines.iter().chain(&LAST).for_each(|line| cx.reply.simple(line));
    Ok(())
}

/// Publishes this worker's counters before they are shown or forgotten.
fn publish_figures(cx: &mut Cx<'_>) {
    let counters = *cx.view.counters();
    cx.server.publish_figures(cx.client, &counters, cx.statistics);
}

/// The container's words cannot be understood. Subcommands whose argument count Redis checks in
/// their handler answer so.
fn unknown_or_wrong_count(container: &str, word: &[u8]) -> CommandError {
    CommandError::subcommand_syntax(container, word)
}
