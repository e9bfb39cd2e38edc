//! Whether a user may run a command with its arguments, and if not, for which reason.

use skep_resp::Args;

use super::channels::channels;
use super::key_pattern::Access;
use super::selector::Selector;
use super::user::User;
use crate::error::CommandError;
use crate::keyspec;
use crate::row::{Flags, KeySpec};
use crate::table::Command;

/// Why something was refused, the least telling first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The command is not allowed.
    Command,
    /// A key is not.
    Key,
    /// The password was wrong, or there is no such user.
    Auth,
    /// A channel is not.
    Channel,
}

/// A refusal: the reason, and the argument that it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Refusal {
    pub(crate) reason: Reason,
    pub(crate) at: usize,
}

impl User {
    /// Decides about a command whose arity is right. Of several selectors' reasons the most telling
    /// one is given.
    pub(crate) fn check(&self, command: &Command, args: Args<'_>) -> Result<(), Refusal> {
        let mut told = Refusal { reason: Reason::Command, at: 0 };
        for selector in self.selectors() {
            match selector.check(command, args) {
                Ok(()) => return Ok(()),
                Err(refusal) => told = told.max(refusal),
            }
        }
        Err(told)
    }

    /// Whether a subscription would be allowed.
    pub fn may_listen(&self, channel: &[u8], is_pattern: bool) -> bool {
        self.selectors().iter().any(|one| one.allows_channel(channel, is_pattern))
    }
}

impl Selector {
    fn check(&self, command: &Command, args: Args<'_>) -> Result<(), Refusal> {
        let row = command.row;
        if !self.allows_command(command, args.get(1)) && !row.flags.has(Flags::NO_AUTH) {
            return Err(Refusal { reason: Reason::Command, at: 0 });
        }
        if !self.has_all_keys() && !row.keys.is_empty() {
            self.check_keys(command, args)?;
        }
        if self.has_all_channels() {
            return Ok(());
        }
        let Some((mut numbers, is_pattern)) = channels(row, args) else { return Ok(()) };
        let is_refused = |at: &usize| {
            args.get(*at).is_some_and(|channel| !self.allows_channel(channel, is_pattern))
        };
        match numbers.find(is_refused) {
            Some(at) => Err(Refusal { reason: Reason::Channel, at }),
            None => Ok(()),
        }
    }

    fn check_keys(&self, command: &Command, args: Args<'_>) -> Result<(), Refusal> {
        let mut refused = None;
        // A command whose keys cannot be found touches none: its handler reports the error.
        let _ = keyspec::keys(command.row, args, |at, spec| {
            // Channels of shards are not keys, though they have slots.
            let is_allowed = || {
                spec.flags.contains(&"not_key") || self.allows_key(&args[at], needed(spec, args))
            };
            if refused.is_none() && !is_allowed() {
                refused = Some(at);
            }
        });
        match refused {
            Some(at) => Err(Refusal { reason: Reason::Key, at }),
            None => Ok(()),
        }
    }
}

/// What is done to the content of keys. `RM` of a key whose content stays unseen is neither.
fn needed(spec: &'static KeySpec, args: Args<'_>) -> Access {
    let mut needed = Access::default();
    for flag in keyspec::flags(spec, args) {
        match *flag {
            "access" => needed.reads = true,
            "insert" | "update" | "delete" => needed.writes = true,
            _ => {}
        }
    }
    needed
}

impl Refusal {
    /// The reply to a command that is refused.
    pub(crate) fn error(self, user: &User, command: &Command) -> CommandError {
        match self.reason {
            Reason::Command => {
                let behind =
                    format!(" has no permissions to run the '{}' command", command.full_name);
                CommandError::quoting("NOPERM User ", user.name(), &behind)
            }
            Reason::Key | Reason::Auth => {
                CommandError::text("NOPERM No permissions to access a key")
            }
            Reason::Channel => CommandError::text("NOPERM No permissions to access a channel"),
        }
    }

    /// The reply to a queued command that the user may not run any more.
    pub(crate) fn error_of_exec(self) -> CommandError {
        let reason = match self.reason {
            Reason::Command | Reason::Auth => "no permission to execute the command or subcommand",
            Reason::Key => "no permission to touch the specified keys",
            Reason::Channel => {
                "no permission to access one of the channels used as arguments to the command"
            }
        };
        CommandError::new(format!(
            "NOPERM ACLs rules changed between the moment the transaction was accumulated and the \
             EXEC call. This command is no longer allowed for the following reason: {reason}"
        ))
    }

    /// What ACL DRYRUN says.
    pub(crate) fn explain(self, user: &User, command: &Command, args: Args<'_>) -> Vec<u8> {
        let argument = args.get(self.at).unwrap_or_default();
        let (before, what, behind): (&str, &[u8], &str) = match self.reason {
            Reason::Command => ("run", command.full_name.as_bytes(), "command"),
            Reason::Key | Reason::Auth => ("access", argument, "key"),
            Reason::Channel => ("access", argument, "channel"),
        };
        let before = format!(" has no permissions to {before} the '");
        let behind = format!("' {behind}");
        [b"User ", user.name(), before.as_bytes(), what, behind.as_bytes()].concat()
    }
}
