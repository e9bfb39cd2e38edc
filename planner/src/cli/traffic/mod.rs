//! Arguments that say how traffic is spread over keys: for every command whose answer depends on it.

mod counted;
mod group;
mod seen;
mod server;

use std::path::PathBuf;

use clap::Args;

use crate::cli::Common;
use crate::error::{PlanError, Result};
use crate::model::placement::{SEED_DEFAULT, TRIALS_DEFAULT, Trials};
use crate::model::popularity::{Group, Popularity};
use crate::quantity::{Count, Share, decimals, grouped};
use crate::report::Report;
use crate::report::cell::finite;
use crate::trace;
use counted::{listed, traced};
use group::{HotGroup, KeysOf};
use seen::Seen;
use server::ServerArgs;

/// Keys if the caller does not say.
const KEYS_DEFAULT: u64 = 1_000_000;
/// Share of operations that read if nothing says it.
pub(super) const READS_DEFAULT: f64 = 0.95;
/// Ranks that are shown of a law.
const RANKS_SHOWN: [u64; 5] = [1, 2, 3, 10, 100];

/// How traffic is spread over keys.
#[derive(Args, Debug)]
#[command(next_help_heading = "Traffic")]
pub(super) struct TrafficArgs {
    /// Traffic by Zipf's law with this exponent; caches have 0.6 to 1.4
    #[arg(long, value_name = "ALPHA", conflicts_with_all = ["hot", "key_share", "top_file", "trace", "from"])]
    zipf: Option<f64>,
    /// Keys in all [default: 1M]
    #[arg(long, value_name = "COUNT")]
    keys: Option<Count>,
    /// A group of keys and its traffic: 1%=50%, or 20=30% for 20 keys; may be given again
    #[arg(long, value_name = "KEYS=SHARE", conflicts_with_all = ["top_file", "trace", "from"])]
    hot: Vec<HotGroup>,
    /// One key with this share of the traffic; may be given again
    #[arg(long, value_name = "SHARE", conflicts_with_all = ["top_file", "trace", "from"])]
    key_share: Vec<Share>,
    /// A CSV file of keys and how often each was asked for: key,count
    #[arg(long, value_name = "FILE", conflicts_with_all = ["trace", "from"])]
    top_file: Option<PathBuf>,
    /// A trace of what clients asked for; - is the standard input
    #[arg(long, value_name = "FILE", conflicts_with = "from")]
    trace: Option<PathBuf>,
    /// How the trace is written [default: told by its name or its first line]
    #[arg(long, value_enum, requires = "trace")]
    trace_format: Option<trace::Format>,
    #[command(flatten)]
    server: ServerArgs,
    /// Requests in all, if a file or a server names only the top [default: the sum of the file; what
    /// the server says]
    #[arg(long, value_name = "COUNT")]
    total: Option<Count>,
    /// Placements that are tried
    #[arg(long, value_name = "COUNT", default_value_t = TRIALS_DEFAULT)]
    trials: u32,
    /// Where chance starts: the same seed gives the same answer
    #[arg(long, value_name = "NUMBER", default_value_t = SEED_DEFAULT)]
    seed: u64,
}

/// A share as people write it: `1 %`, `0.5 %`.
pub(super) fn percent(share: f64) -> String {
    let text = decimals(share * 100.0, 2);
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text} %")
}

/// Keys to say something about.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Named {
    pub(super) label: String,
    pub(super) group: Group,
    /// Where it is, if it is one key with a name.
    pub(super) slot: Option<u16>,
}

/// Traffic as understood.
#[derive(Clone, Debug)]
pub(super) struct Traffic {
    /// In words.
    pub(super) text: String,
    pub(super) popularity: Popularity,
    /// Keys in all, with those that get no traffic.
    pub(super) keys: u64,
    /// The hot ones.
    pub(super) named: Vec<Named>,
    /// Groups given as shares of a number of keys that was not given.
    pub(super) of_any_size: Vec<HotGroup>,
    /// What was seen beside the keys' counts, if there was anything to see.
    pub(super) seen: Option<Seen>,
}

