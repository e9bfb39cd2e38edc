//! The configuration: what each option says and who said so.
//!
//! Precedence: command line over environment over file over default; CONFIG SET and a reload come
//! after. A configuration is a value: changing it makes another one, all or nothing, from which
//! [`Settings`] are built and put in force at once.
//!
//! Read in this order: `options` (the table), `value` (kinds), `source` (where things are written),
//! `words`, `redis_conf`, `toml_file`, `command_line`, `load` (all sources together), `live`
//! (CONFIG GET and SET), `users`, `rewrite`, `help`, `tool` (`skep config ...`), `verbs`
//! (the lines of `skep ca` and `skep dev`), `machine`.

mod command_line;
mod help;
mod live;
mod load;
mod machine;
mod options;
mod redis_conf;
mod rewrite;
mod source;
#[cfg(test)]
mod tests;
mod toml_file;
mod tool;
mod users;
mod value;
mod verbs;
mod words;

use std::path::PathBuf;

pub(crate) use command_line::{Request, request};
pub(crate) use help::text as help;
pub(crate) use live::{Refused, restart_needed};
pub(crate) use load::{Sources, load};
pub(crate) use machine::{Machine, make_room_for_clients};
pub(crate) use rewrite::replace as replace_file;
pub(crate) use source::Problem;
pub(crate) use tool::run as run_tool;
pub(crate) use users::{advice_on_users_of_file, users_of_file};
pub(crate) use verbs::{CaRequest, DevRequest, RecoverRequest};

use options::{Role, Row, rows};
use skep_command::acl::Users;
use source::{Assignment, Origin, nearest};
use value::Value;

use crate::settings::Settings;

/// What every option says.
#[derive(Clone, Debug)]
pub(crate) struct Configuration {
    machine: Machine,
    /// One for each row of the table, in its order.
    entries: Vec<Entry>,
    /// The file it was read from, absolute.
    file: Option<PathBuf>,
    /// What was odd about the sources but not wrong.
    notes: Vec<String>,
    /// See [`Configuration::users`].
    users: Users,
}

#[derive(Clone, Debug, PartialEq)]
struct Entry {
    value: Value,
    origin: Origin,
}

impl Configuration {
    /// The defaults.
    pub(crate) fn new(machine: Machine) -> Configuration {
        let entries = rows().map(|row| Entry { value: row.default(), origin: Origin::Default });
        Configuration {
            entries: entries.collect(),
            file: None,
            notes: Vec::new(),
            users: Users::new(false),
            machine,
        }
    }

    /// The settings that it amounts to.
    pub(crate) fn settings(&self) -> Settings {
        let mut settings = Settings::blank(self.machine.clone());
        for (row, entry) in rows().zip(&self.entries) {
            row.kind.land(&mut settings, &entry.value);
        }
        settings
    }

    /// Follows an assignment of a file, a flag or the environment.
    pub(crate) fn assign(&mut self, assignment: &Assignment) -> Result<(), Problem> {
        let Assignment { name, words, origin } = assignment;
        let problem = |text| Problem::new(origin.clone(), text);
        let (number, row) = find(name).ok_or_else(|| problem(unknown(name)))?;
        let value = row.accept(words, &self.entries[number].value).map_err(|text| {
            let written = if row.is_secret() { "...".to_owned() } else { words::join(words) };
            let example = row.kind.example().map_or(String::new(), |text| format!(" ({text})"));
            problem(format!("'{name} {written}': {text}{example}"))
        })?;
        self.entries[number] = Entry { value, origin: origin.clone() };
        Ok(())
    }

    /// Lowers `maxclients` to what the system allows.
    pub(crate) fn limit_clients(&mut self, possible: usize) {
        if let Some((number, _)) = find("maxclients") {
            self.entries[number].value = Value::Integer(possible as i64);
        }
    }

    /// The file it was read from.
    pub(crate) fn file(&self) -> Option<&std::path::Path> {
        self.file.as_deref()
    }

    /// What people should know before the node starts, one line each.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let is_idle = |(row, entry): &(&Row, &Entry)| {
            row.role == Role::WithoutEffect && entry.value != row.default()
        };
        let idle: Vec<&str> =
            rows().zip(&self.entries).filter(is_idle).map(|(row, _)| row.name).collect();
        let mut warnings = self.notes.clone();
        warnings.extend(self.advice_on_users());
        if !idle.is_empty() {
            let names = idle.join(", ");
            warnings.push(format!("accepted without effect (nothing is kept on disk): {names}"));
        }
        warnings
    }
}

impl Row {
    /// The default as a value.
    fn default(&self) -> Value {
        let nothing = Value::Text(String::new());
        let words = value::words_of(&self.kind, &[self.default]).unwrap_or_default();
        // A test reads every default.
        self.kind.read(&words, &nothing).unwrap_or(nothing)
    }

    /// Reads a value and judges whether it will do.
    fn accept<S: AsRef<str>>(&self, words: &[S], current: &Value) -> Result<Value, String> {
        let words = value::words_of(&self.kind, words)?;
        let value = self.kind.read(&words, current)?;
        match self.role {
            Role::DefaultOnly(reason) if value != self.default() => Err(reason.to_owned()),
            _ => Ok(value),
        }
    }

    /// Whether the value must not be shown to people or written to logs.
    fn is_secret(&self) -> bool {
        ["requirepass", "masterauth", "user"].contains(&self.name)
    }

    fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.aliases.iter().copied())
    }
}

/// An option by any of its names, with its number.
fn find(name: &str) -> Option<(usize, &'static Row)> {
    rows().enumerate().find(|(_, row)| row.names().any(|other| other.eq_ignore_ascii_case(name)))
}

fn unknown(name: &str) -> String {
    match nearest(name, rows().flat_map(Row::names)) {
        Some(nearest) => format!("there is no option '{name}'; did you mean '{nearest}'?"),
        None => format!("there is no option '{name}'; see 'skep --help' for those there are"),
    }
}
