//! The command line, in redis-server's style: `skep [FILE] [--option value ...]`.
//!
//! Read by hand, not with clap: an option of Redis takes as many words as it likes
//! (`--client-output-buffer-limit normal 0 0 0`), its names come from the table, and an unknown
//! one must say where it stands and what was meant.

use std::path::PathBuf;

use super::options::Row;
use super::source::{Assignment, Origin, Problem};
use super::value::Kind;
use super::verbs::{self, CaRequest, DevRequest, RecoverRequest};
use super::{find, unknown};

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// Serve.
    Run(Given),
    Help,
    Version,
    /// `skep config check FILE`
    Check(Given),
    /// `skep config show [--origin]`
    Show {
        origin: bool,
        given: Given,
    },
    /// `skep config convert FILE`
    Convert(Given),
    /// `skep ca ...`
    Ca(CaRequest),
    /// `skep dev ...`
    Dev(DevRequest),
    /// `skep unsafe-recover`
    Recover(RecoverRequest),
}

/// A configuration file and flags.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Given {
    pub(crate) file: Option<PathBuf>,
    pub(crate) flags: Vec<Assignment>,
}

/// Reads the command line (without the program's name).
pub(crate) fn request(arguments: &[String]) -> Result<Request, Problem> {
    let is = |words: &[&str]| arguments.first().is_some_and(|one| words.contains(&one.as_str()));
    if is(&["-h", "--help", "help"]) {
        return Ok(Request::Help);
    }
    if is(&["-v", "-V", "--version", "version"]) {
        return Ok(Request::Version);
    }
    if is(&["config"]) {
        return tool(&arguments[1..]);
    }
    if is(&["ca"]) {
        return verbs::ca(&arguments[1..]).map(Request::Ca);
    }
    if is(&["dev"]) {
        return verbs::dev(&arguments[1..]).map(Request::Dev);
    }
    if is(&["unsafe-recover"]) {
        return verbs::unsafe_recover(&arguments[1..]).map(Request::Recover);
    }
    Ok(Request::Run(given(arguments)?))
}

fn tool(arguments: &[String]) -> Result<Request, Problem> {
    let usage = |text: &str| {
        Problem::new(
            Origin::Flag("config".to_owned()),
            format!("{text}; say 'skep config check FILE', 'show' or 'convert FILE'"),
        )
    };
    let (what, rest) = arguments.split_first().ok_or_else(|| usage("what about it?"))?;
    match what.as_str() {
        "check" | "convert" => {
            let given = given(rest)?;
            if given.file.is_none() {
                return Err(usage("which file?"));
            }
            let convert = what == "convert";
            Ok(if convert { Request::Convert(given) } else { Request::Check(given) })
        }
        "show" => {
            let (origins, rest): (Vec<_>, Vec<_>) =
                rest.iter().cloned().partition(|one| one == "--origin");
            Ok(Request::Show { origin: !origins.is_empty(), given: given(&rest)? })
        }
        other => Err(usage(&format!("'{other}' is unknown"))),
    }
}

fn given(arguments: &[String]) -> Result<Given, Problem> {
    let mut given = Given::default();
    let mut rest = arguments;
    if let [file, others @ ..] = rest
        && !file.starts_with('-')
    {
        given.file = Some(PathBuf::from(file));
        rest = others;
    }
    while let [flag, others @ ..] = rest {
        let (assignment, left) = take_flag(flag, others)?;
        let row = find(&assignment.name).map(|(_, row)| row.name);
        let same = |other: &Assignment| find(&other.name).map(|(_, row)| row.name) == row;
        let adds_up = find(&assignment.name).is_some_and(|(_, row)| row.kind.adds_up());
        if !adds_up && given.flags.iter().any(same) {
            return Err(Problem::new(assignment.origin, "is given twice; keep one of them"));
        }
        given.flags.push(assignment);
        rest = left;
    }
    Ok(given)
}

