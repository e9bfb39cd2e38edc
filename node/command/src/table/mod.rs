//! THE command table. Rows stand in one file per family; from them come dispatch, `COMMAND`,
//! key extraction, ACL categories and documentation.

mod acl;
mod bitmap;
mod cluster;
mod connection;
mod hash;
mod hyperloglog;
mod key;
mod list;
mod pubsub;
mod server;
mod set;
mod sorted_set;
mod string;
mod transaction;

use std::sync::LazyLock;

use crate::row::Row;

/// Every command, by family.
pub static FAMILIES: &[&[Row]] = &[
    string::ROWS,
    bitmap::ROWS,
    hyperloglog::ROWS,
    key::ROWS,
    hash::ROWS,
    list::ROWS,
    set::ROWS,
    sorted_set::ROWS,
    sorted_set::RANGE_ROWS,
    sorted_set::COMBINING_ROWS,
    transaction::ROWS,
    pubsub::ROWS,
    connection::ROWS,
    server::ROWS,
    cluster::ROWS,
];

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
    /// Whether the first word of a request decides that this is the command: it is neither a
    /// container nor a subcommand.
    pub(crate) is_one_word: bool,
    /// Numbers of the subcommands.
    subcommands: Vec<u16>,
}

struct Registry {
    commands: Vec<Command>,
    /// Numbers of the commands at the places that their names lead to, or the next free ones.
    places: [Option<u16>; PLACES],
}

/// Places there are: several times as many as commands.
const PLACES: usize = 1024;

static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
    let mut registry = Registry { commands: Vec::new(), places: [None; PLACES] };
    for row in FAMILIES.iter().flat_map(|rows| rows.iter()) {
        let index = registry.add(row, row.name.to_owned());
        registry.enter(row.name, index);
        let subcommands = row.subcommands.iter();
        let numbers =
            subcommands.map(|sub| registry.add(sub, format!("{}|{}", row.name, sub.name)));
        let numbers = numbers.collect();
        registry.commands[usize::from(index)].subcommands = numbers;
    }
    registry
});

impl Registry {
    /// Notes where a name leads. There is a place, because the rows are far fewer.
    fn enter(&mut self, name: &str, index: u16) {
        let mut padded = [0; MAX_NAME_BYTES];
        padded[..name.len()].copy_from_slice(name.as_bytes());
        let mut place = place_of(&padded);
        while self.places[place].is_some() {
            place = (place + 1) % PLACES;
        }
        self.places[place] = Some(index);
    }

    /// Finds a command by its lower-case name in a padded buffer.
    #[inline]
    fn find(&self, padded: &[u8; MAX_NAME_BYTES], len: usize) -> Option<&Command> {
        let mut place = place_of(padded);
        while let Some(index) = self.places[place] {
            let command = &self.commands[usize::from(index)];
            if command.row.name.as_bytes() == &padded[..len] {
                return Some(command);
            }
            place = (place + 1) % PLACES;
        }
        None
    }

    fn add(&mut self, row: &'static Row, full_name: String) -> u16 {
        let index = self.commands.len() as u16;
        let only_key = crate::keyspec::only_key(row);
        let is_one_word = row.subcommands.is_empty() && full_name == row.name;
        let subcommands = Vec::new();
        self.commands.push(Command { row, index, full_name, only_key, is_one_word, subcommands });
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
    let mut padded = [0u8; MAX_NAME_BYTES];
    padded.get_mut(..name.len())?.copy_from_slice(name);
    padded.make_ascii_lowercase();
    REGISTRY.find(&padded, name.len())
}

/// Where the search for a name begins: Fibonacci hashing (Knuth, TAOCP 3, section 6.4) of its words,
/// because the name is looked up with every request.
#[inline]
fn place_of(padded: &[u8; MAX_NAME_BYTES]) -> usize {
    let (words, _) = padded.as_chunks::<8>();
    let mixed = words.iter().fold(0, |sum: u64, word| {
        (sum.rotate_left(23) ^ u64::from_le_bytes(*word)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    });
    (mixed >> (u64::BITS - PLACES.ilog2())) as usize
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
