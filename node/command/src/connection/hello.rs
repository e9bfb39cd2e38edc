//! HELLO and AUTH: which protocol is spoken, and who speaks.
//!
//! Both check everything before they change anything.

use skep_resp::{Args, Protocol, parse_i64};

use crate::acl::DEFAULT;
use crate::acl::session::{Login, log_in};
use crate::connection::client::BAD_NAME;
use crate::connection::is_nameable;
use crate::cx::Cx;
use crate::error::CommandError;
use crate::server::REDIS_VERSION;

const VERSION_NOT_INTEGER: CommandError =
    CommandError::text("ERR Protocol version is not an integer or out of range");
const UNSUPPORTED_VERSION: CommandError =
    CommandError::text("NOPROTO unsupported protocol version");
const NOT_AUTHENTICATED: CommandError = CommandError::text(
    "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO \
     <proto> AUTH <user> <pass> option can be used to authenticate the client and select the \
     RESP protocol version at the same time",
);
const NO_PASSWORD: CommandError = CommandError::text(
    "ERR AUTH <password> called without any password configured for the default user. Are you \
     sure your configuration is correct?",
);

/// What HELLO asks for.
#[derive(Default)]
struct Greeting<'a> {
    protocol: Option<Protocol>,
    credentials: Option<(&'a [u8], &'a [u8])>,
    name: Option<&'a [u8]>,
}

impl<'a> Greeting<'a> {
    fn parse(args: Args<'a>) -> Result<Greeting<'a>, CommandError> {
        let mut greeting = Greeting::default();
        let mut words = args.iter().skip(1);
        if let Some(version) = words.next() {
            greeting.protocol = Some(match parse_i64(version).ok_or(VERSION_NOT_INTEGER)? {
                2 => Protocol::Resp2,
                3 => Protocol::Resp3,
                _ => return Err(UNSUPPORTED_VERSION),
            });
        }
        while let Some(option) = words.next() {
            let left = words.len();
            if option.eq_ignore_ascii_case(b"AUTH") && left >= 2 {
                greeting.credentials = words.next().zip(words.next());
            } else if option.eq_ignore_ascii_case(b"SETNAME") && left >= 1 {
                greeting.name = words.next();
                if !greeting.name.is_some_and(is_nameable) {
                    return Err(BAD_NAME);
                }
            } else {
                return Err(CommandError::quoting(
                    "ERR Syntax error in HELLO option '",
                    option,
                    "'",
                ));
            }
        }
        Ok(greeting)
    }
}

/// `HELLO [protover [AUTH username password] [SETNAME clientname]]`.
pub(crate) fn hello(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let greeting = Greeting::parse(args)?;
    if let Some((user, password)) = greeting.credentials
        && log_in(cx, &args[0], user, password)? == Login::Later
    {
        return Ok(());
    }
    if !cx.client.is_authenticated() {
        return Err(NOT_AUTHENTICATED);
    }
    if let Some(name) = greeting.name {
        cx.client.name = name.to_vec();
    }
    if let Some(protocol) = greeting.protocol {
        // Messages that came before are in the protocol of before.
        cx.server.take_pushes(cx.client, cx.reply);
        cx.client.protocol = protocol;
        cx.reply.set_protocol(protocol);
    }
    cx.server.client_changed(cx.client);
    describe_server(cx);
    Ok(())
}

fn describe_server(cx: &mut Cx<'_>) {
    let version = if cx.client.protocol == Protocol::Resp3 { 3 } else { 2 };
    let texts = |cx: &mut Cx<'_>, name: &str, value: &str| {
        cx.reply.bulk(name.as_bytes());
        cx.reply.bulk(value.as_bytes());
    };
    cx.reply.map(7);
    texts(cx, "server", "redis");
    texts(cx, "version", REDIS_VERSION);
    cx.reply.bulk(b"proto");
    cx.reply.integer(version);
    cx.reply.bulk(b"id");
    cx.reply.integer(cx.client.id as i64);
    let routes = cx.server.routes();
    let is_replica = routes.as_ref().is_some_and(|routes| routes.is_replica());
    texts(cx, "mode", if routes.is_some() { "cluster" } else { "standalone" });
    texts(cx, "role", if is_replica { "replica" } else { "master" });
    cx.reply.bulk(b"modules");
    cx.reply.array(0);
}

/// `AUTH [username] password`.
pub(crate) fn auth(cx: &mut Cx<'_>, args: Args<'_>) -> Result<(), CommandError> {
    let (user, password) = match args.len() {
        2 if cx.server.users().0.default_user().needs_no_password() => return Err(NO_PASSWORD),
        2 => (DEFAULT, &args[1]),
        3 => (&args[1], &args[2]),
        _ => return Err(CommandError::SYNTAX),
    };
    if log_in(cx, &args[0], user, password)? == Login::Done {
        cx.reply.ok();
    }
    Ok(())
}
