//! What lists, sets, sorted sets and hashes are made of.
//!
//! Read in this order: `page` (some entries in one piece of memory; a small collection is one page),
//! `fields` (many, found by hash), `ranked` (many, in an order), `sorted` (both at once).

mod fields;
mod page;
mod ranked;
mod sorted;
#[cfg(test)]
mod tests;
mod varint;
