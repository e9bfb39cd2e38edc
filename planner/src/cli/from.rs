//! `--from`: the server, the metrics or the saved profile that a command reads.

use std::time::Duration;

use clap::Args;

use crate::error::{PlanError, Result};
use crate::live::ReadOptions;
use crate::model::profile::Profile;
use crate::quantity::{Count, Seconds};

const TIMEOUT_SECONDS_MAX: f64 = 3600.0;
/// More would take longer than what they tell is worth.
const SAMPLES_MAX: u64 = 10_000_000;

/// What is read, and how.
#[derive(Args, Debug)]
#[command(next_help_heading = "Source")]
pub(super) struct FromArgs {
    /// redis://user:password@host:port, http://host:port/metrics, or a saved profile.json
    ///
    /// A password may stand in REDISCLI_AUTH instead. Of a cluster every node is read with the same
    /// user, of a primary its replicas too.
    #[arg(long, value_name = "SOURCE")]
    pub(super) from: Option<String>,
    /// Keys to sample, by SCAN; 0 samples none
    #[arg(long, value_name = "COUNT", default_value = "10k")]
    samples: Count,
    /// How long connecting and each reply may take
    #[arg(long, value_name = "DURATION", default_value = "5s")]
    timeout: Seconds,
}

impl FromArgs {
    /// Reads it; with or without looking at keys, which servers count as hits.
    ///
    /// # Errors
    /// As [`Profile::read`]; bounds that are none.
    pub(super) fn read(&self, looks_at_keys: bool) -> Result<Profile> {
        let Some(from) = &self.from else {
            return Err(PlanError::usage(
                "--from is missing: redis://host:port, http://host:port/metrics, or a profile.json",
            ));
        };
        if self.samples.0 > SAMPLES_MAX {
            return Err(PlanError::usage(format!(
                "--samples {}: {SAMPLES_MAX} keys say all there is to say; give fewer",
                self.samples.0
            )));
        }
        if !(0.001..=TIMEOUT_SECONDS_MAX).contains(&self.timeout.0) {
            return Err(PlanError::usage("--timeout must be between 1ms and 1h"));
        }
        let timeout = Duration::from_secs_f64(self.timeout.0);
        Profile::read(from, &ReadOptions { samples: self.samples.0, looks_at_keys, timeout })
    }
}
