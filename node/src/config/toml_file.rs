//! Reads and writes options as TOML: the table's names as keys on the top level, values as
//! strings, numbers, `true` and `false`, or lists of strings.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use skep_resp::number::parse_i64;
use toml::de::{DeTable, DeValue};

use super::source::{Assignment, Origin, Problem};
use super::value::Value;
use super::words;

/// An assignment, and where its value stands in the text.
pub(crate) type Located = (Assignment, Range<usize>);

/// The assignments of a text in order, and what else is in it.
pub(crate) fn read(path: &Arc<Path>, text: &str) -> (Vec<Located>, Vec<Problem>) {
    let origin_at = |at: usize| Origin::File(Arc::clone(path), line_of(text, at));
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut problems: Vec<_> = errors
        .iter()
        .map(|error| {
            let at = error.span().map_or(0, |span| span.start);
            Problem::new(origin_at(at), format!("not TOML: {}", error.message()))
        })
        .collect();
    if !problems.is_empty() {
        return (Vec::new(), problems);
    }
    let mut assignments = Vec::new();
    for (key, value) in table.get_ref() {
        let origin = origin_at(key.span().start);
        let name = key.get_ref().to_string();
        match words_of(value.get_ref()) {
            Ok(words) => assignments.push((Assignment { name, words, origin }, value.span())),
            Err(text) => problems.push(Problem::new(origin, format!("'{name}' {text}"))),
        }
    }
    assignments.sort_by_key(|(_, span)| span.start);
    (assignments, problems)
}

fn line_of(text: &str, at: usize) -> usize {
    text[..at.min(text.len())].matches('\n').count() + 1
}

fn words_of(value: &DeValue<'_>) -> Result<Vec<String>, &'static str> {
    match value {
        DeValue::String(text) => Ok(vec![text.to_string()]),
        DeValue::Integer(number) if number.radix() == 10 => Ok(vec![number.as_str().to_owned()]),
        DeValue::Boolean(true) => Ok(vec!["yes".to_owned()]),
        DeValue::Boolean(false) => Ok(vec!["no".to_owned()]),
        DeValue::Array(array) => {
            let mut words = Vec::new();
            for one in array.iter() {
                let text = one.get_ref().as_str().ok_or("must be a list of strings")?;
                words.push(text.to_owned());
            }
            Ok(words)
        }
        DeValue::Integer(_) | DeValue::Float(_) | DeValue::Datetime(_) => {
            Err("must be a string, a whole decimal number, true, false, or a list of strings")
        }
        DeValue::Table(_) => Err("is a table; options stand on the top level"),
    }
}

/// Writes a value.
pub(crate) fn print(value: &Value) -> String {
    match value {
        Value::Switch(on) => on.to_string(),
        Value::Words(words) => {
            let words: Vec<_> = words.iter().map(|word| string(word)).collect();
            format!("[{}]", words.join(", "))
        }
        Value::Users(_) => {
            let lines: Vec<_> = value.written().iter().map(|line| string(line)).collect();
            format!("[{}]", lines.join(", "))
        }
        other => {
            let written = other.written();
            match written.as_slice() {
                [number] if parse_i64(number.as_bytes()).is_some() => number.clone(),
                [text] => string(text),
                many => string(&words::join(many)),
            }
        }
    }
}

fn string(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            other if other.is_control() => quoted.push_str(&format!("\\u{:04x}", other as u32)),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> Vec<String> {
        let path: Arc<Path> = Path::new("a.toml").into();
        let (assignments, problems) = read(&path, text);
        let one = |(one, span): &Located| {
            format!("{} {} {:?} {}", one.origin, one.name, one.words, &text[span.clone()])
        };
        assignments.iter().map(one).chain(problems.iter().map(Problem::to_string)).collect()
    }

    #[test]
    fn each_kind_of_value_becomes_words_and_keeps_its_place() {
        let text = "port = 7_000\n# c\nprotected-mode = false\nbind = ['*', \"::*\"]\nsave = ''\n";
        assert_eq!(
            seen(text),
            [
                r#"a.toml:1 port ["7000"] 7_000"#,
                r#"a.toml:3 protected-mode ["no"] false"#,
                r#"a.toml:4 bind ["*", "::*"] ['*', "::*"]"#,
                r#"a.toml:5 save [""] ''"#,
            ]
        );
    }

    #[test]
    fn what_means_nothing_is_named_with_its_line() {
        let seen = seen("port = 1.5\n[memory]\nx = 1\n");
        assert_eq!(seen.len(), 2, "{seen:?}");
        assert!(seen[0].starts_with("a.toml:2: 'memory' is a table"), "{seen:?}");
        assert!(seen[1].starts_with("a.toml:1: 'port' must be a string"), "{seen:?}");
    }

    #[test]
    fn a_text_that_is_not_toml_is_refused_at_its_line() {
        let seen = seen("port = 1\nmaxmemory = 1gb\n");
        assert!(!seen.is_empty() && seen[0].starts_with("a.toml:2: not TOML"), "{seen:?}");
    }

    #[test]
    fn a_string_with_anything_in_it_reads_back() {
        let value = Value::Text("a\"b\\c\n\u{7f}ü".to_owned());
        let path: Arc<Path> = Path::new("a").into();
        let (read, problems) = read(&path, &format!("x = {}", print(&value)));
        assert_eq!(problems, []);
        assert_eq!(Value::Text(read[0].0.words[0].clone()), value);
    }
}
