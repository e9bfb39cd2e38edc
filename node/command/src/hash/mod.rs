//! Hashes: fields with values.

pub(crate) mod counter;
pub(crate) mod get;
pub(crate) mod pick;
pub(crate) mod set;
