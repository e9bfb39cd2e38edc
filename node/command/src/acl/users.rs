//! All users, as one value, and the changes that there are.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use super::rule::{RuleError, Unclosed, has_blanks, join_selectors};
use super::user::User;
use crate::error::CommandError;

/// Who everybody is unless they say otherwise.
pub const DEFAULT: &[u8] = b"default";
/// Users that there may be.
const MAX_USERS: usize = 1 << 16;

/// See the module. There always is a user `default`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Users {
    by_name: BTreeMap<Vec<u8>, Arc<User>>,
    default: Arc<User>,
    /// New users may use every channel (`acl-pubsub-default allchannels`).
    hear_all: bool,
}

/// A change of the users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A user, who may be new, follows these words.
    Set {
        /// The user's name.
        name: Vec<u8>,
        /// As ACL SETUSER takes them.
        words: Vec<Vec<u8>>,
    },
    /// These users go, if they are there.
    Delete(Vec<Vec<u8>>),
    /// These are all there are.
    Replace(Users),
}

/// What a change has brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The users from now on.
    pub users: Users,
    /// How many of the named users were there, for DELUSER.
    pub deleted: usize,
}

/// The user that a new server begins with: without a password, and with every right.
static FRESH_DEFAULT: LazyLock<Arc<User>> = LazyLock::new(|| {
    let mut user = User::new(DEFAULT, true);
    for word in ["on", "nopass", "~*", "+@all"] {
        // They cannot fail; a test reads the line.
        let _ = user.set(word.as_bytes(), true);
    }
    Arc::new(user)
});

/// The user that a new server begins with.
pub(crate) fn fresh_default() -> Arc<User> {
    Arc::clone(&FRESH_DEFAULT)
}

/// What a line of a file cannot say would be lost, or be something else, after ACL SAVE.
const NOT_WRITABLE: CommandError = CommandError::text(
    "ERR This user could not be saved: names and rules must be UTF-8 text without blanks or \
     parentheses of their own",
);

impl Users {
    /// The default user alone.
    pub fn new(hear_all: bool) -> Users {
        let default = fresh_default();
        let by_name = BTreeMap::from([(DEFAULT.to_vec(), Arc::clone(&default))]);
        Users { by_name, default, hear_all }
    }

    /// The same users; new ones begin with every channel or with none.
    pub fn hearing_all(&self, hear_all: bool) -> Users {
        Users { hear_all, ..self.clone() }
    }

    /// A user by name.
    pub fn get(&self, name: &[u8]) -> Option<&Arc<User>> {
        self.by_name.get(name)
    }

    /// The user of connections that have not said who they are.
    pub fn default_user(&self) -> &Arc<User> {
        &self.default
    }

    /// Whether connections may do anything before they have authenticated.
    pub fn let_everybody_in(&self) -> bool {
        self.default.is_on() && self.default.needs_no_password()
    }

    /// All users, by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Arc<User>> {
        self.by_name.values()
    }

    /// Finds the user with this name and password.
    pub fn authenticate(&self, name: &[u8], password: &[u8]) -> Option<&Arc<User>> {
        match self.get(name) {
            Some(user) => user.accepts(password).then_some(user),
            None => {
                // As long as for a user that exists.
                let _ = self.default.accepts(password);
                None
            }
        }
    }

    /// What becomes of the users by a change.
    ///
    /// # Errors
    /// The reply to give.
    pub fn after(&self, change: &Change) -> Result<Changed, CommandError> {
        match change {
            Change::Set { name, words } => {
                let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
                Ok(Changed { users: self.with_user(name, &words)?, deleted: 0 })
            }
            Change::Delete(names) => self.without(names),
            Change::Replace(users) => Ok(Changed { users: users.clone(), deleted: 0 }),
        }
    }

    /// ACL SETUSER.
    fn with_user(&self, name: &[u8], words: &[&[u8]]) -> Result<Users, CommandError> {
        if has_blanks(name) {
            return Err(CommandError::text(
                "ERR Usernames can't contain spaces or null characters",
            ));
        }
        if self.get(name).is_none() && self.by_name.len() >= MAX_USERS {
            return Err(CommandError::text("ERR too many users; delete some with ACL DELUSER"));
        }
        let words = join_selectors(words).map_err(|Unclosed(number)| {
            let before = "ERR Unmatched parenthesis in acl selector starting at '";
            CommandError::quoting(before, words[number], "'.")
        })?;
        let users = self.with(name, &words).map_err(|(number, error)| {
            let behind = format!("': {error}");
            CommandError::quoting("ERR Error in ACL SETUSER modifier '", &words[number], &behind)
        })?;
        match users.is_writable(name) {
            true => Ok(users),
            false => Err(NOT_WRITABLE),
        }
    }

    /// These users with one that has followed words, or the number of the word that is wrong.
    pub(super) fn with(&self, name: &[u8], words: &[Vec<u8>]) -> Result<Users, (usize, RuleError)> {
        let mut user = match self.get(name) {
            Some(user) => User::clone(user),
            None => User::new(name, self.hear_all),
        };
        for (number, word) in words.iter().enumerate() {
            user.set(word, self.hear_all).map_err(|error| (number, error))?;
        }
        let mut users = self.clone();
        users.put(user);
        Ok(users)
    }

    pub(super) fn put(&mut self, user: User) {
        let user = Arc::new(user);
        if user.name() == DEFAULT {
            self.default = Arc::clone(&user);
        }
        self.by_name.insert(user.name().to_vec(), user);
    }

    fn without(&self, names: &[Vec<u8>]) -> Result<Changed, CommandError> {
        if names.iter().any(|name| name == DEFAULT) {
            return Err(CommandError::text("ERR The 'default' user cannot be removed"));
        }
        let mut users = self.clone();
        let deleted = names.iter().filter(|name| users.by_name.remove(*name).is_some()).count();
        Ok(Changed { users, deleted })
    }

    pub(super) fn hear_all(&self) -> bool {
        self.hear_all
    }

    /// The change that `requirepass` asks for: empty means that no password is needed.
    pub fn default_password(password: &[u8]) -> Change {
        let word = match password {
            [] => b"nopass".to_vec(),
            _ => [b">", password].concat(),
        };
        Change::Set { name: DEFAULT.to_vec(), words: vec![b"resetpass".to_vec(), word] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_user_may_do_everything_without_a_password() {
        let users = Users::new(false);
        let line = String::from_utf8(users.default_user().line()).expect("text");
        assert_eq!(line, "user default on nopass sanitize-payload ~* &* +@all");
        assert!(users.let_everybody_in() && users.default_user().has_all());
        assert!(users.authenticate(DEFAULT, b"anything").is_some());
        assert!(users.authenticate(b"nobody", b"").is_none());
    }

    #[test]
    fn a_password_for_the_server_is_the_default_users() {
        let with = Users::default_password(b"s3cret");
        let users = Users::new(false).after(&with).expect("it fits").users;
        assert!(!users.let_everybody_in());
        assert!(users.authenticate(DEFAULT, b"s3cret").is_some());
        assert!(users.authenticate(DEFAULT, b"other").is_none());
        let without = users.after(&Users::default_password(b"")).expect("it fits").users;
        assert_eq!(without, Users::new(false));
    }
}
