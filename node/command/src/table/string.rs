//! Rows of the string family.

use crate::row::Row;

/// The rows.
pub(crate) const ROWS: &[Row] = &[];
