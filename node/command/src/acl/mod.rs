//! Who may do what: users, their passwords, and the commands, keys and channels they may use.
//!
//! A user has selectors, and may do what any one of them allows in full. Users are values: a change
//! makes new ones, which take the place of the old ones whole, and a connection keeps the one that
//! it has authenticated as until it sees that there are others. Words, texts and canonical forms
//! are those of Redis 7.2.
//!
//! Read in this order: `rule` (words and what is wrong with them), `key_pattern`, `selector`, `check`
//! (the question asked of every command), `user`, `users`, `lines` (files), `advice`, `log`,
//! `penalty` (failed attempts), `session` (who a connection is), `commands`.

mod advice;
mod channels;
mod check;
mod command_set;
pub(crate) mod commands;
mod key_pattern;
mod lines;
mod log;
mod password;
mod penalty;
mod rule;
mod selector;
pub(crate) mod session;
#[cfg(test)]
mod tests;
mod user;
mod users;

pub use advice::advice;
pub use check::Reason;
pub use lines::{LineProblem, advice_on_file};
pub use log::{Context, Denial, DenialLog, Entry};
pub use penalty::Penalties;
pub use rule::RuleError;
pub use user::User;
pub(crate) use users::fresh_default;
pub use users::{Change, Changed, DEFAULT, Users};
