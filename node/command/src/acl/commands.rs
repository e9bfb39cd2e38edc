//! ACL and its subcommands.

use skep_resp::{Args, parse_i64};

use super::log::Entry;
use super::selector::Selector;
use super::users::Change;
use crate::cx::Cx;
use crate::dispatch::{fits_arity, resolve};
use crate::error::CommandError;
use crate::row::Categories;
use crate::table;

const HELP: &[&str] = &[
    "ACL <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "CAT [<category>]",
    "    List the categories of commands, or the commands of a category.",
    "DELUSER <username> [<username> ...]",
    "    Remove users. Their connections end.",
    "DRYRUN <username> <command> [<arg> ...]",
    "    Tell whether a user may run a command, without running it.",
    "GENPASS [<bits>]",
    "    Make a password of 256 random bits, or as many as are asked for.",
    "GETUSER <username>",
    "    Show what a user may do.",
    "LIST",
    "    Show all users as lines of a file.",
    "LOAD",
    "    Read the users from the ACL file.",
    "LOG [<count> | RESET]",
    "    Show the latest refusals, or forget them.",
    "SAVE",
    "    Write the users to the ACL file.",
    "SETUSER <username> [<rule> ...]",
    "    Add or change a user.",
    "USERS",
    "    List the names of all users.",
    "WHOAMI",
    "    Tell which user this connection has authenticated as.",
];

/// Bits of a password unless more are asked for, and the most that may be.
const PASSWORD_BITS: i64 = 256;
const MAX_PASSWORD_BITS: i64 = 4096;
/// Entries of the log that are shown unless more are asked for.
const SHOWN_ENTRIES: i64 = 10;

/// `ACL WHOAMI`.
pub(crate) fn whoami(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    cx.reply.bulk(cx.client.user().name());
    Ok(())
}

/// `ACL CAT [category]`.
pub(crate) fn cat(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    if args.len() > 3 {
        return Err(CommandError::subcommand_syntax("ACL", &args[1]));
    }
    let Some(name) = args.get(2) else {
        cx.reply.array(Categories::WORDS.len());
        Categories::WORDS.iter().for_each(|(_, word)| cx.reply.bulk(&word.as_bytes()[1..]));
        return Ok(());
    };
    let category = Categories::from_name(name).ok_or_else(|| {
        let name = String::from_utf8_lossy(name);
        CommandError::new(format!("ERR Unknown category '{name}'"))
    })?;
    let members =
        table::commands().iter().filter(|command| command.row.acl_categories().has(category));
    cx.reply.array(members.clone().count());
    members.for_each(|command| cx.reply.bulk(command.full_name.as_bytes()));
    Ok(())
}

/// `ACL USERS`.
pub(crate) fn users(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    let (users, _) = cx.server.users();
    cx.reply.array(users.iter().len());
    users.iter().for_each(|user| cx.reply.bulk(user.name()));
    Ok(())
}

/// `ACL LIST`.
pub(crate) fn list(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    let (users, _) = cx.server.users();
    cx.reply.array(users.iter().len());
    users.iter().for_each(|user| cx.reply.bulk(&user.line()));
    Ok(())
}

/// `ACL GETUSER username`.
pub(crate) fn getuser(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let (users, _) = cx.server.users();
    let Some(user) = users.get(&args[2]) else {
        cx.reply.null();
        return Ok(());
    };
    cx.reply.map(6);
    cx.reply.bulk(b"flags");
    let flags = user.flags();
    cx.reply.set(flags.len());
    flags.iter().for_each(|flag| cx.reply.bulk(flag.as_bytes()));
    cx.reply.bulk(b"passwords");
    let hashes = user.password_hashes();
    cx.reply.array(hashes.len());
    hashes.for_each(|hash| cx.reply.bulk(hash.as_bytes()));
    let (root, others) = user.selectors().split_at(1);
    root.iter().for_each(|selector| describe(cx, selector));
    cx.reply.bulk(b"selectors");
    cx.reply.array(others.len());
    for selector in others {
        cx.reply.map(3);
        describe(cx, selector);
    }
    Ok(())
}

fn describe(cx: &mut Cx<'_>, selector: &Selector) {
    cx.reply.bulk(b"commands");
    cx.reply.bulk(&selector.show_commands());
    cx.reply.bulk(b"keys");
    cx.reply.bulk(&selector.show_keys());
    cx.reply.bulk(b"channels");
    cx.reply.bulk(&selector.show_channels());
}

/// `ACL SETUSER username [rule ...]`.
pub(crate) fn setuser(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let words = args.iter().skip(3).map(<[u8]>::to_vec).collect();
    change(cx, Change::Set { name: args[2].to_vec(), words })?;
    cx.reply.ok();
    Ok(())
}

