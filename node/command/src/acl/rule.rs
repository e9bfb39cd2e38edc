//! What can be wrong with the words that describe a user, and how words in parentheses, which a
//! line has taken apart, come together again.

/// Why a word cannot be followed. The texts are Redis's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// The word means nothing.
    #[error("Syntax error")]
    Syntax,
    /// A command or category that does not exist.
    #[error("Unknown command or category name in ACL")]
    Unknown,
    /// A key pattern where every key is allowed already.
    #[error(
        "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not \
         have any effect. Try 'resetkeys' to start with an empty list of patterns"
    )]
    BehindAllKeys,
    /// A channel pattern where every channel is allowed already.
    #[error(
        "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does \
         not have any effect. Try 'resetchannels' to start with an empty list of channels"
    )]
    BehindAllChannels,
    /// Not the form of a password's hash.
    #[error(
        "The password hash must be exactly 64 characters and contain only lowercase hexadecimal \
         characters"
    )]
    BadHash,
    /// A password to remove that is none.
    #[error("The password you are trying to remove from the user does not exist")]
    NoSuchPassword,
    /// `+config|get|x`.
    #[error("Allowing first-arg of a subcommand is not supported")]
    FirstArgumentOfSubcommand,
}

/// A parenthesis that nothing closes: the number of its word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unclosed(pub(super) usize);

/// Joins the words from one that opens a parenthesis to the one that closes it.
pub(super) fn join_selectors(words: &[&[u8]]) -> Result<Vec<Vec<u8>>, Unclosed> {
    let mut joined: Vec<Vec<u8>> = Vec::new();
    let mut open: Option<(usize, Vec<u8>)> = None;
    for (number, word) in words.iter().enumerate() {
        let closes = word.last() == Some(&b')');
        match open.take() {
            Some((first, mut selector)) => {
                selector.push(b' ');
                selector.extend_from_slice(word);
                if closes {
                    joined.push(selector);
                } else {
                    open = Some((first, selector));
                }
            }
            None if word.first() == Some(&b'(') && !closes => open = Some((number, word.to_vec())),
            None => joined.push(word.to_vec()),
        }
    }
    match open {
        Some((first, _)) => Err(Unclosed(first)),
        None => Ok(joined),
    }
}

/// Whether a name or a pattern has what would end it in a file.
pub(super) fn has_blanks(bytes: &[u8]) -> bool {
    // As `isspace` in Redis: vertical tabs, too.
    bytes.iter().any(|byte| byte.is_ascii_whitespace() || [0, 0x0b].contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(line: &str) -> Result<Vec<String>, Unclosed> {
        let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        let text = |word: Vec<u8>| String::from_utf8_lossy(&word).into_owned();
        join_selectors(&words).map(|words| words.into_iter().map(text).collect())
    }

    #[test]
    fn words_in_parentheses_become_one() {
        let expected = vec!["on".to_owned(), "(+get ~a)".to_owned(), "(+set)".to_owned()];
        assert_eq!(joined("on (+get ~a) (+set)"), Ok(expected));
        assert_eq!(joined("on (+get ~a"), Err(Unclosed(1)));
        assert_eq!(joined("a) ()"), Ok(vec!["a)".to_owned(), "()".to_owned()]));
    }
}
