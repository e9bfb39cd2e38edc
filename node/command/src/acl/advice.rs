//! What is odd about the words that describe a user, for people: words that can have no effect.

use super::rule::join_selectors;

/// One line for each oddity in the words of one user.
pub fn advice<W: AsRef<[u8]>>(name: &[u8], words: &[W]) -> Vec<String> {
    let name = String::from_utf8_lossy(name);
    let mut told = Vec::new();
    let (mut keys, mut channels) = (Vec::new(), Vec::new());
    let words: Vec<&[u8]> = words.iter().map(AsRef::as_ref).collect();
    // Selectors are words of their own.
    for word in &join_selectors(&words).unwrap_or_default() {
        let lower = word.to_ascii_lowercase();
        let useless = match lower.as_slice() {
            b"~*" | b"allkeys" => Some(("key", std::mem::take(&mut keys))),
            b"&*" | b"allchannels" => Some(("channel", std::mem::take(&mut channels))),
            b"resetkeys" => {
                keys.clear();
                None
            }
            b"resetchannels" => {
                channels.clear();
                None
            }
            [b'~' | b'%', ..] => {
                keys.push(String::from_utf8_lossy(word).into_owned());
                None
            }
            [b'&', ..] => {
                channels.push(String::from_utf8_lossy(word).into_owned());
                None
            }
            _ => None,
        };
        let Some((kind, patterns)) = useless else { continue };
        let by = String::from_utf8_lossy(word);
        told.extend(patterns.iter().map(|pattern| {
            format!(
                "user '{name}': '{by}' allows every {kind}, so '{pattern}' before it limits \
                 nothing; leave out one of them"
            )
        }));
    }
    told
}

#[cfg(test)]
mod tests {
    use super::advice;

    #[test]
    fn patterns_before_one_that_allows_everything_are_useless() {
        let of = |line: &str| advice(b"appuser", &line.split(' ').collect::<Vec<_>>());
        let article =
            "on >apppassword ~app:* on >appdb ~* +get +set +del +exists -flushall -flushdb";
        assert_eq!(
            of(article),
            ["user 'appuser': '~*' allows every key, so '~app:*' before it limits nothing; leave \
              out one of them"]
        );
        assert_eq!(of("&a %R~b allchannels allkeys").len(), 2);
        assert!(of("(+get ~a) ~*").is_empty());
        assert!(of("~app:* resetkeys ~* &a").is_empty());
    }
}
