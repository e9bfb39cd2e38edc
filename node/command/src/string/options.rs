//! The options that SET, GETEX and MSETEX share: on which condition, for how long, and whether
//! the old value is asked for.
//!
//! They come in any order. Of two options that say different things about the same the request is
//! refused; the same one twice counts as the last says.

use skep_resp::{Args, parse_i64};
use skep_store::Expiry;

use super::Condition;
use crate::error::CommandError;
use crate::key::expire::{Origin, Unit, unix_ms};

/// The commands that take options.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grammar {
    /// `SET`.
    Set,
    /// `GETEX`.
    Getex,
    /// `MSETEX`.
    Msetex,
}

/// What a request asked for.
#[derive(Clone, Copy, Default)]
pub(crate) struct Options<'a> {
    /// When to write at all.
    pub(crate) condition: Option<Condition<'a>>,
    /// `GET`: answer with the old value.
    pub(crate) get: bool,
    lifetime: Option<Lifetime<'a>>,
}

/// An option about expiry; the number is looked at later, as Redis does.
#[derive(Clone, Copy)]
struct Lifetime<'a> {
    kind: LifetimeKind,
    time: &'a [u8],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum LifetimeKind {
    /// `KEEPTTL`.
    Keep,
    /// `PERSIST`.
    Never,
    /// `EX`, `PX`, `EXAT`, `PXAT`.
    At(Unit, Origin),
}

impl Grammar {
    fn writes(self) -> bool {
        self != Grammar::Getex
    }

    fn name(self) -> &'static str {
        match self {
            Grammar::Set => "set",
            Grammar::Getex => "getex",
            Grammar::Msetex => "msetex",
        }
    }
}

impl<'a> Options<'a> {
    /// Reads options.
    ///
    /// # Errors
    /// A word that is no option of this command, lacks its argument, or contradicts another.
    pub(crate) fn parse(words: Args<'a>, grammar: Grammar) -> Result<Options<'a>, CommandError> {
        let mut options = Options::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            if options.take_word(word, grammar)? {
                continue;
            }
            let argument = words.next().ok_or(CommandError::SYNTAX)?;
            options.take_pair(word, argument, grammar)?;
        }
        Ok(options)
    }

    /// Takes a word that stands alone. Answers whether it was one.
    fn take_word(&mut self, word: &[u8], grammar: Grammar) -> Result<bool, CommandError> {
        let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
        if grammar.writes() && is("NX") {
            self.set_condition(Condition::Absent)?;
        } else if grammar.writes() && is("XX") {
            self.set_condition(Condition::Present)?;
        } else if grammar.writes() && is("KEEPTTL") {
            self.set_lifetime(LifetimeKind::Keep, b"")?;
        } else if grammar == Grammar::Getex && is("PERSIST") {
            self.set_lifetime(LifetimeKind::Never, b"")?;
        } else if grammar == Grammar::Set && is("GET") {
            self.get = true;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// Takes a word with its argument.
    fn take_pair(
        &mut self,
        word: &[u8],
        argument: &'a [u8],
        grammar: Grammar,
    ) -> Result<(), CommandError> {
        let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
        let kind = if is("EX") {
            LifetimeKind::At(Unit::Seconds, Origin::Now)
        } else if is("PX") {
            LifetimeKind::At(Unit::Milliseconds, Origin::Now)
        } else if is("EXAT") {
            LifetimeKind::At(Unit::Seconds, Origin::Epoch)
        } else if is("PXAT") {
            LifetimeKind::At(Unit::Milliseconds, Origin::Epoch)
        } else {
            let comparison = Condition::comparison(word, argument);
            let comparison = comparison.filter(|_| grammar == Grammar::Set);
            let comparison = comparison.ok_or(CommandError::SYNTAX)?;
            return match self.condition.replace(comparison) {
                None => Ok(()),
                Some(_) => Err(CommandError::SYNTAX),
            };
        };
        self.set_lifetime(kind, argument)
    }

    fn set_condition(&mut self, condition: Condition<'a>) -> Result<(), CommandError> {
        match self.condition.replace(condition) {
            Some(other) if other != condition => Err(CommandError::SYNTAX),
            _ => Ok(()),
        }
    }

    fn set_lifetime(&mut self, kind: LifetimeKind, time: &'a [u8]) -> Result<(), CommandError> {
        match self.lifetime.replace(Lifetime { kind, time }) {
            Some(other) if other.kind != kind => Err(CommandError::SYNTAX),
            _ => Ok(()),
        }
    }

    /// What becomes of the key's expiry; nothing when no option says so.
    ///
    /// # Errors
    /// The time is no number, not positive, or beyond what 64 bits can count.
    pub(crate) fn expiry(
        &self,
        grammar: Grammar,
        now_ms: u64,
    ) -> Result<Option<Expiry>, CommandError> {
        let Some(Lifetime { kind, time }) = self.lifetime else { return Ok(None) };
        Ok(Some(match kind {
            LifetimeKind::Keep => Expiry::Keep,
            LifetimeKind::Never => Expiry::Never,
            LifetimeKind::At(unit, origin) => {
                Expiry::At(expiry_ms(time, unit, origin, grammar.name(), now_ms)?)
            }
        }))
    }
}

/// The Unix millisecond that a positive time means.
///
/// # Errors
/// The time is no number, not positive, or beyond what 64 bits can count.
pub(crate) fn expiry_ms(
    time: &[u8],
    unit: Unit,
    origin: Origin,
    command: &str,
    now_ms: u64,
) -> Result<u64, CommandError> {
    let time = parse_i64(time).ok_or(CommandError::NOT_INTEGER)?;
    let at_ms = if time > 0 { unix_ms(time, unit, origin, now_ms) } else { None };
    let at_ms = at_ms.and_then(|at_ms| u64::try_from(at_ms).ok());
    at_ms.ok_or_else(|| CommandError::invalid_expire(command))
}