/// Takes a flag's words off the front of what follows it.
fn take_flag<'a>(flag: &str, others: &'a [String]) -> Result<(Assignment, &'a [String]), Problem> {
    let problem = |text: String| Problem::new(Origin::Flag(flag.to_owned()), text);
    let Some(name) = flag.strip_prefix("--").filter(|name| !name.is_empty()) else {
        return Err(problem(
            "is no option; options begin with --, and a file goes first".to_owned(),
        ));
    };
    let (name, inline) = match name.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (name, None),
    };
    let (_, row) = find(name).ok_or_else(|| problem(unknown(name)))?;
    let origin = Origin::Flag(format!("--{name}"));
    let assignment = |words| Assignment { name: name.to_owned(), words, origin: origin.clone() };
    if let Some(value) = inline {
        return Ok((assignment(vec![value.to_owned()]), others));
    }
    let available = others.iter().take_while(|one| !one.starts_with("--")).count();
    let (words, left) =
        others.split_at(if row.kind.takes_many() { available } else { available.min(1) });
    if words.is_empty() && !may_be_bare(row) {
        return Err(problem(format!("needs a value, as in {flag} {}", sample(row))));
    }
    let words = if words.is_empty() { vec![String::new()] } else { words.to_vec() };
    Ok((assignment(words), left))
}

/// redis-server takes `--save` alone as `--save ''`.
fn may_be_bare(row: &Row) -> bool {
    matches!(row.kind, Kind::Pairs)
}

fn sample(row: &Row) -> &'static str {
    match row.kind {
        Kind::Memory(_) => "4gb",
        _ if row.default.is_empty() => "VALUE",
        _ => row.default,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Request, String> {
        let arguments: Vec<String> =
            super::super::words::split(line).expect("words").into_iter().collect();
        request(&arguments).map_err(|problem| problem.to_string())
    }

    fn flags(line: &str) -> Vec<(String, String)> {
        match read(line) {
            Ok(Request::Run(given)) => {
                given.flags.into_iter().map(|one| (one.name, one.words.join("|"))).collect()
            }
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn the_style_of_redis_server_works() {
        let line = "redis.conf --port 7000 --save '' --appendonly no --maxmemory=1gb \
                    --client-output-buffer-limit normal 0 0 0 --slowlog-log-slower-than -1";
        let pairs = [
            ("port", "7000"),
            ("save", ""),
            ("appendonly", "no"),
            ("maxmemory", "1gb"),
            ("client-output-buffer-limit", "normal|0|0|0"),
            ("slowlog-log-slower-than", "-1"),
        ];
        assert_eq!(flags(line), pairs.map(|(a, b)| (a.to_owned(), b.to_owned())));
        assert_eq!(flags("--save --port 1")[0], ("save".to_owned(), String::new()));
    }

    #[test]
    fn what_is_wrong_is_said_in_one_line() {
        for (line, told) in [
            ("--prot 7000", "--prot: there is no option 'prot'; did you mean 'port'?"),
            ("--port", "--port: needs a value, as in --port 6379"),
            ("--maxmemory --port 1", "--maxmemory: needs a value, as in --maxmemory 4gb"),
            ("--port 1 --port 2", "--port: is given twice; keep one of them"),
            (
                "--port 1 redis.conf",
                "redis.conf: is no option; options begin with --, and a file goes first",
            ),
            (
                "config chek x",
                "config: 'chek' is unknown; say 'skep config check FILE', 'show' or 'convert FILE'",
            ),
        ] {
            assert_eq!(read(line), Err(told.to_owned()), "{line}");
        }
    }

    #[test]
    fn limits_of_several_classes_may_stand_in_several_flags() {
        let line = "--client-output-buffer-limit normal 0 0 0 \
                    --client-output-buffer-limit pubsub 1mb 1mb 10";
        assert_eq!(flags(line).len(), 2);
    }
}
