//! HINCRBY and HINCRBYFLOAT.

use skep_resp::{Args, parse_i64};
use skep_store::{Editor, Kind};

use crate::cx::Cx;
use crate::error::CommandError;
use crate::string::extended::Extended;

const NO_INTEGER: CommandError = CommandError::text("ERR hash value is not an integer");
const NO_FLOAT: CommandError = CommandError::text("ERR hash value is not a float");
const OVERFLOW: CommandError = CommandError::text("ERR increment or decrement would overflow");
const NOT_FINITE: CommandError = CommandError::text("ERR increment would produce NaN or Infinity");

/// Changes the value of a field through `change`, which is given what is there.
fn change<R>(
    cx: &mut Cx<'_>,
    args: Args<'_>,
    change: impl FnOnce(Option<&[u8]>) -> Result<(R, String), CommandError>,
) -> Result<R, CommandError> {
    let database = cx.database();
    let key = cx.key(&args[1]);
    cx.view.edit_collection(database, &key, Kind::Hash, |hash: &mut Editor<'_>| {
        let (result, text) = change(hash.get(&args[2]))?;
        hash.put(&args[2], text.as_bytes());
        Ok(result)
    })?
}

/// `HINCRBY key field increment`.
pub(crate) fn hincrby(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let increment = parse_i64(&args[3]).ok_or(CommandError::NOT_INTEGER)?;
    let sum = change(cx, args, |old| {
        let old = old.map_or(Ok(0), |old| parse_i64(old).ok_or(NO_INTEGER))?;
        let sum = old.checked_add(increment).ok_or(OVERFLOW)?;
        Ok((sum, sum.to_string()))
    })?;
    cx.reply.integer(sum);
    Ok(())
}

/// `HINCRBYFLOAT key field increment`: answers the sum as it is stored.
pub(crate) fn hincrbyfloat(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let increment = Extended::parse(&args[3]).ok_or(CommandError::NOT_FLOAT)?;
    let sum = change(cx, args, |old| {
        let old = old.map_or(Ok(Extended::ZERO), |old| Extended::parse(old).ok_or(NO_FLOAT))?;
        let sum = old.add(increment).ok_or(NOT_FINITE)?.format();
        Ok((sum.clone(), sum))
    })?;
    cx.reply.bulk(sum.as_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::Bench;

    #[test]
    fn numbers_in_fields_are_added_to_and_what_is_none_is_refused() {
        Bench::new().expect(&[
            ("HINCRBY h n 5", ":5"),
            ("HINCRBY h n -7", ":-2"),
            ("HINCRBYFLOAT h f 0.1", "$3 0.1"),
            ("HINCRBYFLOAT h f 2", "$3 2.1"),
            ("HSET h s text max 9223372036854775807", ":2"),
            ("HINCRBY h s 1", "-ERR hash value is not an integer"),
            ("HINCRBYFLOAT h s 1", "-ERR hash value is not a float"),
            ("HINCRBY h max 1", "-ERR increment or decrement would overflow"),
            ("HINCRBY h n x", "-ERR value is not an integer or out of range"),
            ("HINCRBYFLOAT h n x", "-ERR value is not a valid float"),
            ("HINCRBY new n x", "-ERR value is not an integer or out of range"),
            ("EXISTS new", ":0"),
        ]);
    }
}
