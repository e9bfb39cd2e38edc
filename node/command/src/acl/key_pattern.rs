//! Patterns of keys, and what may be done to the keys that they fit.

use skep_keyspace::glob;

use super::rule::has_blanks;

/// What may be done to keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Access {
    pub(super) reads: bool,
    pub(super) writes: bool,
}

impl Access {
    pub(super) const FULL: Access = Access { reads: true, writes: true };

    pub(super) fn and(self, other: Access) -> Access {
        Access { reads: self.reads || other.reads, writes: self.writes || other.writes }
    }

    fn covers(self, needed: Access) -> bool {
        (self.reads || !needed.reads) && (self.writes || !needed.writes)
    }
}

/// Keys, and what may be done to them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeyPattern {
    pub(super) pattern: Vec<u8>,
    pub(super) access: Access,
}

impl KeyPattern {
    /// Reads `~pattern` or `%RW~pattern`.
    pub(super) fn parse(word: &[u8]) -> Option<KeyPattern> {
        let (access, pattern) = parts(word)?;
        (!has_blanks(pattern)).then(|| KeyPattern { pattern: pattern.to_vec(), access })
    }

    /// Whether all that is to be done to a key is allowed.
    pub(super) fn allows(&self, key: &[u8], needed: Access) -> bool {
        self.access.covers(needed) && glob::matches(&self.pattern, key)
    }

    /// The word that says it.
    pub(super) fn show(&self) -> Vec<u8> {
        let prefix: &[u8] = match self.access {
            Access { reads: true, writes: false } => b"%R~",
            Access { reads: false, writes: true } => b"%W~",
            _ => b"~",
        };
        [prefix, &self.pattern].concat()
    }
}

/// The parts of `~pattern` or `%RW~pattern`.
fn parts(word: &[u8]) -> Option<(Access, &[u8])> {
    if let Some(pattern) = word.strip_prefix(b"~") {
        return Some((Access::FULL, pattern));
    }
    let mut access = Access::default();
    let mut rest = word.strip_prefix(b"%")?;
    loop {
        match rest {
            [b'R' | b'r', ..] if !access.reads => access.reads = true,
            [b'W' | b'w', ..] if !access.writes => access.writes = true,
            [b'~', ..] if access != Access::default() => return Some((access, &rest[1..])),
            // As in Redis, `%R` alone stands for the empty pattern.
            [] if access != Access::default() => return Some((access, rest)),
            _ => return None,
        }
        rest = &rest[1..];
    }
}
