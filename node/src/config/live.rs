//! CONFIG GET and CONFIG SET: what clients may see and change while the node runs.

use skep_keyspace::glob;

use super::options::{Change, Row, rows};
use super::source::Origin;
use super::{Configuration, Entry, find};

/// Why CONFIG SET does nothing. The texts are Redis's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    #[error("ERR Unknown option or number of arguments for CONFIG SET - '{0}'")]
    Unknown(String),
    #[error("ERR CONFIG SET failed (possibly related to argument '{name}') - {reason}")]
    Failed { name: String, reason: String },
}

impl Refused {
    pub(crate) fn failed(name: &str, reason: impl Into<String>) -> Refused {
        Refused::Failed { name: name.to_owned(), reason: reason.into() }
    }
}

impl Configuration {
    /// Options whose names match any of the patterns, each name once, and written as the client
    /// did who named it in full.
    pub(crate) fn get(&self, patterns: &[&[u8]]) -> Vec<(String, String)> {
        let given = patterns;
        let patterns: Vec<_> = patterns.iter().map(|one| one.to_ascii_lowercase()).collect();
        let asked = |name: &str| patterns.iter().any(|one| glob::matches(one, name.as_bytes()));
        let mut found = Vec::new();
        for (row, entry) in rows().zip(&self.entries) {
            // As in Redis, users are shown by ACL LIST only.
            let is_shown = !row.kind.is_users();
            for name in row.names().filter(|name| is_shown && asked(name)) {
                let is_it = |given: &&&[u8]| given.eq_ignore_ascii_case(name.as_bytes());
                let given = given.iter().find(is_it).map(|given| String::from_utf8_lossy(given));
                let name = given.map_or_else(|| name.to_owned(), |given| given.into_owned());
                found.push((name, entry.value.shown(&self.machine)));
            }
        }
        found
    }

    /// The configuration after CONFIG SET, if all of it is acceptable.
    pub(crate) fn with(&self, pairs: &[(&[u8], &[u8])]) -> Result<Configuration, Refused> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        // Names first, as in Redis: an unknown one is told before a bad value is.
        let mut targets: Vec<(String, usize, &Row)> = Vec::new();
        for (name, _) in pairs {
            let name = text(name);
            let (number, row) = find(&name).ok_or_else(|| Refused::Unknown(name.clone()))?;
            match row.change {
                Change::Live => {}
                Change::Start => return Err(Refused::failed(&name, "can't set immutable config")),
                Change::Protected => {
                    return Err(Refused::failed(&name, "can't set protected config"));
                }
            }
            if targets.iter().any(|(other, _, _)| other.eq_ignore_ascii_case(&name)) {
                return Err(Refused::failed(&name, "duplicate parameter"));
            }
            // A bad value is told with the option's own name, what came before with the client's.
            let own = row.names().find(|own| own.eq_ignore_ascii_case(&name));
            targets.push((own.map_or(name.clone(), str::to_owned), number, row));
        }
        let mut next = self.clone();
        for ((name, number, row), (_, value)) in targets.iter().zip(pairs) {
            let entry = &mut next.entries[*number];
            let accepted = std::str::from_utf8(value)
                .map_err(|_| "argument must be UTF-8 text".to_owned())
                .and_then(|value| row.accept(&[value], &entry.value))
                .map_err(|reason| Refused::failed(name, reason))?;
            *entry = Entry { value: accepted, origin: Origin::Client };
        }
        Ok(next)
    }

    /// The configuration after reading everything again: `fresh`, except for what cannot change
    /// while the node runs.
    pub(crate) fn reloaded(&self, mut fresh: Configuration) -> Configuration {
        for ((row, old), new) in rows().zip(&self.entries).zip(&mut fresh.entries) {
            if row.change != Change::Live {
                new.clone_from(old);
            }
        }
        fresh
    }
}

/// Options that `fresh` says otherwise and only a restart brings into force.
pub(crate) fn restart_needed(running: &Configuration, fresh: &Configuration) -> Vec<&'static str> {
    let differs = |((row, old), new): &((&Row, &Entry), &Entry)| {
        row.change != Change::Live && old.value != new.value
    };
    let all = rows().zip(&running.entries).zip(&fresh.entries);
    all.filter(differs).map(|((row, _), _)| row.name).collect()
}
