//! The state of keys as effects, for a replica that cannot be told from the logs alone: all keys of
//! a stripe in steps, or some by name. And a replica's way to take them, which logs nothing.

use crate::effect::{self, Effect, Head, KeyKind};
use crate::item::{Record, Value};
use crate::keys::ScanCursor;
use crate::replay::{ReplayError, apply_one};
use crate::store::{Database, Store};
use crate::stripe_set::StripeSet;
use crate::view::View;
use crate::writer::Writer;

/// Where a walk over a stripe is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Walk {
    database: Database,
    /// Nothing at the beginning of the database.
    cursor: Option<ScanCursor>,
}

impl Store {
    /// The sum of the digests of a stripe's slots. Takes no lock.
    pub fn lane_digest(&self, lane: u8) -> u64 {
        View::slots_of(lane).fold(0, |sum: u64, slot| sum.wrapping_add(self.digest(slot)))
    }

    /// The end and the digest of a lane at one moment, and a number that groups with a part in the
    /// lane are below if the part is before that end, and not below if it is behind.
    pub fn lane_mark(&self, lane: u8) -> (u64, u64, u64) {
        let stripe = self.stripes[usize::from(lane)].0.lock();
        (stripe.lane.end(), self.lane_digest(lane), self.next_group())
    }

    /// Appends the state of some keys of a stripe, from where a walk is; about `count` keys. Answers
    /// where it goes on, or nothing when it is through. A key that is there from the first step to the
    /// last is described at least once; changes meanwhile are in the log.
    pub fn describe_stripe(
        &self,
        writer: &mut Writer,
        lane: u8,
        walk: Walk,
        count: usize,
        out: &mut Vec<u8>,
    ) -> Option<Walk> {
        let run = self.run(walk.database);
        let mut view = View::new(self, writer, StripeSet::one(lane), 0);
        let from = walk.cursor.unwrap_or_else(|| ScanCursor::of_stripe(lane));
        let next = view.scan_run(run, from, count, |_, entry| {
            describe(run, &self.record(entry), out);
        });
        if next.stripe() == Some(lane) && next != ScanCursor(0) {
            return Some(Walk { database: walk.database, cursor: Some(next) });
        }
        let database = walk.database + 1;
        (usize::from(database) < self.databases()).then_some(Walk { database, cursor: None })
    }

    /// Appends the state of keys of a stripe: their values, or that they are gone.
    pub fn describe_keys(
        &self,
        writer: &mut Writer,
        lane: u8,
        keys: &[(Database, Vec<u8>)],
        out: &mut Vec<u8>,
    ) {
        let view = View::new(self, writer, StripeSet::one(lane), 0);
        for (database, bytes) in keys {
            let key = view.key(bytes);
            if key.stripe() != lane || usize::from(*database) >= self.databases() {
                continue;
            }
            match view.find_record(self.run(*database), &key) {
                Some(record) => describe(*database, &record, out),
                None => {
                    let head = Head::of_key(KeyKind::Remove, *database, bytes);
                    out.extend_from_slice(head.as_bytes());
                    out.extend_from_slice(bytes);
                }
            }
        }
    }

    /// Takes the state of keys as [`Store::describe_stripe`] and [`Store::describe_keys`] give it.
    ///
    /// # Errors
    /// They are not whole effects about keys of this stripe, or the store is full.
    pub fn take_state(
        &self,
        writer: &mut Writer,
        lane: u8,
        effects: &[u8],
    ) -> Result<(), ReplayError> {
        writer.is_replaying = true;
        let mut view = View::new(self, writer, StripeSet::one(lane), 0);
        let mut rest = effects;
        let mut result = Ok(());
        while result.is_ok() && !rest.is_empty() {
            result = match effect::decode(rest) {
                Ok(Some((Effect::Clear { .. } | Effect::Begin { .. } | Effect::End { .. }, _))) => {
                    Err(ReplayError::Corrupt { lane })
                }
                Ok(Some((effect, len_bytes))) => {
                    rest = &rest[len_bytes..];
                    apply_one(&mut view, lane, &effect)
                }
                _ => Err(ReplayError::Corrupt { lane }),
            };
        }
        drop(view);
        writer.is_replaying = false;
        writer.publish(self);
        result
    }

    /// Forgets all keys of a stripe, and begins its log at an offset.
    pub fn empty_lane(&self, writer: &mut Writer, lane: u8, at: u64) {
        writer.is_replaying = true;
        let mut view = View::new(self, writer, StripeSet::one(lane), 0);
        for database in 0..self.databases() as Database {
            view.clear_stripe(database, lane);
        }
        drop(view);
        writer.is_replaying = false;
        writer.publish(self);
        self.restart_lane(lane, at);
    }
}

fn describe(run: u16, record: &Record<'_>, out: &mut Vec<u8>) {
    let expiry_ms = record.expiry_ms();
    if let Value::Collection(contents) = record.value() {
        effect::each_of_collection(run, record.key(), contents, expiry_ms, |pieces| {
            pieces.iter().for_each(|piece| out.extend_from_slice(piece));
        });
        return;
    }
    let head = Head::set(run, record.key(), expiry_ms.is_some(), record.is_modified());
    out.extend_from_slice(head.as_bytes());
    out.extend_from_slice(record.key());
    let mut append = |value: &[u8]| {
        out.extend_from_slice(&(value.len() as u32).to_le_bytes());
        out.extend_from_slice(value);
    };
    match record.value() {
        Value::Inline(bytes) => append(bytes),
        Value::Large(shared) => append(shared),
        Value::Collection(_) => {}
    }
    if let Some(at) = expiry_ms {
        out.extend_from_slice(&at.to_le_bytes());
    }
}
