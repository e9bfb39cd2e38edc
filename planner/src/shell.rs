//! Words of commands that people copy into a shell.

/// A word as a shell takes it: in quotes if it has anything in it that a shell would read otherwise.
pub(crate) fn word(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:@%+,".contains(&byte);
    match !text.is_empty() && text.bytes().all(is_plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_shell_is_surprised() {
        assert_eq!(word("127.0.0.1:7000"), "127.0.0.1:7000");
        assert_eq!(word("a b"), "'a b'");
        assert_eq!(word("$(reboot)'"), r"'$(reboot)'\'''");
        assert_eq!(word("`reboot`"), "'`reboot`'");
        assert_eq!(word(""), "''");
    }
}
