//! Plays scripts on Skep and the oracles side by side.

use std::collections::BTreeMap;

use crate::{Program, TestResult, skip};

use super::compare::{same, same_messages};
use super::frame::Frame;
use super::judge::{Answer, Verdict, judge};
use super::known;
use super::peer::{Outcome, Peer};
use super::step::{Action, CONNECTIONS, SUBSCRIBER, Step};

/// A step that was answered wrongly.
pub(super) struct Mismatch {
    /// Its number in the script.
    pub(super) at: usize,
    /// The command, as in the table of known differences.
    pub(super) command: String,
    /// All answers, ours first.
    pub(super) answers: Vec<(Program, Outcome)>,
}

/// How much was compared.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Steps compared, by command: all, and those that were no errors.
    pub(super) steps: BTreeMap<String, (usize, usize)>,
    /// Times an oracle left a script because its answer was not the right one, and the first
    /// such step.
    pub(super) dissents: BTreeMap<(&'static str, String), (usize, String)>,
}

/// All servers and their connections' state.
pub(super) struct Stage {
    ours: Peer,
    oracles: Vec<Peer>,
    protocol: String,
    /// What has been compared so far.
    pub(super) tally: Tally,
}

/// For each connection, the commands queued since MULTI.
type Queues = [Option<Vec<Vec<Vec<u8>>>>; CONNECTIONS];

impl Stage {
    /// Starts Skep and those of `oracles` that there are.
    ///
    /// # Errors
    /// There is none, or one does not start.
    pub(super) fn start(oracles: &[Program], protocol: &str) -> TestResult<Stage> {
        let ours = ["--workers", "2", "--maxmemory", "0", "--maxmemory-policy", "noeviction"];
        let ours = Peer::start(Program::Skep, &ours)?;
        let mut found = Vec::new();
        for &program in oracles {
            match program.path() {
                Ok(_) => found.push(Peer::start(program, &["--enable-debug-command", "local"])?),
                Err(missing) => {
                    skip(&format!("comparing with {}: {missing}", program.name()))?;
                }
            }
        }
        if found.is_empty() {
            return Err("there is no oracle to compare with; tests/run installs them".into());
        }
        let protocol = protocol.to_owned();
        Ok(Stage { ours, oracles: found, protocol, tally: Tally::default() })
    }

    /// Plays a script from a fresh state. Returns the first mismatch.
    ///
    /// # Errors
    /// A server is gone.
    pub(super) fn play(&mut self, script: &[Step]) -> TestResult<Option<Mismatch>> {
        self.ours.reset(&self.protocol)?;
        for oracle in &mut self.oracles {
            oracle.reset(&self.protocol)?;
        }
        let mut queues = Queues::default();
        let mut present = vec![true; self.oracles.len()];
        for (at, step) in script.iter().enumerate() {
            if !is_possible(step, &queues) {
                continue;
            }
            if let Some(mismatch) = self.step(at, step, &mut queues, &mut present) {
                return Ok(Some(mismatch));
            }
            // Without one of its neighbours 7.2 is not found between them any more.
            let oracles = self.oracles.iter().zip(&present);
            let has_left = |(oracle, present): (&Peer, &bool)| {
                !present && oracle.program() != Program::Valkey91
            };
            if !present.contains(&true) || oracles.into_iter().any(has_left) {
                break;
            }
        }
        Ok(None)
    }

