//! Rows of the server family.

use crate::row::Row;

/// The rows.
pub(crate) const ROWS: &[Row] = &[];
