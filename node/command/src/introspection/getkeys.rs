//! COMMAND GETKEYS and GETKEYSANDFLAGS: which arguments of a request are keys.

use skep_resp::Args;

use crate::cx::Cx;
use crate::dispatch::{fits_arity, resolve};
use crate::error::CommandError;
use crate::keyspec;
use crate::row::{Flags, KeySpec, Row};

/// `COMMAND GETKEYS command ...`.
pub(crate) fn getkeys(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let request = args.from(2);
    let keys = keys_of(request)?;
    cx.reply.array(keys.len());
    keys.iter().for_each(|(at, _)| cx.reply.bulk(&request[*at]));
    Ok(())
}

/// `COMMAND GETKEYSANDFLAGS command ...`.
pub(crate) fn getkeysandflags(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let request = args.from(2);
    let keys = keys_of(request)?;
    cx.reply.array(keys.len());
    for (at, spec) in keys {
        cx.reply.array(2);
        cx.reply.bulk(&request[at]);
        super::catalogue::words(cx.reply, keyspec::flags(spec, request).iter().copied());
    }
    Ok(())
}

/// The numbers of a request's arguments that are keys.
fn keys_of(request: Args<'_>) -> Result<Vec<(usize, &'static KeySpec)>, CommandError> {
    const UNKNOWN: CommandError = CommandError::text("ERR Invalid command specified");
    const NO_KEYS: CommandError = CommandError::text("ERR The command has no key arguments");
    const COUNT: CommandError =
        CommandError::text("ERR Invalid number of arguments specified for command");
    const INVALID: CommandError = CommandError::text("ERR Invalid arguments specified for command");
    let command = resolve(request).map_err(|_| UNKNOWN)?;
    let row: &Row = command.row;
    if row.keys.is_empty() {
        return Err(NO_KEYS);
    }
    if !fits_arity(row, request) {
        return Err(COUNT);
    }
    let mut keys = Vec::new();
    match keyspec::keys(row, request, |at, spec| keys.push((at, spec))) {
        Ok(()) => Ok(keys),
        Err(_) if row.flags.has(Flags::NO_MANDATORY_KEYS) => Ok(Vec::new()),
        Err(_) => Err(INVALID),
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::Bench;

    #[test]
    fn keys_are_found_by_the_row_alone() {
        Bench::new().expect(&[
            ("COMMAND GETKEYS get a", "*1 $1 a"),
            ("COMMAND GETKEYS mset a 1 b 2", "*2 $1 a $1 b"),
            ("COMMAND GETKEYS object encoding a", "*1 $1 a"),
            ("COMMAND GETKEYS nosuch a", "-ERR Invalid command specified"),
            ("COMMAND GETKEYS object nosuch a", "-ERR Invalid command specified"),
            ("COMMAND GETKEYS time x", "-ERR The command has no key arguments"),
            ("COMMAND GETKEYS get", "-ERR Invalid number of arguments specified for command"),
            ("COMMAND GETKEYS get a b", "-ERR Invalid number of arguments specified for command"),
            ("COMMAND GETKEYS", "-ERR wrong number of arguments for 'command|getkeys' command"),
        ]);
    }

    #[test]
    fn flags_follow_the_arguments_where_they_depend_on_them() {
        Bench::resp3().expect(&[
            (
                "COMMAND GETKEYSANDFLAGS rename a b",
                "*2 *2 $1 a ~3 +RW +access +delete *2 $1 b ~2 +OW +update",
            ),
            ("COMMAND GETKEYSANDFLAGS set a get", "*1 *2 $1 a ~2 +OW +update"),
            ("COMMAND GETKEYSANDFLAGS set a b EX 1", "*1 *2 $1 a ~2 +OW +update"),
            ("COMMAND GETKEYSANDFLAGS set a b get", "*1 *2 $1 a ~3 +RW +access +update"),
        ]);
    }
}
