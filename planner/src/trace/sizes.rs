//! The sizes of objects in traces that tell them only when objects are stored.

use std::collections::HashMap;

use super::{Access, Operation};

/// Sizes told so far. Memory in proportion to the objects that were asked about.
#[derive(Default)]
pub struct Sizes {
    known: HashMap<u64, u32>,
    /// The size of all others.
    other: Option<u32>,
}

impl Sizes {
    /// No sizes yet; objects whose size is never told have `other`, or what
    /// [`super::object::size_of`] gives them.
    pub fn new(other: Option<u32>) -> Sizes {
        Sizes { known: HashMap::new(), other }
    }

    /// The size of an access's value: what it tells, what was told last, or that of all others.
    pub fn of(&mut self, access: &Access) -> u32 {
        if access.value_bytes == Access::SIZE_UNKNOWN {
            let known = self.known.get(&access.id);
            return known.copied().or(self.other).unwrap_or_else(|| access.size_bytes());
        }
        // Traces that tell each request's size need no memory of sizes.
        if access.operation == Operation::Set {
            self.known.insert(access.id, access.value_bytes);
        }
        access.value_bytes
    }
}
