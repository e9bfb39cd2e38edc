//! Brings all sources together: default, file, environment, command line.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use skep_keyspace::glob;

use super::command_line::Given;
use super::machine::Machine;
use super::options::rows;
use super::source::{Assignment, Origin, Problem, nearest};
use super::{Configuration, find, redis_conf, toml_file};

/// How deep `include` may nest.
const MAX_INCLUDE_DEPTH: usize = 8;
/// Files that `include` may bring in.
const MAX_FILES: usize = 100;
/// Longest file that is read.
const MAX_FILE_BYTES: u64 = 4 << 20;
/// What variables of the environment begin with.
const PREFIX: &str = "SKEP_";

/// Where to read from; kept for reading again on SIGHUP.
#[derive(Clone, Debug)]
pub(crate) struct Sources {
    pub(crate) given: Given,
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) machine: Machine,
}

/// Reads everything. Either all of it can be followed, or all problems are told.
pub(crate) fn load(sources: &Sources) -> Result<Configuration, Vec<Problem>> {
    let mut configuration = Configuration::new(sources.machine.clone());
    let mut problems = Vec::new();
    if let Some(file) = &sources.given.file {
        configuration.file = Some(std::path::absolute(file).unwrap_or_else(|_| file.clone()));
        let mut files = Files::default();
        files.read(file, &Origin::Flag(file.display().to_string()), 0);
        problems.append(&mut files.problems);
        configuration.follow(&files.assignments, &mut problems);
    }
    let (assignments, mut notes) = environment(&sources.environment);
    configuration.follow(&assignments, &mut problems);
    configuration.follow(&sources.given.flags, &mut problems);
    configuration.notes.append(&mut notes);
    if problems.is_empty() {
        problems.extend(configuration.find_users().err().into_iter().flatten());
    }
    if problems.is_empty() { Ok(configuration) } else { Err(problems) }
}

impl Configuration {
    fn follow(&mut self, assignments: &[Assignment], problems: &mut Vec<Problem>) {
        for assignment in assignments {
            problems.extend(self.assign(assignment).err());
        }
    }
}

/// The files read so far and what they say.
#[derive(Default)]
struct Files {
    count: usize,
    assignments: Vec<Assignment>,
    problems: Vec<Problem>,
}

impl Files {
    /// Reads a file that `asker` asks for, and the files it includes, in place.
    fn read(&mut self, file: &Path, asker: &Origin, depth: usize) {
        self.count += 1;
        let refused = match depth <= MAX_INCLUDE_DEPTH && self.count <= MAX_FILES {
            true => None,
            false => Some(format!("too many files are included, {} among them", file.display())),
        };
        let text = refused.map_or_else(|| text_of(file), Err);
        let text = match text {
            Ok(text) => text,
            Err(text) => return self.problems.push(Problem::new(asker.clone(), text)),
        };
        let path: Arc<Path> = file.into();
        let (assignments, mut problems) = if is_toml(file, &text) {
            let (located, problems) = toml_file::read(&path, &text);
            (located.into_iter().map(|(assignment, _)| assignment).collect(), problems)
        } else {
            redis_conf::read(&path, &text)
        };
        self.problems.append(&mut problems);
        let mut own: Vec<(&str, usize)> = Vec::new();
        for assignment in assignments {
            if assignment.name.eq_ignore_ascii_case("include") {
                for word in &assignment.words {
                    self.include(file, word, &assignment.origin, depth);
                }
                continue;
            }
            if let (Some((_, row)), Origin::File(_, line)) =
                (find(&assignment.name), &assignment.origin)
            {
                match own.iter().find(|(name, _)| *name == row.name) {
                    Some((name, first)) if !row.kind.adds_up() => {
                        let text = format!("'{name}' is already set in line {first}; keep one");
                        self.problems.push(Problem::new(assignment.origin, text));
                        continue;
                    }
                    _ => own.push((row.name, *line)),
                }
            }
            self.assignments.push(assignment);
        }
    }

    /// Reads included files; a relative path is relative to the file that says so, and `*`, `?`
    /// and `[...]` in the last part choose among what is there.
    fn include(&mut self, includer: &Path, word: &str, origin: &Origin, depth: usize) {
        let file = includer.parent().unwrap_or(Path::new("")).join(word);
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !name.contains(['*', '?', '[']) {
            return self.read(&file, origin, depth + 1);
        }
        let directory = file.parent().map_or_else(PathBuf::new, Path::to_owned);
        let entries = std::fs::read_dir(&directory).into_iter().flatten().flatten();
        let mut chosen: Vec<PathBuf> = entries
            .filter(|one| glob::matches(name.as_bytes(), one.file_name().as_encoded_bytes()))
            .map(|one| one.path())
            .collect();
        chosen.sort();
        chosen.iter().for_each(|file| self.read(file, origin, depth + 1));
    }
}

/// The text of a configuration file.
pub(crate) fn text_of(file: &Path) -> Result<String, String> {
    let told = |error: std::io::Error| {
        let what = match error.kind() {
            std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
            std::io::ErrorKind::PermissionDenied => "no permission to read it".to_owned(),
            std::io::ErrorKind::InvalidData => "it is not UTF-8 text".to_owned(),
            _ => error.to_string(),
        };
        format!("cannot read {}: {what}", file.display())
    };
    let mut text = String::new();
    let opened = std::fs::File::open(file).map_err(told)?;
    let len = opened.take(MAX_FILE_BYTES + 1).read_to_string(&mut text).map_err(told)?;
    if len as u64 > MAX_FILE_BYTES {
        return Err(format!("{} is too large for a configuration file", file.display()));
    }
    Ok(text)
}

/// Whether a file is TOML: by its name, else by the first line that says something.
pub(crate) fn is_toml(file: &Path, text: &str) -> bool {
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("toml") => true,
        Some("conf") => false,
        _ => {
            let mut lines = text.lines().map(str::trim);
            let first = lines.find(|line| !line.is_empty() && !line.starts_with('#'));
            first.is_some_and(|line| {
                let after_name = line.trim_start_matches(|c: char| c.is_alphanumeric() || c == '-');
                line.starts_with('[') || after_name.trim_start().starts_with('=')
            })
        }
    }
}

/// Options in the environment. A variable that names none may belong to somebody else, so it is
/// only mentioned.
fn environment(variables: &[(String, String)]) -> (Vec<Assignment>, Vec<String>) {
    let (mut assignments, mut notes) = (Vec::new(), Vec::new());
    for (variable, value) in variables {
        let Some(rest) = variable.strip_prefix(PREFIX) else { continue };
        // Kubernetes sets these for a service named `skep`.
        if value.starts_with("tcp://") || rest.contains("SERVICE_") || rest.contains("_TCP") {
            continue;
        }
        let name = rest.to_ascii_lowercase().replace('_', "-");
        let same = |row: &&super::Row| row.name.replace('_', "-") == name;
        match rows().find(same).or_else(|| find(&name).map(|(_, row)| row)) {
            Some(row) => assignments.push(Assignment {
                name: row.name.to_owned(),
                words: vec![value.clone()],
                origin: Origin::Environment(variable.clone()),
            }),
            None => {
                if let Some(nearest) = nearest(&name, rows().map(|row| row.name)) {
                    let nearest = nearest.to_ascii_uppercase().replace('-', "_");
                    notes.push(format!(
                        "environment variable {variable} is no option and is passed over; did \
                         you mean {PREFIX}{nearest}?"
                    ));
                }
            }
        }
    }
    (assignments, notes)
}
