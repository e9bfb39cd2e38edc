//! CLIENT INFO, LIST and KILL: connections by what can be seen of them.

use skep_resp::{Args, parse_i64};

use crate::cx::Cx;
use crate::error::CommandError;
use crate::server::{ClientFilter, ClientKind};

const BAD_LISTED_ID: CommandError = CommandError::text("ERR Invalid client ID");
const BAD_KILLED_ID: CommandError = CommandError::text("ERR client-id should be greater than 0");
const AGE_NOT_INTEGER: CommandError =
    CommandError::text("ERR maxage is not an integer or out of range");
const AGE_NOT_POSITIVE: CommandError = CommandError::text("ERR maxage should be greater than 0");
const NO_SUCH_CLIENT: CommandError = CommandError::text("ERR No such client");

/// `CLIENT INFO`.
pub(crate) fn info(cx: &mut Cx<'_>, _: Args<'_>) -> Result<(), CommandError> {
    let filter = ClientFilter { ids: vec![cx.client.id], ..ClientFilter::default() };
    let mut text = String::new();
    describe(cx, &filter, &mut text);
    cx.reply.verbatim("txt", text.as_bytes());
    Ok(())
}

/// `CLIENT LIST [TYPE type | ID client-id ...]`.
pub(crate) fn list(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let mut text = String::new();
    let option = args.get(2).unwrap_or_default();
    if args.len() == 4 && option.eq_ignore_ascii_case(b"TYPE") {
        let kind = Some(kind(&args[3])?);
        describe(cx, &ClientFilter { kind, ..ClientFilter::default() }, &mut text);
    } else if args.len() > 3 && option.eq_ignore_ascii_case(b"ID") {
        let ids = args.iter().skip(3).map(|id| parse_i64(id).ok_or(BAD_LISTED_ID));
        // In the order asked for, and as often.
        for id in ids.collect::<Result<Vec<_>, _>>()? {
            if let Ok(id) = u64::try_from(id) {
                let ids = vec![id];
                describe(cx, &ClientFilter { ids, ..ClientFilter::default() }, &mut text);
            }
        }
    } else if args.len() == 2 {
        describe(cx, &ClientFilter::default(), &mut text);
    } else {
        return Err(CommandError::SYNTAX);
    }
    cx.reply.verbatim("txt", text.as_bytes());
    Ok(())
}

/// Appends the lines of the clients that `filter` takes.
fn describe(cx: &mut Cx<'_>, filter: &ClientFilter, text: &mut String) {
    cx.server.client_changed(cx.client);
    for client in cx.server.clients(filter) {
        text.push_str(&client.line);
        text.push('\n');
    }
}

/// `CLIENT KILL ip:port`, or with options. An asker that kills itself still gets the answer.
pub(crate) fn kill(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let is_old_form = args.len() == 3;
    let filter = if is_old_form {
        ClientFilter { address: Some(text(&args[2])), ..ClientFilter::default() }
    } else {
        kill_filter(cx, args.from(2))?
    };
    let killed = cx.server.kill_clients(cx.client.id, &filter);
    if !is_old_form {
        cx.reply.integer(killed.count as i64);
    } else if killed.count > 0 {
        cx.reply.ok();
    } else {
        return Err(NO_SUCH_CLIENT);
    }
    cx.client.close_after_reply |= killed.asker;
    Ok(())
}

fn kill_filter(cx: &Cx<'_>, options: Args<'_>) -> Result<ClientFilter, CommandError> {
    let asker = cx.client.id;
    let mut filter = ClientFilter { skip: Some(asker), ..ClientFilter::default() };
    let mut words = options.iter();
    while let Some(option) = words.next() {
        let value = words.next().ok_or(CommandError::SYNTAX)?;
        let is = |name: &str| option.eq_ignore_ascii_case(name.as_bytes());
        if is("ID") {
            let id = parse_i64(value).and_then(|id| u64::try_from(id).ok());
            filter.ids = vec![id.filter(|id| *id > 0).ok_or(BAD_KILLED_ID)?];
        } else if is("MAXAGE") {
            let age = parse_i64(value).ok_or(AGE_NOT_INTEGER)?;
            let age = u64::try_from(age).ok().filter(|age| *age > 0);
            filter.max_age_seconds = Some(age.ok_or(AGE_NOT_POSITIVE)?);
        } else if is("TYPE") {
            filter.kind = Some(kind(value)?);
        } else if is("ADDR") {
            filter.address = Some(text(value));
        } else if is("LADDR") {
            filter.local_address = Some(text(value));
        } else if is("USER") {
            filter.user = Some(user(cx, value)?);
        } else if is("SKIPME") && value.eq_ignore_ascii_case(b"YES") {
            filter.skip = Some(asker);
        } else if is("SKIPME") && value.eq_ignore_ascii_case(b"NO") {
            filter.skip = None;
        } else {
            return Err(CommandError::SYNTAX);
        }
    }
    Ok(filter)
}

/// An address to compare with; one that is no text fits nobody.
fn text(address: &[u8]) -> String {
    String::from_utf8_lossy(address).into_owned()
}

fn user(cx: &Cx<'_>, name: &[u8]) -> Result<Vec<u8>, CommandError> {
    let (users, _) = cx.server.users();
    let unknown = || CommandError::quoting("ERR No such user '", name, "'");
    users.get(name).map(|user| user.name().to_vec()).ok_or_else(unknown)
}

fn kind(name: &[u8]) -> Result<ClientKind, CommandError> {
    const KINDS: [(&str, ClientKind); 5] = [
        ("normal", ClientKind::Normal),
        ("slave", ClientKind::Replica),
        ("replica", ClientKind::Replica),
        ("pubsub", ClientKind::Pubsub),
        ("master", ClientKind::Primary),
    ];
    let found = KINDS.iter().find(|(known, _)| name.eq_ignore_ascii_case(known.as_bytes()));
    let unknown = || CommandError::quoting("ERR Unknown client type '", name, "'");
    found.map(|(_, kind)| *kind).ok_or_else(unknown)
}
