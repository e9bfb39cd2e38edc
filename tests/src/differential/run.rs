//! A whole run: scripts from a seed, and a report on every mismatch.

use std::fmt::Write as _;

use crate::{Program, TestResult};

use super::generate::Generator;
use super::play::{Mismatch, Stage};
use super::random::Random;
use super::shrink::shrink;
use super::step::Step;

/// Steps of a script: long enough for state to build up, short enough to shrink fast.
const SCRIPT_STEPS: usize = 80;
/// Different commands with mismatches after which a run ends.
const MAX_MISMATCHES: usize = 40;

/// What a change is tested with: the same for everybody, so that it fails for what it changed.
/// Other seeds are for exploring.
const DEFAULT_SEED: u64 = 20_261_125;

/// What to run.
pub struct Run<'a> {
    /// Commands to send, with their weights.
    pub templates: &'a [(usize, &'a str)],
    /// Whom to compare with.
    pub oracles: &'a [Program],
    /// `2` or `3`.
    pub protocol: &'a str,
    /// Steps in all, unless `SKEP_COMMANDS` says otherwise.
    pub steps: usize,
}

impl Run<'_> {
    /// Runs it. Returns how many steps were compared, and how many of them were no errors.
    ///
    /// # Errors
    /// With every mismatch found, as small as it could be made, or that a server is gone.
    pub fn run(&self) -> TestResult<(usize, usize)> {
        let seed = number_from("SKEP_SEED").unwrap_or(DEFAULT_SEED);
        let steps = number_from("SKEP_COMMANDS").map_or(self.steps, |count| count as usize);
        println!("replay with SKEP_SEED={seed} (and SKEP_COMMANDS={steps})");
        let generator = Generator::new(self.templates);
        let mut stage = Stage::start(self.oracles, self.protocol)?;
        let mut random = Random::new(seed);
        let mut reports: Vec<(String, String)> = Vec::new();
        for _ in 0..steps.div_ceil(SCRIPT_STEPS) {
            let script = generator.script(&mut random, SCRIPT_STEPS);
            let Some(mismatch) = stage.play(&script)? else { continue };
            let is_news = reports.iter().all(|(command, _)| *command != mismatch.command);
            if is_news {
                let report = explain(&mut stage, &script, &mismatch)?;
                println!("{report}");
                reports.push((mismatch.command, report));
            }
            if reports.len() >= MAX_MISMATCHES {
                break;
            }
        }
        let counts = self.summarize(&stage);
        let names: Vec<&str> = reports.iter().map(|(command, _)| command.as_str()).collect();
        let reports: String = reports.iter().map(|(_, report)| report.as_str()).collect();
        match names.is_empty() {
            true => self.check_coverage(&generator, &stage).map(|()| counts),
            false => {
                Err(format!("SKEP_SEED={seed}: {} differ:\n{reports}", names.join(", ")).into())
            }
        }
    }

    fn summarize(&self, stage: &Stage) -> (usize, usize) {
        let (all, fine) = stage
            .tally
            .steps
            .values()
            .fold((0, 0), |(all, fine), counts| (all + counts.0, fine + counts.1));
        println!("RESP{}: {all} steps compared, {fine} of them no errors", self.protocol);
        for ((oracle, command), (count, example)) in &stage.tally.dissents {
            println!("{oracle} was outvoted on {command} {count} times, first on {example}");
        }
        (all, fine)
    }

    /// A command that was never compared was not tested.
    fn check_coverage(&self, generator: &Generator, stage: &Stage) -> TestResult {
        let was_sent =
            |name: &str| stage.tally.steps.keys().any(|key| key.split('|').next() == Some(name));
        let missing: Vec<&str> = generator.names().filter(|name| !was_sent(name)).collect();
        match missing.is_empty() {
            true => Ok(()),
            false => Err(format!("never sent, run longer: {}", missing.join(", ")).into()),
        }
    }
}

fn number_from(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

fn explain(stage: &mut Stage, script: &[Step], found: &Mismatch) -> TestResult<String> {
    let command = found.command.clone();
    let mut smallest = None;
    let is_repeatable = stage.play(&script[..=found.at])?.is_some();
    let small = shrink(script[..=found.at].to_vec(), |script| match stage.play(script) {
        _ if !is_repeatable => false,
        Ok(Some(mismatch)) if mismatch.command == command => {
            smallest = Some(mismatch);
            true
        }
        _ => false,
    });
    let mut text = format!("\n== {command}\n");
    let (steps, mismatch) = match &smallest {
        Some(_) => {
            // The last failing try is not the last try.
            let again = stage.play(&small)?;
            (&small[..], again.or(smallest))
        }
        None => {
            text.push_str("(not seen again in a second play)\n");
            (&script[..=found.at], None)
        }
    };
    for step in steps {
        let _ = writeln!(text, "   {step}");
    }
    for (program, outcome) in &mismatch.as_ref().unwrap_or(found).answers {
        let replies: Vec<String> = outcome.replies.iter().map(ToString::to_string).collect();
        let _ = writeln!(text, "   {:>10}: {}", program.name(), replies.join(" "));
        for message in &outcome.messages {
            let _ = writeln!(text, "   {:>10}  message {message}", "");
        }
        if let Some(broken) = &outcome.broken {
            let _ = writeln!(text, "   {:>10}  {broken}", "");
        }
    }
    Ok(text)
}
