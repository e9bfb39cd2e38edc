//! Sets: members.

pub(crate) mod algebra;
pub(crate) mod change;
pub(crate) mod combine;
pub(crate) mod get;
pub(crate) mod pick;
