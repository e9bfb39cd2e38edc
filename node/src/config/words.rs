//! Lines of words in the way of redis.conf: separated by blanks, with single or double quotes
//! around what contains blanks, and escapes in double quotes.

/// The words of a line; nothing if a quote is not closed, or is followed by something else than a
/// blank.
pub(crate) fn split(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut rest = line.trim();
    while !rest.is_empty() {
        let (word, after) = match rest.as_bytes()[0] {
            b'"' => double_quoted(&rest[1..])?,
            b'\'' => single_quoted(&rest[1..])?,
            _ => {
                let end = rest.find(|c: char| c.is_ascii_whitespace()).unwrap_or(rest.len());
                // A quote inside a word would be a surprise either way.
                if rest[..end].contains(['"', '\'']) {
                    return None;
                }
                (rest[..end].to_owned(), &rest[end..])
            }
        };
        if !after.is_empty() && !after.starts_with(|c: char| c.is_ascii_whitespace()) {
            return None;
        }
        words.push(word);
        rest = after.trim_start();
    }
    Some(words)
}

fn single_quoted(text: &str) -> Option<(String, &str)> {
    let mut word = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\'' => return Some((word, &text[at + 1..])),
            '\\' if text[at + 1..].starts_with('\'') => {
                letters.next();
                word.push('\'');
            }
            other => word.push(other),
        }
    }
    None
}

fn double_quoted(text: &str) -> Option<(String, &str)> {
    let mut word = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((word, &text[at + 1..])),
            '\\' => {
                let (at, escaped) = letters.next()?;
                match escaped {
                    'n' => word.push('\n'),
                    'r' => word.push('\r'),
                    't' => word.push('\t'),
                    'b' => word.push('\u{8}'),
                    'a' => word.push('\u{7}'),
                    'x' => {
                        let code = u8::from_str_radix(text.get(at + 1..at + 3)?, 16).ok()?;
                        letters.nth(1);
                        word.push(char::from(code));
                    }
                    other => word.push(other),
                }
            }
            other => word.push(other),
        }
    }
    None
}

/// Writes words so that [`split`] reads them back.
pub(crate) fn join<S: AsRef<str>>(words: &[S]) -> String {
    words.iter().map(|word| quote(word.as_ref())).collect::<Vec<_>>().join(" ")
}

fn quote(word: &str) -> String {
    let plain = |c: char| !c.is_ascii_whitespace() && !c.is_control() && !"\"'\\#".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    let mut quoted = String::from("\"");
    for letter in word.chars() {
        match letter {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            other if other.is_ascii_control() => {
                quoted.push_str(&format!("\\x{:02x}", other as u32));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_keep_blanks_and_may_be_empty() {
        let line = r#"  save ""  'a b' "c\"d\x41\n" plain "#;
        assert_eq!(
            split(line),
            Some(["save", "", "a b", "c\"dA\n", "plain"].map(str::to_owned).to_vec())
        );
    }

    #[test]
    fn a_quote_that_is_not_closed_is_refused() {
        for line in ["a \"b", "a 'b", "\"a\"b", "'a'b", "a\"b\"", "\"\\", "\"\\x4"] {
            assert_eq!(split(line), None, "{line}");
        }
    }

    #[test]
    fn joined_words_split_into_the_same_words() {
        let words = ["", "a", "a b", "q\"u'o\\te", "#1", "new\nline", "bell\u{7}", "grün"];
        assert_eq!(split(&join(&words)), Some(words.map(str::to_owned).to_vec()));
    }
}
