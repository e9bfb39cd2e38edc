//! Rows of the connection family.

use crate::row::Row;

/// The rows.
pub(crate) const ROWS: &[Row] = &[];
