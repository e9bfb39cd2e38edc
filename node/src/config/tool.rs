//! `skep config check`, `show` and `convert`.

use super::command_line::{Given, Request};
use super::load::{Sources, load};
use super::machine::Machine;
use super::options::{Role, rows};
use super::source::{Origin, Problem};
use super::{Configuration, toml_file};

/// Carries out a request about the configuration: the text for standard output, or what is wrong.
pub(crate) fn run(
    request: &Request,
    environment: Vec<(String, String)>,
    machine: Machine,
) -> Result<String, Vec<Problem>> {
    let read = |given: &Given, environment| {
        load(&Sources { given: given.clone(), environment, machine: machine.clone() })
    };
    match request {
        Request::Check(given) => {
            let configuration = read(given, Vec::new())?;
            let file = configuration.file().map(|file| file.display().to_string());
            let mut text = format!("{}: good\n", file.unwrap_or_default());
            for warning in configuration.warnings() {
                text.push_str(&format!("warning: {warning}\n"));
            }
            Ok(text)
        }
        Request::Show { origin, given } => Ok(show(&read(given, environment)?, *origin)),
        Request::Convert(given) => Ok(convert(&read(given, Vec::new())?)),
        Request::Run(_)
        | Request::Help
        | Request::Version
        | Request::Ca(_)
        | Request::Dev(_)
        | Request::Recover(_) => Ok(String::new()),
    }
}

/// Every option that does something, and whatever else was set.
fn show(configuration: &Configuration, with_origin: bool) -> String {
    let mut text = String::new();
    for (row, entry) in rows().zip(&configuration.entries) {
        let effective = match row.role {
            Role::Effective(_) => true,
            Role::WithoutEffect | Role::DefaultOnly(_) => false,
        };
        if !effective && entry.origin == Origin::Default {
            continue;
        }
        let is_set = entry.value != row.default();
        let value = if row.is_secret() && is_set {
            "\"(hidden)\"".to_owned()
        } else {
            toml_file::print(&entry.value)
        };
        let line = format!("{} = {value}", row.name);
        if with_origin {
            text.push_str(&format!("{line:<60} # {}\n", entry.origin));
        } else {
            text.push_str(&format!("{line}\n"));
        }
    }
    text
}

/// What a file says, as TOML.
fn convert(configuration: &Configuration) -> String {
    let set = rows()
        .zip(&configuration.entries)
        .filter(|(row, entry)| {
            let idle = row.role == Role::WithoutEffect;
            entry.origin != Origin::Default && !idle && entry.value != row.default()
        })
        .map(|(row, entry)| format!("{} = {}\n", row.name, toml_file::print(&entry.value)));
    set.collect()
}
