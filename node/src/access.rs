//! The node's users: where they are kept, where changes of them come together, whom a change turns
//! out, and who was refused what.
//!
//! Users are replaced whole. A worker looks at one number before each batch to see whether they
//! have been.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed, Ordering::Release};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use skep_command::acl::{
    Change, Changed, Denial, DenialLog, Entry, Penalties, Reason, Users, advice,
};
use skep_command::server::ChannelKind;
use skep_command::{Client, CommandError};

use crate::clients::Connection;
use crate::config::{advice_on_users_of_file, replace_file, users_of_file};
use crate::node::Node;

const NO_FILE: CommandError = CommandError::text(
    "ERR This Redis instance is not configured to use an ACL file. You may want to specify users \
     via the ACL SETUSER command and then issue a CONFIG REWRITE (assuming you have a Redis \
     configuration file set) in order to store users in the Redis configuration.",
);
const NOT_SAVED: CommandError = CommandError::text(
    "ERR There was an error trying to save the ACLs. Please check the server logs for more \
     information",
);

/// See the module.
pub(crate) struct Access {
    current: ArcSwap<(Arc<Users>, u64)>,
    version: AtomicU64,
    /// Held while users change, so that no change is lost.
    changes: Mutex<()>,
    denials: Mutex<DenialLog>,
    penalties: Mutex<Penalties>,
    denied_commands: AtomicU64,
    denied_keys: AtomicU64,
    denied_channels: AtomicU64,
}

impl Access {
    pub(crate) fn new(users: Users) -> Access {
        Access {
            current: ArcSwap::from_pointee((Arc::new(users), 1)),
            version: AtomicU64::new(1),
            changes: Mutex::default(),
            denials: Mutex::default(),
            penalties: Mutex::default(),
            denied_commands: AtomicU64::new(0),
            denied_keys: AtomicU64::new(0),
            denied_channels: AtomicU64::new(0),
        }
    }

    /// The users and their version.
    pub(crate) fn users(&self) -> (Arc<Users>, u64) {
        let current = self.current.load();
        (Arc::clone(&current.0), current.1)
    }

    /// The users' version, perhaps that of a moment ago.
    #[inline]
    pub(crate) fn version(&self) -> u64 {
        self.version.load(Relaxed)
    }

    pub(crate) fn denials(&self, count: usize) -> Vec<Entry> {
        self.denials.lock().newest(count)
    }

    pub(crate) fn forget_denials(&self) {
        self.denials.lock().clear();
    }

    /// Refusals by reason: commands, keys, channels.
    pub(crate) fn denied(&self) -> [u64; 3] {
        [&self.denied_commands, &self.denied_keys, &self.denied_channels]
            .map(|one| one.load(Relaxed))
    }

    pub(crate) fn reset_figures(&self) {
        for counter in [&self.denied_commands, &self.denied_keys, &self.denied_channels] {
            counter.store(0, Relaxed);
        }
    }
}

impl Node {
    /// Changes the users; see [`Server::change_users`](skep_command::Server::change_users).
    pub(crate) fn change_users(
        &self,
        asker: Option<u64>,
        change: &Change,
    ) -> Result<usize, CommandError> {
        let deleted = self.edit_users(asker, |users| users.after(change))?;
        if let Change::Set { name, words } = change {
            advice(name, words).iter().for_each(|text| self.warn(text));
        }
        Ok(deleted)
    }

    /// Makes other users of those there are, with nobody in between.
    fn edit_users(
        &self,
        asker: Option<u64>,
        edit: impl FnOnce(&Users) -> Result<Changed, CommandError>,
    ) -> Result<usize, CommandError> {
        let _alone = self.access.changes.lock();
        let (users, _) = self.access.users();
        let changed = edit(&users)?;
        self.put_users(&users, changed.users, asker);
        Ok(changed.deleted)
    }

    /// Puts users in force that have been found good: THE place through which every change goes,
    /// so that a cluster can have one agreed on before it comes here. The caller lets no other in.
    fn put_users(&self, before: &Users, after: Users, asker: Option<u64>) {
        let after = Arc::new(after);
        let version = self.access.version() + 1;
        self.access.current.store(Arc::new((Arc::clone(&after), version)));
        self.access.version.store(version, Release);
        for connection in self.clients.select(&Default::default(), self.now_ms()) {
            let is_asker = asker == Some(connection.id);
            match fate(&connection, before, &after) {
                Fate::Stays => {}
                // It has its reply first.
                Fate::Ends | Fate::Disabled if is_asker => connection.close_when_idle(),
                Fate::Ends | Fate::Disabled => connection.kill(),
            }
        }
    }

    /// Gives the default user the password that the configuration says.
    pub(crate) fn change_password(&self, password: Option<&str>) {
        let change = Users::default_password(password.unwrap_or_default().as_bytes());
        if let Err(error) = self.change_users(None, &change) {
            self.warn(&format!("cannot change the default user's password: {error}"));
        }
    }

