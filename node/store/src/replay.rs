//! A replica's side of the lanes: applies the bytes of another store's lanes, in any pieces, and
//! logs them in its own lanes at the same offsets.
//!
//! What a group did becomes visible at once, when all of its lanes have brought their parts; until
//! then the lanes that have, wait. Groups are in the same order in all lanes that they share, because
//! whoever wrote them held all of these lanes' locks; so nothing can wait for itself.

use std::collections::BTreeMap;

use crate::effect::{self, Corrupt, Effect, LaneSet};
use crate::store::{STRIPE_COUNT, Store};
use crate::stripe_set::StripeSet;
use crate::view::{Expiry, NewValue, OutOfMemory, View};
use crate::writer::Writer;

/// Why bytes of a lane could not be applied. The store is as it was before them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplayError {
    /// They do not follow what was applied before.
    Gap {
        /// The lane.
        lane: u8,
        /// The offset that comes next.
        wanted: u64,
        /// The offset that came.
        got: u64,
    },
    /// They are no effects.
    Corrupt {
        /// The lane.
        lane: u8,
    },
    /// The store is full.
    Full,
}

/// What has arrived of a lane and is not applied yet.
#[derive(Default)]
struct Arrived {
    bytes: Vec<u8>,
    /// The group that the lane waits for, and where its part ends in `bytes`.
    waits: Option<(u64, usize)>,
}

/// Applies lanes to a store.
pub struct Replay {
    lanes: Vec<Arrived>,
    /// Bytes of all of them.
    waiting_bytes: usize,
    /// Lanes that are at the end of their part of a group, by group.
    groups: BTreeMap<u64, LaneSet>,
    /// For each lane the first group whose part is still to come: those of before are in the keys
    /// that were copied.
    floors: Vec<u64>,
}

impl Default for Replay {
    fn default() -> Replay {
        Replay {
            lanes: (0..STRIPE_COUNT).map(|_| Arrived::default()).collect(),
            waiting_bytes: 0,
            groups: BTreeMap::new(),
            floors: vec![0; STRIPE_COUNT],
        }
    }
}

impl Replay {
    /// Bytes that have arrived and wait for the rest of their effect or group.
    pub fn waiting_bytes(&self) -> usize {
        self.waiting_bytes
    }

    /// The same, counted anew: for tests.
    pub fn recount_waiting_bytes(&self) -> usize {
        self.lanes.iter().map(|lane| lane.bytes.len()).sum()
    }

    /// A lane begins anew with keys that have come otherwise, which know all groups below `groups`
    /// (see [`Store::lane_mark`]): no group waits for the lane's part of those, nor goes on waiting.
    ///
    /// # Errors
    /// As [`Replay::feed`], about what waited.
    pub fn restart(
        &mut self,
        store: &Store,
        writer: &mut Writer,
        lane: u8,
        groups: u64,
    ) -> Result<(), ReplayError> {
        let before = std::mem::take(&mut self.lanes[usize::from(lane)]);
        self.waiting_bytes -= before.bytes.len();
        self.floors[usize::from(lane)] = groups;
        store.begin_groups(groups);
        self.groups
            .values_mut()
            .for_each(|there| there[usize::from(lane) / 64] &= !(1 << (lane % 64)));
        for waiting in 0..=u8::MAX {
            if self.lanes[usize::from(waiting)].waits.take().is_some() {
                self.advance(store, writer, waiting)?;
            }
        }
        Ok(())
    }

    /// Takes bytes of a lane that begin at `offset`, and applies what is whole.
    ///
    /// # Errors
    /// See [`ReplayError`]; the replica then has to ask again from where its lanes end.
    pub fn feed(
        &mut self,
        store: &Store,
        writer: &mut Writer,
        lane: u8,
        offset: u64,
        bytes: &[u8],
    ) -> Result<(), ReplayError> {
        let arrived = &mut self.lanes[usize::from(lane)];
        let wanted = store.lane_end(lane) + arrived.bytes.len() as u64;
        if offset != wanted {
            return Err(ReplayError::Gap { lane, wanted, got: offset });
        }
        arrived.bytes.extend_from_slice(bytes);
        self.waiting_bytes += bytes.len();
        self.advance(store, writer, lane)
    }

    /// Applies what can be of a lane, and of those that waited for it.
    fn advance(&mut self, store: &Store, writer: &mut Writer, lane: u8) -> Result<(), ReplayError> {
        let mut ready = vec![lane];
        while let Some(lane) = ready.pop() {
            let arrived = &mut self.lanes[usize::from(lane)];
            if arrived.waits.is_some() {
                continue;
            }
            let single_bytes = prefix(&arrived.bytes).map_err(|_| ReplayError::Corrupt { lane })?;
            if single_bytes > 0 {
                apply(store, writer, &[(lane, &arrived.bytes[..single_bytes])])?;
                arrived.bytes.drain(..single_bytes);
                self.waiting_bytes -= single_bytes;
            }
            let part = group_part(&arrived.bytes).map_err(|_| ReplayError::Corrupt { lane })?;
            let Some((group, lanes, len_bytes)) = part else { continue };
            arrived.waits = Some((group, len_bytes));
            let there = self.groups.entry(group).or_default();
            there[usize::from(lane) / 64] |= 1 << (lane % 64);
            let wanted = needed(&self.floors, group, &lanes);
            if has_all(there, &wanted) {
                self.groups.remove(&group);
                self.apply_group(store, writer, &wanted)?;
                store.begin_groups(group + 1);
                ready.extend(members(&wanted));
            }
        }
        Ok(())
    }

