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
pub const FAMILIES: &[&[Row]] = &[
    string::ROWS,
    key::ROWS,
    transaction::ROWS,
    pubsub::ROWS,
    connection::ROWS,
    server::ROWS,
];

/// The longest command name there is; longer words are no commands.
const MAX_NAME_BYTES: usize = 32;

static BY_NAME: LazyLock<HashMap<&'static [u8], &'static Row>> = LazyLock::new(|| {
    FAMILIES.iter().flat_map(|rows| rows.iter()).map(|row| (row.name.as_bytes(), row)).collect()
});

/// Finds a command by its name in any case.
#[inline]
pub fn find(name: &[u8]) -> Option<&'static Row> {
    let mut lower = [0u8; MAX_NAME_BYTES];
    let lower = lower.get_mut(..name.len())?;
    lower.copy_from_slice(name);
    lower.make_ascii_lowercase();
    BY_NAME.get(&*lower).copied()
}

/// Finds a subcommand by its name in any case.
pub fn find_subcommand(row: &'static Row, name: &[u8]) -> Option<&'static Row> {
    row.subcommands.iter().find(|sub| sub.name.as_bytes().eq_ignore_ascii_case(name))
}

/// Every command, in the order of the families.
pub fn all() -> impl Iterator<Item = &'static Row> {
    FAMILIES.iter().flat_map(|rows| rows.iter())
}
