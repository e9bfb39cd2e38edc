//! Why there is no layout, placement or order of moves. Nothing was changed.

use std::fmt;

use crate::slot_set::SlotRange;

/// What is wrong with a request for a layout. The caller's arguments caused each of them.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum LayoutError {
    /// Nobody to own anything.
    NoShards,
    /// More shards than a layout can number.
    TooManyShards(usize),
    /// A list that should have an entry for each shard (or slot) has another length.
    Length {
        /// What the list holds.
        what: &'static str,
        /// Its length.
        given: usize,
        /// The length it should have.
        wanted: usize,
    },
    /// A weight that is negative, infinite or no number.
    Weight {
        /// The shard's position.
        shard: usize,
        /// Its weight.
        weight: f64,
    },
    /// All weights are zero.
    NoWeight,
    /// A name that is empty.
    EmptyName(usize),
    /// A name that occurs twice.
    SameName(String),
    /// More points on a ring than are worth computing.
    TooManyPoints(u64),
    /// Slots that nobody owns.
    Uncovered(Vec<SlotRange>),
    /// Slots that two shards own.
    Overlap {
        /// The first of them.
        slot: u16,
        /// One owner.
        first: usize,
        /// The other.
        second: usize,
    },
    /// Counts that do not add up to all slots.
    Sum(u64),
    /// Text that is no range of slots.
    Range(String),
}

impl fmt::Display for LayoutError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LayoutError::NoShards => write!(out, "there are no shards; name at least one"),
            LayoutError::TooManyShards(count) => write!(
                out,
                "{count} shards are more than the 16,384 slots; use fewer, larger shards"
            ),
            LayoutError::Length { what, given, wanted } => {
                write!(out, "there are {given} {what}, but {wanted} are needed; give one for each")
            }
            LayoutError::Weight { shard, weight } => write!(
                out,
                "the weight of shard {} is {weight}; weights are numbers of 0 or more",
                shard + 1
            ),
            LayoutError::NoWeight => {
                write!(out, "all weights are 0, so nobody could own a slot; give one above 0")
            }
            LayoutError::EmptyName(shard) => {
                write!(out, "the name of shard {} is empty; every shard needs a name", shard + 1)
            }
            LayoutError::SameName(name) => {
                write!(out, "the name {name} occurs twice; names tell shards apart")
            }
            LayoutError::TooManyPoints(count) => write!(
                out,
                "{count} points on the ring are more than the {} allowed; use fewer virtual nodes \
                 or smaller weights",
                crate::ring::POINTS_MAX
            ),
            LayoutError::Uncovered(ranges) => {
                let shown: Vec<String> = ranges.iter().take(4).map(ToString::to_string).collect();
                let more = if ranges.len() > 4 { ", ..." } else { "" };
                write!(out, "nobody owns the slots {}{more}; give them an owner", shown.join(","))
            }
            LayoutError::Overlap { slot, first, second } => write!(
                out,
                "shards {} and {} both own slot {slot}; every slot has one owner",
                first + 1,
                second + 1
            ),
            LayoutError::Sum(sum) => {
                write!(out, "the counts add up to {sum} slots; there are 16,384")
            }
            LayoutError::Range(text) => write!(
                out,
                "\"{text}\" is no range of slots; write one such as 0-5460, within 0-16383"
            ),
        }
    }
}

impl std::error::Error for LayoutError {}