/// `ACL DELUSER username [username ...]`.
pub(crate) fn deluser(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let names: Vec<_> = args.iter().skip(2).map(<[u8]>::to_vec).collect();
    let is_own = names.iter().any(|name| name == cx.client.user().name());
    let deleted = change(cx, Change::Delete(names))?;
    cx.client.close_after_reply |= is_own;
    cx.reply.integer(deleted as i64);
    Ok(())
}

fn change(cx: &mut Cx<'_>, change: Change) -> Result<usize, CommandError> {
    let deleted = cx.server.change_users(cx.client, change)?;
    follow(cx);
    Ok(deleted)
}

/// The rest of this client's batch runs under the new rules.
fn follow(cx: &mut Cx<'_>) {
    let (_, version) = cx.server.users();
    cx.client.follow_users(cx.server, version);
}

/// `ACL LOAD`.
pub(crate) fn load(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    cx.server.load_users(cx.client)?;
    let (users, _) = cx.server.users();
    cx.client.close_after_reply |= users.get(cx.client.user().name()).is_none();
    follow(cx);
    cx.reply.ok();
    Ok(())
}

/// `ACL SAVE`.
pub(crate) fn save(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    cx.server.save_users()?;
    cx.reply.ok();
    Ok(())
}

/// `ACL GENPASS [bits]`.
pub(crate) fn genpass(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let bits = match args.get(2) {
        _ if args.len() > 3 => return Err(CommandError::subcommand_syntax("ACL", &args[1])),
        Some(bits) => parse_i64(bits).ok_or(CommandError::NOT_INTEGER)?,
        None => PASSWORD_BITS,
    };
    if !(1..=MAX_PASSWORD_BITS).contains(&bits) {
        return Err(CommandError::new(format!(
            "ERR ACL GENPASS argument must be the number of bits for the output password, a \
             positive number up to {MAX_PASSWORD_BITS}"
        )));
    }
    let digits = bits.unsigned_abs().div_ceil(4) as usize;
    let mut random = vec![0; digits.div_ceil(2)];
    cx.server.random_bytes(&mut random);
    let password: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    cx.reply.bulk(&password.as_bytes()[..digits]);
    Ok(())
}

/// `ACL DRYRUN username command [arg ...]`.
pub(crate) fn dryrun(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let (users, _) = cx.server.users();
    let unknown = || CommandError::quoting("ERR User '", &args[2], "' not found");
    let user = users.get(&args[2]).ok_or_else(unknown)?;
    let request = args.from(3);
    let unknown = |_| CommandError::quoting("ERR Command '", &args[3], "' not found");
    let command = resolve(request).map_err(unknown)?;
    if !fits_arity(command.row, request) {
        return Err(CommandError::wrong_arity(&command.full_name));
    }
    match user.check(command, request) {
        Ok(()) => cx.reply.ok(),
        Err(refusal) => cx.reply.bulk(&refusal.explain(user, command, request)),
    }
    Ok(())
}

/// `ACL LOG [count | RESET]`.
pub(crate) fn log(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let count = match args.get(2) {
        _ if args.len() > 3 => return Err(CommandError::subcommand_syntax("ACL", &args[1])),
        None => SHOWN_ENTRIES,
        Some(word) if word.eq_ignore_ascii_case(b"RESET") => {
            cx.server.forget_denials();
            cx.reply.ok();
            return Ok(());
        }
        Some(count) => parse_i64(count).ok_or(CommandError::NOT_INTEGER)?,
    };
    let entries = cx.server.denials(usize::try_from(count).unwrap_or(0));
    cx.reply.array(entries.len());
    entries.iter().for_each(|entry| show(cx, entry));
    Ok(())
}

fn show(cx: &mut Cx<'_>, entry: &Entry) {
    let age_ms = cx.now_ms().saturating_sub(entry.updated_ms);
    let reply = &mut *cx.reply;
    reply.map(10);
    reply.bulk(b"count");
    reply.integer(entry.count as i64);
    let texts: [(&str, &[u8]); 4] = [
        ("reason", entry.denial.reason.word().as_bytes()),
        ("context", entry.denial.context.word().as_bytes()),
        ("object", &entry.denial.object),
        ("username", &entry.denial.user),
    ];
    for (name, text) in texts {
        reply.bulk(name.as_bytes());
        reply.bulk(text);
    }
    reply.bulk(b"age-seconds");
    reply.double(age_ms as f64 / 1000.0);
    reply.bulk(b"client-info");
    reply.bulk(entry.client.as_bytes());
    let numbers = [
        ("entry-id", entry.id),
        ("timestamp-created", entry.created_ms),
        ("timestamp-last-updated", entry.updated_ms),
    ];
    for (name, number) in numbers {
        reply.bulk(name.as_bytes());
        reply.integer(number as i64);
    }
}

/// `ACL HELP`.
pub(crate) fn help(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    crate::introspection::help(cx, HELP)
}
