//! Tests of what the store's public face does not show.

mod claim;
mod prefetch;
mod record;
mod sample;
mod table;

use crate::{Options, Store};

fn store() -> Store {
    let options = Options { databases: 3, reserve_bytes: 64 << 20, seed: 42 };
    Store::new(&options).expect("address space")
}
