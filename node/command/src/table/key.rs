//! Rows of the key family.

use crate::row::Row;

/// The rows.
pub(crate) const ROWS: &[Row] = &[];
