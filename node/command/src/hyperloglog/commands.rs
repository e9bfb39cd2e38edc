//! PFADD, PFCOUNT and PFMERGE.

use skep_resp::Args;

use super::estimate::estimate;
use super::hash::Spot;
use super::sketch::{self, Sketch};
use super::{Corrupt, REGISTERS, Ranks};
use crate::cx::Cx;
use crate::error::CommandError;
use crate::value::string_of;

/// `PFADD key [element ...]`: answers whether any register has changed, or the key is new.
pub(crate) fn pfadd(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let database = cx.database();
    let key = cx.key(&args[1]);
    let spots = args.iter().skip(2).map(Spot::of);
    // Most elements have been there before: the value is looked at first, and changed only from the
    // first element on that raises a register.
    let known = match string_of(cx.view.find(database, &key))? {
        Some(value) => Some(known_spots(value, spots.clone())?),
        None => None,
    };
    if known == Some(spots.len()) {
        cx.reply.integer(0);
        return Ok(());
    }
    let spots = spots.skip(known.unwrap_or(0));
    let added: Result<(), Corrupt> = cx.view.edit(database, &key, |value| {
        if known.is_none() {
            sketch::create(value);
        }
        // Only a value that was broken before fails, and then as late as in Redis.
        spots.into_iter().try_for_each(|spot| sketch::raise(value, spot))?;
        sketch::overtake_estimate(value);
        Ok(())
    })?;
    added?;
    cx.reply.integer(1);
    Ok(())
}

/// How many spots come before the first that raises a register of a value.
fn known_spots(
    value: &[u8],
    spots: impl ExactSizeIterator<Item = Spot>,
) -> Result<usize, CommandError> {
    let sketch = Sketch::of(value)?;
    let mut known = 0;
    for spot in spots {
        if sketch.is_raised_by(spot)? {
            break;
        }
        known += 1;
    }
    Ok(known)
}

/// `PFCOUNT key [key ...]`: answers the estimate for the union.
pub(crate) fn pfcount(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let count = match args.len() {
        2 => count_one(cx, &args[1])?,
        _ => {
            let (ranks, _) = union(cx, args.from(1))?;
            let mut histogram = [0; 64];
            ranks.iter().for_each(|rank| histogram[usize::from(*rank)] += 1);
            estimate(&histogram)
        }
    };
    cx.reply.integer(count as i64);
    Ok(())
}

fn count_one(cx: &mut Cx<'_>, name: &[u8]) -> Result<u64, CommandError> {
    let database = cx.database();
    let key = cx.key(name);
    let Some(value) = string_of(cx.view.read(database, &key))? else { return Ok(0) };
    let sketch = Sketch::of(value)?;
    if let Some(count) = sketch.last_estimate() {
        return Ok(count);
    }
    let count = estimate(&sketch.histogram()?);
    // A replica may not change its values, and a primary need not: only a node on its own notes the
    // estimate. It does not matter whether there was room for that.
    if cx.server.routes().is_none() {
        cx.view.edit(database, &key, |value| sketch::note_estimate(value, count)).ok();
    }
    Ok(count)
}

/// `PFMERGE destkey [sourcekey ...]`: makes the destination the union of all of them.
pub(crate) fn pfmerge(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let (ranks, is_dense) = union(cx, args.from(1))?;
    let database = cx.database();
    let key = cx.key(&args[1]);
    let merged: Result<(), Corrupt> = cx.view.edit(database, &key, |value| {
        if value.is_empty() {
            sketch::create(value);
        }
        match is_dense {
            true => sketch::write_dense(value, &ranks),
            false => raise_all(value, &ranks)?,
        }
        sketch::overtake_estimate(value);
        Ok(())
    })?;
    merged?;
    cx.reply.ok();
    Ok(())
}

/// Raises the registers of a sparse sketch one by one, so that its bytes are those of Redis.
fn raise_all(value: &mut Vec<u8>, ranks: &Ranks) -> Result<(), Corrupt> {
    let mut old = [0; REGISTERS];
    if let Ok(sketch) = Sketch::of(value) {
        sketch.merge_into(&mut old)?;
    }
    for (register, (&rank, old)) in ranks.iter().zip(old).enumerate() {
        if rank > old {
            sketch::raise(value, Spot { register, rank })?;
        }
    }
    Ok(())
}

/// The highest ranks of all keys' registers, and whether any of their sketches is dense.
fn union(cx: &mut Cx<'_>, names: Args<'_>) -> Result<(Ranks, bool), CommandError> {
    let database = cx.database();
    let (mut ranks, mut is_dense) = ([0; REGISTERS], false);
    for name in names.iter() {
        let key = cx.key(name);
        let Some(value) = string_of(cx.view.read(database, &key))? else { continue };
        let sketch = Sketch::of(value)?;
        is_dense |= sketch.is_dense();
        sketch.merge_into(&mut ranks)?;
    }
    Ok((ranks, is_dense))
}
