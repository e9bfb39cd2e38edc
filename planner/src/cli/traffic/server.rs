//! Traffic as a server tells it: its hot keys (`HOTKEYS`), or what it is asked for while one listens
//! (`MONITOR`).
//!
//! Servers that do not know `HOTKEYS` are listened to instead; the answer says so, since that costs
//! them something and sees another stretch of time. One server is read: of a cluster's node the
//! shares are of that node's traffic.

use std::collections::HashMap;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::Traffic;
use super::counted::{Counted, KeyName, from_counts};
use crate::cli::Common;
use crate::cli::listen;
use crate::cli::progress::Progress;
use crate::error::{PlanError, Result};
use crate::live::{self, Info, Live, Measure, Ranking};
use crate::quantity::{Seconds, spoken_seconds};
use crate::report::Report;
use crate::report::cell::finite;
use crate::trace::Operation;

/// Keys that are counted while listening.
const KEYS_MAX: usize = 10_000_000;

/// A server to ask.
#[derive(Args, Debug)]
pub(super) struct ServerArgs {
    /// A server to ask for its hot keys: redis://user:password@host:port
    ///
    /// Redis from 8.6 on and Valkey with hotkey-top-k answer HOTKEYS. Others are listened to for
    /// --seconds (MONITOR, which slows them down).
    #[arg(long, value_name = "URL", help_heading = "Traffic")]
    from: Option<String>,
    /// What makes a key hot [default: what HOTKEYS has, cpu first; else monitor]
    #[arg(long, value_enum, value_name = "MEASURE", requires = "from", help_heading = "Traffic")]
    by: Option<By>,
    /// How long to listen
    #[arg(long, value_name = "SECONDS", default_value = "10s", requires = "from")]
    #[arg(help_heading = "Traffic")]
    seconds: Seconds,
}

/// What makes a key hot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum By {
    /// Time of the processor that it takes (HOTKEYS of Redis)
    Cpu,
    /// Bytes received and sent for it (HOTKEYS of Redis)
    Net,
    /// Operations a second on it (HOTKEYS of Valkey)
    Ops,
    /// Requests for it while listening to the server, which slows it down
    Monitor,
}

impl By {
    fn measure(self) -> Option<Measure> {
        match self {
            By::Cpu => Some(Measure::Cpu),
            By::Net => Some(Measure::Net),
            By::Ops => Some(Measure::Ops),
            By::Monitor => None,
        }
    }
}

/// Its name as an argument, and the unit of its sums.
fn words(measure: Measure) -> (&'static str, &'static str) {
    match measure {
        Measure::Cpu => ("cpu", "us of CPU time"),
        Measure::Net => ("net", "bytes"),
        Measure::Ops => ("ops", "operations a second"),
    }
}

impl ServerArgs {
    /// Whether there is one.
    pub(super) fn is_given(&self) -> bool {
        self.from.is_some()
    }

    /// Asks it, or listens; `total` and `keys` in all if the caller knows them.
    ///
    /// # Errors
    /// When it cannot be read, or tells nothing; what to do then.
    pub(super) fn read(
        &self,
        total: Option<u64>,
        keys: Option<u64>,
        common: &Common,
        report: &mut Report,
    ) -> Result<Traffic> {
        let length = listen::length(self.seconds)?;
        let mut live = live::connect(self.from.as_deref().unwrap_or_default())?;
        report.input("from", live.shown());
        // A user who may not read it loses what it would have added.
        let info = live.info().unwrap_or_else(|_| Info::parse(""));
        if info.flag("cluster_enabled") == Some(true) {
            report.warn(
                "one_node",
                "shares are of the traffic of this node, one of a cluster",
                "ask each primary; a share here is as much less of the cluster as this node has of \
                 its traffic",
            );
        }
        let refusal = match self.by {
            Some(By::Monitor) => None,
            _ => match live.hotkeys()? {
                Ok(rankings) => {
                    let ranking = self.choose(&live, rankings)?;
                    report.input("by", words(ranking.measure).0);
                    return told(live.shown(), ranking, &info, total, keys);
                }
                Err(refusal) => Some(refusal),
            },
        };
        if let (Some(refusal), Some(_)) = (&refusal, self.by) {
            return Err(PlanError::source(
                format!("{}: HOTKEYS", live.shown()),
                format!(
                    "{refusal}; Redis from 8.6 on and Valkey with hotkey-top-k answer it. Give --by \
                     monitor to listen to this server, or what it was asked for with --trace"
                ),
            ));
        }
        if total.is_some() {
            return Err(PlanError::usage(
                "--total: listening counts all there is; leave it away, or use --top-file",
            ));
        }
        self.warn_of_listening(refusal.as_deref(), length, report);
        report.input("by", "monitor");
        report.input("seconds", finite(self.seconds.0));
        listened(live, length, keys, common)
    }