    fn apply_group(
        &mut self,
        store: &Store,
        writer: &mut Writer,
        lanes: &LaneSet,
    ) -> Result<(), ReplayError> {
        let parts: Vec<(u8, &[u8])> = members(lanes)
            .filter_map(|lane| {
                let arrived = &self.lanes[usize::from(lane)];
                arrived.waits.map(|(_, len_bytes)| (lane, &arrived.bytes[..len_bytes]))
            })
            .collect();
        apply(store, writer, &parts)?;
        for lane in members(lanes) {
            let arrived = &mut self.lanes[usize::from(lane)];
            if let Some((_, len_bytes)) = arrived.waits.take() {
                arrived.bytes.drain(..len_bytes);
                self.waiting_bytes -= len_bytes;
            }
        }
        Ok(())
    }
}

fn has_all(there: &LaneSet, wanted: &LaneSet) -> bool {
    there.iter().zip(wanted).all(|(there, wanted)| there & wanted == *wanted)
}

/// The lanes of a group whose parts are to come.
fn needed(floors: &[u64], group: u64, lanes: &LaneSet) -> LaneSet {
    let mut needed = LaneSet::default();
    for lane in members(lanes).filter(|lane| floors[usize::from(*lane)] <= group) {
        needed[usize::from(lane) / 64] |= 1 << (lane % 64);
    }
    needed
}

fn members(lanes: &LaneSet) -> impl Iterator<Item = u8> {
    (0..=u8::MAX).filter(|lane| lanes[usize::from(*lane) / 64] & 1 << (lane % 64) != 0)
}

/// Length of the whole effects before the first group.
fn prefix(bytes: &[u8]) -> Result<usize, Corrupt> {
    let mut at = 0;
    while let Some((effect, len_bytes)) = effect::decode(&bytes[at..])? {
        match effect {
            Effect::Begin { .. } => return Ok(at),
            Effect::End { .. } => return Err(Corrupt),
            _ => at += len_bytes,
        }
    }
    Ok(at)
}

/// The group that the bytes begin with, if it is there whole: number, lanes, length.
fn group_part(bytes: &[u8]) -> Result<Option<(u64, LaneSet, usize)>, Corrupt> {
    let mut at = 0;
    let mut open = None;
    while let Some((effect, len_bytes)) = effect::decode(&bytes[at..])? {
        at += len_bytes;
        match (effect, open) {
            (Effect::Begin { group }, None) => open = Some(group),
            (Effect::End { group, lanes }, Some(opened)) if group == opened => {
                return Ok(Some((group, lanes, at)));
            }
            (Effect::Begin { .. } | Effect::End { .. }, _) | (_, None) => return Err(Corrupt),
            (_, Some(_)) => {}
        }
    }
    Ok(None)
}

/// Applies whole effects of some lanes under all their locks, and logs them.
fn apply(store: &Store, writer: &mut Writer, parts: &[(u8, &[u8])]) -> Result<(), ReplayError> {
    let mut held = StripeSet::NONE;
    parts.iter().for_each(|(lane, _)| held.insert(*lane));
    writer.is_replaying = true;
    // Nothing expires by this clock: the primary says what has.
    let mut view = View::new(store, writer, held, 0);
    let mut result = Ok(());
    for (lane, bytes) in parts {
        let mut rest = *bytes;
        while let Ok(Some((effect, len_bytes))) = effect::decode(rest) {
            result = result.and_then(|()| apply_one(&mut view, *lane, &effect));
            rest = &rest[len_bytes..];
        }
        if result.is_err() {
            break;
        }
        view.log_copy(*lane, bytes);
    }
    drop(view);
    writer.is_replaying = false;
    writer.publish(store);
    result
}

/// Applies one effect to the stripe of `lane`, which the view holds.
pub(crate) fn apply_one(
    view: &mut View<'_>,
    lane: u8,
    effect: &Effect<'_>,
) -> Result<(), ReplayError> {
    match *effect {
        Effect::Set { database, key, value, expiry_ms, modified, is_collection } => {
            check(view, lane, database, Some(key))?;
            let key = view.key(key);
            let expiry = expiry_ms.map_or(Expiry::Never, Expiry::At);
            let value = match is_collection {
                true => NewValue::Small(value),
                false => NewValue::Bytes(value),
            };
            let written = match modified {
                true => view.set_modified(database, &key, value, expiry),
                false => view.set(database, &key, value, expiry),
            };
            written.map_err(|_| ReplayError::Full)
        }
        Effect::Elements { database, key, kind, ops } => {
            check(view, lane, database, Some(key))?;
            let key = view.key(key);
            match view.apply_ops(database, &key, kind, ops) {
                Ok(true) => Ok(()),
                Ok(false) => Err(ReplayError::Corrupt { lane }),
                Err(OutOfMemory) => Err(ReplayError::Full),
            }
        }
        Effect::Expire { database, key, expiry_ms } => {
            check(view, lane, database, Some(key))?;
            let key = view.key(key);
            view.set_expiry(database, &key, expiry_ms).map(drop).map_err(|_| ReplayError::Full)
        }
        Effect::Remove { database, key } => {
            check(view, lane, database, Some(key))?;
            let key = view.key(key);
            view.remove(database, &key);
            Ok(())
        }
        Effect::Clear { database } => {
            check(view, lane, database, None)?;
            view.clear_stripe(database, lane);
            Ok(())
        }
        Effect::Begin { .. } | Effect::End { .. } => Ok(()),
    }
}

/// An effect about another stripe, or a database that is not there, is not one of ours.
fn check(view: &View<'_>, lane: u8, database: u16, key: Option<&[u8]>) -> Result<(), ReplayError> {
    let is_here = key.is_none_or(|key| view.key(key).stripe() == lane);
    match is_here && usize::from(database) < view.store().databases() {
        true => Ok(()),
        false => Err(ReplayError::Corrupt { lane }),
    }
}
