//! Rust sources, reduced to what the checks look at.

use std::path::PathBuf;

use skep_tests::{TestResult, repository, run};

/// A Rust file of the repository.
pub(crate) struct Source {
    /// From the top of the repository.
    pub(crate) path: String,
    /// As it is.
    pub(crate) text: String,
    /// Without comments and without what is inside string and character literals; as many lines.
    pub(crate) code: String,
    /// Whether all of it is test code.
    pub(crate) is_test: bool,
}

/// A function of a file.
pub(crate) struct Function<'a> {
    pub(crate) name: &'a str,
    pub(crate) body: &'a str,
    pub(crate) line: usize,
    pub(crate) is_test: bool,
}

impl Source {
    fn read(path: String) -> TestResult<Source> {
        let text = std::fs::read_to_string(repository().join(&path))?;
        let code = strip(&text);
        let is_test = path.split('/').any(|folder| folder == "tests");
        Ok(Source { path, text, code, is_test })
    }

    /// The files that it declares as modules for tests only, without `.rs`.
    fn test_modules(&self) -> Vec<String> {
        let lines: Vec<&str> = self.code.lines().map(str::trim).collect();
        let folder = match self.path.rsplit_once('/') {
            Some((folder, "lib.rs" | "main.rs" | "mod.rs")) => folder,
            _ => self.path.trim_end_matches(".rs"),
        };
        let pairs = lines.windows(2).filter(|pair| pair[0] == "#[cfg(test)]");
        let names = pairs.filter_map(|pair| pair[1].strip_prefix("mod ")?.strip_suffix(';'));
        names.map(|name| format!("{folder}/{name}")).collect()
    }

    /// The line of a place in the code, from 1.
    pub(crate) fn line_of(&self, at: usize) -> usize {
        self.code[..at].matches('\n').count() + 1
    }

    /// All functions with a body.
    pub(crate) fn functions(&self) -> Vec<Function<'_>> {
        let mut functions = Vec::new();
        for (at, keyword) in self.code.match_indices("fn ") {
            let before = &self.code[..at];
            let after = &self.code[at + keyword.len()..];
            let name =
                after.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next();
            let Some(open) = body_begin(after) else { continue };
            let Some(name) = name.filter(|name| !name.is_empty() && !ends_in_word(before)) else {
                continue;
            };
            let body = &after[open..];
            let body = &body[..body.len() - after_pair(body, '{', '}').len()];
            // What stands between the end of the item before and this one.
            let attributes = before.rsplit([';', '{', '}']).next().unwrap_or_default();
            let is_test = attributes.contains("test]");
            functions.push(Function { name, body, line: self.line_of(at), is_test });
        }
        functions
    }

    /// The lines of code before its test module, numbered from 1.
    pub(crate) fn product_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let end = if self.is_test { 0 } else { self.tests_begin() };
        self.code.lines().take(end).enumerate().map(|(at, line)| (at + 1, line))
    }

    /// The lines of test code, numbered from 1.
    pub(crate) fn test_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let begin = if self.is_test { 0 } else { self.tests_begin() };
        self.code.lines().skip(begin).enumerate().map(move |(at, line)| (begin + at + 1, line))
    }

    /// How many lines come before the inline test module, which is the last thing in a file.
    fn tests_begin(&self) -> usize {
        let lines: Vec<&str> = self.code.lines().collect();
        let is_begin = |pair: &[&str]| pair[0] == "#[cfg(test)]" && pair[1].ends_with('{');
        lines.windows(2).position(is_begin).unwrap_or(lines.len())
    }
}

/// Whether `line` has `word`, not as a part of another.
pub(crate) fn has_word(line: &str, word: &str) -> bool {
    let is_letter = |letter: char| letter.is_alphanumeric() || letter == '_';
    line.match_indices(word).any(|(at, _)| {
        !line[..at].ends_with(is_letter) && !line[at + word.len()..].starts_with(is_letter)
    })
}

