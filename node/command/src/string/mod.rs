//! Commands about strings: reading and writing them whole, in part, many at once, as numbers, and
//! on condition.

mod big;
pub(crate) mod compare;
mod condition;
pub(crate) mod counter;
pub(crate) mod extended;
pub(crate) mod get;
pub(crate) mod lcs;
pub(crate) mod many;
mod options;
pub(crate) mod range;
pub(crate) mod set;

pub(crate) use condition::Condition;
