//! Rows of the transaction family.

use crate::row::Row;

/// The rows.
pub(crate) const ROWS: &[Row] = &[];
