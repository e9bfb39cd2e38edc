//! Fills a server, or empties it in part, as fast as it can take it.

use crate::connection::Connection;
use crate::error::{Error, Result};
use crate::protocol::{Dialect, Encoder};
use crate::server::Server;
use crate::workload::key;

/// Bytes of requests under way at most: less than the buffers of two sockets.
const BATCH_BYTES: usize = 32 << 10;
/// Requests in a batch at most; their answers must fit in the sockets' buffers as well.
const BATCH_REQUESTS: usize = 1024;

/// A change of many items.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Change {
    /// Store values of this length, to expire after so many seconds if any.
    Store { value_bytes: usize, expiry_seconds: Option<u32> },
    /// Remove.
    Delete,
}

/// Makes the change to the items with these numbers, in that order.
pub(crate) fn apply(
    server: &Server,
    change: Change,
    numbers: impl Iterator<Item = u64>,
) -> Result<()> {
    apply_over(server.connect()?, server.dialect(), change, numbers)
}

/// The same over a connection.
pub(crate) fn apply_over(
    mut connection: Connection,
    dialect: Dialect,
    change: Change,
    numbers: impl Iterator<Item = u64>,
) -> Result<()> {
    let expiry_seconds = match change {
        Change::Store { expiry_seconds, .. } => expiry_seconds,
        Change::Delete => None,
    };
    let mut encoder = Encoder::new(dialect, expiry_seconds);
    let (mut requests, mut count, mut under_way) = (Vec::new(), 0, 0);
    let mut flush = |requests: &mut Vec<u8>, count: &mut usize| -> Result<()> {
        // The server works on this batch while the next one is made.
        connection.send(requests)?;
        finish(&mut connection, under_way)?;
        under_way = *count;
        requests.clear();
        *count = 0;
        Ok(())
    };
    for number in numbers {
        match change {
            Change::Store { value_bytes, .. } => {
                encoder.set(&key(number), value_bytes, &mut requests);
            }
            Change::Delete => encoder.delete(&key(number), &mut requests),
        }
        count += 1;
        if requests.len() >= BATCH_BYTES || count == BATCH_REQUESTS {
            flush(&mut requests, &mut count)?;
        }
    }
    flush(&mut requests, &mut count)?;
    flush(&mut requests, &mut count)
}

fn finish(connection: &mut Connection, count: usize) -> Result<()> {
    connection.receive_done(count, |_| false)
}

/// Fails unless the server says it holds exactly this many items: nothing lost, nothing evicted.
pub(crate) fn check_item_count(server: &Server, expected: u64) -> Result<()> {
    let mut connection = server.connect()?;
    let count = connection.item_count()?;
    match count == expected {
        true => Ok(()),
        false => Err(Error::new(format!(
            "{} holds {count} items, {expected} expected",
            server.program.name
        ))),
    }
}
