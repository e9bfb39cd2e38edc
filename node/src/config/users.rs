//! The users that a configuration describes: lines of the option `user`, or the file of `aclfile`,
//! and the default user's password, `requirepass`.

use std::path::Path;
use std::sync::Arc;

use skep_command::acl::{LineProblem, Users, advice, advice_on_file};

use super::load::text_of;
use super::source::{Origin, Problem};
use super::value::Value;
use super::{Configuration, Entry, find, words};

/// The option's name.
const USER: &str = "user";

/// Adds what one assignment says: the words of one user, or whole lines, which have blanks.
pub(super) fn read<S: AsRef<str>>(given: &[S], current: &Value) -> Result<Value, String> {
    let mut lines = match current {
        Value::Users(lines) => lines.clone(),
        _ => Vec::new(),
    };
    let given: Vec<&str> =
        given.iter().map(AsRef::as_ref).filter(|word| !word.is_empty()).collect();
    let are_lines = given.first().is_some_and(|first| first.contains(' '));
    if are_lines {
        for line in given {
            lines.push(words::split(line).ok_or("a quote is not closed")?);
        }
    } else if !given.is_empty() {
        lines.push(given.into_iter().map(str::to_owned).collect());
    }
    let added = lines.iter().map(Vec::as_slice);
    parse(&Users::new(false), added)
        .map_err(|problems| problems.first().map_or_else(String::new, |one| one.text.clone()))?;
    Ok(Value::Users(lines))
}

fn parse<'l>(
    base: &Users,
    lines: impl Iterator<Item = &'l [String]>,
) -> Result<Users, Vec<LineProblem>> {
    let lines = lines.enumerate().map(|(number, words)| {
        let words = std::iter::once(USER).chain(words.iter().map(String::as_str));
        (number + 1, words.map(str::as_bytes).collect())
    });
    base.with_lines(lines)
}

impl Configuration {
    /// The users that it describes, as of when it was read.
    pub(crate) fn users(&self) -> &Users {
        &self.users
    }

    /// The lines of the option `user`.
    pub(crate) fn user_lines(&self) -> &[Vec<String>] {
        let entry = find(USER).map(|(number, _)| &self.entries[number].value);
        match entry {
            Some(Value::Users(lines)) => lines,
            _ => &[],
        }
    }

    /// Looks what the users are, at the file as well.
    pub(super) fn find_users(&mut self) -> Result<(), Vec<Problem>> {
        let settings = self.settings();
        let mut users = Users::new(settings.users_hear_all);
        if let Some(password) = &settings.password {
            let change = Users::default_password(password.as_bytes());
            let changed = users.after(&change).map_err(|error| {
                vec![Problem::new(Origin::Default, format!("requirepass: {error}"))]
            })?;
            users = changed.users;
        }
        let lines = self.user_lines();
        let origin = find(USER).map_or(Origin::Default, |(at, _)| self.entries[at].origin.clone());
        self.users = match (&*settings.users_file, lines) {
            ("", lines) => parse(&users, lines.iter().map(Vec::as_slice)).map_err(|problems| {
                let told = |one: &LineProblem| Problem::new(origin.clone(), one.text.clone());
                problems.iter().map(told).collect::<Vec<_>>()
            })?,
            (file, []) => users_of_file(&users, file)?,
            _ => {
                let text = "users are in the file of 'aclfile' already; keep one of both";
                return Err(vec![Problem::new(origin, text)]);
            }
        };
        Ok(())
    }

    /// The same configuration, with lines for these users if they are others.
    pub(crate) fn saying(&self, users: &Users) -> Configuration {
        let mut same = self.clone();
        if *users == self.users {
            return same;
        }
        let has_file = !self.settings().users_file.is_empty();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let line = |line: String| line.split(' ').skip(1).map(str::to_owned).collect();
        let lines = match has_file || users.are_plain() {
            true => Vec::new(),
            false => users.iter().map(|user| line(text(user.line()))).collect(),
        };
        if let Some((number, _)) = find(USER) {
            same.entries[number] = Entry { value: Value::Users(lines), origin: Origin::Client };
        }
        same
    }

    /// What is odd about the users: one line each.
    pub(super) fn advice_on_users(&self) -> Vec<String> {
        let of_line = |line: &Vec<String>| {
            line.split_first().map_or_else(Vec::new, |(name, words)| advice(name.as_bytes(), words))
        };
        let file = self.settings().users_file;
        let of_file = match file.is_empty() {
            true => Vec::new(),
            false => advice_on_users_of_file(&file),
        };
        self.user_lines().iter().flat_map(of_line).chain(of_file).collect()
    }
}

/// What is odd about the users of a file, if it can be read.
pub(crate) fn advice_on_users_of_file(file: &str) -> Vec<String> {
    text_of(Path::new(file)).map_or_else(|_| Vec::new(), |text| advice_on_file(text.as_bytes()))
}

/// The users of a file, on top of others.
pub(crate) fn users_of_file(base: &Users, file: &str) -> Result<Users, Vec<Problem>> {
    let path: Arc<Path> = Path::new(file).into();
    let text = text_of(&path)
        .map_err(|text| vec![Problem::new(Origin::Flag("aclfile".to_owned()), text)])?;
    base.with_file(text.as_bytes()).map_err(|problems| {
        let at = |line| Origin::File(Arc::clone(&path), line);
        problems.into_iter().map(|one| Problem::new(at(one.line), one.text)).collect()
    })
}
