//! What is there: EXISTS, TOUCH, TYPE, RANDOMKEY, KEYS and DBSIZE.

use skep_keyspace::glob;
use skep_resp::Args;
use skep_store::{Item, Kind, Value};

use crate::cx::Cx;
use crate::error::CommandError;
use crate::key::glance;

/// `EXISTS key [key ...]`: counts the keys that are there, repeated ones as often as named.
pub(crate) fn exists(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let database = cx.database();
    let mut count = 0;
    for name in args.iter().skip(1) {
        let key = cx.key(name);
        count += i64::from(glance(&mut cx.view, database, &key, |_| ()).is_some());
    }
    cx.reply.integer(count);
    Ok(())
}

/// `TOUCH key [key ...]`: as EXISTS, and counts as an access to each, even where CLIENT NO-TOUCH
/// keeps other commands from it.
pub(crate) fn touch(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let database = cx.database();
    let mut count = 0;
    for name in args.iter().skip(1) {
        let key = cx.key(name);
        let found = glance(&mut cx.view, database, &key, |_| ()).is_some();
        count += i64::from(found && cx.view.touch_key(database, &key));
    }
    cx.reply.integer(count);
    Ok(())
}

/// `TYPE key`.
pub(crate) fn type_of(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let database = cx.database();
    let key = cx.key(&args[1]);
    let found = glance(&mut cx.view, database, &key, type_name);
    cx.reply.simple(found.unwrap_or("none"));
    Ok(())
}

/// What TYPE says of a key.
pub(crate) fn type_name(item: &Item<'_>) -> &'static str {
    match item.value() {
        Value::Inline(_) | Value::Large(_) => "string",
        Value::Collection(contents) => match contents.kind() {
            Kind::List => "list",
            Kind::Set => "set",
            Kind::SortedSet => "zset",
            Kind::Hash => "hash",
        },
    }
}

/// `RANDOMKEY`: a key of the first stripe that has any, from a random one on.
pub(crate) fn randomkey(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    let database = cx.database();
    let first = (cx.view.random() >> 56) as u8;
    let mut key = None;
    for from in [first, 0] {
        cx.view.each_stripe_from(from, &mut |view, _| {
            key = view.random_key(database);
            key.is_none()
        });
        if key.is_some() {
            break;
        }
    }
    match key {
        Some(key) => cx.reply.bulk(&key),
        None => cx.reply.null(),
    }
    Ok(())
}

/// `KEYS pattern`: every key that matches, in no order.
pub(crate) fn keys(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let (database, pattern, reply) = (cx.database(), &args[1], &mut *cx.reply);
    let takes_all = pattern == b"*";
    let list = reply.deferred_array();
    let mut count = 0;
    cx.view.each_stripe(&mut |view, _| {
        view.each_key(database, |key, _| {
            if takes_all || glob::matches(pattern, key) {
                reply.bulk(key);
                count += 1;
            }
        });
        true
    });
    reply.finish_array(list, count);
    Ok(())
}

/// `DBSIZE`: keys of the database, expired ones that nobody has noticed yet included.
pub(crate) fn dbsize(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    let database = cx.database();
    let mut count = 0;
    cx.view.each_stripe(&mut |view, _| {
        count += view.count(database).keys;
        true
    });
    cx.reply.integer(count as i64);
    Ok(())
}