    fn step(
        &mut self,
        at: usize,
        step: &Step,
        queues: &mut Queues,
        present: &mut [bool],
    ) -> Option<Mismatch> {
        let words = words_of(step);
        let command = known::name_of(&words);
        let queued = queues[step.connection].clone().unwrap_or_default();
        let is_publishing = publishes(&words) || queued.iter().any(|words| publishes(words));
        let mut theirs = Vec::new();
        let mut messages = usize::MAX;
        for (oracle, present) in self.oracles.iter_mut().zip(&mut *present) {
            if !*present {
                continue;
            }
            let outcome = oracle.perform(step, is_publishing, 0);
            if let Some(broken) = &outcome.broken {
                println!("{} did not answer {step}: {broken}", oracle.program().name());
                *present = false;
                continue;
            }
            messages = messages.min(outcome.messages.len());
            theirs.push((oracle.program(), outcome));
        }
        let ours = self.ours.perform(step, is_publishing, messages);
        let agree = |one: &Outcome, other: &Outcome| {
            one.broken.is_some() == other.broken.is_some()
                && same_messages(&one.messages, &other.messages)
                && same(&words, &queued, &one.replies, &other.replies)
        };
        let answers: Vec<Answer> = theirs
            .into_iter()
            .map(|(program, outcome)| {
                let is_ours = agree(&ours, &outcome);
                Answer { program, outcome, is_ours }
            })
            .collect();
        let verdict = judge(&command, &answers, agree);
        self.count(&command, &ours);
        if verdict == Verdict::Wrong || ours.broken.is_some() {
            let theirs = answers.into_iter().map(|answer| (answer.program, answer.outcome));
            let answers = std::iter::once((Program::Skep, ours)).chain(theirs).collect();
            return Some(Mismatch { at, command, answers });
        }
        let in_transaction = queues[step.connection].is_some();
        self.excuse(&command, step, &answers, in_transaction, present);
        follow(step.connection, &words, &ours, queues);
        None
    }

    fn count(&mut self, command: &str, ours: &Outcome) {
        let counts = self.tally.steps.entry(command.to_owned()).or_default();
        counts.0 += 1;
        counts.1 += usize::from(ours.replies.iter().all(|reply| !reply.is_error()));
    }

    /// Sends oracles home that have answered differently: their state may be another one now. Two
    /// different errors leave the same state, but in a transaction.
    fn excuse(
        &mut self,
        command: &str,
        step: &Step,
        answers: &[Answer],
        in_transaction: bool,
        present: &mut [bool],
    ) {
        for answer in answers {
            if answer.is_ours
                || known::is_ours(command)
                || known::is_theirs(command, answer.program)
            {
                continue;
            }
            let place = self.oracles.iter().position(|peer| peer.program() == answer.program);
            let is_error = answer.outcome.replies.iter().all(Frame::is_error);
            if let Some(place) = place {
                present[place] = is_error && !in_transaction;
            }
            let dissent = (answer.program.name(), command.to_owned());
            let example = || {
                let replies = answer.outcome.replies.iter().map(ToString::to_string);
                format!("{step}: {}", replies.collect::<Vec<_>>().join(" "))
            };
            self.tally.dissents.entry(dissent).or_insert_with(|| (0, example())).0 += 1;
        }
    }
}

/// The words by which replies are compared.
fn words_of(step: &Step) -> Vec<Vec<u8>> {
    match &step.action {
        Action::Command(words) => words.clone(),
        Action::Pipeline(_) => vec![b"(pipeline)".to_vec()],
        Action::ScanAll(_) => vec![b"(scan)".to_vec()],
        Action::AwaitGone(_) => vec![b"(expiry)".to_vec()],
    }
}

/// Whether a step makes sense now: what is more than one command does not fit into a transaction,
/// and Redis 8.2 forgets to answer an AUTH that fails in one.
fn is_possible(step: &Step, queues: &Queues) -> bool {
    let is_command = matches!(step.action, Action::Command(_));
    let first = |word: &[u8]| words_of(step)[0].eq_ignore_ascii_case(word);
    (is_command || queues[step.connection].is_none())
        && !(step.connection == SUBSCRIBER && first(b"multi"))
        && !(queues[step.connection].is_some() && (first(b"auth") || first(b"hello")))
}

fn publishes(words: &[Vec<u8>]) -> bool {
    words[0].to_ascii_lowercase().ends_with(b"publish")
}

/// Keeps account of what is queued.
fn follow(connection: usize, words: &[Vec<u8>], ours: &Outcome, queues: &mut Queues) {
    let [reply] = &ours.replies[..] else { return };
    let queue = &mut queues[connection];
    if reply.is_status("QUEUED") {
        queue.get_or_insert_default().push(words.to_vec());
        return;
    }
    match (&words[0].to_ascii_lowercase()[..], words.len()) {
        (b"multi", 1) if reply.is_status("OK") => *queue = Some(Vec::new()),
        (b"exec" | b"discard" | b"reset", 1) => *queue = None,
        _ => {}
    }
}
