//! Who is right: Redis 7.2, found between its neighbours.
//!
//! Where Redis 7.0 and Redis 8.2 agree, that is what 7.2 does, whatever Valkey says. Where they
//! do not, ours must be one of the two. Without one of them, Valkey speaks for it.

use crate::Program;

use super::known;
use super::peer::Outcome;

/// An oracle's answer, and whether ours is the same.
pub(super) struct Answer {
    /// Who.
    pub(super) program: Program,
    /// What it answered.
    pub(super) outcome: Outcome,
    /// Whether ours is the same.
    pub(super) is_ours: bool,
}

/// What follows from the answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Ours is right.
    Right,
    /// Ours is wrong.
    Wrong,
}

/// Judges our reply to a command by the oracles'. `agree` compares two of theirs.
pub(super) fn judge(
    command: &str,
    answers: &[Answer],
    agree: impl Fn(&Outcome, &Outcome) -> bool,
) -> Verdict {
    if known::is_ours(command) {
        return Verdict::Right;
    }
    let of = |wanted: Program| {
        let is_wanted = |answer: &&Answer| answer.program == wanted;
        answers.iter().find(is_wanted).filter(|_| !known::is_theirs(command, wanted))
    };
    let older = of(Program::Redis70);
    let newer = of(Program::Redis82);
    let neighbours = match (older, newer, of(Program::Valkey91)) {
        (Some(older), Some(newer), _) => vec![older, newer],
        (Some(one), None, other) | (None, Some(one), other) => {
            std::iter::once(one).chain(other).collect()
        }
        (None, None, other) => other.into_iter().collect(),
    };
    let right = match neighbours[..] {
        [] => true,
        [one, other] if !agree(&one.outcome, &other.outcome) => one.is_ours || other.is_ours,
        [one, ..] => one.is_ours,
    };
    if right { Verdict::Right } else { Verdict::Wrong }
}
