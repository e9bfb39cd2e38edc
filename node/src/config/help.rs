//! The text of `skep --help`, from the table.

use super::options::{Change, Group, Role, Row, rows};
use super::value::Kind;

/// Columns before the sentences of options.
const INDENT: usize = 30;
/// Width of the text.
const WIDTH: usize = 100;

const USAGE: &str = "\
Skep: a cache that stock Redis clients talk to.

  skep [FILE] [--option value ...]      run a node; FILE is a redis.conf or TOML
  skep config check FILE [flags]        tell every problem of a file (exit code 0 or 2)
  skep config show [--origin] [FILE] [flags]
                                        tell what is in force, and who says so
  skep config convert FILE              print a redis.conf as TOML
  skep dev [--nodes 6] [--replicas 1] [--port 7000] [--mem SIZE] [--dir DIR] [--netns]
                                        run a whole cluster on this machine, to try it; --netns
                                        (root) gives each node a network of its own to cut
  skep ca init DIR --cluster NAME       make the authority that says who is a node of a cluster
  skep ca issue DIR [--node ID] [--host HOST]... [--out DIR]
                                        make a node's key and certificate, or renew a node's
  skep ca rotate DIR | show DIR         replace the authority; tell what is valid until when
  skep unsafe-recover DIR --by NAME --yes
                                        let one stopped node go on alone, when the majority of the
                                        cluster's voters is lost for good
  skep --version | --help

Flags win over environment variables (SKEP_MAXMEMORY=1gb), those over the file, the file over the
defaults. Sizes: 100mb, 1gb (powers of 1024), 100m, 1g (powers of 1000).
";

const EXIT_CODES: &str = "\
Signals: TERM and INT finish what clients have asked for and exit; a second one exits at once. HUP
reads the file again and puts in force what can change while the node runs (marked *).

Exit codes:
  0  stopped as asked
  1  failed while running, or ended by a second signal
  2  the command line, the environment or the file is wrong
  3  cannot listen: the port is in use, or not allowed
";

/// The whole text.
pub(crate) fn text() -> String {
    let mut text = USAGE.to_owned();
    for (group, heading) in Group::ALL {
        text.push_str(&format!("\n{heading}\n"));
        for row in rows().filter(|row| row.role == Role::Effective(group)) {
            describe(row, &mut text);
        }
    }
    text.push_str("\nAccepted without effect, so that files written for Redis work:\n");
    let idle = rows().filter(|row| row.role == Role::WithoutEffect).map(|row| row.name);
    wrap(&idle.collect::<Vec<_>>().join(", "), 2, &mut text);
    text.push('\n');
    text.push_str(EXIT_CODES);
    text
}

fn describe(row: &Row, text: &mut String) {
    let live = if row.change == Change::Live { "*" } else { " " };
    let head = format!(" {live}--{}", row.name);
    let unit = if row.unit.is_empty() { String::new() } else { format!(" {}", row.unit) };
    let default = if row.default.is_empty() { "none" } else { row.default };
    let choices = match row.kind {
        Kind::Choice(names, _) => format!(" One of {}.", names.join(", ")),
        _ => String::new(),
    };
    let sentence = format!("{}{choices} [{default}{unit}]", row.doc);
    if head.len() >= INDENT {
        text.push_str(&format!("{head}\n"));
        wrap(&sentence, INDENT, text);
    } else {
        let mut wrapped = String::new();
        wrap(&sentence, INDENT, &mut wrapped);
        text.push_str(&head);
        text.push_str(&wrapped[head.len()..]);
    }
}

/// Appends words in lines of bounded width.
fn wrap(words: &str, indent: usize, text: &mut String) {
    let mut column = 0;
    for word in words.split_whitespace() {
        if column > 0 && column + 1 + word.len() > WIDTH {
            text.push('\n');
            column = 0;
        }
        if column == 0 {
            text.push_str(&" ".repeat(indent));
            column = indent;
        } else {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += word.len();
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_is_in_the_help_and_no_line_is_too_long() {
        let text = text();
        for row in rows() {
            match row.role {
                Role::Effective(_) => {
                    assert!(text.contains(&format!("--{}", row.name)), "{}", row.name);
                }
                Role::WithoutEffect => assert!(text.contains(row.name), "{}", row.name),
                Role::DefaultOnly(_) => {}
            }
        }
        for line in text.lines() {
            assert!(line.len() <= WIDTH, "{line}");
        }
    }
}
