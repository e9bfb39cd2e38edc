//! The command lines of `skep ca`, `skep dev` and `skep unsafe-recover`.

use std::path::PathBuf;

use skep_keyspace::{NodeId, bytesize};
use skep_mesh::ClusterName;

use super::source::{Origin, Problem, nearest};

/// What `skep ca` is to do with the authority in a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CaRequest {
    Init {
        directory: PathBuf,
        cluster: ClusterName,
    },
    /// No node: a new one. `out` is where the node's files go besides the authority's own folder.
    Issue {
        directory: PathBuf,
        node: Option<NodeId>,
        hosts: Vec<String>,
        out: Option<PathBuf>,
    },
    Rotate {
        directory: PathBuf,
    },
    Show {
        directory: PathBuf,
    },
}

/// What `skep dev` is to run. What is not given has a default that depends on the rest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct DevRequest {
    pub(crate) nodes: Option<usize>,
    pub(crate) replicas: Option<usize>,
    pub(crate) port: Option<u16>,
    /// Of each node.
    pub(crate) memory_bytes: Option<u64>,
    pub(crate) directory: Option<PathBuf>,
    /// Whether each node has a network namespace.
    pub(crate) has_namespaces: bool,
}

/// Which stopped node is to go on alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RecoverRequest {
    /// The node's.
    pub(crate) directory: PathBuf,
    /// For the record.
    pub(crate) asked_by: String,
    pub(crate) is_confirmed: bool,
}

const RECOVER_USAGE: &str = "say 'skep unsafe-recover DIR --by NAME [--yes]'";
const CA_USAGE: &str = "say 'skep ca init DIR --cluster NAME', 'issue DIR [--node ID] [--host HOST]... \
                        [--out DIR]', 'rotate DIR' or 'show DIR'";
const DEV_USAGE: &str = "say 'skep dev [--nodes N] [--replicas R] [--port P] [--mem SIZE] [--dir DIR] \
                         [--netns]'";

/// Reads what follows `skep ca`.
pub(super) fn ca(arguments: &[String]) -> Result<CaRequest, Problem> {
    let usage = |text: &str| problem("ca", format!("{text}; {CA_USAGE}"));
    let (verb, rest) = arguments.split_first().ok_or_else(|| usage("what about it?"))?;
    let flags: &[Flag] = match verb.as_str() {
        "init" => &[Flag::valued("--cluster")],
        "issue" => &[Flag::valued("--node"), Flag::valued("--host"), Flag::valued("--out")],
        "rotate" | "show" => &[],
        other => return Err(usage(&format!("'{other}' is unknown"))),
    };
    let line = Line::read(rest, flags)?;
    let [directory] = line.words[..] else {
        return Err(usage(&format!("{verb} takes one directory")));
    };
    let directory = PathBuf::from(directory);
    Ok(match verb.as_str() {
        "init" => {
            let name = line.value("--cluster")?.ok_or_else(|| usage("which cluster?"))?;
            let cluster = name.parse().map_err(|error| problem("--cluster", format!("{error}")))?;
            CaRequest::Init { directory, cluster }
        }
        "issue" => {
            let node = line.value("--node")?.map(|text| {
                text.parse().map_err(|error| problem("--node", format!("'{text}': {error}")))
            });
            CaRequest::Issue {
                directory,
                node: node.transpose()?,
                hosts: line.values("--host").map(str::to_owned).collect(),
                out: line.value("--out")?.map(PathBuf::from),
            }
        }
        "rotate" => CaRequest::Rotate { directory },
        _ => CaRequest::Show { directory },
    })
}

/// Reads what follows `skep unsafe-recover`.
pub(super) fn unsafe_recover(arguments: &[String]) -> Result<RecoverRequest, Problem> {
    let usage = |text: &str| problem("unsafe-recover", format!("{text}; {RECOVER_USAGE}"));
    let line = Line::read(arguments, &[Flag::valued("--by"), Flag::bare("--yes")])?;
    let [directory] = line.words[..] else { return Err(usage("it takes one directory")) };
    let asked_by = line.value("--by")?.filter(|name| !name.is_empty());
    Ok(RecoverRequest {
        directory: PathBuf::from(directory),
        asked_by: asked_by.ok_or_else(|| usage("who asks?"))?.to_owned(),
        is_confirmed: line.value("--yes")?.is_some(),
    })
}

/// Reads what follows `skep dev`.
pub(super) fn dev(arguments: &[String]) -> Result<DevRequest, Problem> {
    let flags = [
        Flag::valued("--nodes"),
        Flag::valued("--replicas"),
        Flag::valued("--port"),
        Flag::valued("--mem"),
        Flag::valued("--dir"),
        Flag::bare("--netns"),
    ];
    let line = Line::read(arguments, &flags)?;
    if let Some(word) = line.words.first() {
        return Err(problem("dev", format!("what is '{word}'? {DEV_USAGE}")));
    }
    let memory_bytes = line.value("--mem")?.map(|text| {
        let told = || problem("--mem", format!("'{text}' is no size, such as 100mb"));
        bytesize::parse(text).filter(|bytes| *bytes > 0).ok_or_else(told)
    });
    Ok(DevRequest {
        nodes: line.number("--nodes")?,
        replicas: line.number("--replicas")?,
        port: line.number("--port")?,
        memory_bytes: memory_bytes.transpose()?,
        directory: line.value("--dir")?.map(PathBuf::from),
        has_namespaces: line.value("--netns")?.is_some(),
    })
}

fn problem(where_: &str, text: String) -> Problem {
    Problem::new(Origin::Flag(where_.to_owned()), text)
}

