//! Glob patterns with Redis's rules: `*`, `?`, `[a-c]`, `[^a]`, and `\` to take one byte
//! literally. Used by KEYS, SCAN, PSUBSCRIBE and CONFIG GET.
//!
//! A match costs at most pattern length times text length: only the last `*` is ever retried.

/// Tells whether the whole `text` matches `pattern`.
pub fn matches(pattern: &[u8], text: &[u8]) -> bool {
    matches_with(pattern, text, false)
}

/// As [`matches()`], with ASCII letters of either case equal.
pub fn matches_ignoring_case(pattern: &[u8], text: &[u8]) -> bool {
    matches_with(pattern, text, true)
}

fn matches_with(pattern: &[u8], text: &[u8], ignore_case: bool) -> bool {
    // As in Redis, nothing is matched by nothing only: `*` needs at least one byte.
    if text.is_empty() {
        return pattern.is_empty();
    }
    let (mut p, mut t) = (0, 0);
    // Where to resume when what follows the last star fails: (after the star, text it took to).
    let mut retry: Option<(usize, usize)> = None;
    loop {
        if pattern.get(p) == Some(&b'*') {
            p += 1;
            if p == pattern.len() {
                return true;
            }
            retry = Some((p, t));
            continue;
        }
        if t == text.len() {
            return p == pattern.len();
        }
        let step = (p < pattern.len()).then(|| element(&pattern[p..], text[t], ignore_case));
        match step {
            Some((true, width)) => {
                p += width;
                t += 1;
            }
            Some((false, _)) | None => match retry {
                Some((after, taken)) => {
                    p = after;
                    t = taken + 1;
                    retry = Some((after, t));
                }
                None => return false,
            },
        }
    }
}

/// Matches one pattern element (not a star) against one byte; returns the element's width too.
fn element(pattern: &[u8], byte: u8, ignore_case: bool) -> (bool, usize) {
    let equal = |a: u8, b: u8| if ignore_case { a.eq_ignore_ascii_case(&b) } else { a == b };
    match pattern[0] {
        b'?' => (true, 1),
        b'[' => class(&pattern[1..], byte, ignore_case),
        b'\\' if pattern.len() > 1 => (equal(pattern[1], byte), 2),
        literal => (equal(literal, byte), 1),
    }
}

/// Matches a character class whose `[` has been taken. An unclosed class ends with the pattern.
fn class(pattern: &[u8], byte: u8, ignore_case: bool) -> (bool, usize) {
    let fold = |b: u8| if ignore_case { b.to_ascii_lowercase() } else { b };
    let byte = fold(byte);
    let negated = pattern.first() == Some(&b'^');
    let mut at = usize::from(negated);
    let mut found = false;
    loop {
        match pattern.get(at) {
            None => return (found != negated, at + 1),
            Some(b']') => return (found != negated, at + 2),
            Some(b'\\') if at + 1 < pattern.len() => {
                found |= fold(pattern[at + 1]) == byte;
                at += 2;
            }
            Some(&low) if at + 2 < pattern.len() && pattern[at + 1] == b'-' => {
                let (low, high) = (fold(low), fold(pattern[at + 2]));
                found |= (low.min(high)..=low.max(high)).contains(&byte);
                at += 3;
            }
            Some(&one) => {
                found |= fold(one) == byte;
                at += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_what_they_mean_in_redis() {
        for (pattern, text, expected) in [
            ("*", "", false),
            ("h?llo", "hello", true),
            ("h*llo", "heeeello", true),
            ("h[ae]llo", "hallo", true),
            ("h[ae]llo", "hillo", false),
            ("h[^e]llo", "hello", false),
            ("h[^e]llo", "hallo", true),
            ("h[a-b]llo", "hbllo", true),
            ("h[b-a]llo", "hallo", true),
            ("a\\*b", "a*b", true),
            ("a\\*b", "axb", false),
            ("*a*b*c", "xxaxxbxxc", true),
            ("*a*b*c", "xxaxxcxxb", false),
            ("", "", true),
            ("", "a", false),
            ("a", "", false),
            ("a*", "a", true),
            ("[", "x", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} {text}");
        }
        assert!(matches_ignoring_case(b"MAX*", b"maxmemory"));
    }

    #[test]
    fn many_stars_do_not_take_exponential_time() {
        let pattern = b"a*a*a*a*a*a*a*a*a*a*a*a*b";
        let text = [b'a'; 2000];
        assert!(!matches(pattern, &text));
    }
}
