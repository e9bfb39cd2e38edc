//! A user: a name, passwords, and selectors.

use super::password::PasswordHash;
use super::rule::RuleError;
use super::selector::Selector;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    name: Vec<u8>,
    is_on: bool,
    /// Any password will do.
    needs_no_password: bool,
    /// RESTORE need not look for damage. Kept for the sake of files; ours always does.
    skips_sanitizing: bool,
    passwords: Vec<PasswordHash>,
    /// The root, and those in parentheses.
    selectors: Vec<Selector>,
    has_all: bool,
}

impl User {
    /// One that may do nothing, and as whom nobody can authenticate.
    pub(super) fn new(name: &[u8], hears_all: bool) -> User {
        User {
            name: name.to_vec(),
            is_on: false,
            needs_no_password: false,
            skips_sanitizing: false,
            passwords: Vec::new(),
            selectors: vec![Selector::new(hears_all)],
            has_all: false,
        }
    }

    /// The user's name.
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// Whether one can authenticate as this user.
    pub fn is_on(&self) -> bool {
        self.is_on
    }

    /// Whether any password will do.
    pub fn needs_no_password(&self) -> bool {
        self.needs_no_password
    }

    /// Whether nothing is forbidden.
    pub(crate) fn has_all(&self) -> bool {
        self.has_all
    }

    pub(super) fn selectors(&self) -> &[Selector] {
        &self.selectors
    }

    /// Whether somebody with this password is the user. Takes a time that depends only on how many
    /// passwords there are and on the length of the one given.
    pub(super) fn accepts(&self, password: &[u8]) -> bool {
        let given = PasswordHash::of(password);
        let known = self.passwords.iter().fold(false, |known, one| known | one.is(&given));
        self.is_on && (self.needs_no_password || known)
    }

    /// Follows a word; see the documentation of ACL SETUSER. `hears_all`: whether new selectors
    /// begin with all channels.
    pub(super) fn set(&mut self, word: &[u8], hears_all: bool) -> Result<(), RuleError> {
        self.follow(word, hears_all)?;
        self.has_all = self.selectors.iter().any(Selector::has_all);
        Ok(())
    }

    fn follow(&mut self, word: &[u8], hears_all: bool) -> Result<(), RuleError> {
        match word.to_ascii_lowercase().as_slice() {
            b"" => {}
            b"on" => self.is_on = true,
            b"off" => self.is_on = false,
            b"nopass" => {
                self.needs_no_password = true;
                self.passwords.clear();
            }
            b"resetpass" => {
                self.needs_no_password = false;
                self.passwords.clear();
            }
            b"skip-sanitize-payload" => self.skips_sanitizing = true,
            b"sanitize-payload" => self.skips_sanitizing = false,
            b"clearselectors" => self.selectors.truncate(1),
            b"reset" => *self = User::new(&self.name, hears_all),
            [b'>', ..] => self.add_password(PasswordHash::of(&word[1..])),
            [b'#', ..] => self.add_password(hash(&word[1..])?),
            [b'<', ..] => self.remove_password(&PasswordHash::of(&word[1..]))?,
            [b'!', ..] => self.remove_password(&hash(&word[1..])?)?,
            [b'(', .., b')'] => self.add_selector(&word[1..word.len() - 1], hears_all)?,
            _ => self.selectors[0].set(word)?,
        }
        Ok(())
    }

    fn add_password(&mut self, password: PasswordHash) {
        if !self.passwords.contains(&password) {
            self.passwords.push(password);
        }
        self.needs_no_password = false;
    }

    fn remove_password(&mut self, password: &PasswordHash) -> Result<(), RuleError> {
        let at = self.passwords.iter().position(|one| one == password);
        self.passwords.remove(at.ok_or(RuleError::NoSuchPassword)?);
        Ok(())
    }

    fn add_selector(&mut self, words: &[u8], hears_all: bool) -> Result<(), RuleError> {
        let mut selector = Selector::new(hears_all);
        let words = words.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        for word in words {
            selector.set(word)?;
        }
        self.selectors.push(selector);
        Ok(())
    }

    /// The words of ACL GETUSER's `flags`.
    pub(super) fn flags(&self) -> Vec<&'static str> {
        let mut flags = vec![if self.is_on { "on" } else { "off" }];
        if self.needs_no_password {
            flags.push("nopass");
        }
        flags.push(match self.skips_sanitizing {
            true => "skip-sanitize-payload",
            false => "sanitize-payload",
        });
        flags
    }

    /// The passwords' hashes in hexadecimal digits.
    pub(super) fn password_hashes(&self) -> impl ExactSizeIterator<Item = String> + '_ {
        self.passwords.iter().map(PasswordHash::hex)
    }

    /// The line that describes the user in ACL LIST and in files.
    pub fn line(&self) -> Vec<u8> {
        let mut line = [b"user ", self.name.as_slice(), b" "].concat();
        line.extend_from_slice(self.flags().join(" ").as_bytes());
        for hash in self.password_hashes() {
            line.extend_from_slice(format!(" #{hash}").as_bytes());
        }
        for (number, selector) in self.selectors.iter().enumerate() {
            let text = selector.show();
            line.push(b' ');
            match number {
                0 => line.extend_from_slice(&text),
                _ => line.extend_from_slice(&[b"(", text.as_slice(), b")"].concat()),
            }
        }
        line
    }
}

fn hash(digits: &[u8]) -> Result<PasswordHash, RuleError> {
    PasswordHash::parse(digits).ok_or(RuleError::BadHash)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(words: &str) -> User {
        let mut user = User::new(b"ada", false);
        for word in words.split(',') {
            user.set(word.as_bytes(), false).unwrap_or_else(|error| panic!("{word}: {error}"));
        }
        user
    }

    fn line(words: &str) -> String {
        String::from_utf8(user(words).line()).expect("text")
    }

    #[test]
    fn a_line_says_everything_in_the_order_of_redis() {
        let hash = PasswordHash::of(b"x").hex();
        assert_eq!(line(""), "user ada off sanitize-payload resetchannels -@all");
        assert_eq!(
            line("on,>x,>x,~a,+get,(%R~b +set),()"),
            format!(
                "user ada on sanitize-payload #{hash} ~a resetchannels -@all +get \
                 (%R~b resetchannels -@all +set) (resetchannels -@all)"
            )
        );
        assert_eq!(
            line("on,>x,nopass,skip-sanitize-payload,(+get),clearselectors"),
            "user ada on nopass skip-sanitize-payload resetchannels -@all"
        );
        assert_eq!(line("on,>x,~*,reset"), line(""));
    }

    #[test]
    fn passwords_come_and_go() {
        let mut user = user("on,>x,>y,<x");
        assert!(user.accepts(b"y") && !user.accepts(b"x"));
        assert_eq!(user.set(b"<x", false), Err(RuleError::NoSuchPassword));
        assert_eq!(user.set(b"#12", false), Err(RuleError::BadHash));
        user.set(b"nopass", false).expect("it fits");
        assert!(user.accepts(b"anything"));
        user.set(b">z", false).expect("it fits");
        assert!(user.accepts(b"z") && !user.accepts(b"anything"));
        user.set(b"off", false).expect("it fits");
        assert!(!user.accepts(b"z"));
    }

    #[test]
    fn only_one_selector_with_everything_allows_everything() {
        assert!(user("~*,&*,+@all").has_all());
        assert!(user("(~* &* +@all)").has_all());
        assert!(!user("~*,+@all").has_all());
        assert!(!user("~*,&*,+@all,-get,+get").has_all());
        assert!(!user("~*,+@all,(&*)").has_all());
    }
}
