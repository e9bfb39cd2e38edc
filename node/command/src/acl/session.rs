//! Who a connection is, and the checks of its commands.

use std::sync::Arc;

use skep_resp::Args;

use super::check::Reason;
use super::log::{Context, Denial};
use super::penalty::MAX_WAIT_MS;
use super::users::Users;
use crate::client::Client;
use crate::cx::Cx;
use crate::error::CommandError;
use crate::row::Flags;
use crate::server::Server;
use crate::table::Command;

const WRONG_PASSWORD: CommandError =
    CommandError::text("WRONGPASS invalid username-password pair or user is disabled.");
const NOT_AUTHENTICATED: CommandError = CommandError::text("NOAUTH Authentication required.");
const TOO_SOON: CommandError = CommandError::text(
    "ERR too many wrong passwords lately; authenticate outside of a transaction, where the \
     connection waits",
);

/// What came of an attempt to authenticate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Login {
    /// The client is that user from now on.
    Done,
    /// The command is to run again later; it has had no effect.
    Later,
}

/// Makes the client a user, if the password is right. `by` is the command's name as it was written.
pub(crate) fn log_in(
    cx: &mut Cx<'_>,
    by: &[u8],
    name: &[u8],
    password: &[u8],
) -> Result<Login, CommandError> {
    let now_ms = cx.now_ms();
    let ends_ms = cx.client.login_wait_ends_ms.take();
    let ends_ms = ends_ms.unwrap_or_else(|| now_ms + cx.server.login_wait_ms(cx.client, name));
    let wait_ms = ends_ms.saturating_sub(now_ms);
    // More is left only when the clock has gone back.
    if (1..=MAX_WAIT_MS).contains(&wait_ms) {
        if cx.client.in_exec {
            return Err(TOO_SOON);
        }
        cx.client.login_wait_ends_ms = Some(ends_ms);
        cx.client.postponed_for_ms = wait_ms;
        cx.client.postponed = true;
        return Ok(Login::Later);
    }
    let (users, version) = cx.server.users();
    let user = users.authenticate(name, password);
    cx.server.note_login(cx.client, name, user.is_some());
    match user {
        Some(user) => {
            cx.client.become_user(Arc::clone(user), version);
            cx.server.client_changed(cx.client);
            // Who has changed the users meanwhile has not seen this one come.
            let (users, now) = cx.server.users();
            if now != version && !users.get(name).is_some_and(|user| user.is_on()) {
                cx.client.sign_out((&users, now));
                cx.client.close_after_reply = true;
                return Err(WRONG_PASSWORD);
            }
            Ok(Login::Done)
        }
        None => {
            let denial = Denial {
                reason: Reason::Auth,
                context: context(cx.client),
                object: by.to_vec(),
                user: name.to_vec(),
            };
            cx.server.note_denial(cx.client, denial);
            Err(WRONG_PASSWORD)
        }
    }
}

/// Decides about a command of a client that may not do everything.
///
/// # Errors
/// The reply to give; the refusal is in the log.
#[cold]
pub(crate) fn permit(
    client: &Client,
    server: &dyn Server,
    command: &Command,
    args: Args<'_>,
) -> Result<(), CommandError> {
    if !client.is_authenticated() {
        if command.row.flags.has(Flags::NO_AUTH) {
            return Ok(());
        }
        return Err(NOT_AUTHENTICATED);
    }
    let user = client.user();
    user.check(command, args).map_err(|refusal| {
        note(client, server, command, args, refusal);
        refusal.error(user, command)
    })
}

/// Decides about a queued command that EXEC is about to run.
///
/// # Errors
/// As [`permit`].
pub(crate) fn permit_queued(
    client: &Client,
    server: &dyn Server,
    command: &Command,
    args: Args<'_>,
) -> Result<(), CommandError> {
    if client.is_unrestricted() {
        return Ok(());
    }
    if !client.is_authenticated() {
        // Its user has been removed by a command before this one.
        return Err(NOT_AUTHENTICATED);
    }
    client.user().check(command, args).map_err(|refusal| {
        note(client, server, command, args, refusal);
        refusal.error_of_exec()
    })
}

fn note(
    client: &Client,
    server: &dyn Server,
    command: &Command,
    args: Args<'_>,
    refusal: super::check::Refusal,
) {
    let object = match refusal.reason {
        Reason::Command => command.full_name.as_bytes(),
        Reason::Key | Reason::Channel | Reason::Auth => args.get(refusal.at).unwrap_or_default(),
    };
    let denial = Denial {
        reason: refusal.reason,
        context: context(client),
        object: object.to_vec(),
        user: client.user().name().to_vec(),
    };
    server.note_denial(client, denial);
}

fn context(client: &Client) -> Context {
    let is_in_multi = client.transaction.is_some() || client.in_exec;
    if is_in_multi { Context::Multi } else { Context::Toplevel }
}

impl Client {
    /// Who the client is.
    pub fn user(&self) -> &Arc<super::User> {
        &self.user
    }

    /// Whether commands other than AUTH, HELLO, QUIT and RESET are allowed.
    pub fn is_authenticated(&self) -> bool {
        self.is_authenticated
    }

    /// Whether no command needs to be checked.
    #[inline]
    pub(crate) fn is_unrestricted(&self) -> bool {
        self.is_unrestricted
    }

    fn become_user(&mut self, user: Arc<super::User>, version: u64) {
        self.users_version = version;
        self.be(user, true);
    }

    fn be(&mut self, user: Arc<super::User>, is_authenticated: bool) {
        self.is_authenticated = is_authenticated;
        self.is_unrestricted = is_authenticated && user.has_all();
        self.user = user;
    }

    /// Makes the client what one is that has said nothing yet.
    pub fn sign_out(&mut self, (users, version): (&Users, u64)) {
        self.users_version = version;
        self.be(Arc::clone(users.default_user()), users.let_everybody_in());
    }

    /// Looks whether there are other users than the client knows of. To be called before a batch.
    #[inline]
    pub fn follow_users(&mut self, server: &dyn Server, version: u64) {
        if version != self.users_version {
            self.follow_changed_users(server);
        }
    }

    #[cold]
    fn follow_changed_users(&mut self, server: &dyn Server) {
        let (users, version) = server.users();
        self.users_version = version;
        match users.get(self.user.name()).cloned() {
            Some(user) if self.is_authenticated => self.be(user, true),
            Some(_) => self.sign_out((&users, version)),
            // Its connection is about to end.
            None => self.be(Arc::clone(users.default_user()), false),
        }
    }
}