/// What follows the first pair of brackets and all within them.
pub(crate) fn after_pair(code: &str, open: char, close: char) -> &str {
    let mut depth = 0;
    for (at, letter) in code.char_indices() {
        if letter == open {
            depth += 1;
        } else if letter == close {
            depth -= 1;
            if depth == 0 {
                return &code[at + close.len_utf8()..];
            }
        }
    }
    ""
}

/// The files that Git knows or would add, with their mode as `ls-files` has it, sorted.
pub(crate) fn files() -> TestResult<Vec<PathBuf>> {
    let top = repository();
    let line = ["-C".as_ref(), top.as_os_str()];
    let more = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let words = line.into_iter().chain(more.iter().map(AsRef::as_ref));
    let done = run("git", words, b"", skep_tests::PATIENCE)?;
    if !done.status.success() {
        return Err(format!("git ls-files: {}", done.errors).into());
    }
    let mut files: Vec<PathBuf> = done.output.split_terminator('\0').map(PathBuf::from).collect();
    // What was removed and not yet committed is still known.
    files.retain(|file| top.join(file).exists());
    files.sort();
    files.dedup();
    Ok(files)
}

/// All Rust files.
pub(crate) fn sources() -> TestResult<Vec<Source>> {
    let files = files()?.into_iter().filter(|file| file.extension().is_some_and(|e| e == "rs"));
    let read = files.map(|file| Source::read(file.to_string_lossy().into_owned()));
    let mut sources = read.collect::<TestResult<Vec<_>>>()?;
    let modules: Vec<String> = sources.iter().flat_map(Source::test_modules).collect();
    for source in &mut sources {
        let is_in = |module: &String| {
            let rest = source.path.strip_prefix(module.as_str());
            rest.is_some_and(|rest| rest.starts_with(['.', '/']))
        };
        source.is_test |= modules.iter().any(is_in);
    }
    Ok(sources)
}

/// Blanks comments and the inside of literals. Line breaks stay.
pub(crate) fn strip(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (kept, len) = match first {
            '/' if rest.starts_with("//") => ("", rest.find('\n').unwrap_or(rest.len())),
            '/' if rest.starts_with("/*") => {
                ("", rest.find("*/").map_or(rest.len(), |at| at + "*/".len()))
            }
            '"' => ("\"\"", quoted_len(rest)),
            'r' | 'b' | 'c' if !ends_in_word(&code) => match raw_len(rest) {
                Some(len) => ("\"\"", len),
                None => (&rest[..1], 1),
            },
            '\'' => match char_len(rest) {
                Some(len) => ("''", len),
                None => ("'", 1),
            },
            other => (&rest[..other.len_utf8()], other.len_utf8()),
        };
        code.push_str(kept);
        if kept.len() != len {
            code.extend(rest[..len].chars().filter(|&letter| letter == '\n'));
        }
        rest = &rest[len..];
    }
    code
}

/// Where the body of a function begins, after its parameters, if it has one.
fn body_begin(signature: &str) -> Option<usize> {
    let rest = after_pair(signature, '(', ')');
    let open = rest.find(['{', ';']).filter(|&open| rest[open..].starts_with('{'))?;
    Some(signature.len() - rest.len() + open)
}

fn ends_in_word(code: &str) -> bool {
    code.ends_with(|last: char| last.is_alphanumeric() || last == '_')
}

fn quoted_len(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The length of a raw string, if `text` begins with one.
fn raw_len(text: &str) -> Option<usize> {
    let body = text.trim_start_matches(['b', 'c']).strip_prefix('r')?;
    let hashes = body.len() - body.trim_start_matches('#').len();
    let inside = body[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let len = inside.find(&end)? + end.len();
    Some(text.len() - inside.len() + len)
}

/// The length of a character literal, if `text` begins with one and not with a lifetime.
fn char_len(text: &str) -> Option<usize> {
    if text.starts_with("'\\") {
        let skipped = "'\\x".len();
        return text.get(skipped..)?.find('\'').map(|at| skipped + at + 1);
    }
    let letter = text[1..].chars().next()?;
    text[1 + letter.len_utf8()..].starts_with('\'').then_some(letter.len_utf8() + 2)
}