impl Traffic {
    /// The share of operations that read: as given, as seen, or [`READS_DEFAULT`].
    pub(super) fn reads(&self, given: Option<Share>) -> f64 {
        let seen = self.seen.as_ref().and_then(|seen| seen.reads);
        given.map(|share| share.0).or(seen).unwrap_or(READS_DEFAULT)
    }

    /// With the share of operations that read, as it was counted.
    fn with_reads(mut self, reads: f64) -> Traffic {
        if let Some(seen) = &mut self.seen {
            seen.reads = Some(reads);
        }
        self
    }
}

impl TrafficArgs {
    /// How often to place the keys.
    pub(super) fn trials(&self) -> Trials {
        Trials { count: self.trials, seed: self.seed }
    }

    /// What is said of the traffic, or nothing.
    ///
    /// # Errors
    /// Arguments that contradict each other; a list that cannot be read.
    pub(super) fn read(&self, common: &Common, report: &mut Report) -> Result<Option<Traffic>> {
        let given = self.keys.map(|keys| keys.0);
        let total = self.total.map(|total| total.0);
        if total.is_some() && self.top_file.is_none() && !self.server.is_given() {
            return Err(PlanError::usage(
                "--total is what a list of the top keys leaves open; give --top-file or --from",
            ));
        }
        let keys = given.unwrap_or(KEYS_DEFAULT);
        let traffic = match (self.zipf, &self.top_file, &self.trace) {
            (Some(alpha), ..) => {
                report.input("zipf", finite(alpha));
                law(keys, alpha)?
            }
            (None, Some(path), _) => listed(path, total, given)?,
            (None, None, Some(path)) => traced(path, self.trace_format, given, common)?,
            (None, None, None) if self.server.is_given() => {
                self.server.read(total, given, common, report)?
            }
            (None, None, None) if !self.hot.is_empty() || !self.key_share.is_empty() => {
                self.groups(keys)?
            }
            (None, None, None) => return Ok(None),
        };
        report.input("traffic", traffic.text.as_str());
        report.input("keys", traffic.keys);
        report.input("trials", self.trials);
        report.seed = Some(self.seed);
        Ok(Some(traffic))
    }

    fn groups(&self, keys: u64) -> Result<Traffic> {
        let single = |share: &Share| HotGroup { keys: KeysOf::Count(1), share: share.0 };
        let written: Vec<HotGroup> =
            self.key_share.iter().map(single).chain(self.hot.iter().copied()).collect();
        let groups: Vec<Group> = written.iter().map(|group| group.among(keys)).collect();
        let popularity = Popularity::groups(keys, &groups)?;
        let texts: Vec<String> = written.iter().map(|group| group.text()).collect();
        let named = written.iter().zip(&groups).map(|(written, group)| Named {
            label: written.text(),
            group: *group,
            slot: None,
        });
        let is_share = |group: &HotGroup| matches!(group.keys, KeysOf::Share(_));
        let is_any_size = self.keys.is_none() && written.iter().any(is_share);
        Ok(Traffic {
            text: texts.join(", "),
            popularity,
            keys,
            named: named.collect(),
            of_any_size: if is_any_size { written } else { Vec::new() },
            seen: None,
        })
    }
}

fn law(keys: u64, alpha: f64) -> Result<Traffic> {
    let popularity = Popularity::zipf(keys, alpha)?;
    let head = popularity.head(RANKS_SHOWN[RANKS_SHOWN.len() - 1] as usize);
    let ranks = RANKS_SHOWN.into_iter().filter_map(|rank| {
        let share = *head.get(rank as usize - 1)?;
        Some(Named { label: format!("rank {rank}"), group: Group { keys: 1, share }, slot: None })
    });
    let text = format!("Zipf {alpha} over {} keys", grouped(keys));
    Ok(Traffic {
        text,
        popularity,
        keys,
        named: ranks.collect(),
        of_any_size: Vec::new(),
        seen: None,
    })
}
