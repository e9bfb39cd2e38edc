//! Where a value was written, and what is wrong with it there.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// Where a value comes from. The later ones win over the earlier ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Nobody said anything.
    Default,
    /// A line of a file.
    File(Arc<Path>, usize),
    /// A variable of the environment, by name.
    Environment(String),
    /// A flag of the command line, as it was written.
    Flag(String),
    /// CONFIG SET.
    Client,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File(path, 0) => write!(f, "{}", path.display()),
            Origin::File(path, line) => write!(f, "{}:{line}", path.display()),
            Origin::Environment(name) => write!(f, "environment variable {name}"),
            Origin::Flag(flag) => write!(f, "{flag}"),
            Origin::Client => f.write_str("CONFIG SET"),
        }
    }
}

/// `name` shall be `words`, says `origin`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Assignment {
    pub(crate) name: String,
    pub(crate) words: Vec<String>,
    pub(crate) origin: Origin,
}

/// Something in the configuration that cannot be followed: one line for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{origin}: {text}")]
pub(crate) struct Problem {
    pub(crate) origin: Origin,
    pub(crate) text: String,
}

impl Problem {
    pub(crate) fn new(origin: Origin, text: impl Into<String>) -> Problem {
        Problem { origin, text: text.into() }
    }
}

/// The name most like `name`, if it is like it at all.
pub(crate) fn nearest<'n>(name: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let (distance, nearest) =
        names.map(|other| (distance(name, other), other)).min_by_key(|(distance, _)| *distance)?;
    (distance <= name.len().max(3) / 3).then_some(nearest)
}

/// How many letters must be inserted, removed, replaced or swapped with their neighbour.
fn distance(one: &str, other: &str) -> usize {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=other.len()).collect();
    for (row, &a) in one.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, &b) in other.iter().enumerate() {
            let replaced = above[column] + usize::from(!a.eq_ignore_ascii_case(&b));
            let mut best = replaced.min(above[column + 1] + 1).min(current[column] + 1);
            if row > 0 && column > 0 && a == other[column - 1] && one[row - 1] == b {
                best = best.min(before[column - 1] + 1);
            }
            current.push(best);
        }
        before = std::mem::replace(&mut above, current);
    }
    above[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_finds_the_name_that_was_meant() {
        let names = ["maxmemory", "maxclients", "port", "timeout"];
        for (typed, meant) in [
            ("maxmemroy", Some("maxmemory")),
            ("max-memory", Some("maxmemory")),
            ("MAXCLIENT", Some("maxclients")),
            ("prot", Some("port")),
            ("banana", None),
        ] {
            assert_eq!(nearest(typed, names.into_iter()), meant, "{typed}");
        }
    }
}
