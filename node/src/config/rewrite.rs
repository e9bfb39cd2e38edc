//! CONFIG REWRITE: makes the file say what the node does, and changes nothing else in it.
//!
//! Comments, blank lines, order and lines that already say the right thing stay as they are. The
//! file is replaced whole (written beside it, then renamed), so a crash leaves the old or the new.

use std::fs::Permissions;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use super::command_line::Given;
use super::load::{Sources, is_toml, load, text_of};
use super::options::rows;
use super::value::Value;
use super::{Configuration, find, redis_conf, toml_file, words};

/// Put above what a rewrite adds to a file.
const HEADING: &str = "# Added by CONFIG REWRITE";

/// Why the file was not written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CannotRewrite {
    #[error("ERR The server is running without a config file")]
    NoFile,
    #[error("ERR Rewriting config file: {0}")]
    Io(#[from] io::Error),
    #[error("ERR Rewriting config file: {0}")]
    Unreadable(String),
}

/// An option that the file is to say otherwise.
struct Wanted<'c> {
    name: &'static str,
    value: &'c Value,
    done: bool,
}

impl Configuration {
    /// Writes what is in force to the file that the node was started with.
    pub(crate) fn rewrite(&self) -> Result<(), CannotRewrite> {
        let file = self.file().ok_or(CannotRewrite::NoFile)?;
        // A link stays a link.
        let file = std::fs::canonicalize(file)?;
        let text = text_of(&file).map_err(CannotRewrite::Unreadable)?;
        let said = self.said_by(&file)?;
        let mut wanted: Vec<_> = rows()
            .zip(self.entries.iter().zip(&said.entries))
            .filter(|(_, (own, said))| own.value != said.value)
            .map(|(row, (own, _))| Wanted { name: row.name, value: &own.value, done: false })
            .collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let text = if is_toml(&file, &text) {
            rewrite_toml(&file, &text, &mut wanted)
        } else {
            rewrite_lines(&text, &mut wanted)
        };
        replace(&file, text.as_bytes())?;
        Ok(())
    }

    /// What the file and those it includes say by themselves.
    fn said_by(&self, file: &Path) -> Result<Configuration, CannotRewrite> {
        let given = Given { file: Some(file.to_owned()), flags: Vec::new() };
        let sources = Sources { given, environment: Vec::new(), machine: self.machine.clone() };
        load(&sources).map_err(|problems| {
            let first = problems.first().map_or_else(String::new, ToString::to_string);
            CannotRewrite::Unreadable(first)
        })
    }
}

/// Finds the wanted option that a name means.
fn wanted_by<'w, 'c>(wanted: &'w mut [Wanted<'c>], name: &str) -> Option<&'w mut Wanted<'c>> {
    let (_, row) = find(name)?;
    wanted.iter_mut().find(|one| one.name == row.name)
}

fn rewrite_lines(text: &str, wanted: &mut [Wanted<'_>]) -> String {
    let lines_of = |name: &str, value: &Value| match value {
        Value::Users(users) => users.iter().map(|user| line(name, user)).collect(),
        _ => vec![line(name, &value.written())],
    };
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        let name =
            redis_conf::words_of_line(line).flatten().and_then(|words| words.into_iter().next());
        match name.as_deref().and_then(|name| wanted_by(wanted, name)) {
            None => lines.push(line.to_owned()),
            // The first line says it all; more of the kind would contradict it.
            Some(one) if one.done => {}
            Some(one) => {
                one.done = true;
                lines.extend(lines_of(name.as_deref().unwrap_or(one.name), one.value));
            }
        }
    }
    let added: Vec<_> = wanted
        .iter()
        .filter(|one| !one.done)
        .flat_map(|one| lines_of(one.name, one.value))
        .collect();
    if !added.is_empty() {
        if !text.lines().any(|line| line == HEADING) {
            lines.push(HEADING.to_owned());
        }
        lines.extend(added);
    }
    lines.join("\n") + "\n"
}

fn line(name: &str, words: &[String]) -> String {
    format!("{name} {}", words::join(words))
}

fn rewrite_toml(file: &Path, text: &str, wanted: &mut [Wanted<'_>]) -> String {
    let path: Arc<Path> = file.into();
    let (located, _) = toml_file::read(&path, text);
    let mut out = String::new();
    let mut copied = 0;
    for (assignment, span) in located {
        if let Some(one) = wanted_by(wanted, &assignment.name) {
            one.done = true;
            out.push_str(&text[copied..span.start]);
            out.push_str(&toml_file::print(one.value));
            copied = span.end;
        }
    }
    out.push_str(&text[copied..]);
    let added = wanted.iter().filter(|one| !one.done);
    let added: Vec<_> =
        added.map(|one| format!("{} = {}\n", one.name, toml_file::print(one.value))).collect();
    if !added.is_empty() {
        if !out.is_empty() && !out.ends_with('\n') {
            out.push('\n');
        }
        if !out.lines().any(|line| line == HEADING) {
            out.push_str(&format!("{HEADING}\n"));
        }
        out.extend(added);
    }
    out
}

/// Replaces a file in one step, keeping its permissions. A new one is its owner's only.
pub(crate) fn replace(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let beside = file.with_file_name(format!(".{name}.{}.new", std::process::id()));
    let write = || {
        let mut new = std::fs::File::create(&beside)?;
        let permissions = match std::fs::metadata(file) {
            Ok(old) => old.permissions(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Permissions::from_mode(0o600),
            Err(error) => return Err(error),
        };
        new.set_permissions(permissions)?;
        new.write_all(bytes)?;
        new.sync_all()?;
        std::fs::rename(&beside, file)
    };
    let written = write();
    if written.is_err() {
        let _ = std::fs::remove_file(&beside);
    }
    written
}
