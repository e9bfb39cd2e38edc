//! Rows of the pubsub family.

use crate::row::Row;

/// The rows.
pub(crate) const ROWS: &[Row] = &[];
