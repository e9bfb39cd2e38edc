//! Reads the syntax of redis.conf: one option per line, `#` for comments, quotes around words.

use std::path::Path;
use std::sync::Arc;

use super::source::{Assignment, Origin, Problem};
use super::words;

/// The assignments of a text, and the lines that are none.
pub(crate) fn read(path: &Arc<Path>, text: &str) -> (Vec<Assignment>, Vec<Problem>) {
    let (mut assignments, mut problems) = (Vec::new(), Vec::new());
    for (number, line) in text.lines().enumerate() {
        let origin = Origin::File(Arc::clone(path), number + 1);
        match words_of_line(line) {
            None => {}
            Some(None) => problems.push(Problem::new(origin, "a quote is not closed")),
            Some(Some(mut words)) => {
                let name = words.remove(0);
                if words.is_empty() {
                    problems.push(Problem::new(origin, format!("'{name}' needs a value")));
                } else {
                    assignments.push(Assignment { name, words, origin });
                }
            }
        }
    }
    (assignments, problems)
}

/// The words of a line; nothing for comments and blank lines, nothing inside for broken ones.
#[allow(clippy::option_option, reason = "no line, a broken line, a line")]
pub(crate) fn words_of_line(line: &str) -> Option<Option<Vec<String>>> {
    let line = line.trim();
    (!line.is_empty() && !line.starts_with('#')).then(|| words::split(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_blank_lines_are_passed_over_and_lines_are_counted() {
        let text = "# a comment\n\nport 7000\r\n  save \"\"  \n";
        let path: Arc<Path> = Path::new("a.conf").into();
        let (assignments, problems) = read(&path, text);
        let seen: Vec<_> = assignments
            .iter()
            .map(|one| format!("{} {} {:?}", one.origin, one.name, one.words))
            .collect();
        assert_eq!(seen, [r#"a.conf:3 port ["7000"]"#, r#"a.conf:4 save [""]"#]);
        assert_eq!(problems, []);
    }

    #[test]
    fn every_broken_line_is_named() {
        let path: Arc<Path> = Path::new("a.conf").into();
        let (_, problems) = read(&path, "dir \"/tmp\nport 1\nmaxmemory\n");
        let seen: Vec<_> = problems.iter().map(Problem::to_string).collect();
        assert_eq!(
            seen,
            ["a.conf:1: a quote is not closed", "a.conf:3: 'maxmemory' needs a value"]
        );
    }
}
