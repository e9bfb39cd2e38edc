//! Commands about keys of any type: removing, renaming, expiring, finding, describing them, and
//! whole databases.

pub(crate) mod database;
pub(crate) mod exists;
pub(crate) mod expire;
pub(crate) mod object;
pub(crate) mod remove;
pub(crate) mod rename;
pub(crate) mod scan;

use skep_resp::parse_i64;
use skep_store::{Database, Item, Key, View};

use crate::cx::Cx;
use crate::error::CommandError;

/// A database number that does not even fit into 32 bits.
const DATABASE_BEYOND_INT: CommandError =
    CommandError::text("ERR value is out of range, value must between -2147483648 and 2147483647");

/// Looks at a key for a command that tells something about it: counted as a hit or miss, but no
/// access to the value.
#[inline]
fn glance<R>(
    view: &mut View<'_>,
    database: Database,
    key: &Key<'_>,
    describe: impl FnOnce(&Item<'_>) -> R,
) -> Option<R> {
    let answer = view.peek(database, key).map(|item| describe(&item));
    let counters = view.counters();
    match answer {
        Some(_) => counters.hits += 1,
        None => counters.misses += 1,
    }
    answer
}

/// Reads a database number that COPY, MOVE or SELECT names.
pub(crate) fn database_argument(cx: &Cx<'_>, argument: &[u8]) -> Result<Database, CommandError> {
    let number = parse_i64(argument).ok_or(CommandError::NOT_INTEGER)?;
    let number = i32::try_from(number).map_err(|_| DATABASE_BEYOND_INT)?;
    existing_database(cx, number)
}

/// Refuses all databases but the first where slots are spread over nodes: only its keys are.
pub(crate) fn check_database_of_cluster(
    cx: &Cx<'_>,
    database: Database,
    command: &str,
) -> Result<(), CommandError> {
    if database == 0 || cx.server.routes().is_none() {
        return Ok(());
    }
    Err(CommandError::new(format!("ERR {command} is not allowed in cluster mode")))
}

/// The database of a number, if there is one.
fn existing_database(cx: &Cx<'_>, number: i32) -> Result<Database, CommandError> {
    let exists = |number: &Database| usize::from(*number) < cx.view.store().databases();
    Database::try_from(number).ok().filter(exists).ok_or(CommandError::DATABASE_RANGE)
}