/// A flag that a line may have.
struct Flag {
    name: &'static str,
    has_value: bool,
}

impl Flag {
    const fn valued(name: &'static str) -> Flag {
        Flag { name, has_value: true }
    }

    const fn bare(name: &'static str) -> Flag {
        Flag { name, has_value: false }
    }
}

/// Words, and flags with what they say (nothing: the empty text).
struct Line<'a> {
    words: Vec<&'a str>,
    flags: Vec<(&'static str, &'a str)>,
}

impl<'a> Line<'a> {
    fn read(arguments: &'a [String], known: &[Flag]) -> Result<Line<'a>, Problem> {
        let mut line = Line { words: Vec::new(), flags: Vec::new() };
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            if !argument.starts_with('-') {
                line.words.push(argument);
                continue;
            }
            let (name, inline) = match argument.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (argument.as_str(), None),
            };
            let flag = known.iter().find(|flag| flag.name == name).ok_or_else(|| {
                let names = known.iter().map(|flag| flag.name);
                let hint = nearest(name, names)
                    .map_or_else(String::new, |nearest| format!("; did you mean '{nearest}'?"));
                problem(name, format!("there is no such flag here{hint}"))
            })?;
            let value = match (flag.has_value, inline) {
                (true, Some(value)) => value,
                (true, None) => rest.next().ok_or_else(|| problem(name, "needs a value".into()))?,
                (false, None) => "",
                (false, Some(_)) => return Err(problem(name, "takes no value".into())),
            };
            line.flags.push((flag.name, value));
        }
        Ok(line)
    }

    fn values(&self, name: &str) -> impl Iterator<Item = &'a str> {
        self.flags.iter().filter(move |(flag, _)| *flag == name).map(|(_, value)| *value)
    }

    /// The value of a flag that may be given once.
    fn value(&self, name: &str) -> Result<Option<&'a str>, Problem> {
        let mut values = self.values(name);
        match (values.next(), values.next()) {
            (_, Some(_)) => Err(problem(name, "is given twice; keep one of them".into())),
            (value, None) => Ok(value),
        }
    }

    fn number<N: std::str::FromStr>(&self, name: &str) -> Result<Option<N>, Problem> {
        let told = |text: &str| problem(name, format!("'{text}' is no number that will do"));
        self.value(name)?.map(|text| text.parse().map_err(|_| told(text))).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    fn read_ca(line: &str) -> Result<CaRequest, String> {
        ca(&words(line)).map_err(|problem| problem.to_string())
    }

    fn read_dev(line: &str) -> Result<DevRequest, String> {
        dev(&words(line)).map_err(|problem| problem.to_string())
    }

    #[test]
    fn the_lines_of_the_authority_are_read() {
        let directory = || PathBuf::from("here");
        let cluster = "demo".parse().unwrap();
        let init = CaRequest::Init { directory: directory(), cluster };
        assert_eq!(read_ca("init here --cluster demo"), Ok(init.clone()));
        assert_eq!(read_ca("init --cluster=demo here"), Ok(init));
        let id = NodeId([0xab; 20]);
        let issue = CaRequest::Issue {
            directory: directory(),
            node: Some(id),
            hosts: vec!["a".to_owned(), "10.0.0.1".to_owned()],
            out: Some("there".into()),
        };
        let line = format!("issue here --node {id} --host a --host 10.0.0.1 --out there");
        assert_eq!(read_ca(&line), Ok(issue));
        assert_eq!(read_ca("rotate here"), Ok(CaRequest::Rotate { directory: directory() }));
        assert_eq!(read_ca("show here"), Ok(CaRequest::Show { directory: directory() }));
    }

    #[test]
    fn a_line_of_the_authority_that_is_wrong_says_what_to_say() {
        for (line, told) in [
            ("", "ca: what about it?; say 'skep ca init"),
            ("make here", "ca: 'make' is unknown; say"),
            ("init here", "ca: which cluster?; say"),
            ("init --cluster demo", "ca: init takes one directory; say"),
            ("show a b", "ca: show takes one directory; say"),
            ("init here --cluster Demo", "--cluster: "),
            ("issue here --node xyz", "--node: 'xyz': an id is 40 hexadecimal digits"),
            ("issue here --nodes x", "--nodes: there is no such flag here; did you mean '--node'?"),
            ("issue here --node", "--node: needs a value"),
        ] {
            let error = read_ca(line).unwrap_err();
            assert!(error.starts_with(told), "{line}: {error}");
            assert_eq!(error.lines().count(), 1, "{error}");
        }
    }

    #[test]
    fn the_line_of_a_whole_cluster_is_read() {
        assert_eq!(read_dev(""), Ok(DevRequest::default()));
        let all = DevRequest {
            nodes: Some(7),
            replicas: Some(2),
            port: Some(8000),
            memory_bytes: Some(100 << 20),
            directory: Some("here".into()),
            has_namespaces: true,
        };
        let line = "--nodes 7 --replicas=2 --port 8000 --mem 100mb --dir here --netns";
        assert_eq!(read_dev(line), Ok(all));
        for (line, told) in [
            ("--nodes many", "--nodes: 'many' is no number that will do"),
            ("--port 65536", "--port: '65536' is no number that will do"),
            ("--mem 1.5gb", "--mem: '1.5gb' is no size, such as 100mb"),
            ("--netns=yes", "--netns: takes no value"),
            ("--nodes 3 --nodes 4", "--nodes: is given twice; keep one of them"),
            ("6", "dev: what is '6'? say 'skep dev"),
        ] {
            let error = read_dev(line).unwrap_err();
            assert!(error.starts_with(told), "{line}: {error}");
        }
    }
}