    /// New users begin with every channel, or with none.
    pub(crate) fn let_users_hear_all(&self, hear_all: bool) {
        let hearing =
            |users: &Users| Ok(Changed { users: users.hearing_all(hear_all), deleted: 0 });
        // It cannot fail.
        let _ = self.edit_users(None, hearing);
    }

    /// ACL LOAD.
    pub(crate) fn load_users(&self, asker: u64) -> Result<(), CommandError> {
        let settings = self.settings.load();
        if settings.users_file.is_empty() {
            return Err(NO_FILE);
        }
        let mut base = Users::new(settings.users_hear_all);
        if let Some(password) = &settings.password {
            base = base.after(&Users::default_password(password.as_bytes()))?.users;
        }
        let users = users_of_file(&base, &settings.users_file).map_err(|problems| {
            let problems: Vec<_> = problems.iter().map(|one| format!("{one}. ")).collect();
            CommandError::new(format!(
                "ERR {}WARNING: ACL errors detected, no change to the previously active ACL rules \
                 was performed",
                problems.concat()
            ))
        })?;
        self.change_users(Some(asker), &Change::Replace(users))?;
        let advice = advice_on_users_of_file(&settings.users_file);
        advice.iter().for_each(|text| self.warn(text));
        Ok(())
    }

    /// ACL SAVE.
    pub(crate) fn save_users(&self) -> Result<(), CommandError> {
        let settings = self.settings.load();
        if settings.users_file.is_empty() {
            return Err(NO_FILE);
        }
        let (users, _) = self.access.users();
        replace_file(Path::new(&settings.users_file), &users.file()).map_err(|error| {
            self.warn(&format!("cannot write the users to {}: {error}", settings.users_file));
            NOT_SAVED
        })
    }

    /// How long an attempt to authenticate has to wait.
    pub(crate) fn login_wait_ms(&self, client: u64, user: &[u8]) -> u64 {
        let Some(address) = self.address_of(client) else { return 0 };
        self.access.penalties.lock().wait_ms(&address, self.known(user), self.now_ms())
    }

    pub(crate) fn note_login(&self, client: u64, user: &[u8], succeeded: bool) {
        let Some(address) = self.address_of(client) else { return };
        let mut penalties = self.access.penalties.lock();
        match succeeded {
            true => penalties.succeeded(&address, self.known(user)),
            false => penalties.failed(&address, self.known(user), self.now_ms()),
        }
    }

    /// The user's name, or nothing for one that does not exist.
    fn known<'u>(&self, user: &'u [u8]) -> &'u [u8] {
        let exists = self.access.users().0.get(user).is_some();
        if exists { user } else { b"" }
    }

    /// The client's address, as far as it tells one host from another.
    fn address_of(&self, client: u64) -> Option<Vec<u8>> {
        let connection = self.clients.get(client)?;
        Some(match connection.peer.ip().to_canonical() {
            IpAddr::V4(address) => address.octets().to_vec(),
            // A host may have all addresses of a network of 64 bits.
            IpAddr::V6(address) => address.octets()[..8].to_vec(),
        })
    }

    pub(crate) fn note_denial(&self, client: &Client, denial: Denial) {
        let counter = match denial.reason {
            Reason::Command => Some(&self.access.denied_commands),
            Reason::Key => Some(&self.access.denied_keys),
            Reason::Channel => Some(&self.access.denied_channels),
            // Counted by its error.
            Reason::Auth => None,
        };
        if let Some(counter) = counter {
            counter.fetch_add(1, Relaxed);
        }
        let now_ms = self.now_ms();
        let connection = self.clients.get(client.id);
        let shown = connection.map_or_else(String::new, |one| one.describe(now_ms));
        let max_entries = self.settings.load().denial_log_len;
        self.access.denials.lock().note(denial, shown, now_ms, max_entries);
    }
}

/// What becomes of a connection when the users change.
enum Fate {
    Stays,
    /// Its user is gone, or may not hear any more what it is subscribed to.
    Ends,
    /// Its user may not come in any more.
    Disabled,
}

fn fate(connection: &Connection, before: &Users, after: &Users) -> Fate {
    let (name, is_authenticated) = connection.visible.lock().identity();
    if !is_authenticated {
        return Fate::Stays;
    }
    let (Some(old), new) = (before.get(&name), after.get(&name)) else { return Fate::Stays };
    let Some(new) = new else { return Fate::Ends };
    if old.is_on() && !new.is_on() {
        return Fate::Disabled;
    }
    let subscriptions = connection.subscriptions.lock();
    let may_listen = |(kind, channel): &(ChannelKind, Box<[u8]>)| {
        new.may_listen(channel, *kind == ChannelKind::Pattern)
    };
    if subscriptions.iter().all(may_listen) { Fate::Stays } else { Fate::Ends }
}
