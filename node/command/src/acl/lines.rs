//! Users as lines of text: `user name word ...`, in the file of ACL LOAD and ACL SAVE and in the
//! configuration. All lines can be followed, or nothing changes.

use std::collections::BTreeSet;

use super::advice::advice;
use super::rule::{Unclosed, join_selectors};
use super::user::User;
use super::users::{DEFAULT, Users};

/// What is wrong with a line, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{line}: {text}")]
pub struct LineProblem {
    /// Its number.
    pub line: usize,
    /// What is wrong with it.
    pub text: String,
}

impl Users {
    /// These users with those of a file in place of whoever has their names. Blank lines and
    /// comments are passed over.
    ///
    /// # Errors
    /// All lines that cannot be followed.
    pub fn with_file(&self, text: &[u8]) -> Result<Users, Vec<LineProblem>> {
        self.with_lines(lines(text))
    }

    /// As [`Users::with_file`], for lines that are taken apart already.
    ///
    /// # Errors
    /// All lines that cannot be followed.
    pub fn with_lines<'l>(
        &self,
        lines: impl Iterator<Item = (usize, Vec<&'l [u8]>)>,
    ) -> Result<Users, Vec<LineProblem>> {
        let mut users = self.clone();
        let (mut named, mut problems) = (BTreeSet::new(), Vec::new());
        for (line, words) in lines {
            match user_of(&words, self.hear_all()) {
                Ok(user) if named.contains(user.name()) => {
                    let name = String::from_utf8_lossy(user.name());
                    problems
                        .push(LineProblem { line, text: format!("user '{name}' is there twice") });
                }
                Ok(user) => {
                    named.insert(user.name().to_vec());
                    users.put(user);
                }
                Err(text) => problems.push(LineProblem { line, text }),
            }
        }
        if problems.is_empty() { Ok(users) } else { Err(problems) }
    }

    /// Whether a file would tell a user as it is: a rule may have what a line cannot say.
    pub(super) fn is_writable(&self, name: &[u8]) -> bool {
        let Some(user) = self.get(name) else { return true };
        let line = user.line();
        let mut read = lines(&line);
        let (Some((_, words)), None) = (read.next(), read.next()) else { return false };
        let again = user_of(&words, self.hear_all());
        std::str::from_utf8(&line).is_ok() && again.is_ok_and(|again| again.line() == line)
    }

    /// The text of a file that says the same.
    pub fn file(&self) -> Vec<u8> {
        self.iter().flat_map(|user| [user.line(), b"\n".to_vec()].concat()).collect()
    }

    /// Whether there is nobody but a default user as a new server has it, whatever its password.
    pub fn are_plain(&self) -> bool {
        let fresh = Users::new(self.hear_all());
        let mut default = User::clone(self.default_user());
        let reset = default.set(b"nopass", self.hear_all());
        reset.is_ok() && self.iter().len() == 1 && default == **fresh.default_user()
    }
}

/// The lines of a file that say something, with their numbers.
fn lines(text: &[u8]) -> impl Iterator<Item = (usize, Vec<&[u8]>)> {
    let lines = text.split(|&byte| byte == b'\n').enumerate();
    lines.filter_map(|(number, line)| {
        let words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        let words: Vec<_> = words.collect();
        let says_something = words.first().is_some_and(|word| word[0] != b'#');
        says_something.then_some((number + 1, words))
    })
}

/// What is odd about the users of a file; see [`advice`].
pub fn advice_on_file(text: &[u8]) -> Vec<String> {
    let of_line = |(_, words): (usize, Vec<&[u8]>)| match &words[..] {
        [_, name, words @ ..] => advice(name, words),
        _ => Vec::new(),
    };
    lines(text).flat_map(of_line).collect()
}

fn user_of(words: &[&[u8]], hear_all: bool) -> Result<User, String> {
    let shown = |word: &[u8]| String::from_utf8_lossy(word).into_owned();
    let [keyword, name, words @ ..] = words else {
        return Err("a line begins with 'user' and a name".to_owned());
    };
    if *keyword != b"user" {
        return Err(format!("'{}' should be 'user'", shown(keyword)));
    }
    if super::rule::has_blanks(name) {
        return Err(format!("the name '{}' has blanks in it", shown(name)));
    }
    let words = join_selectors(words).map_err(|Unclosed(number)| {
        format!("nothing closes the parenthesis of '{}'", shown(words[number]))
    })?;
    let mut user = User::new(name, hear_all);
    for word in &words {
        user.set(word, hear_all).map_err(|error| {
            // A password is nobody's business.
            let hidden = [b'>', b'<'].iter().any(|sign| word.first() == Some(sign));
            let word = if hidden { "(hidden)".to_owned() } else { shown(word) };
            format!("'{word}' of user '{}': {error}", shown(name))
        })?;
    }
    Ok(user)
}

impl User {
    /// Whether this is the user of those who have not said who they are.
    pub fn is_default(&self) -> bool {
        self.name() == DEFAULT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_reads_back() {
        let text =
            b"# people\n\nuser ada on >x ~a* ( +get %R~b ) +set\r\nuser default on nopass +ping\n";
        let users = Users::new(false).with_file(text).expect("it fits");
        assert_eq!(users.iter().len(), 2);
        let written = users.file();
        assert_eq!(Users::new(false).with_file(&written), Ok(users));
        assert!(!String::from_utf8_lossy(&written).contains(">x"));
    }

    #[test]
    fn every_wrong_line_is_named_and_passwords_are_not_shown() {
        let text =
            b"user\nuser a +nosuch\nperson b\nuser c on\nuser c on\nuser d (+get\nuser e <s3cret\n";
        let problems = Users::new(false).with_file(text).expect_err("it does not fit");
        let seen: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            seen,
            [
                "1: a line begins with 'user' and a name",
                "2: '+nosuch' of user 'a': Unknown command or category name in ACL",
                "3: 'person' should be 'user'",
                "5: user 'c' is there twice",
                "6: nothing closes the parenthesis of '(+get'",
                "7: '(hidden)' of user 'e': The password you are trying to remove from the user \
                 does not exist",
            ]
        );
    }

    #[test]
    fn users_are_plain_while_nobody_has_been_added_or_changed() {
        let plain = Users::new(false);
        let with = |line: &str| plain.with_file(line.as_bytes()).expect("it fits");
        assert!(plain.are_plain());
        assert!(with("user default on >x ~* &* +@all").are_plain());
        assert!(!with("user default on nopass ~* &* +@all -flushall").are_plain());
        assert!(!with("user ada on").are_plain());
    }
}
