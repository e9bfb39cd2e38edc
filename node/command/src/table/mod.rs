//! THE command table. Rows stand in one file per family; from them come dispatch, `COMMAND`,
//! key extraction, ACL categories and documentation.

mod connection;
mod key;
mod pubsub;
mod server;
mod string;
mod transaction;

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::row::Row;

/// Every command, by family.
pub static FAMILIES: &[&[Row]] =
    &[string::ROWS, key::ROWS, transaction::ROWS, pubsub::ROWS, connection::ROWS, server::ROWS];

/// The longest command name there is; longer words are no commands.
const MAX_NAME_BYTES: usize = 32;

/// A row at its place in the table.
pub struct Command {
    /// The row.
    pub row: &'static Row,
    /// Its number, for counters.
    pub index: u16,
    /// `get`, or `client|list` for a subcommand.
    pub full_name: String,
    /// The argument that is the command's only key, where that is certain from the row.
    pub(crate) only_key: Option<usize>,
    /// Numbers of the subcommands.
    subcommands: Vec<u16>,
}

struct Registry {
    commands: Vec<Command>,
    by_name: HashMap<&'static [u8], u16>,
}

static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
    let mut registry = Registry { commands: Vec::new(), by_name: HashMap::new() };
    for row in FAMILIES.iter().flat_map(|rows| rows.iter()) {
        let index = registry.add(row, row.name.to_owned());
        registry.by_name.insert(row.name.as_bytes(), index);
        let subcommands = row.subcommands.iter();
        let numbers =
            subcommands.map(|sub| registry.add(sub, format!("{}|{}", row.name, sub.name)));
        let numbers = numbers.collect();
        registry.commands[usize::from(index)].subcommands = numbers;
    }
    registry
});

impl Registry {
    fn add(&mut self, row: &'static Row, full_name: String) -> u16 {
        let index = self.commands.len() as u16;
        let only_key = crate::keyspec::only_key(row);
        let subcommands = Vec::new();
        self.commands.push(Command { row, index, full_name, only_key, subcommands });
        index
    }
}

impl Command {
    /// The subcommands, when it is a container.
    pub fn subcommands(&self) -> impl ExactSizeIterator<Item = &'static Command> + use<> {
        let first = self.subcommands.first().map_or(0, |&index| usize::from(index));
        REGISTRY.commands[first..first + self.subcommands.len()].iter()
    }

    /// Finds a subcommand by its name in any case.
    pub fn subcommand(&self, name: &[u8]) -> Option<&'static Command> {
        let commands = &REGISTRY.commands;
        self.subcommands
            .iter()
            .map(|&index| &commands[usize::from(index)])
            .find(|sub| sub.row.name.as_bytes().eq_ignore_ascii_case(name))
    }
}

/// Finds a command by its name in any case.
#[inline]
pub fn command(name: &[u8]) -> Option<&'static Command> {
    let mut lower = [0u8; MAX_NAME_BYTES];
    let lower = lower.get_mut(..name.len())?;
    lower.copy_from_slice(name);
    lower.make_ascii_lowercase();
    let index = *REGISTRY.by_name.get(&*lower)?;
    Some(&REGISTRY.commands[usize::from(index)])
}

/// Finds a command, or a subcommand such as `config|get`, by its full name in any case.
pub fn by_full_name(name: &[u8]) -> Option<&'static Command> {
    match name.iter().position(|&byte| byte == b'|') {
        Some(bar) => command(&name[..bar])?.subcommand(&name[bar + 1..]),
        None => command(name),
    }
}

/// Every command that is no subcommand, in the order of the families.
pub fn top_level() -> impl Iterator<Item = &'static Command> {
    all().filter_map(|row| command(row.name.as_bytes()))
}

/// Every command and subcommand, by number.
pub fn commands() -> &'static [Command] {
    &REGISTRY.commands
}

/// Finds a command's row by its name in any case.
pub fn find(name: &[u8]) -> Option<&'static Row> {
    command(name).map(|command| command.row)
}

/// Finds a subcommand's row by its name in any case.
pub fn find_subcommand(row: &'static Row, name: &[u8]) -> Option<&'static Row> {
    row.subcommands.iter().find(|sub| sub.name.as_bytes().eq_ignore_ascii_case(name))
}

/// Every command's row, in the order of the families.
pub fn all() -> impl Iterator<Item = &'static Row> {
    FAMILIES.iter().flat_map(|rows| rows.iter())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_says_what_it_is() {
        for command in commands() {
            let row = command.row;
            assert!(row.arity != 0 && !row.summary.is_empty(), "{}", command.full_name);
            assert_eq!(row.name, row.name.to_ascii_lowercase(), "{}", command.full_name);
            assert!(row.name.len() <= MAX_NAME_BYTES, "{}", command.full_name);
        }
    }

    #[test]
    fn names_are_found_in_any_case_and_longer_words_are_not() {
        for row in all() {
            assert!(find(row.name.to_ascii_uppercase().as_bytes()).is_some(), "{}", row.name);
        }
        assert!(find(&[b'a'; 100]).is_none());
    }
}