    /// The ranking that is asked for, or the first.
    fn choose(&self, live: &Live, rankings: Vec<Ranking>) -> Result<Ranking> {
        let names: Vec<&str> = rankings.iter().map(|one| words(one.measure).0).collect();
        let wanted = self.by.and_then(By::measure);
        let has = names.join(" or ");
        let mut fitting = rankings.into_iter();
        let found = fitting.find(|one| wanted.is_none_or(|measure| one.measure == measure));
        found.ok_or_else(|| {
            let what = format!("{}: HOTKEYS", live.shown());
            PlanError::source(what, format!("it has no keys by that; give --by {has}"))
        })
    }

    fn warn_of_listening(&self, refusal: Option<&str>, length: Duration, report: &mut Report) {
        let length = spoken_seconds(length.as_secs_f64());
        let why = match refusal {
            Some(refusal) => format!(": it refuses HOTKEYS ({refusal})"),
            None => String::new(),
        };
        report.warn(
            "monitor",
            format!("the server was listened to for {length}, which slows it down{why}"),
            "listen longer with --seconds for more certain shares, or give a trace with --trace",
        );
    }
}

/// Traffic as the ranking has it.
fn told(
    shown: &str,
    ranking: Ranking,
    info: &Info,
    total: Option<u64>,
    keys: Option<u64>,
) -> Result<Traffic> {
    let (name, unit) = words(ranking.measure);
    let what = format!("the hot keys of {shown} by {name}");
    let named: u64 = ranking.keys.iter().fold(0, |sum, key| sum.saturating_add(key.amount));
    // Valkey does not say what all keys get: the server counts its commands anyway.
    let all = match ranking.measure {
        Measure::Ops => info.count("instantaneous_ops_per_sec"),
        Measure::Cpu | Measure::Net => ranking.total,
    };
    // Both are estimates of samples.
    let total = total.or(all.map(|all| all.max(named)));
    let held: u64 = info.databases().iter().map(|database| database.keys).sum();
    let listed = ranking.keys.len() as u64;
    let is_all = total.is_none_or(|total| total <= named);
    let keys = keys.or((held > listed || is_all).then_some(held.max(listed)));
    let counts = ranking
        .keys
        .into_iter()
        .map(|key| (KeyName { name: key.key, database: key.database }, key.amount));
    from_counts(&Counted { what: &what, unit }, counts.collect(), total, keys)
}

/// Traffic as it is heard.
fn listened(live: Live, length: Duration, keys: Option<u64>, common: &Common) -> Result<Traffic> {
    let shown = live.shown().to_owned();
    let mut progress = Progress::new("requests", common);
    let mut counts: HashMap<Vec<u8>, u64> = HashMap::new();
    let (mut all, mut reads) = (0u64, 0u64);
    listen::listen(live, length, u64::MAX, &mut |key, access| {
        progress.step();
        all += 1;
        reads += u64::from(access.operation == Operation::Get);
        *counts.entry(key).or_insert(0) += 1;
        match counts.len() > KEYS_MAX {
            true => Err(PlanError::source(&shown, "too many keys; listen for fewer --seconds")),
            false => Ok(()),
        }
    })?;
    if all == 0 {
        let length = spoken_seconds(length.as_secs_f64());
        let reason = format!("nobody asked for a key within {length}; listen longer (--seconds)");
        return Err(PlanError::source(&shown, reason));
    }
    let counts = counts.into_iter().map(|(name, count)| (KeyName { name, database: 0 }, count));
    let what = format!("the keys that {shown} was asked for");
    let counted = Counted { what: &what, unit: "requests" };
    let traffic = from_counts(&counted, counts.collect(), None, keys)?;
    Ok(traffic.with_reads(reads as f64 / all as f64))
}

#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;
