//! Values on their way out of the store: into a reply, or kept while the store changes.
//!
//! Large values are shared, never copied.

use std::sync::Arc;

use bytes::Bytes;
use skep_resp::Reply;
use skep_store::{Item, LARGE_VALUE_BYTES, Value, WrongType};

/// A value that stays as it was, whatever becomes of its key.
pub(crate) enum KeptValue {
    /// A copy.
    Small(Vec<u8>),
    /// A reference.
    Large(Arc<Vec<u8>>),
}

impl KeptValue {
    /// Keeps a string.
    ///
    /// # Errors
    /// It is none.
    pub(crate) fn of(value: Value<'_>) -> Result<KeptValue, WrongType> {
        match value {
            Value::Inline(bytes) => Ok(KeptValue::Small(bytes.to_vec())),
            Value::Large(shared) => Ok(KeptValue::Large(Arc::clone(shared))),
            Value::Collection(_) => Err(WrongType),
        }
    }

    /// The value's bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            KeptValue::Small(bytes) => bytes,
            KeptValue::Large(shared) => shared,
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
pub(crate) fn string_of(item: Option<Item<'_>>) -> Result<Option<&[u8]>, WrongType> {
    item.map(|item| item.value().bytes()).transpose()
}

/// Replies with a string.
///
/// # Errors
/// It is none; nothing has been replied then.
#[inline]
pub(crate) fn reply(reply: &mut Reply, value: Value<'_>) -> Result<(), WrongType> {
    match value {
        Value::Inline(bytes) => reply.bulk(bytes),
        Value::Large(shared) => reply.bulk_shared(Bytes::from_owner(Owner(Arc::clone(shared)))),
        Value::Collection(_) => return Err(WrongType),
    }
    Ok(())
}

/// Replies with a string, or with null where there is nothing.
///
/// # Errors
/// As [`reply`].
#[inline]
pub(crate) fn reply_or_null(out: &mut Reply, value: Option<Value<'_>>) -> Result<(), WrongType> {
    match value {
        Some(value) => reply(out, value),
        None => {
            out.null();
            Ok(())
        }
    }
}

/// Replies with a range of a string's bytes. A large range of a large value is not copied.
///
/// # Errors
/// As [`reply`].
///
/// # Panics
/// The range reaches beyond the value.
pub(crate) fn reply_range(
    reply: &mut Reply,
    value: Value<'_>,
    range: std::ops::Range<usize>,
) -> Result<(), WrongType> {
    match value {
        Value::Large(shared) if range.len() >= LARGE_VALUE_BYTES => {
            reply.bulk_shared(Bytes::from_owner(Owner(Arc::clone(shared))).slice(range));
        }
        _ => reply.bulk(&value.bytes()?[range]),
    }
    Ok(())
}
