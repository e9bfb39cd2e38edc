//! Values on their way out of the store: into a reply, or kept while the store changes.
//!
//! Large values are shared, never copied.

use std::sync::Arc;

use bytes::Bytes;
use skep_resp::Reply;
use skep_store::{Item, LARGE_VALUE_BYTES, NewValue, Value};

use crate::error::CommandError;

/// A value that stays as it was, whatever becomes of its key.
pub(crate) enum KeptValue {
    /// A copy.
    Small(Vec<u8>),
    /// A reference.
    Large(Arc<Vec<u8>>),
}

impl KeptValue {
    /// Keeps a value.
    pub(crate) fn of(value: Value<'_>) -> KeptValue {
        match value {
            Value::Inline(bytes) => KeptValue::Small(bytes.to_vec()),
            Value::Large(shared) => KeptValue::Large(Arc::clone(shared)),
        }
    }

    /// The value's bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            KeptValue::Small(bytes) => bytes,
            KeptValue::Large(shared) => shared,
        }
    }

    /// The same value, to be written to a key.
    pub(crate) fn as_new(&self) -> NewValue<'_> {
        match self {
            KeptValue::Small(bytes) => NewValue::Bytes(bytes),
            KeptValue::Large(shared) => NewValue::Shared(Arc::clone(shared)),
        }
    }
}

/// A large value as the owner of bytes that a reply sends.
struct Owner(Arc<Vec<u8>>);

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// The bytes of a string, if there is one.
///
/// # Errors
/// The key holds something else.
pub(crate) fn string_of(item: Option<Item<'_>>) -> Result<Option<&[u8]>, CommandError> {
    Ok(item.map(|item| item.value().bytes()))
}

/// Replies with a value.
#[inline]
pub(crate) fn reply(reply: &mut Reply, value: Value<'_>) {
    match value {
        Value::Inline(bytes) => reply.bulk(bytes),
        Value::Large(shared) => reply.bulk_shared(Bytes::from_owner(Owner(Arc::clone(shared)))),
    }
}

/// Replies with a value, or with null where there is none.
#[inline]
pub(crate) fn reply_or_null(out: &mut Reply, value: Option<Value<'_>>) {
    match value {
        Some(value) => reply(out, value),
        None => out.null(),
    }
}

/// Replies with a range of a value's bytes. A large range of a large value is not copied.
///
/// # Panics
/// The range reaches beyond the value.
pub(crate) fn reply_range(reply: &mut Reply, value: Value<'_>, range: std::ops::Range<usize>) {
    match value {
        Value::Large(shared) if range.len() >= LARGE_VALUE_BYTES => {
            reply.bulk_shared(Bytes::from_owner(Owner(Arc::clone(shared))).slice(range));
        }
        _ => reply.bulk(&value.bytes()[range]),
    }
}
